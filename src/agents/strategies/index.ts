/** The catalogue of strategies: ways to spend a call budget on an episode. */
import type { Trajectory } from '../../records/trajectory'
import { runChainOfThought, type EpisodeRunOptions } from './chainOfThought'

export interface Strategy {
  readonly title: string
  run(options: EpisodeRunOptions): Promise<Trajectory>
}

export const strategies = {
  cot: { title: 'One chain of calls', run: runChainOfThought },
} as const satisfies Record<string, Strategy>

export type StrategyName = keyof typeof strategies
