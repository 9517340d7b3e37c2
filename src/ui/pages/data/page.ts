import { lazy } from 'react'
import { definePage } from '../definePage'

export const page = definePage({
  path: '/data',
  title: 'Data',
  navigation: { label: 'Data', icon: 'data' },
  shortcut: 'alt+shift+D',
  component: lazy(() => import('./DataPage')),
})
