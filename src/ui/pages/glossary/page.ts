import { lazy } from 'react'
import { definePage } from '../definePage'

export const page = definePage({
  path: '/glossary',
  title: 'Glossary',
  navigation: { label: 'Glossary', icon: 'help' },
  shortcut: 'alt+shift+G',
  component: lazy(() => import('./GlossaryPage')),
})
