/** The starter world as an entry of the catalogue of environments. */
import { z } from 'zod'
import type { BuiltInEnvironment } from '../environment'
import type { WorldParts } from '../worldParts'
import { USUAL_VERSION, worldVersions, type WorldVersion } from './version'
import { createStarterWorld, DESCRIPTION, NAME, TITLE, type StarterWorld } from './world'

/** There is one world per seed. It has no state, so all episodes share it. */
const worlds = new Map<string, StarterWorld>()

/** @param seed when absent, the world that the starter model and the recorded results know. */
function starterWorld(seed = 7, version: WorldVersion = USUAL_VERSION): StarterWorld {
  const key = `${seed}/${version}`
  const known = worlds.get(key) ?? createStarterWorld(seed, version)
  worlds.set(key, known)
  return known
}

/** What a user may choose. */
export const starterSettings = z.object({
  version: z.literal(worldVersions).default(USUAL_VERSION).meta({
    help: '2: the world that the starter model and the recorded results know; 3: also wrong documentation, dead ends, and over 2,000 queries',
  }),
})

/** The world that was asked for. */
export function worldFor({ seed, settings }: WorldParts): StarterWorld {
  return starterWorld(seed, starterSettings.parse(settings ?? {}).version)
}

export const starterEnvironment: BuiltInEnvironment = {
  ...{ name: NAME, title: TITLE, description: DESCRIPTION },
  settings: starterSettings,
  create: worldFor,
}
