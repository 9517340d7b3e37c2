import { lazy } from 'react'
import { definePage } from '../definePage'

export const page = definePage({
  path: '/train',
  title: 'Train',
  navigation: { label: 'Train', icon: 'train' },
  shortcut: 'alt+shift+R',
  component: lazy(() => import('./TrainPage')),
})
