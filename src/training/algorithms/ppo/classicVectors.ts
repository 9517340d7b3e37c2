/**
 * The kernels of PPO, and the statistics made of what they leave, against TRL's last classic `PPOTrainer` on frozen log-probs and values;
 * and the KL controllers. Golden: test/golden/classic_ppo.py.
 */
import { z } from 'zod'
import type { EngineDevice } from '../../../engine/device/engineDevice'
import { KL_PENALTIES } from '../../../engine/ops/stepReward'
import { nextKlCoef } from './klController'
import { layoutBatch } from '../../batches/batchLayout'
import type { BatchLayout } from '../../batches/batchLayout'
import { PPO_DETAIL, ppoMetricMeanings, ppoMetrics, PPO_ROW } from './metrics'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import { runFrozenPpo } from './frozenBatch'
import type { FrozenPpoOutputs } from './frozenBatch'
import type { Goldens } from '../../parity'
import { stepsOfMask } from './stepVectors'
import { measureOf, type Measure, type Quantity } from '../../../base/quantity'

const grid = z.array(z.array(z.number()))
/** TRL's names and defaults; those of `PPOConfig` that the arithmetic depends on. */
const options = z.strictObject({
  kl_penalty: z.enum(KL_PENALTIES).default('kl'),
  init_kl_coef: z.number().default(0.2),
  ...{ gamma: z.number().default(1), lam: z.number().default(0.95) },
  ...{ cliprange: z.number().default(0.2), cliprange_value: z.number().default(0.2), vf_coef: z.number().default(0.1) },
  ratio_threshold: z.number().default(10),
})
const oneCase = z.object({
  name: z.string(),
  options,
  stats: z.record(z.string(), z.number()),
  ...{ rewards: grid, kl: grid, advantages: grid, whitened: grid, returns: grid, dlogp: grid, dvalue: grid },
})
const controller = z.object({
  ...{ name: z.string(), init_kl_coef: z.number(), adap_kl_ctrl: z.boolean(), target: z.number(), horizon: z.number() },
  ...{ batch_size: z.int(), observed: z.array(z.number()), kl_coef: z.array(z.number()) },
})
const schema = z.object({
  source: z.string(),
  inputs: z.object({
    ...{ mask: grid, scores: z.array(z.number()) },
    ...{ logprobs: grid, ref_logprobs: grid, values: grid, new_logprobs: grid, new_values: grid },
  }),
  entropies: grid,
  cases: z.array(oneCase),
  kl_controllers: z.array(controller),
})
type Golden = z.output<typeof schema>
type Case = z.output<typeof oneCase>

const EVERY = { bound: 'relL2', tolerance: 1e-4 } as const
/** Statistics near 0, such as the mean of whitened advantages, have no relative error. */
const ONE = { bound: 'maxAbs', tolerance: 1e-5 } as const

export async function classicPpoQuantities(engine: EngineDevice, goldens: Goldens, adapter: string): Promise<Quantity[]> {
  const golden = schema.parse(goldens.json('classic_ppo_golden.json'))
  const measure = measureOf(golden.source, adapter)
  const sequences = sequencesOf(golden)
  const batch = layoutBatch(
    sequences,
    { step_reward_weighting: 'paper', unlabelled_steps: 'leave_out' },
    { maxTokens: 1024, maxPositions: 1024 },
  )
  const found: Quantity[] = []
  for (const one of golden.cases) {
    const settings = { ...one.options, gae_mask_mode: 'trl_classic', whiten_advantages: true } as const
    const klCoef = one.options.init_kl_coef
    const out = await runFrozenPpo(engine, { batch, settings, klCoef, rows: columnsOf(golden) })
    found.push(...everyToken(measure, golden, one, out), ...statistics(measure, one, { batch, sequences, out }))
  }
  return [...found, ...klControllers(measure, golden)]
}

/** Trained cells of a grid, sequence after sequence. */
const trained = ({ inputs }: Golden, values: readonly (readonly number[])[]): number[] =>
  values.flatMap((row, s) => row.filter((_, t) => inputs.mask[s]?.[t] === 1))

