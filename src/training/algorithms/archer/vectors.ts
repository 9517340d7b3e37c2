/** ArCHer's critics, their targets and the actor's loss against torch on frozen features. Golden: test/golden/archer.py. */
import { z } from 'zod'
import type { EngineDevice } from '../../../engine/device/engineDevice'
import { archerLoss, ARCHER_SUM, ARCHER_SUM_WORDS } from '../../../engine/ops/archerLoss'
import { CRITIC_SUM, TRANSITION_WORDS } from '../../../engine/ops/criticLoss'
import { ScratchPool } from '../../../engine/plan/scratchPool'
import { Graph } from '../../../engine/tensor'
import type { TensorSource } from '../../../models/weights/safetensors'
import { ArcherCritic } from './critic'
import { CRITICS } from './criticPlans'
import type { Goldens } from '../../parity'
import { measureOf, worst, type Measure, type Quantity } from '../../../base/quantity'
import { runGraph } from '../../../engine/plan/runGraph'

const numbers = z.array(z.number())
const schema = z.object({
  source: z.string(),
  settings: z.object({
    ...{ features: z.int(), critic_hidden_size: z.int(), batch_size: z.int(), gradient_accumulation_steps: z.int(), epochs: z.int() },
    ...{ gamma: z.number(), tau: z.number(), critic_lr: z.number(), max_grad_norm: z.number(), adam_epsilon: z.number() },
  }),
  /** [updates][utterances] of (reward, done, Monte-Carlo return). */
  transitions: z.array(z.array(numbers)),
  updates: z.array(z.object({ losses: numbers, means: numbers, grad_norm: z.number() })),
  ...{ advantages: numbers, lengths: z.array(z.int()), tokens: z.object({ logps: numbers, values: numbers }) },
  actor: z.object({ pg_loss: z.number(), grad: numbers }),
  baseline: z.object({ pg_loss: z.number(), value_loss: z.number(), residual_mean: z.number(), grad: numbers, value_grad: numbers }),
})
type Golden = z.output<typeof schema>

const SCALAR = { bound: 'relL2', tolerance: 1e-4 } as const
const UPDATE = { bound: 'relL2', tolerance: 1e-3 } as const
const MEANS = ['q1.mean', 'q2.mean', 'v1.mean', 'v2.mean', 'target_q1.mean', 'target_q2.mean'] as const

export async function archerQuantities(engine: EngineDevice, goldens: Goldens, adapter: string): Promise<Quantity[]> {
  const golden = schema.parse(goldens.json('archer_golden.json'))
  const measure = measureOf(golden.source, adapter)
  return [...(await criticQuantities(engine, goldens, golden, measure)), ...(await actorQuantities(engine, golden, measure))]
}

/** Six updates of the critics from given weights, then the advantages they give. */
async function criticQuantities(engine: EngineDevice, goldens: Goldens, golden: Golden, measure: Measure): Promise<Quantity[]> {
  const { settings } = golden
  const tensors = await goldens.tensors('archer.safetensors')
  const pool = new ScratchPool(engine)
  const critic = new ArcherCritic(engine, pool, { features: settings.features, hidden: settings.critic_hidden_size }, settings.gamma)
  for (const name of critic.packed.ranges.keys()) critic.packed.writeWeights(name, await tensors.float32(`start.${name}`))
  await critic.blend(1)
  const features: Features = {
    observation: await tensors.float32('observation'),
    action: await tensors.float32('action'),
    fresh: await tensors.float32('fresh'),
    next: await tensors.float32('next'),
  }
  const found: Quantity[] = []
  for (const step of golden.updates.keys()) {
    found.push(...(await updateQuantities(critic, features, golden, step, measure)))
    if (step === 0) found.push(...(await weightQuantities(critic, tensors, 'grad', await critic.packed.readGradients(), measure)))
  }
  found.push(...(await weightQuantities(critic, tensors, 'after', await critic.packed.readWeights(), measure)))
  found.push(...(await weightQuantities(critic, tensors, 'target', await critic.readTargets(), measure)))

  const size = utterancesOf(golden)
  const of = rowsOf(golden, golden.updates.length - 1)
  const observation = of(features.observation)
  const inputs = { observation, fresh: pairsOf(observation, of(features.fresh), settings.features) }
  const advantages = await engine.readF32(await critic.advantage(inputs, size), 0, size)
  found.push(measure('ArCHer: advantages of fresh actions', advantages, golden.advantages, SCALAR))
  await critic.destroy()
  pool.destroy()
  return found
}

