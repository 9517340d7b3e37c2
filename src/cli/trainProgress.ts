/** How a training job goes, as lines for a person: every few seconds the loss and a few metrics, and each alarm as it is raised. */
import { watchMetrics } from '../records/alarms'
import type { MetricTable } from '../records/run'
import { activityText } from '../base/activity'
import type { StudioEvent } from '../worker/protocol'
import type { CommandContext } from './command'

type Metrics = Readonly<Record<string, number>>
interface StepRow {
  readonly step: number
  readonly metrics: Metrics
}

/** A value that is missing in a step is left out of it, one that was no number is NaN. */
export function rowsOf({ step, columns }: MetricTable): StepRow[] {
  return step.map((at, index) => ({
    step: at,
    metrics: Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[index] ?? Number.NaN])),
  }))
}

export const lossOf = (metrics: Metrics): number => metrics.loss ?? metrics['ppo/loss/total'] ?? Number.NaN

export interface TrainProgress {
  /** Steps that were taken before: alarms look back at them. */
  readonly earlier: (metrics: MetricTable) => void
  readonly hear: (event: StudioEvent) => void
  /** Tokens trained and generated per second since training or practice began. */
  tokensPerSecond(): number
}

const EVERY_MS = 5000
/** A job that has printed nothing for so long says what it is doing. */
const SILENT_MS = 10_000
const SHOWN = ['grad_norm', 'reward', 'pass_rate', 'objective/kl', 'num_tokens']

/** @param off kinds of alarms that do not apply. */
export function trainProgress(off: readonly string[], { progress }: Pick<CommandContext, 'progress'>): TrainProgress {
  const alarms = watchMetrics(off)
  let last = Number.NEGATIVE_INFINITY
  let recent: number[] = []
  let total = 0
  let start: { readonly at: number; readonly tokens: number } | null = null
  let newest = { at: 0, tokens: 0 }
  let said = ''
  const tell = ({ step, metrics }: StepRow): void => {
    recent.push(lossOf(metrics))
    if (performance.now() - last < EVERY_MS && step + 1 < total) return
    last = performance.now()
    const mean = short(recent.reduce((sum, value) => sum + value, 0) / recent.length)
    const loss = recent.length > 1 ? `${mean} (mean of ${recent.length} steps)` : mean
    recent = []
    const more = SHOWN.flatMap((name) =>
      metrics[name] === undefined || Number.isNaN(metrics[name]) ? [] : [`${name} ${short(metrics[name])}`],
    )
    progress(`step ${step + 1}${total > 0 ? ` of ${total}` : ''}, loss ${loss}${more.length > 0 ? `, ${more.join(', ')}` : ''}`)
  }
  return {
    earlier: (metrics) => {
      for (const { step, metrics: values } of rowsOf(metrics)) alarms.take(step, values)
    },
    hear(event) {
      if (event.type === 'job') {
        const { phase, tokens = 0, total: of, message, activity } = event.job
        newest = { at: performance.now(), tokens }
        if (phase === 'training') total = of
        if ((phase === 'training' || phase === 'rollout') && start === null) start = newest
        if (activity && performance.now() - last >= SILENT_MS) {
          last = performance.now()
          progress(`${message === '' ? phase : message}: ${activityText(activity)}`)
        }
        if (phase === 'starting' && /kernels/.test(message) && message !== said) progress((said = message))
      }
      if (event.type !== 'metrics') return
      for (const row of rowsOf(event.rows)) {
        tell(row)
        for (const { message, advice } of alarms.take(row.step, row.metrics))
          progress(`alarm at step ${row.step + 1}: ${message} ${advice}`)
      }
    },
    tokensPerSecond: () => (start === null || newest.at <= start.at ? 0 : (newest.tokens - start.tokens) / ((newest.at - start.at) / 1000)),
  }
}

const short = (value: number): string => (Number.isInteger(value) ? String(value) : value.toPrecision(4))
