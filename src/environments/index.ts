/** The catalogue of environments. */
import { arithmeticEnvironment } from './arithmetic/environment'
import { bfclEnvironment } from './bfcl/environment'
import { multiTurnEnvironment } from './bfclMultiTurn/environment'
import type { EnvironmentDefinition } from './environment'
import { mcpEnvironment } from './mcp/definition'
import { stableToolBenchEnvironment } from './stabletoolbench/environment'
import { starterEnvironment } from './starter/environment'
import { tmdbEnvironment } from './tmdb/environment'
import { toolHopEnvironment } from './toolhop/environment'

export const environments = {
  starter: starterEnvironment,
  arithmetic: arithmeticEnvironment,
  mcp: mcpEnvironment,
  bfcl: bfclEnvironment,
  'bfcl-multi-turn': multiTurnEnvironment,
  toolhop: toolHopEnvironment,
  tmdb: tmdbEnvironment,
  stabletoolbench: stableToolBenchEnvironment,
} as const satisfies Record<string, EnvironmentDefinition>
