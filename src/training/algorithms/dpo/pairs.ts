/**
 * Trajectories → preference pairs, as ETO (Song 2024, arXiv:2403.02502) contrasts them: on the same query a success is preferred to a failure.
 * What both share from the start (the query, steps they took alike) is context: it is not trained, nor are observations.
 */
import { createRng } from '../../../base/random'
import type { DpoConfig } from './config'
import type { LabelledTrajectory } from '../../batches/labelledTrajectory'
import { attemptOutcome, queryKey } from '../../batches/outcome'
import type { Sequence } from '../../batches/packing'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import { trainedPositions } from '../../batches/stepRewards'

const STREAM = { pairs: 241, epochs: 242 } as const

/** One attempt at a query. */
export interface DpoAttempt {
  readonly sequence: TokenizedTrajectory
  readonly query: string
  /** The key it shares with the one attempt it is compared with; null if it may be compared with any other attempt at the query. */
  readonly pair?: string | null
  /** 0 (failure) … 1 (success); null is unknown. */
  readonly outcome: number | null
}

/** One answer of a pair. */
export interface DpoSide {
  readonly source: TokenizedTrajectory
  /** Ids, and positions of the own tokens after what the pair shares. */
  readonly sequence: Sequence
  /** Own tokens of `source` before the first of these: the reference's log-probs are kept for all. */
  readonly skipped: number
}

export interface DpoPair {
  readonly query: string
  readonly chosen: DpoSide
  readonly rejected: DpoSide
}

export interface DpoPairs {
  readonly pairs: readonly DpoPair[]
  readonly queries: number
  /** Queries with both a success and a failure. */
  readonly pairedQueries: number
  readonly successes: number
  readonly failures: number
  /** Attempts that are neither success nor failure: their outcome is ½ (unsure) or unknown. */
  readonly undecided: number
}

/** Labelled trajectories as attempts. @param sequences one per trajectory. */
export function dpoAttempts(labelled: readonly LabelledTrajectory[], sequences: readonly TokenizedTrajectory[]): DpoAttempt[] {
  return labelled.flatMap(({ trajectory, rewards }, index) => {
    const sequence = sequences[index]
    if (!sequence) return []
    const outcome = attemptOutcome(trajectory, rewards)
    return [{ sequence, query: queryKey(trajectory), pair: trajectory.pair_id ?? null, outcome }]
  })
}

/** `findPairs`, or one sentence with the counts when there is no pair. */
export function makePairs(...given: Parameters<typeof findPairs>): DpoPairs {
  const found = findPairs(...given)
  if (found.pairs.length === 0) throw new Error(noPairsSentence(found))
  return found
}

/**
 * Pairs of a success (outcome above ½) and a failure (below), at most `max_pairs_per_query` a query, spread evenly over its attempts.
 * Attempts at a query with the same tokens are one. Attempts given as pairs are these pairs, all of them.
 */
