/** What a page says about itself. The route, the rail, the palette and the keys follow from it. */
import type { ComponentType } from 'react'
import type { IconName } from '../widgets/Icon'

export interface PageDescription {
  /** Address of the page, as wouter writes patterns: `/story/:runId`. */
  readonly path: string
  /** The tab's title. */
  readonly title: string
  /** Its place in the rail and in the palette; null for a page that others lead to. */
  readonly navigation: { readonly label: string; readonly icon: IconName } | null
  /** The page in the rail that it belongs to; where it is not given, the one whose path its own begins with. */
  readonly under?: string
  /** A combination that opens it from anywhere, such as `alt+shift+D`. */
  readonly shortcut?: string
  /** false: it can be shown before the engine has started. */
  readonly needsStudio?: boolean
  /** `lazy(() => import('./XPage'))`: it is loaded when first opened. */
  readonly component: ComponentType
}

export const definePage = (page: PageDescription): PageDescription => page
