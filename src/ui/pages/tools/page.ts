import { lazy } from 'react'
import { definePage } from '../definePage'

export const page = definePage({
  path: '/tools',
  title: 'Tools',
  navigation: { label: 'Tools', icon: 'tools' },
  shortcut: 'alt+shift+O',
  component: lazy(() => import('./ToolsPage')),
})