/** Frozen features [updates · utterances, features] of what a critic reads. */
type Features = Readonly<Record<'observation' | 'action' | 'fresh' | 'next', Float32Array>>

/** Utterances of one update. */
const utterancesOf = ({ settings }: Golden): number => settings.batch_size * settings.gradient_accumulation_steps

/** Cuts the rows of update `step` from features of all updates. */
function rowsOf(golden: Golden, step: number): (all: Float32Array) => Float32Array {
  const words = utterancesOf(golden) * golden.settings.features
  return (all) => all.subarray(step * words, (step + 1) * words)
}

/** One update of the critics: their losses, means and gradient norm. */
async function updateQuantities(
  critic: ArcherCritic,
  features: Features,
  golden: Golden,
  step: number,
  measure: Measure,
): Promise<Quantity[]> {
  const { settings } = golden
  const size = utterancesOf(golden)
  const of = rowsOf(golden, step)
  const observation = of(features.observation)
  const pair = (second: Float32Array): Float32Array => pairsOf(observation, of(second), settings.features)
  const hyper = {
    ...{ learningRate: settings.critic_lr, beta1: 0.9, beta2: 0.999, eps: settings.adam_epsilon, weightDecay: 0 },
    ...{ maxGradNorm: settings.max_grad_norm, gradScale: 1 },
  }
  critic.beginIteration()
  await critic.learn(
    {
      ...{ observation, acted: pair(features.action), fresh: pair(features.fresh), next: of(features.next) },
      transition: Float32Array.from(transitionsOf(golden, step)),
    },
    size,
    { hyper, tau: settings.tau },
  )
  const { critics } = await critic.readSums()
  const sum = (index: number, key: keyof typeof CRITIC_SUM): number => critics[index]?.[CRITIC_SUM[key]] ?? Number.NaN
  const losses = CRITICS.map((_, index) => sum(index, 'loss') / settings.gradient_accumulation_steps)
  const means = [...CRITICS.map((_, index) => sum(index, 'value') / size), sum(2, 'target') / size, sum(3, 'target') / size]
  const norm = (await critic.packed.readOptimizerState())[1] ?? Number.NaN
  const expected = golden.updates[step]
  const name = `ArCHer, update ${step + 1}`
  return [
    ...CRITICS.map((head, index) =>
      measure(`${name}: loss of ${head}`, [losses[index] ?? Number.NaN], [expected?.losses[index] ?? Number.NaN], SCALAR),
    ),
    measure(`${name}: ${MEANS.join(', ')}`, means, expected?.means ?? [], SCALAR),
    measure(`${name}: gradient norm`, [norm], [expected?.grad_norm ?? Number.NaN], SCALAR),
  ]
}

/** Sets of packed numbers that the golden file holds, with what they are called and how close they must come. */
const WEIGHTS = {
  grad: { what: 'first gradient', bounds: SCALAR },
  after: { what: 'weights after six updates', bounds: UPDATE },
  target: { what: 'target weights after six updates', bounds: UPDATE },
} as const

/** The tensor of each critic with the largest difference; weights are compared by their change from the start. */
async function weightQuantities(
  critic: ArcherCritic,
  tensors: TensorSource,
  kind: keyof typeof WEIGHTS,
  packed: Float32Array,
  measure: Measure,
): Promise<Quantity[]> {
  const { what, bounds } = WEIGHTS[kind]
  const own = critic.packed.unpack(packed)
  const found: Quantity[] = []
  for (const head of CRITICS) {
    const each: Quantity[] = []
    for (const name of [...critic.packed.ranges.keys()].filter((one) => one.startsWith(`${head}.`))) {
      const start = kind === 'grad' ? null : await tensors.float32(`start.${name}`)
      const minus = (values: Float32Array): Float32Array => (start ? values.map((value, index) => value - (start[index] ?? 0)) : values)
      const ours = minus(own.get(name) ?? new Float32Array(0))
      each.push(measure(`ArCHer: ${what} of ${head}`, ours, minus(await tensors.float32(`${kind}.${name}`)), bounds))
    }
    found.push(worst(each))
  }
  return found
}

