import { lazy } from 'react'
import { definePage } from '../definePage'

export const page = definePage({
  path: '/train/compare',
  title: 'Compare runs',
  navigation: null,
  component: lazy(() => import('./CompareRunsPage')),
})
