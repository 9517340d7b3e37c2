import type { PageKey } from '../../navigation/pageKeys'
import type { Reading } from './useReading'

/** The keys that move through trajectories and compare them. */
export function readingKeys({ stepBy, trajectoryBy, selectedId, toggleCompare, compareSiblings }: Reading): PageKey[] {
  const key = (keys: string, does: string, run: () => void): PageKey => ({ keys, does, run })
  return [
    key('j', 'next step', () => stepBy(1)),
    key('k', 'previous step', () => stepBy(-1)),
    key('shift+J', 'next trajectory', () => trajectoryBy(1)),
    key('shift+K', 'previous trajectory', () => trajectoryBy(-1)),
    key('c', 'add to or remove from the comparison', () => {
      if (selectedId !== null) toggleCompare(selectedId)
    }),
    key('d', 'compare with the other attempts at this question', compareSiblings),
  ]
}
