/**
 * Utterances as transitions, and the buffer they are replayed from (ArCHer, `archer/data/data.py`): a ring of `capacity`, drawn from
 * uniformly with replacement. What is seen and done are stretches of one token sequence: an observation is all before a completion.
 */
import { createRng } from '../../../base/random'
import type { Rng } from '../../../base/random'
import { TRANSITION, TRANSITION_WORDS } from '../../../engine/ops/criticLoss'
import type { ArcherConfig } from './config'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import type { UnlabelledSteps } from '../../batches/stepRewards'

export interface Transition {
  /** Tokens of the whole trajectory; shared by its transitions. */
  readonly ids: readonly number[]
  /** Tokens of the observation, at least 1; the action begins here. */
  readonly observation: number
  /** Tokens up to the end of the action. */
  readonly action: number
  /** Tokens of the next observation; 0: the episode ended. */
  readonly next: number
  readonly reward: number
  /** Discounted sum of this reward and those after it. */
  readonly mcReturn: number
}

/** G_i = Σ_{j ≥ i} γ^{j − i} r_j (`build_archer_data.py`). */
export function monteCarloReturns(rewards: readonly number[], gamma: number): number[] {
  const returns: number[] = []
  let after = 0
  for (const reward of rewards.toReversed()) returns.unshift((after = reward + gamma * after))
  return returns
}

/** The utterances of a trajectory, in order, without those whose start or whole observation was truncated. */
export function transitionsOf(
  { ids, stepOf, rewards }: Pick<TokenizedTrajectory, 'ids' | 'stepOf' | 'rewards'>,
  rules: { readonly gamma: number; readonly unlabelled: UnlabelledSteps },
): Transition[] {
  const returns = monteCarloReturns(
    rewards.map((reward) => reward ?? 0),
    rules.gamma,
  )
  const spans = rewards.map((reward, step) => ({ reward, step, first: stepOf.indexOf(step), end: stepOf.lastIndexOf(step) + 1 }))
  return spans.flatMap(({ reward, step, first, end }, index) => {
    if (first < 1 || (reward === null && rules.unlabelled === 'leave_out')) return []
    const following = spans.slice(index + 1).find((later) => later.first >= end)
    return [
      {
        ...{ ids, observation: first, action: end, next: following?.first ?? 0 },
        reward: Math.fround(reward ?? 0),
        mcReturn: Math.fround(returns[step] ?? 0),
      },
    ]
  })
}

/** The words of a transition that the critics’ loss reads; see `TRANSITION`. */
export function transitionWords({ reward, next, mcReturn }: Transition, weight: number): number[] {
  const words = new Array<number>(TRANSITION_WORDS).fill(0)
  words[TRANSITION.reward] = reward
  words[TRANSITION.continues] = next > 0 ? 1 : 0
  words[TRANSITION.mcReturn] = mcReturn
  words[TRANSITION.weight] = weight
  return words
}

/** Throws one sentence for what cannot be encoded. A sampled action may be as long as the settings allow. */
export function checkTransitions(
  transitions: readonly Transition[],
  settings: { readonly max_tokens_per_micro_batch: number; readonly max_response_len: number },
  model: { readonly max_position_embeddings: number; readonly vocab_size: number },
): void {
  for (const ids of new Set(transitions.map(({ ids }) => ids))) {
    const stray = ids.find((id) => id >= model.vocab_size)
    if (stray !== undefined)
      throw new Error(`token id ${stray} is outside the model's vocabulary of ${model.vocab_size}: these ids belong to another tokenizer`)
  }
  // One more: a prefix's last token is read where it predicts the next.
  const longest = transitions.reduce((most, { action }) => Math.max(most, action), 0) + 1
  if (longest > model.max_position_embeddings)
    throw new Error(
      `a trajectory of ${longest - 1} tokens, but the model reads at most ${model.max_position_embeddings - 1} of them here: lower max_context_len or max_response_len`,
    )
  const acting = transitions.reduce((most, { observation }) => Math.max(most, observation), 0) + settings.max_response_len + 1
  const needed = Math.max(longest, Math.min(acting, model.max_position_embeddings))
  if (needed > settings.max_tokens_per_micro_batch)
    throw new Error(
      `an utterance of up to ${needed} tokens does not fit max_tokens_per_micro_batch ${settings.max_tokens_per_micro_batch}: raise it, or lower max_context_len or max_response_len`,
    )
}

