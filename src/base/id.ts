/** Ids of records: a prefix that says what it names, the time (so that ids sort by age) and random digits. */

/** Makes a fresh id: `newId('op')` → `op-0mf3k2q8x1-7r4v9c2m`. */
export type NewId = (prefix: string) => string

export interface IdParts {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** A fresh random number in [0, 1), as Math.random gives. */
  readonly random: () => number
}

/** Ids made by one source never repeat and sort in the order they were made, even within a millisecond. */
export function createNewId({ now, random }: IdParts): NewId {
  let lastMs = -1
  let count = 0
  return (prefix) => {
    // A clock set back must not reorder rows: newest-wins depends on it.
    const ms = Math.max(Math.floor(now()), lastMs)
    count = ms === lastMs ? count + 1 : 0
    lastMs = ms
    const salt = Math.floor(random() * 36 ** 6)
      .toString(36)
      .padStart(6, '0')
    return `${prefix}-${ms.toString(36).padStart(9, '0')}${count.toString(36).padStart(3, '0')}${salt}`
  }
}

/**
 * Id of an imported record inside its data set. The last part of its old id is kept, so that an exported file can be imported
 * beside its original without either replacing the other.
 */
export function idInside(owner: string, id: string): string {
  return `${owner}/${id.slice(id.lastIndexOf('/') + 1)}`
}
