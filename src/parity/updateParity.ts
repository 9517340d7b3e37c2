/**
 * Three steps of every algorithm by its own training loop against TRL's own trainers, on a tiny decoder with the same data in the same order:
 * what each step reports, and how far the adapter (and value head) moved. Goldens: test/golden/updates.py, classic_ppo_updates.py.
 */
import { z } from 'zod'
import type { EngineDevice } from '../engine/device/engineDevice'
import { dpo, runDpo } from '../training/algorithms/dpo/loop'
import { grpo, runGrpo } from '../training/algorithms/grpo/loop'
import { ppo, runPpo } from '../training/algorithms/ppo/outcome'
import { rft, runRft } from '../training/algorithms/rft/loop'
import { runSft, sft } from '../training/algorithms/sft/loop'
import { archer, runArcher } from '../training/algorithms/archer/loop'
import { runSteptoolPpo, steptoolPpo } from '../training/algorithms/ppo/loop'
import type { DpoPair } from '../training/algorithms/dpo/pairs'
import { pairsOfStep } from '../training/algorithms/dpo/pairs'
import { imitatedPositions } from '../training/batches/lossMask'
import type { PolicyModel } from '../training/policy/policyModel'
import { minibatchesOf } from '../training/batches/batchLayout'
import type { TokenizedTrajectory } from '../training/batches/tokenizedTrajectory'
import { selectPasses } from '../training/algorithms/rft/selection'
import type { RftAttempt } from '../training/algorithms/rft/selection'
import { STEP_REWARD_WEIGHTINGS, trainedPositions } from '../training/batches/stepRewards'
import type { Goldens } from './goldens'
import { measureOf, worst, type Measure, type Quantity } from './quantity'
import { LORA, ppoSequences, tinyTraining, trajectorySchema, valueHeadSchema } from './tinyTraining'
import type { TinyRun, TinyTraining } from './tinyTraining'

const STEPS = [0, 1, 2] as const
/** Of one optimizer on both sides. */
const ADAM = { adam_epsilon: 1e-6, ...LORA } as const
const GROUP = 4
const PER_BATCH = { grpo: 8, ppo: 4 } as const

/** GRPO whose batches make two updates of half the attempts each, instead of two of all. */
const IN_PARTS = 'grpo, in parts'

type Stats = Readonly<Record<string, number>>
const stats = z.array(z.record(z.string(), z.number()))
const settings = z.record(z.string(), z.unknown())
const modern = z.object({
  source: z.string(),
  sequences: trajectorySchema,
  ...{ pairs: z.array(z.array(z.int())), kept: z.array(z.int()), parts: z.array(z.array(z.array(z.int()))) },
  runs: z.record(z.string(), z.object({ settings, logs: stats })),
})
const classic = z.object({
  source: z.string(),
  sequences: trajectorySchema,
  orders: z.array(z.array(z.array(z.array(z.int())))),
  value_head: valueHeadSchema,
  runs: z.record(z.string(), z.object({ settings, weighting: z.enum(STEP_REWARD_WEIGHTINGS).nullable(), stats, kl_coef: z.number() })),
})

interface Outcome {
  readonly policy: PolicyModel
  readonly reports: readonly Stats[]
}

/** Sees each policy as training left it. */
export type PolicyObserver = (name: string, policy: PolicyModel, sequences: readonly TokenizedTrajectory[]) => Promise<void>

/** @param wants names of runs; all where it is not given. */
export async function updateQuantities(
  engine: EngineDevice,
  goldens: Goldens,
  adapter: string,
  { wants = () => true, observe = () => Promise.resolve() }: { wants?: (name: string) => boolean; observe?: PolicyObserver } = {},
): Promise<Quantity[]> {
  const tiny = await tinyTraining(engine, goldens)
  const parts = { tiny, goldens, adapter, wants, observe }
  return [...(await modernRuns(parts)), ...(await classicRuns(parts))]
}

