import { lazy } from 'react'
import { definePage } from '../definePage'

export const page = definePage({
  path: '/evaluate',
  title: 'Evaluate',
  navigation: { label: 'Evaluate', icon: 'evaluate' },
  shortcut: 'alt+shift+E',
  component: lazy(() => import('./EvaluatePage')),
})
