/** The tiny decoder of the goldens as something to train: contexts that start from an adapter that is not zero. */
import { z } from 'zod'
import type { EngineDevice } from '../../engine/device/engineDevice'
import { parseModelConfig } from '../../models/architectures/config'
import { PROJECTIONS } from '../../models/architectures/decoder'
import { readerOf } from '../../models/weights/safetensors'
import type { TrainingContext } from '../../training/algorithm'
import { PolicyModel, VALUE_BIAS, VALUE_WEIGHT } from '../../training/policyModel'
import type { PpoSequence } from '../../training/ppoSequence'
import type { Goldens } from './goldens'

/** Of every run: the orders of data in the goldens are drawn with this seed. */
const SEED = 5
const MODEL = 'tiny_qwen2'
export const LORA = { lora_r: 4, lora_alpha: 8 } as const
/** The goldens start from this share of the golden adapter. */
const SHARE = 1 / 3

export const trajectorySchema = z.array(
  z.object({ ids: z.array(z.int()), stepOf: z.array(z.int()), rewards: z.array(z.number().nullable()) }),
)

export const valueHeadSchema = z.object({ weight: z.array(z.number()), bias: z.array(z.number()) })
export type ValueHead = z.output<typeof valueHeadSchema>

export function ppoSequences(trajectories: z.output<typeof trajectorySchema>): PpoSequence[] {
  return trajectories.map((one, index) => ({
    ...one,
    ...{ trajectoryId: `golden/${index}`, stepIndex: one.rewards.map((_, step) => step) },
    ...{ truncatedTokens: 0, truncatedSteps: [], notTrainedSteps: [] },
  }))
}

export interface TinyRun {
  readonly context: TrainingContext
  /** Metrics of each step, in order. */
  readonly reports: Readonly<Record<string, number>>[]
}

export interface TinyTraining {
  /** @param state the algorithm's own, at the start of a run. */
  start(state: Readonly<Record<string, unknown>>, head?: ValueHead): Promise<TinyRun>
  /** How far each trained tensor of a policy is from where its run started; ends the policy. */
  movedBy(policy: PolicyModel): Promise<Map<string, Float32Array>>
  /** The same of weights after training. */
  moved(name: string, after: Float32Array): Float32Array
}

export async function tinyTraining(engine: EngineDevice, goldens: Goldens): Promise<TinyTraining> {
  const model = parseModelConfig(goldens.json(`${MODEL}/config.json`))
  const weights = await goldens.tensors(`${MODEL}/model.safetensors`)
  const adapter = await goldens.tensors(`${MODEL}_lora.safetensors`)
  const first = new Map<string, Float32Array>()

  /** A checkpoint of no steps. */
  async function arraysOf(head?: ValueHead): Promise<Record<string, Float32Array>> {
    const lora = { rank: LORA.lora_r, alpha: LORA.lora_alpha, targets: PROJECTIONS }
    const policy = await PolicyModel.create(engine, model, readerOf(weights), { kind: 'lora', lora, valueHead: head !== undefined })
    for (const { name, shape } of policy.packed.ranges.values()) {
      const own = name === VALUE_WEIGHT ? head?.weight : name === VALUE_BIAS ? head?.bias : null
      const start = own
        ? Float32Array.from(own)
        : (await adapter.float32(`base_model.model.${name}`, shape)).map((value) => Math.fround(value * SHARE))
      policy.packed.writeWeights(name, start)
      first.set(name, start)
    }
    const arrays = await policy.checkpointArrays()
    await policy.destroy()
    return { ...arrays }
  }
  const moved = (name: string, after: Float32Array): Float32Array => {
    const before = first.get(name)
    if (!before) throw new Error(`${name} is not trained`)
    return after.map((value, index) => value - (before[index] ?? Number.NaN))
  }
  return {
    async start(state, head) {
      const arrays = await arraysOf(head)
      const reports: Record<string, number>[] = []
      const context: TrainingContext = {
        ...{ engine, model, reader: readerOf(weights), seed: SEED, steps: 3, gate: () => undefined, now: () => 0 },
        report: (_, metrics) => void reports.push({ ...metrics }),
        checkpoints: { load: () => Promise.resolve({ step: 0, state, arrays }), save: () => Promise.resolve() },
        checkpointEvery: Number.MAX_SAFE_INTEGER,
      }
      return { context, reports }
    },
    async movedBy(policy) {
      const found = policy.packed.unpack(await policy.packed.readWeights())
      await policy.destroy()
      return new Map([...found].map(([name, values]) => [name, moved(name, values)]))
    },
    moved,
  }
}
