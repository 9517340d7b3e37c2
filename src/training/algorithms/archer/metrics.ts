/** The metrics of an iteration of ArCHer, under the names of `archer/trainer.py`. */
import { ADVANTAGE_SUM, ARCHER_SUM } from '../../../engine/ops/archerLoss'
import { CRITIC_SUM } from '../../../engine/ops/criticLoss'
import type { SampledAction } from './actions'
import type { ArcherConfig, archerMetricMeanings } from './config'
import type { CriticSums } from './critic'
import type { Transition } from './replay'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'

interface Iteration {
  readonly settings: ArcherConfig
  readonly sums: CriticSums
  /** See `ARCHER_SUM`. */
  readonly actorSums: Float32Array
  /** Updates of the actor; 0 while only the critics learn. */
  readonly actorEpochs: number
  readonly acted: readonly SampledAction[]
  readonly tokens: number
  readonly criticGradNorm: number
  readonly criticRate: number
  readonly gradNorm: number
  readonly skippedUpdates: number
  readonly criticSkippedUpdates: number
  readonly learningRate: number
  readonly replaySize: number
  /** The new trajectories of an online run, and their utterances. */
  readonly rolled: readonly TokenizedTrajectory[]
  readonly stored: readonly Transition[]
}

type Metrics = Partial<Record<keyof typeof archerMetricMeanings, number>>

export function archerMetrics(iteration: Iteration): Record<string, number> {
  const { settings, tokens, criticGradNorm, criticRate, replaySize } = iteration
  const { epochs, accumulation_reduction: reduction, gradient_accumulation_steps: batches } = settings
  // Losses are reported as means, whichever sum the update uses.
  const updates = epochs * (reduction === 'sum' ? batches : 1)
  const of = (critic: number, key: keyof typeof CRITIC_SUM): number => iteration.sums.critics[critic]?.[CRITIC_SUM[key]] ?? Number.NaN
  const mean = (critic: number, key: keyof typeof CRITIC_SUM): number => of(critic, key) / of(critic, 'transitions')
  const losses = [0, 1, 2, 3].map((critic) => of(critic, 'loss') / updates)
  const [q1 = Number.NaN, q2 = Number.NaN, v1 = Number.NaN, v2 = Number.NaN] = losses
  const metrics: Metrics = {
    loss: q1 + q2 + v1 + v2,
    ...{ 'q1.loss': q1, 'q2.loss': q2, 'v1.loss': v1, 'v2.loss': v2 },
    ...{ 'q1.mean': mean(0, 'value'), 'q2.mean': mean(1, 'value'), 'v1.mean': mean(2, 'value'), 'v2.mean': mean(3, 'value') },
    ...{ 'target_q1.mean': mean(2, 'target'), 'target_q2.mean': mean(3, 'target') },
    'q1.explained_variance': explainedVariance(mean(0, 'missSquared'), mean(0, 'mcReturn'), mean(0, 'mcReturnSquared')),
    ...{ 'critic/grad_norm': criticGradNorm, 'critic/learning_rate': criticRate, 'critic/skipped_updates': iteration.criticSkippedUpdates },
    ...(iteration.actorEpochs > 0 ? actorMetrics(iteration) : {}),
    ...(iteration.stored.length > 0 ? rolloutMetrics(iteration) : {}),
    ...{ 'replay/size': replaySize, num_tokens: tokens },
  }
  return Object.fromEntries(Object.entries(metrics))
}

/** 1 − E(x − R)² / Var R; 0 where all returns are alike. */
function explainedVariance(missSquared: number, mean: number, meanSquare: number): number {
  const variance = meanSquare - mean ** 2
  return variance > 1e-6 * Math.max(1, meanSquare) ? 1 - missSquared / variance : 0
}

function actorMetrics({ settings, sums, actorSums, actorEpochs, acted, gradNorm, skippedUpdates, learningRate }: Iteration): Metrics {
  const of = (key: keyof typeof ARCHER_SUM): number => actorSums[ARCHER_SUM[key]] ?? Number.NaN
  const ofAll = (key: keyof typeof ADVANTAGE_SUM): number => sums.advantages[ADVANTAGE_SUM[key]] ?? Number.NaN
  const updates = actorEpochs * (settings.accumulation_reduction === 'sum' ? settings.gradient_accumulation_steps : 1)
  const mean = ofAll('advantage') / ofAll('utterances')
  return {
    'pg.loss': of('loss') / updates,
    'advantages.mean': mean,
    'advantages.std': Math.sqrt(Math.max(0, ofAll('advantageSquared') / ofAll('utterances') - mean ** 2)),
    ...(settings.use_baseline
      ? {
          'values.loss': of('valueLoss') / updates,
          'values.mean': of('value') / of('tokens'),
          'residual_advantages.mean': of('residual') / of('tokens'),
        }
      : {}),
    ...{ entropy: of('entropy') / of('tokens'), logp: of('logp') / of('tokens') },
    'actions/mean_length': of('tokens') / acted.length,
    'actions/clipped_ratio': acted.filter(({ isClipped }) => isClipped).length / acted.length,
    ...{ grad_norm: gradNorm, skipped_updates: skippedUpdates, learning_rate: learningRate },
  }
}

function rolloutMetrics({ rolled, stored }: Iteration): Metrics {
  const sums = rolled.map(({ rewards }) => rewards.reduce<number>((sum, reward) => sum + (reward ?? 0), 0))
  return {
    'rollout.mean': sums.reduce((sum, reward) => sum + reward, 0) / sums.length,
    'rollout.max': Math.max(...sums),
    'rollout.min': Math.min(...sums),
    'rollout.reward.mean': stored.reduce((sum, { reward }) => sum + reward, 0) / stored.length,
  }
}