export function findPairs(
  attempts: readonly DpoAttempt[],
  settings: Pick<DpoConfig, 'max_pairs_per_query' | 'overlong_pairs'>,
  seed: number,
): DpoPairs {
  interface Group {
    readonly query: string
    readonly successes: Map<string, TokenizedTrajectory>
    readonly failures: Map<string, TokenizedTrajectory>
  }
  const groups = new Map<string, Group>()
  const counts = { successes: 0, failures: 0, undecided: 0 }
  for (const { sequence, query, pair = null, outcome } of attempts) {
    const groupKey = pair === null ? `query ${query}` : `pair ${pair}`
    const group: Group = groups.get(groupKey) ?? { query, successes: new Map(), failures: new Map() }
    groups.set(groupKey, group)
    if (outcome === null || outcome === 0.5) {
      counts.undecided += 1
      continue
    }
    const kind = outcome > 0.5 ? 'successes' : 'failures'
    counts[kind] += 1
    const key = `${sequence.ids.join()}|${sequence.stepOf.join()}`
    if (!group[kind].has(key)) group[kind].set(key, sequence)
  }

  const pairs: DpoPair[] = []
  const pairedQueries = new Set<string>()
  let index = 0
  for (const { query, successes, failures } of groups.values()) {
    const rng = createRng(seed, STREAM.pairs, index++)
    const [wins, losses] = [rng.shuffle([...successes.values()]), rng.shuffle([...failures.values()])]
    if (wins.length > 0 && losses.length > 0) pairedQueries.add(query)
    let made = 0
    for (const [win, loss] of roundRobin(wins, losses)) {
      if (made === settings.max_pairs_per_query) break
      const pair = pairOf(query, win, loss, settings.overlong_pairs)
      if (!pair) continue
      pairs.push(pair)
      made += 1
    }
  }
  const queries = new Set([...groups.values()].map(({ query }) => query)).size
  return { pairs, queries, pairedQueries: pairedQueries.size, ...counts }
}

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`

const outcomesOf = ({ successes, failures, undecided }: DpoPairs): string =>
  `${counted(successes, 'success', 'successes')}, ${counted(failures, 'failure', 'failures')}, ${undecided} undecided or without an outcome`

/** The sentence that says why there is no pair. */
export function noPairsSentence(found: DpoPairs): string {
  const { queries, pairedQueries, successes, failures, undecided } = found
  const trajectories = counted(successes + failures + undecided, 'trajectory', 'trajectories')
  const of = `${trajectories} of ${counted(queries, 'query', 'queries')} (${outcomesOf(found)})`
  return pairedQueries === 0
    ? `DPO needs a success and a failure on the same query, and no query has both: ${of}.`
    : `DPO found no token to train on after what the attempts at a query share: ${of}.`
}

/** The sentence for the run card. */
export function pairsSentence(found: DpoPairs): string {
  const { pairs, queries, pairedQueries } = found
  return `${counted(pairs.length, 'pair', 'pairs')} from ${pairedQueries} of ${counted(queries, 'query', 'queries')}: ${outcomesOf(found)}.`
}

/** Every combination of the two lists once, in an order that uses both lists evenly. */
function* roundRobin<T>(left: readonly T[], right: readonly T[]): Generator<readonly [T, T]> {
  const [m, n] = [left.length, right.length]
  const lap = m * n === 0 ? 1 : (m * n) / greatestDivisor(m, n)
  for (let k = 0; k < m * n; k++) {
    const [a, b] = [left[k % m], right[(k + Math.floor(k / lap)) % n]]
    if (a !== undefined && b !== undefined) yield [a, b]
  }
}
const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b))

/** The lengths that TRL 0.10.1 uses with StepTool's flags: `max_length` stays 512, and `max_prompt_length` is 7000. */
const RELEASED = { maxLength: 512, maxPromptLength: 7000 } as const

/** null where a side has no own token after what both share. */
function pairOf(query: string, win: TokenizedTrajectory, loss: TokenizedTrajectory, overlong: DpoConfig['overlong_pairs']): DpoPair | null {
  const shared = sharedPrefix(win, loss)
  const [chosen, rejected] = [sideOf(win, shared, win.ids.length), sideOf(loss, shared, loss.ids.length)]
  if (chosen.sequence.targets.length === 0 || rejected.sequence.targets.length === 0) return null
  const longest = Math.max(win.ids.length, loss.ids.length)
  if (overlong === 'keep' || longest <= RELEASED.maxLength) return { query, chosen, rejected }
  // Answers are sliced to [: 512 − 7000]: all but their last 6488 tokens, which is almost always no token.
  const cut = ({ ids }: TokenizedTrajectory): number => Math.max(shared, ids.length + RELEASED.maxLength - RELEASED.maxPromptLength)
  return { query, chosen: sideOf(win, shared, cut(win)), rejected: sideOf(loss, shared, cut(loss)) }
}

/** Tokens both begin with, in the same part of the conversation. */
function sharedPrefix(a: TokenizedTrajectory, b: TokenizedTrajectory): number {
  let shared = 0
  while (
    shared < Math.min(a.ids.length, b.ids.length) &&
    a.ids[shared] === b.ids[shared] &&
    (a.stepOf[shared] ?? -1) < 0 === (b.stepOf[shared] ?? -1) < 0
  )
    shared += 1
  return shared
}

function sideOf(source: TokenizedTrajectory, shared: number, end: number): DpoSide {
  const own = trainedPositions(source, 'no_score')
  const targets = own.filter((position) => position >= shared && position < end)
  // A side that nothing is left of still stands in the batch as one token: sequences are pairs in turn.
  return {
    source,
    sequence: { ids: source.ids.slice(0, Math.max(1, targets.length === 0 ? 1 : end)), targets },
    skipped: own.filter((position) => position < shared).length,
  }
}

/** Updates of one pass over the data. */
const updatesPerPass = (pairs: readonly DpoPair[], size: number): number => Math.ceil(pairs.length / size)

/** The pairs of update `step`: each pass over the data in a new order named by seed and pass; the last update of a pass may have fewer. */
export function pairsOfStep(pairs: readonly DpoPair[], size: number, seed: number, step: number): DpoPair[] {
  const perPass = updatesPerPass(pairs, size)
  const order = createRng(seed, STREAM.epochs, Math.floor(step / perPass)).shuffle(pairs)
  return order.slice((step % perPass) * size, (step % perPass) * size + size)
}

/** The pairs that updates `first` … `end` − 1 see. */
export function pairsOfSteps(pairs: readonly DpoPair[], size: number, seed: number, first: number, end: number): readonly DpoPair[] {
  // Any stretch of that many updates holds a whole pass.
  if (end - first >= 2 * updatesPerPass(pairs, size)) return pairs
  const steps = Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index)
  return [...new Set(steps.flatMap((step) => pairsOfStep(pairs, size, seed, step)))]
}
