/**
 * Both PPOs beside TRL's last classic `PPOTrainer`, and the step-grained one beside StepTool's released arithmetic: frozen numbers, and three
 * batches of the training loop. Goldens: test/golden/classic_ppo.py, steptool_ppo.py, classic_ppo_updates.py.
 */
import { z } from 'zod'
import { minibatchesOf } from '../../batches/batchLayout'
import { STEP_REWARD_WEIGHTINGS } from '../../batches/stepRewards'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import { sameOrder, valueHeadSchema } from '../../parity'
import type { AlgorithmParity, GoldenRun, TinyRun, TrainedRun } from '../../parity'
import { classicPpoQuantities } from './classicVectors'
import { runSteptoolPpo } from './loop'
import { steptoolPpo } from './steptoolPpo'
import { runPpo } from './outcome'
import { ppo } from './outcomePpo'
import { ppoQuantities } from './stepVectors'

const goldenSchema = z.object({ orders: z.array(z.array(z.array(z.array(z.int())))), value_head: valueHeadSchema })
const recordSchema = z.object({
  settings: z.object({ init_kl_coef: z.number() }),
  weighting: z.enum(STEP_REWARD_WEIGHTINGS).nullable(),
  stats: z.array(z.record(z.string(), z.number())),
  kl_coef: z.number(),
})
const [PER_BATCH, PER_MINIBATCH] = [4, 2]

type Loop = (
  run: TinyRun,
  settings: Readonly<Record<string, unknown>>,
  sequences: readonly TokenizedTrajectory[],
) => ReturnType<typeof runPpo>

/** Trains the golden's batches in the golden's order by `loop`. */
async function train(golden: GoldenRun, loop: Loop): Promise<TrainedRun> {
  const record = recordSchema.parse(golden.record)
  const { orders, value_head: head } = goldenSchema.parse(golden.golden)
  const run = await golden.start({ batches: 0, tokens: 0, kl_coef: record.settings.init_kl_coef }, head)
  const own = orders.map((epochs, batch) =>
    epochs.map((_, epoch) => minibatchesOf(PER_BATCH, PER_MINIBATCH, run.context.seed, batch, epoch)),
  )
  sameOrder('mini-batches', own, orders)
  const settings = { ...golden.settings, gae_mask_mode: 'trl_classic', max_grad_norm: 0, step_reward_weighting: record.weighting }
  const { policy, klCoef } = await loop(run, settings, golden.sequences)
  const others = [{ label: 'KL coefficient after three batches', found: klCoef, expected: record.kl_coef }]
  return { policy, reports: run.reports, expected: record.stats, others }
}

const batchesOf = (all: readonly TokenizedTrajectory[]) => ({
  next: (batch: number) => Promise.resolve(all.slice(PER_BATCH * batch, PER_BATCH * (batch + 1))),
})

export const steptoolPpoParity: AlgorithmParity = {
  vectors: [ppoQuantities],
  updates: {
    file: 'classic_ppo_updates',
    train: (golden) =>
      train(golden, ({ context }, settings, sequences) =>
        runSteptoolPpo(context, steptoolPpo.config.parse(settings), batchesOf(sequences)),
      ),
  },
}

/** The outcome is the reward of the final step; rewards before it do not count. */
const outcomesOf = (sequences: readonly TokenizedTrajectory[]): TokenizedTrajectory[] =>
  sequences.map((one) => ({ ...one, rewards: one.rewards.map((reward, i) => (i === one.rewards.length - 1 ? reward : 0)) }))

export const ppoParity: AlgorithmParity = {
  vectors: [classicPpoQuantities],
  updates: {
    file: 'classic_ppo_updates',
    train: (golden) =>
      train(golden, ({ context }, { step_reward_weighting: _none, ...settings }, sequences) =>
        runPpo(context, ppo.config.parse(settings), batchesOf(outcomesOf(sequences))),
      ),
  },
}
