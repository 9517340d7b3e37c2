/** The tiny decoder of the goldens as something to train: contexts that start from an adapter that is not zero. */
import { z } from 'zod'
import type { EngineDevice } from '../engine/device/engineDevice'
import { parseModelConfig, type ModelConfig } from '../models/architectures/config'
import { PROJECTIONS, projectionPath, projectionShape } from '../models/architectures/decoder'
import { folderFromMap } from '../models/weights/byteSource'
import { writeAdapter, type LoraMatrices } from '../models/weights/peft'
import { readerOf } from '../models/weights/safetensors'
import { readInitialAdapter } from '../studio/models/initialAdapter'
import type { TrainingContext } from '../training/trainingContext'
import { PolicyModel, VALUE_BIAS, VALUE_WEIGHT } from '../training/policy/policyModel'
import type { TokenizedTrajectory } from '../training/batches/tokenizedTrajectory'
import type { Goldens, TinyRun, ValueHead } from '../training/parity'

/** The seed of every run: the orders of data in the goldens are drawn with it. */
const SEED = 5
const MODEL = 'tiny_qwen2'
export const LORA = { lora_r: 4, lora_alpha: 8 } as const
/** The goldens start from this share of the golden adapter. */
const SHARE = 1 / 3

export const trajectorySchema = z.array(
  z.object({ ids: z.array(z.int()), stepOf: z.array(z.int()), rewards: z.array(z.number().nullable()) }),
)

export function goldenTrajectories(trajectories: z.output<typeof trajectorySchema>): TokenizedTrajectory[] {
  return trajectories.map((one, index) => ({
    ...one,
    ...{ trajectoryId: `golden/${index}`, stepIndex: one.rewards.map((_, step) => step) },
    ...{ truncatedTokens: 0, truncatedSteps: [], notTrainedSteps: [] },
  }))
}

export interface TinyTraining {
  /** Begins a run from the golden adapter. @param state the algorithm's own state at the start of a run. */
  start(state: Readonly<Record<string, unknown>>, head?: ValueHead): Promise<TinyRun>
  /** Continues the same adapter from PEFT files, so that the adapter itself is the KL reference. */
  startFromFiles(): Promise<TinyRun>
  /** How far each trained tensor of a policy is from where its run started; ends the policy. */
  movedBy(policy: PolicyModel): Promise<Map<string, Float32Array>>
  /** How far the weights `after` training of one tensor are from where its run started. */
  moved(name: string, after: Float32Array): Float32Array
}

/** The golden adapter's tensors [shape] by module path, scaled to where every run starts. */
type StartOf = (name: string, shape: readonly number[]) => Promise<Float32Array>

/** @throws CheckpointError when a golden file lacks a tensor. */
export async function tinyTraining(engine: EngineDevice, goldens: Goldens): Promise<TinyTraining> {
  const model = parseModelConfig(goldens.json(`${MODEL}/config.json`))
  const weights = await goldens.tensors(`${MODEL}/model.safetensors`)
  const adapter = await goldens.tensors(`${MODEL}_lora.safetensors`)
  const startOf: StartOf = async (name, shape) =>
    (await adapter.float32(`base_model.model.${name}`, shape)).map((value) => Math.fround(value * SHARE))
  const first = new Map<string, Float32Array>()
  const moved = (name: string, after: Float32Array): Float32Array => {
    const before = first.get(name)
    if (!before) throw new Error(`${name} is not trained`)
    return after.map((value, index) => value - (before[index] ?? Number.NaN))
  }
  const runOf = (own: Partial<TrainingContext>): TinyRun => {
    const reports: Record<string, number>[] = []
    const context: TrainingContext = {
      ...{ engine, model, reader: readerOf(weights), seed: SEED, steps: 3, gate: () => undefined, now: () => 0 },
      report: (_, metrics) => void reports.push({ ...metrics }),
      ...{ checkpoints: null, checkpointEvery: Number.MAX_SAFE_INTEGER },
      ...own,
    }
    return { context, reports }
  }
  return {
    async start(state, head) {
      const lora = { rank: LORA.lora_r, alpha: LORA.lora_alpha, targets: PROJECTIONS }
      const policy = await PolicyModel.create(engine, model, readerOf(weights), { kind: 'lora', lora, valueHead: head !== undefined })
      for (const [name, values] of await writeStart(policy, startOf, head)) first.set(name, values)
      const arrays = { ...(await policy.checkpointArrays()) }
      await policy.destroy()
      return runOf({ checkpoints: { load: () => Promise.resolve({ step: 0, state, arrays }), save: () => Promise.resolve() } })
    },
    async startFromFiles() {
      const initial = await readInitialAdapter(folderFromMap('the golden adapter', await peftFiles(model, startOf)), { config: model })
      for (const [name, { values }] of initial.tensors) first.set(name, values)
      return runOf({ initial })
    },
    async movedBy(policy) {
      const found = policy.packed.unpack(await policy.packed.readWeights())
      await policy.destroy()
      return new Map([...found].map(([name, values]) => [name, moved(name, values)]))
    },
    moved,
  }
}

/** The start of a run as the files of a PEFT adapter. */
async function peftFiles(model: ModelConfig, startOf: StartOf): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
  const modules = new Map<string, LoraMatrices>()
  for (let layer = 0; layer < model.num_hidden_layers; layer++)
    for (const projection of PROJECTIONS) {
      const path = projectionPath(layer, projection)
      const [outFeatures, inFeatures] = projectionShape(model, projection)
      const a = await startOf(`${path}.lora_A.weight`, [LORA.lora_r, inFeatures])
      const b = await startOf(`${path}.lora_B.weight`, [outFeatures, LORA.lora_r])
      modules.set(path, { a, b, inFeatures, outFeatures })
    }
  const shape = { rank: LORA.lora_r, alpha: LORA.lora_alpha, dropout: 0, useRslora: false }
  return writeAdapter({ ...shape, baseModel: MODEL, revision: null, modules })
}

/** Writes where a run starts into the policy's trained tensors, and returns the values by name; `head` is the golden's value head. */
async function writeStart(policy: PolicyModel, startOf: StartOf, head?: ValueHead): Promise<ReadonlyMap<string, Float32Array>> {
  const written = new Map<string, Float32Array>()
  for (const { name, shape } of policy.packed.ranges.values()) {
    const own = name === VALUE_WEIGHT ? head?.weight : name === VALUE_BIAS ? head?.bias : null
    const values = own ? Float32Array.from(own) : await startOf(name, shape)
    policy.packed.writeWeights(name, values)
    written.set(name, values)
  }
  return written
}
