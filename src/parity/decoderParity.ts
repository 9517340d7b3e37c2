/**
 * Tiny random decoders of every architecture against transformers and peft: logits, log-probs, losses, every gradient, and ten
 * AdamW steps of the adapter. Goldens: test/golden/tiny_qwen2.py and tiny_decoders.py.
 */
import { z } from 'zod'
import { EngineDevice } from '../engine/device/engineDevice'
import { linear } from '../engine/ops/linear'
import { architectureOf } from '../models/languageModel'
import { parseModelConfig, type ModelConfig } from '../models/architectures/config'
import { batchTensors, headWeight, PROJECTIONS } from '../models/architectures/decoder'
import type { WeightFormat } from '../engine/weightFormat'
import { readerOf, type TensorSource } from '../models/weights/safetensors'
import { packSequences, uploadBatch, type PackedBatch } from '../training/batches/packing'
import { nll } from '../training/policy/nllObjective'
import { PolicyModel, type TrainableSet } from '../training/policy/policyModel'
import type { Goldens } from '../training/parity'
import { measureOf, worst, type Measure, type Quantity } from '../base/quantity'

export const decoders = [
  'tiny_qwen2',
  'tiny_qwen2_untied',
  'tiny_qwen2_yarn',
  'tiny_qwen3',
  'tiny_llama',
  'tiny_llama3',
  'tiny_llama_bias',
] as const
export type Decoder = (typeof decoders)[number]

const SOURCE = 'transformers 5.23, peft 0.21'
const LORA = { rank: 4, alpha: 8, targets: PROJECTIONS } as const

const grids = z.array(z.array(z.array(z.number())))
const part = z.object({ loss: z.number(), logprobs: z.array(z.array(z.number())), logits: grids })
const golden = z.object({
  ids: z.array(z.array(z.int())),
  first_target: z.int(),
  base: part,
  lora: part,
  adamw: z.object({ lr: z.number(), eps: z.number(), losses: z.array(z.number()), grad_norms: z.array(z.number()) }),
})

const peftName = (leaf: string): string => `base_model.model.${leaf}`

interface Subject {
  readonly config: ModelConfig
  readonly weights: TensorSource
  readonly lora: TensorSource
  readonly gradients: TensorSource
  readonly numbers: z.output<typeof golden>
  readonly batch: PackedBatch
}

/** @param stored the storage format of the checkpoint's matrices; expected values are computed from the numbers that the codes decode to. */
async function subjectOf(name: string, goldens: Goldens, stored: WeightFormat = 'f32'): Promise<Subject> {
  const expected = stored === 'f32' ? name : `${name}_${stored}`
  const numbers = golden.parse(goldens.json(`${expected}_golden.json`))
  const config = { ...parseModelConfig(goldens.json(`${name}/config.json`)), weight_format: stored }
  const sequences = numbers.ids.map((ids) => ({ ids, targets: ids.flatMap((_, t) => (t >= numbers.first_target ? [t] : [])) }))
  return {
    config,
    numbers,
    weights: await goldens.tensors(`${name}/model.safetensors`),
    lora: await goldens.tensors(`${name}_lora.safetensors`),
    gradients: await goldens.tensors(`${expected}_grads.safetensors`),
    batch: packSequences(sequences, config.vocab_size),
  }
}

async function open(engine: EngineDevice, { config, weights, lora }: Subject, trainable: TrainableSet): Promise<PolicyModel> {
  const policy = await PolicyModel.create(engine, config, readerOf(weights), trainable)
  if (trainable.kind === 'lora')
    for (const range of policy.packed.ranges.values())
      policy.packed.writeWeights(range.name, await lora.float32(peftName(range.name), range.shape))
  return policy
}

export async function decoderQuantities(name: Decoder, engine: EngineDevice, goldens: Goldens, adapter: string): Promise<Quantity[]> {
  const subject = await subjectOf(name, goldens)
  const measure = measureOf(SOURCE, adapter)
  const adapted = await open(engine, subject, { kind: 'lora', lora: LORA, valueHead: false })
  const whole = await open(engine, subject, { kind: 'all', valueHead: false })
  try {
    return [
      ...(await outputs(name, adapted, subject, measure)),
      ...(await baseGradients(name, whole, subject, measure)),
      ...(await adapterTraining(name, adapted, subject, measure)),
    ]
  } finally {
    await adapted.destroy()
    await whole.destroy()
  }
}

export const packedFormats = ['bf16', 'f16', 'int8', 'int4'] as const

/** A decoder whose frozen matrices are packed, under an adapter in f32. */
export async function packedQuantities(
  format: (typeof packedFormats)[number],
  engine: EngineDevice,
  goldens: Goldens,
  adapter: string,
): Promise<Quantity[]> {
  const subject = await subjectOf('tiny_packed', goldens, format)
  const measure = measureOf(SOURCE, adapter)
  const policy = await open(engine, subject, { kind: 'lora', lora: LORA, valueHead: false })
  const name = `tiny_packed in ${format}`
  try {
    return [...(await outputs(name, policy, subject, measure)), ...(await adapterTraining(name, policy, subject, measure))]
  } finally {
    await policy.destroy()
  }
}

