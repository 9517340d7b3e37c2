/**
 * Decides when a training loop is stored: after a number of steps or minutes, whichever comes first, before a pause, and always at the end. It also
 * stores the weights that were best by a metric. It does not change what is computed, because weights are only copied.
 */
import type { TrainingContext } from '../trainingContext'
import type { TrainingCheckpoint } from './checkpoint'
import type { PolicyModel } from '../policy/policyModel'

export interface StepEnd {
  /** Steps are counted from 0. */
  readonly step: number
  /** Whether this step must be stored: it is the last of the run, or there is another reason. */
  readonly isLast: boolean
  /** Resolves when this step is reported; for loops whose reports come late. */
  readonly settle?: () => Promise<void>
  /** Cursors and coefficients after this step. */
  readonly state: () => TrainingCheckpoint['state']
  /** The arrays that are stored in addition to weights and moments. */
  readonly arrays?: () => Promise<TrainingCheckpoint['arrays']>
}

export interface Checkpointer {
  /** Before anything of a step changes the weights. */
  beginStep(): void
  /** After the step was reported, or can be settled. */
  endStep(end: StepEnd): Promise<void>
}

const MINUTE_MS = 60_000

export function createCheckpointer(context: TrainingContext, policy: PolicyModel): Checkpointer {
  const { checkpoints, checkpointEvery, checkpointMinutes = null, best: rule = null, now, engine, gate, pauses } = context
  const sink = checkpoints?.best ?? null
  let lastSaved = now()
  let known: Promise<number | null> | null = null
  const count = policy.packed.count
  const candidate = rule && sink ? policy.ownState('best/candidate', [count]) : null
  const isBetter = (value: number, than: number | null): boolean =>
    than === null || (rule?.greaterIsBetter === true ? value > than : value < than)

  async function keepBest(step: number): Promise<void> {
    if (!rule || !sink || !candidate) return
    const value = rule.valueOf(step)
    if (value === undefined || !Number.isFinite(value)) return
    const before = await (known ??= sink.load().then((found) => (found?.metric === rule.metric ? found.value : null)))
    if (!isBetter(value, before)) return
    await sink.save({ step, metric: rule.metric, value, weights: await engine.readF32(candidate, 0, count) })
    known = Promise.resolve(value)
  }

  /** Stores the newest step that is over; null when it is stored. */
  let store: (() => Promise<void>) | null = null
  // A running step changes the weights, so it is finished first.
  pauses?.beforePause(async () => {
    if (policy.isUpdating) return false
    await store?.()
    return true
  })

  return {
    beginStep() {
      const from = policy.packed.lookup('packed/weights')
      if (!candidate || !from) return
      const encoder = engine.device.createCommandEncoder()
      encoder.copyBufferToBuffer(from.buffer, from.offset, candidate, 0, count * 4)
      engine.submit(encoder)
    },
    async endStep({ step, isLast, settle, state, arrays }) {
      policy.isUpdating = false
      if (!checkpoints) return
      const done = step + 1
      const reached = state()
      store = async () => {
        await settle?.()
        engine.activity.announce({ kind: 'store', done: 0, total: null })
        await checkpoints.save({ step: done, state: reached, arrays: { ...(await policy.checkpointArrays()), ...(await arrays?.()) } })
        lastSaved = now()
        store = null
      }
      const isDue =
        isLast || done % checkpointEvery === 0 || (checkpointMinutes !== null && now() - lastSaved >= checkpointMinutes * MINUTE_MS)
      const isPausing = pauses?.isAsked() === true
      if (!isDue && !isPausing && candidate === null) return
      await settle?.()
      await keepBest(step)
      if (isDue || isPausing) await store()
      if (isPausing) await gate()
    },
  }
}
