/** The rail's places, and which of them an address belongs to. */
import type { PageDescription } from '../pages/definePage'

export interface Place {
  readonly page: PageDescription
  readonly navigation: NonNullable<PageDescription['navigation']>
}

export const placesOf = (pages: readonly PageDescription[]): readonly Place[] =>
  pages.flatMap((page) => (page.navigation === null ? [] : [{ page, navigation: page.navigation }]))

/** `/train/run/:runId` as an expression that matches `/train/run/42`. */
function patternOf(path: string): RegExp {
  const parts = path.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')))
  return new RegExp(`^${parts.join('/')}$`)
}

/** The page at an address; undefined where there is none. */
const pageAt = (pages: readonly PageDescription[], address: string): PageDescription | undefined =>
  pages.find(({ path }) => patternOf(path).test(address))

/** The place in the rail that an address belongs to: the page itself, the one it is `under`, else the longest path it begins with. */
export function placeAt(pages: readonly PageDescription[], address: string): Place | undefined {
  const places = placesOf(pages)
  const page = pageAt(pages, address)
  const wanted = page?.navigation ? page.path : page?.under
  return (
    places.find((place) => place.page.path === wanted) ??
    places
      .filter((place) => place.page.path !== '/' && `${address}/`.startsWith(`${place.page.path}/`))
      .sort((a, b) => b.page.path.length - a.page.path.length)[0]
  )
}