/** (reward, 1 − done, return, weight): the released code adds the mean losses of an update's batches. */
function transitionsOf({ transitions, settings }: Golden, step: number): number[] {
  const words = (transitions[step] ?? []).flatMap(([reward = 0, done = 0, mcReturn = 0]) => [
    ...[reward, 1 - done, mcReturn],
    1 / settings.batch_size,
  ])
  if (words.length % TRANSITION_WORDS !== 0) throw new Error('a transition of the golden lacks a word')
  return words
}

function pairsOf(first: Float32Array, second: Float32Array, width: number): Float32Array {
  const pairs = new Float32Array(first.length + second.length)
  for (let at = 0; at < first.length; at += width) {
    pairs.set(first.subarray(at, at + width), 2 * at)
    pairs.set(second.subarray(at, at + width), 2 * at + width)
  }
  return pairs
}

/** Capacity of the kernel in rows: it is larger than the number of tokens of the golden. What lies past the live rows must not matter. */
const ROWS = 128

async function actorQuantities(engine: EngineDevice, golden: Golden, measure: Measure): Promise<Quantity[]> {
  const found: Quantity[] = []
  const count = golden.tokens.logps.length
  const padded = (values: readonly number[]): Float32Array =>
    new Float32Array(ROWS).fill(Number.NaN).map((nan, index) => values[index] ?? nan)
  const withZeros = (values: readonly number[]): number[] => [...values, ...new Array<number>(ROWS - values.length).fill(0)]
  for (const hasBaseline of [false, true]) {
    const graph = new Graph()
    const out = archerLoss({
      ...{ logp: graph.batch('logp', [ROWS]), entropy: graph.batch('entropy', [ROWS]) },
      value: hasBaseline ? graph.batch('value', [ROWS, 1]) : null,
      utterance: graph.batch('utterance', [ROWS], 'u32'),
      advantage: graph.batch('advantage', [golden.advantages.length]),
      weight: graph.batch('weight', [4]),
      counts: graph.batch('counts', [4], 'u32'),
    })
    for (const [name, tensor] of Object.entries(out)) graph.output(name, tensor)
    const inputs = {
      ...{ logp: padded(golden.tokens.logps), entropy: padded(golden.tokens.logps), value: padded(golden.tokens.values) },
      utterance: Uint32Array.from(golden.lengths.flatMap((length, index) => new Array<number>(length).fill(index))),
      advantage: Float32Array.from(golden.advantages),
      weight: Float32Array.of(1 / golden.advantages.length, 1 / count, 0, 0),
      counts: Uint32Array.of(0, count, golden.lengths.length, 0),
    }
    const { dlogp, dvalue, sums } = await runGraph(engine, graph, inputs, { dlogp: ROWS, dvalue: ROWS, sums: ARCHER_SUM_WORDS })
    const sum = (key: keyof typeof ARCHER_SUM): number => sums[ARCHER_SUM[key]] ?? Number.NaN
    const { actor, baseline } = golden
    const name = hasBaseline ? 'ArCHer, token baseline' : 'ArCHer'
    const expected = hasBaseline ? baseline : actor
    found.push(measure(`${name}: pg.loss`, [sum('loss')], [expected.pg_loss], SCALAR))
    found.push(measure(`${name}: gradient of every log-prob`, dlogp, withZeros(expected.grad), SCALAR))
    if (!hasBaseline) continue
    found.push(measure(`${name}: values.loss`, [sum('valueLoss')], [baseline.value_loss], SCALAR))
    found.push(measure(`${name}: residual_advantages.mean`, [sum('residual') / count], [baseline.residual_mean], SCALAR))
    found.push(measure(`${name}: gradient of every value`, dvalue, withZeros(baseline.value_grad), SCALAR))
  }
  return found
}
