/** What a list to choose from shows of records: names as text, no longer than a line, and no value twice, which Mantine's lists refuse. */
import { nameText } from '../format'

export interface Choice {
  readonly value: string
  readonly label: string
}

/** More entries than these are found by typing, not by scrolling. */
export const CHOICES_SHOWN = 200

/** The first of each value, in their order. @param taken values of another group of the same list. */
export function choices(list: readonly Choice[], taken = new Set<string>()): Choice[] {
  return list.flatMap(({ value, label }) => {
    if (taken.has(value)) return []
    taken.add(value)
    return [{ value, label: nameText(label).replaceAll(/\s+/g, ' ').trim() || '(no name)' }]
  })
}
