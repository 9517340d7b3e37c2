/** Ids for what a command makes. */
import { createNewId } from '../base/id'

export const newId = createNewId({ now: () => Date.now(), random: () => Math.random() })
