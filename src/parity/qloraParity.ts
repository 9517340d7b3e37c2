/**
 * One QLoRA step of two layers of real models at full width and full vocabulary, frozen weights in int4: losses, gradients of every adapter
 * matrix and their change under AdamW, against transformers and peft on what the codes stand for. Goldens: test/golden/qlora_slices.py.
 */
import { z } from 'zod'
import type { EngineDevice } from '../engine/device/engineDevice'
import { PROJECTIONS } from '../models/architectures/decoder'
import type { TensorSource } from '../models/weights/safetensors'
import { publishedConfig, type PublishedName } from '../models/publishedShapes'
import { nll } from '../training/policy/nllObjective'
import { packSequences, uploadBatch } from '../training/batches/packing'
import { PolicyModel } from '../training/policy/policyModel'
import { formulaLora, formulaWeights, mix, streamOf } from './formulaWeights'
import type { Goldens } from '../training/parity'
import { measureOf, worst, type Measure, type Quantity } from '../base/quantity'

export const slices = ['toolllama-2-7b', 'llama-3.1-8b', 'qwen2.5-7b'] as const satisfies readonly PublishedName[]

const SOURCE = 'transformers 5.23, peft 0.21'

const golden = z.object({
  ids: z.array(z.array(z.int())),
  ...{ layers: z.int(), rank: z.int(), alpha: z.number(), scale: z.number(), lr: z.number(), eps: z.number() },
  /** Before the step and after it; the step is taken on `scale` times the first, so that no gradient's rounding is amplified by AdamW. */
  losses: z.tuple([z.number(), z.number()]),
  grad_norm: z.number(),
  /** Of each whole tensor: its gradient's and its change's. */
  norms: z.record(z.string(), z.tuple([z.number(), z.number()])),
})

type Golden = z.output<typeof golden>
type Tensors = ReadonlyMap<string, Float32Array>

/** What one step of ours gave: the loss before it (times `scale`) and after it, and of every adapter matrix the gradient and the values. */
interface StepTaken {
  readonly scaledLoss: number
  readonly lossAfter: number
  readonly gradNorm: number
  readonly gradients: Tensors
  readonly start: Tensors
  readonly end: Tensors
}

export async function qloraQuantities(
  name: (typeof slices)[number],
  engine: EngineDevice,
  goldens: Goldens,
  adapter: string,
): Promise<Quantity[]> {
  const numbers = golden.parse(goldens.json(`qlora_slices_${name}.json`))
  const entries = await goldens.tensors(`qlora_slices_${name}.safetensors`)
  const config = { ...publishedConfig(name), num_hidden_layers: numbers.layers, weight_format: 'int4' as const }
  const policy = await PolicyModel.create(engine, config, formulaWeights, {
    kind: 'lora',
    lora: { rank: numbers.rank, alpha: numbers.alpha, targets: PROJECTIONS },
    ...{ valueHead: false, gradientCheckpointing: true },
  })
  try {
    const taken = await takeStep(policy, numbers, config.vocab_size)
    return await compareStep(taken, numbers, entries, `${name}, ${numbers.layers} layers in int4`, measureOf(SOURCE, adapter))
  } finally {
    await policy.destroy()
  }
}

