import { lazy } from 'react'
import { definePage } from '../definePage'

export const page = definePage({
  path: '/train/new',
  title: 'New run',
  navigation: null,
  component: lazy(() => import('./NewRunPage')),
})
