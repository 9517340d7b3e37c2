/** The catalogue of strategies. */
import { chainOfThought } from './chainOfThought'
import type { Strategy } from './strategy'

export const strategies = {
  cot: chainOfThought,
} as const satisfies Record<string, Strategy>

export type StrategyName = keyof typeof strategies