/** ArCHer on the same sequences, which no library trains: its adapter as training leaves it. */
export async function observeArcher(engine: EngineDevice, goldens: Goldens, observe: PolicyObserver): Promise<void> {
  const sequences = ppoSequences(modern.parse(goldens.json('updates_golden.json')).sequences)
  const { context } = await (await tinyTraining(engine, goldens)).start({})
  const settings = archer.config.parse({
    ...{ learning_rate: 5e-2, critic_lr: 1e-2, batch_size: 4, gradient_accumulation_steps: 1, epochs: 3, warmup_iter: 1 },
    ...{ lora_r: 4, lora_alpha: 8, max_response_len: 4, critic_hidden_size: 16 },
  })
  const source = { isFresh: false, next: () => Promise.resolve(sequences) }
  const { policy } = await runArcher({ ...context, checkpoints: null }, settings, source)
  await observe('archer', policy, sequences)
  await policy.destroy()
}

interface Parts {
  readonly tiny: TinyTraining
  readonly goldens: Goldens
  readonly adapter: string
  readonly wants: (name: string) => boolean
  readonly observe: PolicyObserver
}

async function modernRuns({ tiny, goldens, adapter, wants, observe }: Parts): Promise<Quantity[]> {
  const golden = modern.parse(goldens.json('updates_golden.json'))
  const after = await goldens.tensors('updates.safetensors')
  const measure = measureOf(golden.source, adapter)
  const sequences = ppoSequences(golden.sequences)
  const found: Quantity[] = []
  for (const [name, { settings: given, logs }] of Object.entries(golden.runs)) {
    if (!wants(name)) continue
    const algorithm = name.split(',')[0]
    const run = algorithm === 'grpo' ? grpoRun : algorithm === 'dpo' ? dpoRun : algorithm === 'rft' ? rftRun : sftRun
    const cut = name === IN_PARTS ? { num_iterations: 1, steps_per_generation: 2 } : {}
    const begins = name.endsWith(', continued') ? { ...tiny, start: () => tiny.goOn() } : tiny
    const { policy, reports } = await run(begins, { ...given, ...cut, ...ADAM }, sequences, golden, name)
    const wanted = algorithm === 'grpo' ? STEPS.map((step) => ofBatch(logs.slice(2 * step, 2 * step + 2))) : logs
    found.push(...reported(measure, name, reports, wanted))
    await observe(name, policy, sequences)
    found.push(await update(measure, name, tiny, policy, (leaf) => after.float32(`${name}.${leaf}`)))
  }
  return found
}

/** What TRL logs at the updates of one batch: the last gradient norm, learning rate and number of tokens, else means. */
function ofBatch(logs: readonly Stats[]): Stats {
  const keys = [...new Set(logs.flatMap((entry) => Object.keys(entry)))]
  return Object.fromEntries(
    keys.map((key) => {
      const values = logs.flatMap((entry) => entry[key] ?? [])
      const last = values.at(-1) ?? Number.NaN
      return [
        key,
        ['grad_norm', 'learning_rate', 'num_tokens'].includes(key) ? last : values.reduce((sum, value) => sum + value, 0) / values.length,
      ]
    }),
  )
}

type Given = Readonly<Record<string, unknown>>
type Run = (
  tiny: TinyTraining,
  given: Given,
  sequences: readonly TokenizedTrajectory[],
  golden: z.output<typeof modern>,
  name: string,
) => Promise<Outcome>

/** 2 × 3 sequences of 17 to 21 tokens an update. */
const SFT = { tokens_per_batch: 64, gradient_accumulation_steps: 2 } as const

const sftRun: Run = async (tiny, given, sequences, _golden, name) => {
  const mask = { mask_history: name === 'sft, last turn' }
  const { context, reports } = await tiny.start({ cursor: 0, tokens: 0 })
  const samples = sequences.map((sequence) => ({ ids: sequence.ids, targets: imitatedPositions(sequence, mask) }))
  const sample = (index: number): (typeof samples)[number] => samples[index] ?? { ids: [], targets: [] }
  const { policy } = await runSft(context, sft.config.parse({ ...given, ...SFT, ...mask }), { length: samples.length, sample })
  return { policy, reports }
}

