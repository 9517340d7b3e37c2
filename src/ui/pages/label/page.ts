import { lazy } from 'react'
import { definePage } from '../definePage'

export const page = definePage({
  path: '/label',
  title: 'Label',
  navigation: { label: 'Label', icon: 'label' },
  shortcut: 'alt+shift+L',
  component: lazy(() => import('./LabelPage')),
})
