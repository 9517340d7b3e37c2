/** Updates that were skipped because a gradient was not finite while the loss was: at which steps, and when there were too many in a row. */
import type { Store } from '../../storage/store'

type Metrics = Readonly<Record<string, number>>

/** A training of which so many updates in a row are skipped learns nothing: it ends. */
const MOST_IN_A_ROW = 10
/** Steps that the sentence names. */
const NAMED = 8
/** What is optimized by itself has a counter and a norm of its own: the policy, the critics. */
const COUNTER = /^(|.*\/)skipped_updates$/

interface SkippedParts {
  /** Of the whole run. */
  readonly steps: number
  /** Steps that were taken before this process. */
  readonly resumedAfter: number
  /** The counters after those. */
  readonly before: Metrics
  /** Takes the sentence for the run's record, in place of the one that began the same way. */
  readonly note: (sentence: string, inPlaceOf: string) => void
}

export interface SkippedUpdates {
  /** Takes a step's metrics. Returns an error once the training should end. */
  take(step: number, metrics: Metrics): Error | null
}

export function watchSkippedUpdates({ steps, resumedAfter, before, note }: SkippedParts): SkippedUpdates {
  const counters = new Map(Object.entries(before))
  const inARow = new Map<string, { readonly from: number; readonly count: number }>()
  const atSteps: { readonly step: number; readonly count: number }[] = []
  const beginning = resumedAfter === 0 ? 'Updates were skipped' : `After it was resumed after step ${resumedAfter}, updates were skipped`

  function follow(key: string, of: string, step: number, metrics: Metrics): number {
    const total = metrics[key] ?? 0
    const added = Math.max(0, total - (counters.get(key) ?? 0))
    counters.set(key, total)
    const norm = metrics[`${of}grad_norm`] ?? 0
    if (norm > 0) inARow.delete(of)
    else if (added > 0) {
      const row = inARow.get(of)
      inARow.set(of, { from: row?.from ?? step, count: (row?.count ?? 0) + added })
    }
    return added
  }

  return {
    take(step, metrics) {
      let added = 0
      for (const key of Object.keys(metrics)) {
        const of = COUNTER.exec(key)?.[1]
        if (of !== undefined) added += follow(key, of, step, metrics)
      }
      if (added === 0) return null
      atSteps.push({ step, count: added })
      note(`${beginning} because a gradient was not finite: ${stepsText(atSteps)}.`, beginning)
      const row = [...inARow.values()].find(({ count }) => count >= MOST_IN_A_ROW)
      return row
        ? new Error(
            `Since step ${row.from + 1} of ${steps}, ${row.count} updates in a row were skipped because a gradient was not finite, although the loss is: nothing is learnt any more. Lower the learning rate; if it happens again, hold the weights as f32 (dtype) and look at the data of that step.`,
          )
        : null
    },
  }
}

function stepsText(at: readonly { readonly step: number; readonly count: number }[]): string {
  const named = at.slice(0, NAMED).map(({ step, count }) => `${count} at step ${step + 1}`)
  const others = at.slice(NAMED)
  const more = others.reduce((sum, { count }) => sum + count, 0)
  return more === 0
    ? named.join(', ')
    : `${named.join(', ')}, and ${more} at ${others.length} later ${others.length === 1 ? 'step' : 'steps'}`
}

/** The counters as the metrics of a resumed run have them after the steps it goes on from. */
export async function skippedBefore(store: Pick<Store, 'metrics'>, runId: string, resumedAfter: number): Promise<Metrics> {
  if (resumedAfter === 0) return {}
  const { step, columns } = await store.metrics.of(runId)
  const row = step.indexOf(resumedAfter - 1)
  const found = Object.entries(columns).filter(([name]) => COUNTER.test(name))
  return Object.fromEntries(found.map(([name, values]) => [name, values[row] ?? 0]))
}
