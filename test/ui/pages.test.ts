/** The catalogue of pages: what the rail, the routes and the keys rest on. */
import { expect, test } from 'vitest'
import { placeAt, placesOf } from '../../src/ui/navigation/places'
import { definePage, type PageDescription } from '../../src/ui/pages/definePage'

const component = (): null => null
const pages: readonly PageDescription[] = [
  definePage({ path: '/', title: 'Home', navigation: { label: 'Home', icon: 'home' }, component }),
  definePage({ path: '/story/:id', title: 'Story', navigation: null, under: '/', component }),
  definePage({ path: '/train', title: 'Train', navigation: { label: 'Train', icon: 'train' }, component }),
  definePage({ path: '/train/run/:id', title: 'Run', navigation: null, component }),
]
const labelAt = (address: string): string | undefined => placeAt(pages, address)?.navigation.label

test('the rail holds the pages that have a place in it, in order', () => {
  expect(placesOf(pages).map(({ navigation }) => navigation.label)).toEqual(['Home', 'Train'])
})

test('an address belongs to its page, to the page it is under, or to the one its path begins with', () => {
  expect(['/', '/story/7', '/train', '/train/run/7', '/trainer', '/nowhere'].map(labelAt)).toEqual([
    'Home',
    'Home',
    'Train',
    'Train',
    undefined,
    undefined,
  ])
})
