/** Which strategy an attempt uses, with its settings and how many turns of the model it may take. */
import { strategies, type StrategyName } from '.'
import type { Strategy } from './strategy'

export interface StrategyChoice {
  readonly strategy: StrategyName
  /** Settings that were checked, all of them; when absent, its usual ones. */
  readonly strategySettings?: Readonly<Record<string, unknown>>
  /** Completions of the model in an attempt; null or absent: as many as the tool calls allow. */
  readonly modelCalls?: number | null
}

/** What a request says of a strategy. */
interface AskedStrategy {
  readonly strategy: string
  readonly strategySettings?: Readonly<Record<string, unknown>>
  readonly maxModelCalls?: number
}

/** The strategy that is asked for, or one sentence that says what is wrong with the request. */
export function chooseStrategy({
  strategy: name,
  strategySettings = {},
  maxModelCalls,
}: AskedStrategy):
  | { readonly ok: true; readonly value: StrategyChoice }
  | { readonly ok: false; readonly field: 'strategy' | 'settings'; readonly message: string } {
  const found = Object.entries<Strategy>(strategies).find(([known]) => known === name)
  if (!found)
    return { ok: false, field: 'strategy', message: `There is no strategy ${name}; there is ${Object.keys(strategies).join(', ')}.` }
  const [, { settings, modelCalls }] = found
  const read = settings.strict().safeParse(strategySettings)
  if (read.success)
    return { ok: true, value: { strategy: name as StrategyName, strategySettings: read.data, modelCalls: maxModelCalls ?? modelCalls } }
  const [issue] = read.error.issues
  const where = issue?.path.join('.') ?? ''
  const place = where === '' ? '' : ` ${where}:`
  return {
    ...{ ok: false, field: 'settings' },
    message: `The settings of the strategy ${name} are wrong:${place} ${issue?.message ?? 'expected an object'}. It has ${Object.keys(settings.shape).join(', ')}.`,
  }
}
