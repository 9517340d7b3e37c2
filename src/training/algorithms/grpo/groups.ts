/** A batch of groups: gathered from practice, its advantages, and its rows as the loss reads them. */
import { groupAdvantages, tokenWeights } from './arithmetic'
import type { GroupAdvantages } from './arithmetic'
import type { GrpoConfig } from './config'
import { roundOfStep } from '../../batches/rounds'
import type { PolicyModel } from '../../policy/policyModel'
import { rowCapacity } from '../../batches/batchLayout'
import type { BatchLayout, BatchItem } from '../../batches/batchLayout'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'

/** One attempt. */
export interface GrpoSample {
  readonly sequence: TokenizedTrajectory
  /** Its query: attempts at the same query form a group. */
  readonly group: string
  /** It ran out of calls or tokens. */
  readonly isTruncated: boolean
}

/** Practice with the policy as it is; `round` is the step, or for its further rounds a number no other has. null ends the run. */
export interface GrpoSource {
  next(round: number, policy: PolicyModel): Promise<readonly GrpoSample[] | null>
}

/** The reward of an attempt; null where it cannot be scored. */
export function attemptReward({ rewards }: Pick<TokenizedTrajectory, 'rewards'>, kind: GrpoConfig['reward']): number | null {
  if (kind === 'outcome') return rewards.at(-1) ?? null
  const labelled = rewards.filter((reward) => reward !== null)
  if (labelled.length === 0) return null
  const sum = labelled.reduce((total, reward) => total + reward, 0)
  return kind === 'step_sum' ? sum : sum / labelled.length
}

interface Gathered {
  readonly samples: readonly GrpoSample[]
  readonly groups: number
  readonly flatGroups: number
}

/** A batch; with dynamic sampling flat groups are replaced while rounds are left. Empty where practice left nothing to train on; null: it ended. */
export async function gatherGroups(step: number, settings: GrpoConfig, source: GrpoSource, policy: PolicyModel): Promise<Gathered | null> {
  const rounds = settings.dynamic_sampling_rounds + 1
  const useful: GrpoSample[] = []
  const flat: GrpoSample[] = []
  const seen = { groups: 0, flat: 0 }
  for (let round = 0; round < rounds && useful.length < settings.generation_batch_size; round++) {
    const samples = await source.next(roundOfStep(step, round), policy)
    if (!samples && round === 0) return null
    if (!samples) break
    const flatGroups = flatGroupsOf(samples, settings)
    seen.groups += new Set(samples.map(({ group }) => group)).size
    seen.flat += flatGroups.size
    for (const sample of samples) (flatGroups.has(sample.group) ? flat : useful).push(sample)
  }
  const dropFlat = settings.dynamic_sampling_rounds > 0 && useful.length > 0
  const samples = dropFlat ? useful : [...useful, ...flat]
  return { samples: samples.slice(0, settings.generation_batch_size), groups: seen.groups, flatGroups: seen.flat }
}

/** Groups that teach nothing: with advantages of steps those in which all steps earned the same, whatever the attempts did. */
export function flatGroupsOf(samples: readonly GrpoSample[], settings: GrpoConfig): Set<string> {
  const all = settings.advantage_level === 'step' ? stepsOf(samples) : samples
  const { isFlat } = settings.advantage_level === 'step' ? stepAdvantagesOf(samples, settings) : advantagesOf(samples, settings)
  return new Set(all.filter((_, index) => isFlat[index]).map(({ group }) => group))
}

const stepsOf = (samples: readonly GrpoSample[]): { readonly reward: number | null; readonly group: string }[] =>
  samples.flatMap(({ sequence, group }) => sequence.rewards.map((reward) => ({ reward, group })))

function stepAdvantagesOf(samples: readonly GrpoSample[], settings: GrpoConfig): GroupAdvantages {
  const steps = stepsOf(samples)
  return groupAdvantages(
    steps.map(({ reward }) => reward),
    steps.map(({ group }) => group),
    settings.scale_rewards,
  )
}

const advantagesOf = (samples: readonly GrpoSample[], settings: GrpoConfig) =>
  groupAdvantages(
    samples.map(({ sequence }) => attemptReward(sequence, settings.reward)),
    samples.map(({ group }) => group),
    settings.scale_rewards,
  )

/** [capacity]: the advantage of every row of the batch. */
export function rowAdvantages(batch: BatchLayout, samples: readonly GrpoSample[], settings: GrpoConfig): Float32Array {
  const rows = new Float32Array(rowCapacity(batch.rows))
  const ofSteps = new Map<TokenizedTrajectory, readonly number[]>()
  if (settings.advantage_level === 'trajectory') {
    const { advantages } = advantagesOf(samples, settings)
    samples.forEach(({ sequence }, index) =>
      ofSteps.set(
        sequence,
        sequence.rewards.map(() => advantages[index] ?? 0),
      ),
    )
  } else {
    const { advantages } = stepAdvantagesOf(samples, settings)
    let at = 0
    for (const { sequence } of samples)
      ofSteps.set(
        sequence,
        sequence.rewards.map(() => advantages[at++] ?? 0),
      )
  }
  for (const { source, sequence, firstRow } of batch.items)
    sequence.targets.forEach((position, index) => {
      rows[firstRow + index] = ofSteps.get(source)?.[source.stepOf[position] ?? -1] ?? 0
    })
  return rows
}

/** What one update trains on: attempts that are not masked out, and how much a token of each weighs in its loss. */
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

/** What the loss needs to know of the rows of a micro-batch. */
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
