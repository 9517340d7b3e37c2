/** Which settings the advantages of a trajectory are previewed with: those of the run that rolled it out, or the defaults. */
import type { TextEncoding } from '../../base/textCodec'
import type { Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import { advantageSettings, type AdvantageSettings } from '../../training/advantage'
import { algorithms, DEFAULT_ALGORITHM } from '../../training/algorithms'
import type { ConfiguredAlgorithm } from '../../training/algorithm'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'
import type { TokenizedTrajectory } from '../../training/batches/tokenizedTrajectory'
import { configuredOfRun } from '../runs/configure'

export interface PreviewBasis {
  readonly settings: AdvantageSettings
  /** Title of the algorithm whose arithmetic and settings are used. */
  readonly algorithm: string
  /** Title of the algorithm of the run that rolled the trajectory out; null: no run did, or it trained nothing. */
  readonly runAlgorithm: string | null
  /** Whether the settings are that run's. An algorithm without a value head has none of these settings: the defaults are used. */
  readonly isOfRun: boolean
  /** Id of the run's model; null: the embedded one. */
  readonly model: string | null
  /** The mean step reward of the run's practice where rewards are centred, else 0. */
  readonly baseline: number
  /** Cuts and encodes a trajectory as the algorithm does. */
  readonly tokens: Tokens
  /** The same as the run that rolled the trajectory out did it; null where there is none. */
  readonly tokensOfRun: Tokens | null
}

interface Tokens {
  readonly make: (labelled: LabelledTrajectory, codec: TextEncoding) => TokenizedTrajectory
  /** The settings that bound the length: `max_context_len 512 and max_response_len 64`. */
  readonly limits: string
}

interface BasisParts {
  readonly store: Store
  readonly rewards: (trajectory: Trajectory) => Promise<readonly (number | null)[]>
  readonly nowMs: () => number
}

/** A label moves the mean by little: it is computed again after this time at the earliest. */
const MEAN_LASTS_MS = 10_000

export function createPreviewBasis({ store, rewards, nowMs }: BasisParts): (trajectory: Trajectory) => Promise<PreviewBasis> {
  const means = new Map<string, { readonly at: number; readonly mean: Promise<number> }>()
  const meanOf = (runId: string): Promise<number> => {
    const known = means.get(runId)
    if (known && nowMs() - known.at < MEAN_LASTS_MS) return known.mean
    const mean = meanPracticeReward(store, runId, rewards)
    means.set(runId, { at: nowMs(), mean })
    return mean
  }
  return async ({ source }) => {
    const runId = source.startsWith('run:') ? source.slice('run:'.length) : null
    const run = runId === null ? null : await store.runs.get(runId)
    const ofRun = run && configuredOfRun(run)
    const own = ofRun ? advantageSettings.safeParse(ofRun.settings) : null
    const configured = ofRun && own?.success ? ofRun : algorithms[DEFAULT_ALGORITHM].configure({})
    const settings = own?.success ? own.data : advantageSettings.parse(configured.settings)
    return {
      settings,
      algorithm: configured.algorithm.title,
      runAlgorithm: ofRun?.algorithm.title ?? null,
      isOfRun: own?.success ?? false,
      model: run?.model.id ?? null,
      baseline: run && own?.success && settings.center_step_rewards ? await meanOf(run.run_id) : 0,
      tokens: tokensOf(configured),
      tokensOfRun: ofRun && tokensOf(ofRun),
    }
  }
}

const tokensOf = (configured: ConfiguredAlgorithm): Tokens => ({
  limits: configured.lengthLimits,
  make: (labelled, codec) => {
    const [sequence] = configured.tokenize([labelled], codec)
    if (!sequence) throw new Error(`${labelled.trajectory.trajectory_id}: no tokens were made of this trajectory.`)
    return sequence
  },
})

async function meanPracticeReward(store: Store, runId: string, rewardsOf: BasisParts['rewards']): Promise<number> {
  const { records } = await store.trajectories.listOf({ run_id: runId })
  let [sum, count] = [0, 0]
  for (const trajectory of records.filter(({ task }) => task.split === 'practice'))
    for (const reward of await rewardsOf(trajectory)) if (reward !== null) [sum, count] = [sum + reward, count + 1]
  return count === 0 ? 0 : sum / count
}
