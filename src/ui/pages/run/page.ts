import { lazy } from 'react'
import { definePage } from '../definePage'

export const page = definePage({
  path: '/train/run/:runId',
  title: 'Run',
  navigation: null,
  component: lazy(() => import('./RunPage')),
})
