/** The catalogue of environments. */
import { arithmeticEnvironment } from './arithmetic/environment'
import type { EnvironmentDefinition } from './environment'
import { starterEnvironment } from './starter/environment'

export const environments = {
  starter: starterEnvironment,
  arithmetic: arithmeticEnvironment,
} as const satisfies Record<string, EnvironmentDefinition>
