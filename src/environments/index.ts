/** The catalogue of environments. */
import type { EnvironmentDefinition } from './environment'
import { starterEnvironment } from './starter/environment'

export const environments = { starter: starterEnvironment } as const satisfies Record<string, EnvironmentDefinition>
