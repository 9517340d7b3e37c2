/** The run story as pure functions of the run's record, its job and its exam grids. */
import { stepOutcome } from '../trajectory/timelineLayout'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { ExamCell, JobPhase, JobSnapshot, PairedDifference, RateWithInterval, RunDetail } from '../../worker/protocol'
import { rateOf } from '../evaluation/rates'
import { formatPoints } from '../format'

export type StoryPhase = 'before' | 'rewards' | 'training' | 'after'
export type PhaseState = 'waiting' | 'working' | 'done' | 'stopped'

const ORDER: readonly JobPhase[] = ['starting', 'before', 'rollout', 'rewards', 'training', 'after', 'done']
const FIRST: Readonly<Record<StoryPhase, number>> = { before: 1, rewards: 2, training: 4, after: 5 }
const LAST: Readonly<Record<StoryPhase, number>> = { before: 1, rewards: 3, training: 4, after: 5 }

/** How far a run that is no longer at work had come: what its record holds tells. */
function recordedReach(detail: RunDetail): number {
  if (detail.run.status === 'finished') return ORDER.length
  if (detail.exam.after.length > 0) return 5
  if (detail.metrics.step.length > 0) return 4
  if (detail.exam.before.some((cell) => cell.status === null)) return 1
  return detail.exam.before.length > 0 ? 2 : 0
}

export function phaseState(phase: StoryPhase, job: JobSnapshot | null, detail: RunDetail | null): PhaseState {
  const atWork = job !== null && (job.state === 'running' || job.state === 'paused')
  const now = job ? (job.state === 'finished' ? ORDER.length : ORDER.indexOf(job.phase)) : detail ? recordedReach(detail) : 0
  if (now > LAST[phase]) return 'done'
  if (now < FIRST[phase]) return atWork || job === null ? 'waiting' : 'stopped'
  return atWork ? 'working' : 'stopped'
}

export function rateOfCells(cells: readonly ExamCell[]): RateWithInterval {
  const answered = cells.filter((cell) => cell.status !== null)
  return rateOf(answered.filter((cell) => cell.status === 'solved').length, answered.length)
}

export const meanCalls = (cells: readonly ExamCell[]): number => {
  const answered = cells.filter((cell) => cell.status !== null)
  return answered.length === 0 ? 0 : answered.reduce((sum, cell) => sum + cell.calls, 0) / answered.length
}

export type Flip = 'gained' | 'lost' | null
/** Whether a question changed sides between the two exams; only solved or not solved counts, as in the pass rate. */
export function flipOf(before: ExamCell | undefined, after: ExamCell | undefined): Flip {
  if (!before?.status || !after?.status) return null
  const was = before.status === 'solved'
  const is = after.status === 'solved'
  return was === is ? null : is ? 'gained' : 'lost'
}

export interface StorySentence {
  readonly numbers: string
  readonly verdict: string | null
}

/** "Passed 17 of 48 → 24 of 48; +15 points [2, 27]; calls 2.8 → 2.6." */
export function storySentence(
  before: RateWithInterval,
  after: RateWithInterval,
  difference: PairedDifference,
  calls: readonly [number, number],
): StorySentence {
  const [low, high] = difference.interval
  const plain = (share: number): string => formatPoints(share).replace('+', '')
  const numbers = `Passed ${before.passed} of ${before.n} → ${after.passed} of ${after.n}; ${formatPoints(difference.difference)} points [${plain(low)}, ${plain(high)}]; calls ${calls[0].toFixed(1)} → ${calls[1].toFixed(1)}.`
  return { numbers, verdict: difference.distinguishable ? null : 'Not distinguishable from chance yet.' }
}

/** The step to open a trajectory at: the first call that failed, could not be read, or was not needed; else the last step. */
export function wrongStep(record: Trajectory): number {
  const unreadable = stepsOf(record).findIndex((_, index) => ['unreadable', 'failed'].includes(stepOutcome(record, index)))
  if (unreadable >= 0) return unreadable
  const needless = stepsOf(record).findIndex((step) => step.truth !== null && !step.truth.needed && !step.is_final)
  return needless >= 0 ? needless : Math.max(0, stepsOf(record).length - 1)
}

/** Why that step is the one: in a few words. */
export function wrongStepReason(record: Trajectory, index: number): string {
  const step = stepsOf(record)[index]
  if (!step) return ''
  const outcome = stepOutcome(record, index)
  if (outcome === 'unreadable') return 'no call could be read'
  if (outcome === 'failed') return 'the call failed'
  if (outcome === 'gave-up') return 'the model gave up'
  if (step.truth && !step.truth.needed && !step.is_final) return 'the call was not needed'
  if (record.stop_condition === 'budget') return 'the calls were used up'
  if (record.stop_condition === 'length') return 'the context was full'
  return record.status === 'solved' ? 'the final answer' : 'the answer is not what was asked'
}

const REWARD_NAMES = [
  'reward',
  'env/reward_mean',
  'objective/scores',
  'ppo/mean_scores',
  'rewards/mean',
  'objective/rlhf_reward',
  'pass_rate',
  'rewards/accuracies',
  'q1.mean',
]
const KL_NAMES = ['objective/kl', 'kl', 'objective/kl_dist', 'ppo/policy/policykl', 'ppo/policy/approxkl', 'policy/approxkl_avg']
const LOSS_NAMES = ['ppo/loss/total', 'loss', 'ppo/loss/policy', 'loss/policy_avg', 'pg.loss']

/** The column to draw for a role: a well-known name, else the first whose last part says so. */
export function metricFor(role: 'reward' | 'kl' | 'loss', columns: readonly string[]): string | null {
  const wanted = role === 'reward' ? REWARD_NAMES : role === 'kl' ? KL_NAMES : LOSS_NAMES
  return wanted.find((name) => columns.includes(name)) ?? columns.find((name) => name.toLowerCase().includes(role)) ?? null
}