/** Every fourth attempt fails; TRL's trainer imitates the rest in the order they are kept. */
const rftRun: Run = async (tiny, given, sequences, { kept }) => {
  const counts = { sampled: 0, passed: 0, blank: 0, deduped: 0, capped: 0, kept: 0, queries: 0, filteredSteps: 0 }
  const { context, reports } = await tiny.start({ cursor: 0, tokens: 0, round: 0, end: STEPS.length, counts, kept: [] })
  const config = rft.config.parse({ ...given, ...SFT })
  const attempts = sequences.map((sequence, index): RftAttempt => ({ sequence, query: `q${index}`, score: index % GROUP === 3 ? 0 : 1 }))
  const order = selectPasses(attempts, config, context.seed, 0).kept.map(({ ids }) => sequences.findIndex((one) => one.ids === ids))
  sameOrder('what rejection sampling keeps', order, kept)
  const { policy } = await runRft(context, config, { isFresh: false, next: () => Promise.resolve(attempts) })
  return { policy, reports }
}

const grpoRun: Run = async (tiny, given, sequences, { parts }) => {
  const { context, reports } = await tiny.start({ batches: 0, tokens: 0, updates: 0 })
  const config = grpo.config.parse({ num_iterations: 2, ...given, generation_batch_size: PER_BATCH.grpo, num_generations: GROUP })
  const halves = STEPS.map((step) => minibatchesOf(PER_BATCH.grpo, PER_BATCH.grpo / 2, context.seed, step, 0))
  sameOrder('attempts', halves, parts)
  const samples = sequences.map((sequence, index) => ({ sequence, group: `q${Math.floor(index / GROUP)}`, isTruncated: false }))
  const next = (step: number) => Promise.resolve(samples.slice(PER_BATCH.grpo * step, PER_BATCH.grpo * (step + 1)))
  const { policy } = await runGrpo(context, config, { next })
  return { policy, reports }
}

const dpoRun: Run = async (tiny, given, sequences, golden) => {
  const { context, reports } = await tiny.start({ pairs: sequences.length / 2, tokens: 0 })
  const config = dpo.config.parse({ ...given, per_device_train_batch_size: 2, gradient_accumulation_steps: 2 })
  const sides = sequences.map((source) => ({
    source,
    sequence: { ids: source.ids, targets: trainedPositions(source, 'no_score') },
    skipped: 0,
  }))
  const pairs = sides.flatMap((chosen, index): DpoPair[] => {
    const rejected = sides[index + 1]
    return index % 2 === 0 && rejected ? [{ query: `q${index}`, chosen, rejected }] : []
  })
  const order = STEPS.map((step) => pairsOfStep(pairs, GROUP, context.seed, step).map((pair) => pairs.indexOf(pair)))
  sameOrder('pairs', order, golden.pairs)
  const { policy } = await runDpo(context, config, pairs)
  return { policy, reports }
}

