/** The catalogue of tool worlds. */
import { createStarterWorld } from './starter'

export const environments = { starter: createStarterWorld } as const
