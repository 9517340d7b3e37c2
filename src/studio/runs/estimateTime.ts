/** How long a training run will take, judged by the steps that earlier runs took on the same GPU with the same model. */
import { adapterName } from '../../records/kernelTable'
import type { RunRecord } from '../../records/run'
import { quantileOfSorted } from '../../base/stats'
import type { Store } from '../../storage/store'
import type { ConfiguredAlgorithm } from '../../training/algorithm'
import type { Reply, TimeEstimate, TrainRequest } from '../../worker/protocol'
import { accept, attempt } from '../failure'
import type { JobContext } from '../jobs/jobContext'
import { algorithmNamed, configureAlgorithm, configuredOfRun } from './configure'

/** Earlier runs that are looked at, newest first, and the steps a run must have: its first one compiles kernels. */
const RUNS = 5
const LEAST_STEPS = 2
/** Every training run writes it; see `stepReports.ts`. */
export const STEP_SECONDS = 'perf/time_per_step'

export function estimateTime(request: TrainRequest, context: Pick<JobContext, 'store' | 'gpu'>): Promise<Reply<TimeEstimate>> {
  return attempt('estimate', async () => {
    const algorithm = algorithmNamed(request.algorithm)
    if (!algorithm.ok) return algorithm
    // The shape of an adapter that is continued changes little of the time.
    const configured = configureAlgorithm(algorithm.value, request.config, null, request.limits)
    if (!configured.ok) return configured
    const gpu = context.gpu.known()
    if (gpu === null) return accept<TimeEstimate>({ seconds: null, basis: 'No GPU is open yet, so the time is not known.' })
    const isOnline = request.data.length === 0 && request.expert === undefined
    const isLike = (run: RunRecord): boolean =>
      run.kind === 'train' || run.kind === 'story'
        ? run.algorithm === request.algorithm &&
          run.model.id === request.model &&
          run.adapter !== null &&
          adapterName(run.adapter) === adapterName(gpu)
        : false
    const steps = request.steps ?? configured.value.steps
    const known = await measured(context.store, isLike, { isOnline, run: configured.value })
    if (known.length === 0)
      return accept<TimeEstimate>({
        seconds: null,
        basis: `No earlier run trained this model with ${algorithm.value.title} on this GPU: the time is known once the first step is over.`,
      })
    const perStep = median(known)
    const runs = known.length === 1 ? 'an earlier run' : `${known.length} earlier runs`
    return accept({
      seconds: perStep * steps,
      basis: `About ${seconds(perStep)} a step, judged by ${runs} with this method and model on this GPU.`,
    })
  })
}

/** Seconds of a step of each like run, scaled to the size of the run that is asked for. */
async function measured(
  store: Store,
  isLike: (run: RunRecord) => boolean,
  asked: { readonly isOnline: boolean; readonly run: ConfiguredAlgorithm },
): Promise<number[]> {
  const runs = (await store.runs.list()).records.filter(isLike).sort((a, b) => (a.created_at < b.created_at ? 1 : -1))
  const found: number[] = []
  for (const run of runs.slice(0, RUNS)) {
    const own = configuredOfRun(run)
    const column = (await store.metrics.of(run.run_id)).columns[STEP_SECONDS]?.filter((value) => value !== null) ?? []
    if (!own || column.length < LEAST_STEPS) continue
    const isOnline = run.data.length === 0
    found.push((median(column.slice(1)) * workOf(asked.run, asked.isOnline)) / workOf(own, isOnline))
  }
  return found
}

/** The work of a step, in passes over one trajectory: an attempt is generated once, and trained on `passes` times at about thrice the cost. */
const workOf = ({ batch, passes }: Pick<ConfiguredAlgorithm, 'batch' | 'passes'>, isOnline: boolean): number =>
  batch * ((isOnline ? 1 : 0) + 3 * passes)

const median = (values: readonly number[]): number =>
  quantileOfSorted(
    [...values].sort((a, b) => a - b),
    0.5,
  )

const seconds = (value: number): string => `${value >= 10 ? Math.round(value) : Number(value.toPrecision(2))} s`
