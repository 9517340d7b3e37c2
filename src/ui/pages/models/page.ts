import { lazy } from 'react'
import { definePage } from '../definePage'

export const page = definePage({
  path: '/models',
  title: 'Models',
  navigation: { label: 'Models', icon: 'models' },
  shortcut: 'alt+shift+M',
  component: lazy(() => import('./ModelsPage')),
})
