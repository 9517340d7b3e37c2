/** Selects the attempts that rejection sampling imitates: those that pass, without duplicates, up to a maximum per query. */
import { createRng } from '../../../base/random'
import type { LabelledTrajectory } from '../../batches/labelledTrajectory'
import { imitatedPositions } from '../../batches/lossMask'
import type { LossMask } from '../../batches/lossMask'
import { outcomeOf, queryKey } from '../../batches/outcome'
import type { Sequence } from '../../batches/packing'
import type { TokenizedTrajectory, TokenizeOptions } from '../../batches/tokenizedTrajectory'
import type { RftConfig } from './config'

const STREAM = { cap: 251, order: 252 } as const

/** One attempt at a query. */
export interface RftAttempt {
  readonly sequence: TokenizedTrajectory
  readonly query: string
  /** The reward that is compared with `reward_threshold`; null if it is unknown. */
  readonly score: number | null
}

/** A sample must fit one micro-batch: the final response gets at most a quarter of it. */
export function rftSequenceOptions(
  settings: Pick<RftConfig, 'tokens_per_batch' | 'max_context_len' | 'max_response_len' | 'encoding'>,
): TokenizeOptions {
  const maxResponseLen = Math.min(settings.max_response_len, Math.floor(settings.tokens_per_batch / 4))
  const maxContextLen = Math.min(settings.max_context_len, settings.tokens_per_batch - maxResponseLen)
  return { maxContextLen, maxResponseLen, encoding: settings.encoding }
}

/** Labelled trajectories as attempts. @param sequences one per trajectory, as `rftTokenization` cuts them. */
export function rftAttempts(
  labelled: readonly LabelledTrajectory[],
  sequences: readonly TokenizedTrajectory[],
  { reward }: Pick<RftConfig, 'reward'>,
): RftAttempt[] {
  const isOfSteps = reward === 'step_mean' || reward === 'step_min'
  return labelled.flatMap(({ trajectory, rewards }, index) => {
    const sequence = sequences[index]
    if (!sequence) return []
    const score = isOfSteps ? stepScore(sequence, reward) : outcomeOf(trajectory, rewards, reward)
    return [{ sequence, query: queryKey(trajectory), score }]
  })
}

function stepScore({ rewards }: TokenizedTrajectory, kind: 'step_mean' | 'step_min'): number | null {
  const labelled = rewards.filter((reward) => reward !== null)
  if (labelled.length === 0) return null
  return kind === 'step_min' ? Math.min(...labelled) : labelled.reduce((sum, reward) => sum + reward, 0) / labelled.length
}

/** Every attempt is one of: rejected (sampled − passed), blank, deduped, capped, kept. */
export interface RftCounts {
  readonly sampled: number
  readonly passed: number
  /** Attempts that passed, but have no token that carries loss. */
  readonly blank: number
  /** Attempts that passed with the same tokens as another attempt at the query. */
  readonly deduped: number
  /** Attempts that passed, beyond max_samples_per_query. */
  readonly capped: number
  readonly kept: number
  /** Queries with a kept attempt. */
  readonly queries: number
  /** Steps of the kept attempts that carry no loss for their label. */
  readonly filteredSteps: number
}

export interface RftSelection {
  /** In the order they are trained on. */
  readonly kept: readonly Sequence[]
  readonly counts: RftCounts
}

/** @param step draws which of a query's passes the cap keeps, and their order. */
export function selectPasses(
  attempts: readonly RftAttempt[],
  settings: Pick<RftConfig, 'reward_threshold' | 'max_samples_per_query'> & Required<LossMask>,
  seed: number,
  step: number,
): RftSelection {
  const passes = attempts.filter(({ score }) => score !== null && score >= settings.reward_threshold)
  const byQuery = new Map<string, Map<string, TokenizedTrajectory>>()
  let [blank, deduped] = [0, 0]
  for (const { sequence, query } of passes) {
    const known = byQuery.get(query) ?? new Map<string, TokenizedTrajectory>()
    const key = `${sequence.ids.join()}|${sequence.stepOf.join()}`
    if (imitatedPositions(sequence, settings).length === 0) blank += 1
    else if (known.has(key)) deduped += 1
    else byQuery.set(query, known.set(key, sequence))
  }
  const chosen = [...byQuery.values()].flatMap((distinct, index) => {
    const drawn = createRng(seed, STREAM.cap, step, index).shuffle([...distinct.values()])
    return drawn.slice(0, settings.max_samples_per_query)
  })
  const kept = createRng(seed, STREAM.order, step)
    .shuffle(chosen)
    .map((sequence) => ({ ids: sequence.ids, targets: imitatedPositions(sequence, settings) }))
  // Under mask_history a kept attempt's steps before the last carry none anyway, and its last is not labelled 0.
  const isFiltered = settings.step_filtered && !settings.mask_history
  const ofSteps = ({ rewards }: TokenizedTrajectory): number => rewards.filter((reward) => reward === 0).length
  return {
    kept,
    counts: {
      ...{ sampled: attempts.length, passed: passes.length, blank, deduped, kept: kept.length, queries: byQuery.size },
      capped: passes.length - blank - deduped - kept.length,
      filteredSteps: isFiltered ? chosen.reduce((sum, sequence) => sum + ofSteps(sequence), 0) : 0,
    },
  }
}

const RULES: Readonly<Record<RftConfig['reward'], string>> = {
  final_step: 'whose final step earned',
  status: 'whose status is worth',
  step_mean: 'whose steps earned on average',
  step_min: 'each of whose steps earned',
}

/** The sentence that says why no attempt was selected. */
export function nothingKeptSentence(
  attempts: readonly RftAttempt[],
  { passed }: RftCounts,
  { reward, reward_threshold }: Pick<RftConfig, 'reward' | 'reward_threshold'>,
): string {
  const rule = `RFT imitates attempts ${RULES[reward]} at least ${reward_threshold}`
  if (passed > 0) return `${rule}: ${passed} of ${attempts.length} passed, but none has a token to train on.`
  const scores = attempts.flatMap(({ score }) => score ?? [])
  const best = scores.length === 0 ? 'none has a label that says' : `the best has ${Number(Math.max(...scores).toFixed(3))}`
  return `${rule}, and none of ${attempts.length} did: ${best}.`
}

/** The sentence for the run card. */
export function selectionSentence({ sampled, passed, blank, deduped, capped, kept, queries, filteredSteps }: RftCounts): string {
  const lost = [
    ...(blank > 0 ? [`${blank} without a token to train on`] : []),
    `${deduped} ${deduped === 1 ? 'duplicate' : 'duplicates'}`,
    `${capped} beyond max_samples_per_query`,
  ]
  const filtered = filteredSteps > 0 ? ` ${filteredSteps} of their steps are labelled 0 and carry no loss.` : ''
  const of = `${queries} ${queries === 1 ? 'query' : 'queries'}`
  return `${kept} of ${sampled} attempts are imitated, from ${of}: ${passed} passed, minus ${lost.join(', ')}.${filtered}`
}