async function classicRuns({ tiny, goldens, adapter, wants, observe }: Parts): Promise<Quantity[]> {
  const golden = classic.parse(goldens.json('classic_ppo_updates_golden.json'))
  const after = await goldens.tensors('classic_ppo_updates.safetensors')
  const measure = measureOf(golden.source, adapter)
  const sequences = ppoSequences(golden.sequences)
  const found: Quantity[] = []
  for (const [name, { settings: given, weighting, stats: wanted, kl_coef }] of Object.entries(golden.runs)) {
    if (!wants(name)) continue
    const run: TinyRun = await tiny.start({ batches: 0, tokens: 0, kl_coef: given.init_kl_coef }, golden.value_head)
    const own = { ...given, ...ADAM, gae_mask_mode: 'trl_classic', max_grad_norm: 0 }
    const orders = golden.orders.map((epochs, batch) =>
      epochs.map((_, epoch) => minibatchesOf(PER_BATCH.ppo, 2, run.context.seed, batch, epoch)),
    )
    sameOrder('mini-batches', orders, golden.orders)
    // The outcome is the reward of the final step; none before it counts.
    const outcomes = sequences.map((one) => ({
      ...one,
      rewards: one.rewards.map((reward, i) => (i === one.rewards.length - 1 ? reward : 0)),
    }))
    const of = (all: readonly TokenizedTrajectory[]) => ({
      next: (batch: number) => Promise.resolve(all.slice(PER_BATCH.ppo * batch, PER_BATCH.ppo * (batch + 1))),
    })
    const { policy, klCoef } = weighting
      ? await runSteptoolPpo(run.context, steptoolPpo.config.parse({ ...own, step_reward_weighting: weighting }), of(sequences))
      : await runPpo(run.context, ppo.config.parse(own), of(outcomes))
    found.push(...reported(measure, name, run.reports, wanted))
    found.push(measure(`${name}: KL coefficient after three batches`, [klCoef], [kl_coef], STEP))
    await observe(name, policy, sequences)
    found.push(await update(measure, name, tiny, policy, (leaf) => after.float32(`${name}.${leaf}`)))
  }
  return found
}

function sameOrder(what: string, ours: unknown, golden: unknown): void {
  if (JSON.stringify(ours) !== JSON.stringify(golden)) throw new Error(`the golden's order of ${what} is not the one that is drawn`)
}

const STEP = { bound: 'maxRel', tolerance: 1e-3 } as const
/** TRL means these over micro-batches, whatever their tokens; ours are means over tokens. The same where a batch is not cut (`sft, packed`; `dpo, whole`). */
const OTHER_MEAN = ['entropy', 'mean_token_accuracy', 'logits/chosen', 'logits/rejected']
const IS_CUT = /^(sft(, last turn|, continued)?$|rft|dpo(, ipo|, continued)?$|grpo, in parts)/
/** TRL calls a completion clipped that has no end-of-sequence token: these have none. Ours counts attempts that ran out of calls or tokens. */
const OTHER_MEANING = ['completions/clipped_ratio', ...['mean', 'min', 'max'].map((of) => `completions/${of}_terminated_length`)]
/** TRL's GRPO leaves the replies of tools out of its count; ours are the tokens that pass through the model. */
const OTHER_COUNT = ['num_tokens']

/** Every metric that both sides report, over the three steps. */
function reported(measure: Measure, name: string, reports: readonly Stats[], wanted: readonly Stats[]): Quantity[] {
  const shared = Object.keys(wanted[0] ?? {}).filter((metric) => metric in (reports[0] ?? {}))
  const skipped = [...(IS_CUT.test(name) ? OTHER_MEAN : []), ...(name.startsWith('grpo') ? OTHER_COUNT : []), ...OTHER_MEANING]
  return shared
    .filter((metric) => !skipped.includes(metric))
    .map((metric) =>
      measure(
        `${name}: ${metric} of three steps`,
        reports.map((one) => one[metric] ?? Number.NaN),
        wanted.map((one) => one[metric] ?? Number.NaN),
        STEP,
      ),
    )
}

async function update(
  measure: Measure,
  name: string,
  tiny: TinyTraining,
  policy: PolicyModel,
  after: (leaf: string) => Promise<Float32Array>,
): Promise<Quantity> {
  const tensors: Quantity[] = []
  for (const [leaf, values] of await tiny.movedBy(policy)) {
    const expected = tiny.moved(leaf, await after(leaf))
    tensors.push(measure(`${name}: update after three steps, worst is ${leaf}`, values, expected, { bound: 'relL2', tolerance: 1e-3 }))
  }
  return worst(tensors)
}