/** Logits and log-probs, with the adapter and without. */
async function outputs(name: string, policy: PolicyModel, { config, numbers, batch }: Subject, measure: Measure): Promise<Quantity[]> {
  const found: Quantity[] = []
  for (const [label, expected] of [
    ['base', numbers.base],
    ['adapter', numbers.lora],
  ] as const) {
    const plan = await policy.executable(`logits ${label}`, (graph) => {
      const tensors = batchTensors(graph, batch.tokenBucket, config.vocab_size)
      const hidden = architectureOf(config).forward({ graph, config, batch: tensors, lora: label === 'adapter' ? LORA : null })
      graph.output('logits', linear(hidden, headWeight(graph, config), tensors.counts))
    })
    uploadBatch(plan, batch)
    await plan.run()
    const logits = await plan.readOutput('logits', batch.tokens * config.vocab_size)
    found.push(measure(`${name}: logits, ${label}`, logits, expected.logits.flat(2), { bound: 'relL2', tolerance: 1e-4 }))
    const score = await policy.score(batch.tokenBucket, batch.targetBucket, label === 'base')
    uploadBatch(score, batch)
    await score.run()
    const logprobs = Array.from(
      batch.rowSequence,
      (sequence, row) => expected.logprobs[sequence]?.[(batch.rowPosition[row] ?? 0) - 1] ?? Number.NaN,
    )
    const ours = await score.readOutput('logp', batch.targetCount)
    found.push(measure(`${name}: log-probs, ${label}`, ours, logprobs, { bound: 'maxAbs', tolerance: 1e-4 }))
  }
  return found
}

/** One step on `batch` with equal weights of its targets; `run` leaves its gradients in the packed state and resolves with its mean loss. */
async function gradientStep(policy: PolicyModel, batch: PackedBatch): Promise<{ run(): Promise<number> }> {
  const step = await policy.gradient('nll', batch.tokenBucket, batch.targetBucket, nll)
  uploadBatch(step, batch)
  // What lies past the live rows must not matter.
  const weights = new Float32Array(batch.targetBucket).fill(Number.NaN)
  step.write('weight', weights.fill(1 / batch.targetCount, 0, batch.targetCount))
  return {
    async run() {
      policy.beginStep()
      await step.run()
      const [loss = Number.NaN] = await policy.engine.readF32(policy.metricsBuffer, 0, 1)
      return loss
    },
  }
}

const GRADIENT = { bound: 'relL2', tolerance: 1e-4 } as const

/** The loss and the gradient of every weight of the base. */
async function baseGradients(name: Decoder, policy: PolicyModel, subject: Subject, measure: Measure): Promise<Quantity[]> {
  const step = await gradientStep(policy, subject.batch)
  const loss = await step.run()
  const found = policy.packed.unpack(await policy.packed.readGradients())
  const tensors: Quantity[] = []
  for (const [leaf, values] of found)
    tensors.push(
      measure(`${name}: base gradients, worst is ${leaf}`, values, await subject.gradients.float32(`base_grad.${leaf}`), GRADIENT),
    )
  return [measure(`${name}: base loss`, [loss], [subject.numbers.base.loss], { bound: 'relL2', tolerance: 1e-5 }), worst(tensors)]
}

/** Ten AdamW steps of the adapter: its gradients at the first, losses and gradient norms of all, and how far the weights moved. */
async function adapterTraining(name: string, policy: PolicyModel, subject: Subject, measure: Measure): Promise<Quantity[]> {
  const { adamw } = subject.numbers
  policy.packed.setHyper({
    learningRate: adamw.lr,
    ...{ beta1: 0.9, beta2: 0.999, eps: adamw.eps, weightDecay: 0, maxGradNorm: 0, gradScale: 1 },
  })
  const step = await gradientStep(policy, subject.batch)
  const update = await policy.update()
  const losses: number[] = []
  const norms: number[] = []
  const result: Quantity[] = []
  const start = policy.packed.unpack(await policy.packed.readWeights())
  for (let index = 0; index < adamw.grad_norms.length; index++) {
    losses.push(await step.run())
    if (index === 0) {
      const found = policy.packed.unpack(await policy.packed.readGradients())
      for (const projection of PROJECTIONS) {
        const tensors: Quantity[] = []
        for (const [leaf, values] of found)
          if (leaf.includes(`.${projection}.`)) {
            const expected = await subject.gradients.float32(`lora_grad.${peftName(leaf)}`)
            tensors.push(measure(`${name}: LoRA gradients of ${projection}`, values, expected, GRADIENT))
          }
        result.push(worst(tensors))
      }
    }
    await update.run()
    const [, norm] = await policy.packed.readOptimizerState()
    norms.push(norm ?? Number.NaN)
  }
  losses.push(await step.run())
  result.push(measure(`${name}: losses of ten steps`, losses, adamw.losses, { bound: 'maxRel', tolerance: 1e-5 }))
  result.push(measure(`${name}: gradient norms of ten steps`, norms, adamw.grad_norms, { bound: 'maxRel', tolerance: 1e-3 }))
  const moved: Quantity[] = []
  for (const [leaf, values] of policy.packed.unpack(await policy.packed.readWeights())) {
    const before = start.get(leaf) ?? new Float32Array()
    const expected = await subject.gradients.float32(`adamw10.${peftName(leaf)}`)
    const change = (after: Float32Array): Float32Array => after.map((value, i) => value - (before[i] ?? Number.NaN))
    moved.push(
      measure(`${name}: change of the adapter over ten steps, worst is ${leaf}`, change(values), change(expected), {
        bound: 'relL2',
        tolerance: 1e-3,
      }),
    )
  }
  result.push(worst(moved))
  return result
}
