/** Batches of groups: how they are collected from rollouts, their advantages, and their rows as the loss reads them. */
import { groupAdvantages, tokenWeights } from './arithmetic'
import type { GrpoConfig } from './config'
import { roundOfStep } from '../../batches/rounds'
import type { PolicyModel } from '../../policy/policyModel'
import { rowCapacity } from '../../batches/batchLayout'
import type { BatchLayout, BatchItem } from '../../batches/batchLayout'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'

/** One attempt at a query. */
export interface GrpoSample {
  readonly sequence: TokenizedTrajectory
  /** Its query: attempts at the same query form a group. */
  readonly group: string
  /** It ran out of calls or tokens. */
  readonly isTruncated: boolean
}

/** The source of rollouts of the current policy. `round` is the step, or a unique number for further rounds of a step. null ends the run. */
export interface GrpoSource<Sample extends GrpoSample = GrpoSample> {
  next(round: number, policy: PolicyModel): Promise<readonly Sample[] | null>
}

/** The reward of an attempt; null where it cannot be scored. */
export function attemptReward({ rewards }: Pick<TokenizedTrajectory, 'rewards'>, kind: GrpoConfig['reward']): number | null {
  if (kind === 'outcome') return rewards.at(-1) ?? null
  const labelled = rewards.filter((reward) => reward !== null)
  if (labelled.length === 0) return null
  const sum = labelled.reduce((total, reward) => total + reward, 0)
  return kind === 'step_sum' ? sum : sum / labelled.length
}

/** The advantages of all steps of all attempts. */
export interface AdvantageEstimate {
  /** One advantage per step of the sequence of each sample. */
  readonly ofSteps: readonly (readonly number[])[]
  /** The number of groups whose advantages are all 0. */
  readonly flatGroups: ReadonlySet<string>
  /** Metrics of the estimate, in addition to those of the loop. */
  readonly metrics?: Readonly<Record<string, number>>
}

export type AdvantageEstimator<Sample extends GrpoSample = GrpoSample> = (samples: readonly Sample[]) => AdvantageEstimate

/**
 * GRPO's own: an attempt's reward against its group, the same for all its steps; or with advantage_level step, each step's reward against the
 * group's steps, whose groups are flat when all steps earned the same, whatever the attempts did.
 */
export const grpoAdvantages =
  (settings: Pick<GrpoConfig, 'advantage_level' | 'scale_rewards' | 'reward'>): AdvantageEstimator =>
  (samples) => {
    const isByStep = settings.advantage_level === 'step'
    const units = isByStep
      ? samples.flatMap(({ sequence, group }) => sequence.rewards.map((reward) => ({ reward, group })))
      : samples.map(({ sequence, group }) => ({ reward: attemptReward(sequence, settings.reward), group }))
    const { advantages, isFlat } = groupAdvantages(
      units.map(({ reward }) => reward),
      units.map(({ group }) => group),
      settings.scale_rewards,
    )
    let unit = 0
    const ofSteps = samples.map(({ sequence }, index) => sequence.rewards.map(() => advantages[isByStep ? unit++ : index] ?? 0))
    return { ofSteps, flatGroups: new Set(units.filter((_, index) => isFlat[index]).map(({ group }) => group)) }
  }

interface Gathered<Sample extends GrpoSample> {
  readonly samples: readonly Sample[]
  readonly groups: number
  readonly flatGroups: number
}

/** Collects a batch; with dynamic sampling, groups with equal rewards are replaced while rounds are left. It is empty if there is nothing to train on, and null at the end of the run. */
export async function gatherGroups<Sample extends GrpoSample>(
  step: number,
  settings: Pick<GrpoConfig, 'dynamic_sampling_rounds' | 'generation_batch_size'>,
  source: GrpoSource<Sample>,
  policy: PolicyModel,
  estimate: AdvantageEstimator<Sample>,
): Promise<Gathered<Sample> | null> {
  const rounds = settings.dynamic_sampling_rounds + 1
  const useful: Sample[] = []
  const flat: Sample[] = []
  const seen = { groups: 0, flat: 0 }
  for (let round = 0; round < rounds && useful.length < settings.generation_batch_size; round++) {
    const samples = await source.next(roundOfStep(step, round), policy)
    if (!samples && round === 0) return null
    if (!samples) break
    const { flatGroups } = estimate(samples)
    seen.groups += new Set(samples.map(({ group }) => group)).size
    seen.flat += flatGroups.size
    for (const sample of samples) (flatGroups.has(sample.group) ? flat : useful).push(sample)
  }
  const dropFlat = settings.dynamic_sampling_rounds > 0 && useful.length > 0
  const samples = dropFlat ? useful : [...useful, ...flat]
  return { samples: samples.slice(0, settings.generation_batch_size), groups: seen.groups, flatGroups: seen.flat }
}

/** [capacity]: the advantage of every row of the batch. @param ofSteps of each sample, one per step. */
export function rowAdvantages(batch: BatchLayout, samples: readonly GrpoSample[], ofSteps: AdvantageEstimate['ofSteps']): Float32Array {
  const rows = new Float32Array(rowCapacity(batch.rows))
  const bySequence = new Map(samples.map(({ sequence }, index) => [sequence, ofSteps[index] ?? []]))
  for (const { source, sequence, firstRow } of batch.items)
    sequence.targets.forEach((position, index) => {
      rows[firstRow + index] = bySequence.get(source)?.[source.stepOf[position] ?? -1] ?? 0
    })
  return rows
}

/** The attempts on which one update trains, and the weight of a token of each in its loss. */
export interface GrpoUpdate {
  readonly items: readonly BatchItem[]
  readonly weightOf: ReadonlyMap<BatchItem, number>
}

/** The updates of one pass. @param order places in `samples` of each update's attempts, masked ones among them. */
export function updatesOf(
  batch: BatchLayout,
  samples: readonly GrpoSample[],
  order: readonly (readonly number[])[],
  settings: Pick<GrpoConfig, 'loss_type' | 'max_completion_length'>,
): GrpoUpdate[] {
  const itemOf = new Map(batch.items.map((item) => [item.source, item]))
  return order.map((places) => {
    const attempts = places.map((place) => {
      const sample = samples[place]
      return (sample && itemOf.get(sample.sequence)) ?? null
    })
    const weights = tokenWeights(
      settings.loss_type,
      {
        lengths: attempts.map((item) => item?.sequence.targets.length ?? 0),
        batchTokens: batch.rows,
        updates: order.length,
      },
      settings.max_completion_length,
    )
    return {
      items: attempts.filter((item) => item !== null),
      weightOf: new Map(attempts.flatMap((item, index) => (item ? [[item, weights[index] ?? 0] as const] : []))),
    }
  })
}

/** The tensors with which the loss reads the rows of a micro-batch. */
export function lossRows(part: readonly BatchItem[], weightOf: ReadonlyMap<BatchItem, number>) {
  const tableRow: number[] = []
  const span: number[] = []
  const weight: number[] = []
  for (const item of part) {
    const first = tableRow.length
    const end = first + item.sequence.targets.length
    item.sequence.targets.forEach((_, index) => {
      tableRow.push(item.firstRow + index)
      span.push(first, end)
      weight.push(weightOf.get(item) ?? 0)
    })
  }
  return { tableRow: Uint32Array.from(tableRow), span: Uint32Array.from(span), weight: Float32Array.from(weight) }
}
