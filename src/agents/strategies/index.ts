/** The catalogue of strategies. */
import { chainOfThought } from './chainOfThought'
import { dfsdt } from './dfsdt/dfsdt'
import type { Strategy } from './strategy'
import { trial } from './trial/trial'

export const strategies = {
  cot: chainOfThought,
  dfsdt,
  trial,
} as const satisfies Record<string, Strategy>

export type StrategyName = keyof typeof strategies
