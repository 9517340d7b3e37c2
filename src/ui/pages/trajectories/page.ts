import { lazy } from 'react'
import { definePage } from '../definePage'

export const page = definePage({
  path: '/trajectories',
  title: 'Trajectories',
  navigation: { label: 'Trajectories', icon: 'trajectories' },
  shortcut: 'alt+shift+J',
  component: lazy(() => import('./TrajectoriesPage')),
})