/** One AdamW step on the golden's sequences from adapter matrices that a formula gives. */
async function takeStep(policy: PolicyModel, { ids, scale, lr, eps }: Golden, vocabulary: number): Promise<StepTaken> {
  for (const { name: leaf, shape } of policy.packed.ranges.values()) policy.packed.writeWeights(leaf, formulaLora(leaf, shape))
  policy.packed.setHyper({
    learningRate: lr,
    ...{ beta1: 0.9, beta2: 0.999, eps, weightDecay: 0, maxGradNorm: 0, gradScale: 1 },
  })
  const batch = packSequences(
    ids.map((sequence) => ({ ids: sequence, targets: sequence.slice(1).map((_, t) => t + 1) })),
    vocabulary,
  )
  const step = await policy.gradient('nll', batch.tokenBucket, batch.targetBucket, nll)
  const score = await policy.score(batch.tokenBucket, batch.targetBucket)
  const update = await policy.update()
  uploadBatch(step, batch)
  uploadBatch(score, batch)
  step.write('weight', new Float32Array(batch.targetCount).fill(scale / batch.targetCount))

  policy.beginStep()
  await step.run()
  const [scaledLoss = Number.NaN] = await policy.engine.readF32(policy.metricsBuffer, 0, 1)
  const gradients = policy.packed.unpack(await policy.packed.readGradients())
  const start = policy.packed.unpack(await policy.packed.readWeights())
  await update.run()
  const [, gradNorm = Number.NaN] = await policy.packed.readOptimizerState()
  const end = policy.packed.unpack(await policy.packed.readWeights())
  await score.run()
  const logprobs = await score.readOutput('logp', batch.targetCount)
  const lossAfter = -logprobs.reduce((sum, value) => sum + value, 0) / batch.targetCount
  return { scaledLoss, lossAfter, gradNorm, gradients, start, end }
}

/** Compares the step with the golden's: losses, gradient norm, and by projection the gradients and the changes of the adapter. */
async function compareStep(
  { scaledLoss, lossAfter, gradNorm, gradients, start, end }: StepTaken,
  numbers: Golden,
  entries: TensorSource,
  title: string,
  measure: Measure,
): Promise<Quantity[]> {
  const gradientOf = (leaf: string): Float32Array => gradients.get(leaf) ?? new Float32Array()
  const changeOf = (leaf: string): Float32Array => {
    const before = start.get(leaf) ?? new Float32Array()
    return (end.get(leaf) ?? new Float32Array()).map((value, i) => value - (before[i] ?? Number.NaN))
  }
  /** Of one projection: the tensor that is farthest off, by the entries that the goldens have; and the norms of all its tensors, whole. */
  const compared = async (kind: 'grad' | 'change', projection: string, tolerance: number): Promise<Quantity[]> => {
    const of = kind === 'grad' ? gradientOf : changeOf
    const label = kind === 'grad' ? 'LoRA gradients' : 'change of the adapter in one step'
    const tensors: Quantity[] = []
    const norms: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] }
    for (const [leaf, whole] of Object.entries(numbers.norms)) {
      if (!leaf.includes(`.${projection}.`)) continue
      const values = of(leaf)
      const expected = await entries.float32(`${kind}.${leaf}`)
      const found = pickedOf(leaf, values.length, expected.length).map((index) => values[index] ?? Number.NaN)
      tensors.push(measure(`${title}: ${label}, ${projection}, worst is ${leaf}`, found, expected, { bound: 'relL2', tolerance }))
      norms.ours.push(normOf(values))
      norms.theirs.push(whole[kind === 'grad' ? 0 : 1])
    }
    return [worst(tensors), measure(`${title}: norms of ${label}, ${projection}`, norms.ours, norms.theirs, { bound: 'maxRel', tolerance })]
  }
  const quantities = [
    measure(`${title}: loss`, [scaledLoss / numbers.scale], [numbers.losses[0]], { bound: 'relL2', tolerance: 1e-5 }),
    measure(`${title}: loss after one AdamW step`, [lossAfter], [numbers.losses[1]], { bound: 'relL2', tolerance: 1e-5 }),
    measure(`${title}: gradient norm`, [gradNorm], [numbers.grad_norm], { bound: 'relL2', tolerance: 1e-4 }),
  ]
  for (const projection of PROJECTIONS)
    quantities.push(...(await compared('grad', projection, 1e-4)), ...(await compared('change', projection, 1e-3)))
  return quantities
}

const normOf = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
/** Indices of the entries of a tensor that the goldens have. */
const pickedOf = (leaf: string, size: number, count: number): number[] => {
  const own = streamOf(leaf)
  return Array.from({ length: count }, (_, i) => mix(i ^ own) % size)
}
