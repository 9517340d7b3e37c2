/** Draws for one query: they depend on its id and on nothing else, unlike the released code's, which depend on the order of files. */
import { sha256 } from '../../base/sha256'

/** Twelve hexadecimal digits: a whole number that a double holds. */
export const seedOf = (queryId: string): number => Number.parseInt(sha256(queryId).slice(0, 12), 16)