/** Column t is TRL's: it predicts token t + 1. The score lands on the last trained token. */
function sequencesOf({ inputs }: Golden): TokenizedTrajectory[] {
  return inputs.mask.map((mask, s) => {
    const stepOf = [-1, ...stepsOfMask(mask)]
    const steps = Math.max(...stepOf) + 1
    const rewards = Array.from({ length: steps }, (_, step) => (step === steps - 1 ? (inputs.scores[s] ?? Number.NaN) : 0))
    return {
      ...{ trajectoryId: `frozen/${s}`, ids: stepOf.map(() => 0), stepOf, rewards, stepIndex: rewards.map((_, step) => step) },
      ...{ truncatedTokens: 0, truncatedSteps: [], notTrainedSteps: [] },
    }
  })
}

function columnsOf(golden: Golden) {
  const { inputs, entropies } = golden
  return {
    ...{ logp: trained(golden, inputs.logprobs), ref: trained(golden, inputs.ref_logprobs), value: trained(golden, inputs.values) },
    ...{ newLogp: trained(golden, inputs.new_logprobs), newValue: trained(golden, inputs.new_values) },
    newEntropy: trained(golden, entropies),
  }
}

function everyToken(measure: Measure, golden: Golden, one: Case, { table, details, dlogp, dvalue }: FrozenPpoOutputs): Quantity[] {
  const column = (from: Float32Array, word: number): Float32Array => from.filter((_, index) => index % 4 === word)
  // Rows past the live ones get nothing.
  const slopes = (values: readonly (readonly number[])[]): number[] => {
    const live = trained(golden, values)
    return [...live, ...new Array<number>(dlogp.length - live.length).fill(0)]
  }
  const name = `PPO, ${one.name}`
  return [
    measure(`${name}: every reward`, column(details, PPO_DETAIL.reward), trained(golden, one.rewards), EVERY),
    measure(`${name}: every KL`, column(details, PPO_DETAIL.kl), trained(golden, one.kl), EVERY),
    measure(`${name}: every advantage`, column(details, PPO_DETAIL.rawAdvantage), trained(golden, one.advantages), EVERY),
    measure(`${name}: every whitened advantage`, column(table, PPO_ROW.advantage), trained(golden, one.whitened), EVERY),
    measure(`${name}: every return`, column(table, PPO_ROW.returns), trained(golden, one.returns), EVERY),
    measure(`${name}: gradient of every log-prob`, dlogp, slopes(one.dlogp), EVERY),
    measure(`${name}: gradient of every value`, dvalue, slopes(one.dvalue), EVERY),
  ]
}

interface Frozen {
  readonly batch: BatchLayout
  readonly sequences: readonly TokenizedTrajectory[]
  readonly out: FrozenPpoOutputs
}

/** The statistics of TRL's `record_step_stats`, under its names, without the KL coefficient, which is an input. */
function statistics(measure: Measure, one: Case, { batch, sequences, out }: Frozen): Quantity[] {
  const own: Readonly<Record<string, number>> = ppoMetrics({
    ...{ batch, sequences, table: out.table, details: out.details, totals: out.totals, minibatches: [batch.items] },
    ...{ klCoef: one.options.init_kl_coef, learningRate: Number.NaN, gradNorm: Number.NaN, skippedUpdates: 0, tokens: 0 },
  })
  return Object.keys(ppoMetricMeanings).flatMap((metric) => {
    const expected = metric === 'objective/kl_coef' ? undefined : one.stats[metric]
    return expected === undefined ? [] : [measure(`PPO, ${one.name}: ${metric}`, [own[metric] ?? Number.NaN], [expected], ONE)]
  })
}

function klControllers(measure: Measure, { kl_controllers }: Golden): Quantity[] {
  return kl_controllers.map(({ name, observed, init_kl_coef, batch_size, kl_coef, ...control }) => {
    let klCoef = init_kl_coef
    const sequence = observed.map((kl) => (klCoef = nextKlCoef(klCoef, kl, batch_size, control)))
    return measure(`PPO, KL controller, ${name}: coefficients of ${observed.length} batches`, sequence, kl_coef, {
      bound: 'relL2',
      tolerance: 1e-9,
    })
  })
}
