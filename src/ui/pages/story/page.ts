import { lazy } from 'react'
import { definePage } from '../definePage'

export const page = definePage({
  path: '/story/:runId',
  title: 'Run story',
  navigation: null,
  under: '/',
  component: lazy(() => import('./StoryPage')),
})
