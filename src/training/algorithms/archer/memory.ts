/** The GPU memory of a run of ArCHer. Actions that are not sampled yet are assumed to be as long as the replayed ones. */
import { packedLayout } from '../../../engine/memory/packedState'
import type { PlanContext } from '../../../engine/plan/planGraph'
import type { ModelConfig } from '../../../models/architectures/config'
import { STEPS_LOOKED_AT } from '../../batches/expectedEpisodes'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import { loraOf, policyPlans } from '../../policy/policyPlans'
import { generationMemory, noteSize, onOnePool, policyMemory, readback } from '../../preflight/memoryPlan'
import type { MemoryPart, Sizes } from '../../preflight/memoryPlan'
import { samplerSize } from './actions'
import type { ArcherConfig } from './config'
import { criticBytes } from './critic'
import { criticEntries, criticPlans } from './criticPlans'
import { actorActions, actorEpochsOf, actorParts, criticDrawsOf } from './draws'
import type { AskedAction } from './draws'
import { featureParts, missingFeatures, prefixesOf } from './features'
import type { FeatureRequest } from './features'
import { archerObjective, archerTrainable, criticShape } from './objective'
import { ReplayBuffer, transitionsOf, utterancesPerUpdate } from './replay'

export interface ReplayFill {
  /** The trajectories that fill the replay buffer before the first iteration. */
  readonly given: readonly TokenizedTrajectory[]
  /** The rollouts of each of the first iterations. */
  readonly rollouts: readonly (readonly TokenizedTrajectory[])[]
}

export interface ArcherSizes {
  readonly encoded: Sizes
  readonly trained: Sizes
  /** Tokens of the longest observation an action is sampled behind. */
  readonly longest: number
}

/** The sizes of micro-batches that the first iterations encode and train on. */
function archerSizes(settings: ArcherConfig, { given, rollouts }: ReplayFill, steps: number, seed: number): ArcherSizes {
  const replay = new ReplayBuffer(settings.capacity)
  const store = (sequences: readonly TokenizedTrajectory[]): void => {
    const rules = { gamma: settings.gamma, unlabelled: settings.unlabelled_steps }
    replay.insert(sequences.flatMap((sequence) => transitionsOf(sequence, rules)))
  }
  const encoded: Sizes = new Map()
  const trained: Sizes = new Map()
  const known = new Map<readonly number[], Set<number>>()
  const encode = (requests: readonly FeatureRequest[]): void => {
    for (const part of featureParts(requests, settings.max_tokens_per_micro_batch)) noteSize(encoded, part)
  }
  const know = (places: readonly number[]): void => {
    const wanted = prefixesOf(places.map((place) => replay.at(place)))
    encode(missingFeatures(wanted, (ids, end) => known.get(ids)?.has(end) === true))
    for (const { ids, ends } of wanted) known.set(ids, new Set([...(known.get(ids) ?? []), ...ends]))
  }
  /** Replayed actions are used in place of fresh ones. */
  const act = (asked: readonly AskedAction[]) => {
    const actions = asked.map(({ place }) => replay.at(place)).map(({ ids, observation, action }) => ({ ids, observation, action }))
    encode(actions.map(({ ids, action }) => ({ ids, ends: [action] })))
    return actions.map(({ ids, observation, action }) => ({ observation: ids.slice(0, observation), ids: ids.slice(observation, action) }))
  }
  store(given)
  let longest = 1
  const last = Math.min(steps, STEPS_LOOKED_AT) - 1
  for (let step = 0; step <= last; step++) {
    store(rollouts[step] ?? [])
    if (replay.size === 0) continue
    const draws = criticDrawsOf(replay, settings, seed, step)
    know(draws.places)
    act(draws.asked)
    longest = replay.items.reduce((most, { observation }) => Math.max(most, observation), longest)
    // If the actor starts to learn after the planned iterations, the last of them is used instead.
    const actorEpochs = actorEpochsOf(settings, step === last ? steps - 1 : step)
    for (let epoch = 0; epoch < actorEpochs; epoch++) {
      const asked = actorActions(replay, settings, seed, step, epoch)
      know(asked.map(({ place }) => place))
      for (const part of actorParts(act(asked), settings)) noteSize(trained, part)
    }
  }
  return { encoded, trained, longest }
}

export function archerMemory(
  config: ModelConfig,
  settings: ArcherConfig,
  fill: ReplayFill,
  steps: number,
  seed: number,
  device: PlanContext,
): MemoryPart[] {
  const { encoded, trained, longest } = archerSizes(settings, fill, steps, seed)
  const size = utterancesPerUpdate(settings)
  const trainable = archerTrainable(settings)
  const plans = policyPlans(config, trainable, device)
  const shape = criticShape(settings, config)
  const critics = criticPlans(shape, settings.gamma, device)
  const objective = archerObjective(size)
  const sampler = samplerSize(config, longest, settings.max_response_len, device.isSoftware)
  const policy = policyMemory(config, trainable, [
    ...[...encoded.values()].map(([tokens, rows]) => plans.hidden(tokens, rows)),
    ...[...trained.values()].map(([tokens, rows]) => plans.gradient(tokens, rows, objective)),
    plans.update(),
    ...[critics.learn(size), critics.update(), critics.blend(1), critics.blend(settings.tau), critics.advantage(size)],
  ])
  const acting = generationMemory({ config, lora: loraOf(trainable), ...sampler, maxNewTokens: settings.max_response_len }, device)
  return [
    ...onOnePool(
      policy,
      acting.map((part) => ({ ...part, name: `${part.name} of fresh actions` })),
    ),
    { name: 'critics, their targets and moments', bytes: criticBytes(shape) + size * 4 },
    ...readback(config, trainable),
    { name: 'reading back critics', bytes: packedLayout(criticEntries(shape)).count * 4 },
  ]
}
