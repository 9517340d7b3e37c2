/** What a run of ArCHer will hold on the GPU. Actions that are not sampled yet are taken to be as long as those replayed. */
import { packedLayout } from '../../../engine/memory/packedState'
import type { PlanContext } from '../../../engine/plan/planGraph'
import type { ModelConfig } from '../../../models/architectures/config'
import { archerObjective, archerTrainable, criticShape } from './loop'
import { samplerSize } from './actions'
import type { ArcherConfig } from './config'
import { criticBytes } from './critic'
import { criticEntries, criticPlans } from './criticPlans'
import { featureSequence, prefixesOf } from './features'
import type { FeatureRequest } from './features'
import { actorDraw, criticDraws, ReplayBuffer, transitionsOf, utterancesPerUpdate } from './replay'
import type { Transition } from './replay'
import { generationMemory, noteSize, onOnePool, policyMemory, readback } from '../../preflight/memoryPlan'
import type { MemoryPart, Sizes } from '../../preflight/memoryPlan'
import { loraOf, policyPlans } from '../../policy/policyPlans'
import { microBatches } from '../../batches/batchLayout'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'

/** Iterations looked at to learn which sizes of batches come up. */
const ITERATIONS_LOOKED_AT = 8

/**
 * @param given what fills the replay buffer before the first iteration.
 * @param rollouts what comes in with each of the first iterations.
 */
export function archerMemory(
  config: ModelConfig,
  settings: ArcherConfig,
  { given, rollouts }: { readonly given: readonly TokenizedTrajectory[]; readonly rollouts: readonly (readonly TokenizedTrajectory[])[] },
  steps: number,
  seed: number,
  device: PlanContext,
): MemoryPart[] {
  const replay = new ReplayBuffer(settings.capacity)
  const store = (sequences: readonly TokenizedTrajectory[]): void => {
    const rules = { gamma: settings.gamma, unlabelled: settings.unlabelled_steps }
    replay.insert(sequences.flatMap((sequence) => transitionsOf(sequence, rules)))
  }
  const encoded: Sizes = new Map()
  const trained: Sizes = new Map()
  const known = new Map<readonly number[], Set<number>>()
  const note = (requests: readonly FeatureRequest[]): void => {
    const items = requests.map((request) => ({ sequence: featureSequence(request) }))
    for (const part of microBatches(items, settings.max_tokens_per_micro_batch)) noteSize(encoded, part)
  }
  const know = (transitions: readonly Transition[]): void => {
    const missing = prefixesOf(transitions).flatMap(({ ids, ends }) => {
      const own = known.get(ids) ?? new Set<number>()
      known.set(ids, own)
      const left = ends.filter((end) => !own.has(end))
      for (const end of left) own.add(end)
      return left.length === 0 ? [] : [{ ids, ends: left }]
    })
    note(missing)
  }
  const acted = ({ ids, action }: Transition): FeatureRequest => ({ ids, ends: [action] })
  let longest = 1
  store(given)
  for (let step = 0; step < Math.min(steps, ITERATIONS_LOOKED_AT); step++) {
    store(rollouts[step] ?? [])
    if (replay.size === 0) continue
    const drawn = criticDraws(replay, settings, seed, step).flat()
    know(drawn.map((place) => replay.at(place)))
    note((settings.fresh_actions === 'every_iteration' ? [...new Set(drawn)] : drawn).map((place) => acted(replay.at(place))))
    longest = replay.items.reduce((most, { observation }) => Math.max(most, observation), longest)
    const actorEpochs = step < Math.min(settings.warmup_iter, steps - 1) ? 0 : settings.actor_epochs
    for (let epoch = 0; epoch < actorEpochs; epoch++) {
      const transitions = actorDraw(replay, settings, seed, step, epoch).map((place) => replay.at(place))
      know(transitions)
      note(transitions.map(acted))
      const items = transitions.map(({ ids, observation, action }) => ({
        sequence: { ids: ids.slice(0, action), targets: Array.from({ length: action - observation }, (_, index) => observation + index) },
      }))
      for (const part of microBatches(items, settings.max_tokens_per_micro_batch)) noteSize(trained, part)
    }
  }

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