/** Words of a transition in a checkpoint: its trajectory, then the fields. */
const WORDS = 6

export class ReplayBuffer {
  readonly capacity: number
  readonly #items: Transition[] = []
  #inserted = 0

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    return this.#items.length
  }

  /** The number of transitions that were ever added. */
  get inserted(): number {
    return this.#inserted
  }

  get items(): readonly Transition[] {
    return this.#items
  }

  /** Adds transitions; if the buffer is full, the oldest ones are dropped. */
  insert(transitions: readonly Transition[]): void {
    for (const transition of transitions) {
      this.#items[this.#inserted % this.capacity] = transition
      this.#inserted += 1
    }
  }

  /** Places of so many transitions, drawn with replacement. */
  draw(count: number, rng: Rng): number[] {
    if (this.size === 0) throw new Error('the replay buffer is empty')
    return Array.from({ length: count }, () => rng.int(this.size))
  }

  at(place: number): Transition {
    const found = this.#items[place]
    if (!found) throw new Error(`the replay buffer holds ${this.size} transitions, but number ${place} was asked for`)
    return found
  }

  /** The buffer as numbers: every trajectory once, then its transitions. All numbers are below 2²⁴, so f32 represents them exactly. */
  arrays(): Record<'replay_ids' | 'replay_lengths' | 'replay_transitions', Float32Array> {
    const trajectories = [...new Set(this.#items.map(({ ids }) => ids))]
    const indexOf = new Map(trajectories.map((ids, index) => [ids, index]))
    return {
      replay_ids: Float32Array.from(trajectories.flat()),
      replay_lengths: Float32Array.from(trajectories, ({ length }) => length),
      replay_transitions: Float32Array.from(
        this.#items.flatMap((one) => [indexOf.get(one.ids) ?? 0, one.observation, one.action, one.next, one.reward, one.mcReturn]),
      ),
    }
  }

  /** Restores the result of `arrays`; the transitions of a trajectory share its ids again. */
  restore(inserted: number, arrays: Readonly<Record<string, Float32Array>>): void {
    const { replay_ids: ids, replay_lengths: lengths, replay_transitions: words } = arrays
    if (!ids || !lengths || !words) throw new Error('the checkpoint lacks the replay buffer')
    let start = 0
    const trajectories = Array.from(lengths, (length) => [...ids.slice(start, (start += length))])
    this.#items.length = 0
    for (let at = 0; at < words.length; at += WORDS) {
      const [trajectory = 0, observation = 0, action = 0, next = 0, reward = 0, mcReturn = 0] = words.slice(at, at + WORDS)
      this.#items.push({ ids: trajectories[trajectory] ?? [], observation, action, next, reward, mcReturn })
    }
    this.#inserted = inserted
  }
}

const STREAM = { critics: 282, actor: 283 } as const
type DrawSettings = Pick<ArcherConfig, 'batch_size' | 'gradient_accumulation_steps' | 'epochs'>

/** Utterances of one update. */
export const utterancesPerUpdate = (settings: Omit<DrawSettings, 'epochs'>): number =>
  settings.batch_size * settings.gradient_accumulation_steps

/** Places of the utterances of each of the critics' updates in an iteration. */
export const criticDraws = (replay: ReplayBuffer, settings: DrawSettings, seed: number, iteration: number): number[][] =>
  Array.from({ length: settings.epochs }, (_, epoch) =>
    replay.draw(utterancesPerUpdate(settings), createRng(seed, STREAM.critics, iteration, epoch)),
  )

/** Places of the utterances whose observations the actor acts on. */
export const actorDraw = (
  replay: ReplayBuffer,
  settings: Omit<DrawSettings, 'epochs'>,
  seed: number,
  iteration: number,
  epoch: number,
): number[] => replay.draw(utterancesPerUpdate(settings), createRng(seed, STREAM.actor, iteration, epoch))
