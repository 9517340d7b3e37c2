/** Decides what an iteration of ArCHer draws, encodes and trains on. The loop and the memory estimate both use it. */
import { microBatches } from '../../batches/batchLayout'
import type { Sequence } from '../../batches/packing'
import type { ArcherConfig } from './config'
import { actorDraw, criticDraws, utterancesPerUpdate } from './replay'
import type { ReplayBuffer } from './replay'

type DrawSettings = Pick<ArcherConfig, 'batch_size' | 'gradient_accumulation_steps' | 'epochs' | 'fresh_actions'>

/** A fresh action to sample after the observation of the utterance at `place`; `sample` is the number of the draw. */
export interface AskedAction {
  readonly place: number
  readonly sample: number
}

export interface CriticDraws {
  /** Places of the utterances of each update. */
  readonly updates: readonly (readonly number[])[]
  /** Every place that is drawn, with repeats. */
  readonly places: readonly number[]
  readonly asked: readonly AskedAction[]
  /** Index into `asked` of the fresh action of row `row` of update `update`. */
  answerOf(update: number, row: number): number
}

/** The critics' draws of an iteration. The policy does not change meanwhile, so all fresh actions are sampled at once. */
export function criticDrawsOf(replay: ReplayBuffer, settings: DrawSettings, seed: number, iteration: number): CriticDraws {
  const updates = criticDraws(replay, settings, seed, iteration)
  const places = updates.flat()
  if (settings.fresh_actions === 'every_draw') {
    const size = utterancesPerUpdate(settings)
    const asked = places.map((place, sample) => ({ place, sample }))
    return { updates, places, asked, answerOf: (update, row) => update * size + row }
  }
  const distinct = [...new Set(places)]
  const indexOf = new Map(distinct.map((place, index) => [place, index]))
  return {
    ...{ updates, places },
    asked: distinct.map((place) => ({ place, sample: 0 })),
    answerOf: (update, row) => indexOf.get(updates[update]?.[row] ?? -1) ?? -1,
  }
}

/** The updates of the actor in an iteration; there are none while only the critics learn. */
export const actorEpochsOf = (
  { warmup_iter, actor_epochs }: Pick<ArcherConfig, 'warmup_iter' | 'actor_epochs'>,
  iteration: number,
): number => (iteration < warmup_iter ? 0 : actor_epochs)

/** The actions of one update of the actor. */
export const actorActions = (
  replay: ReplayBuffer,
  settings: Omit<DrawSettings, 'epochs'>,
  seed: number,
  iteration: number,
  epoch: number,
): AskedAction[] => actorDraw(replay, settings, seed, iteration, epoch).map((place, sample) => ({ place, sample }))

export interface ActorItem {
  /** Place in the update's batch. */
  readonly utterance: number
  readonly sequence: Sequence
}

/** The micro-batches on which the actor trains: the tokens of the actions, after their observations. */
export function actorParts(
  actions: readonly { readonly observation: readonly number[]; readonly ids: readonly number[] }[],
  { max_tokens_per_micro_batch }: Pick<ArcherConfig, 'max_tokens_per_micro_batch'>,
): ActorItem[][] {
  const items = actions.map(({ observation, ids }, utterance) => ({
    utterance,
    sequence: { ids: [...observation, ...ids], targets: ids.map((_, index) => observation.length + index) },
  }))
  return microBatches(items, max_tokens_per_micro_batch)
}
