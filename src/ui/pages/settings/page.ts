import { lazy } from 'react'
import { definePage } from '../definePage'

export const page = definePage({
  path: '/settings',
  title: 'Settings',
  navigation: { label: 'Settings', icon: 'settings' },
  shortcut: 'alt+shift+S',
  component: lazy(() => import('./SettingsPage')),
})
