/** The starter world as an entry of the catalogue of environments. */
import type { BuiltInEnvironment } from '../environment'
import { createStarterWorld, DESCRIPTION, NAME, TITLE, type StarterWorld } from './world'

/** There is one world per seed. It has no state, so all episodes share it. */
const worlds = new Map<number, StarterWorld>()

/** @param seed when absent, the world that the starter model and the recorded results know. */
export function starterWorld(seed = 7): StarterWorld {
  const known = worlds.get(seed) ?? createStarterWorld(seed)
  worlds.set(seed, known)
  return known
}

export const starterEnvironment: BuiltInEnvironment = {
  name: NAME,
  title: TITLE,
  description: DESCRIPTION,
  create: ({ seed }) => starterWorld(seed),
}
