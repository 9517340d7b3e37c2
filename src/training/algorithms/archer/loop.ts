/**
 * ArCHer (Zhou 2024, arXiv:2402.19446), read top to bottom. Whole utterances are the actions of an off-policy critic, whose advantages
 * teach the policy their tokens. Per iteration:
 *   rollout  online: trajectories of the policy as it is; every utterance of theirs joins the replay buffer. Offline it is filled once
 *   critics  epochs × a batch of replayed utterances: Q_i(s, a) → r + γ V_i⁻(s′), V_i(s) → Q_i⁻(s, a ~ π); AdamW; targets Q⁻, V⁻ follow by τ
 *   actor    after warmup_iter iterations, actor_epochs × a batch of observations: a ~ π, A = min Q(s, a) − min V(s), −A log π(a | s); AdamW
 * Arithmetic is `archer/trainer.py`'s as StepTool's baseline runs it. Departures: the critics read the policy's own trunk, adapter off so
 * that what they read and their targets do not drift, instead of a RoBERTa that is trained along; the action is read behind its observation, not
 * apart from it; gradients of critics and actor are clipped apart; and, each behind a switch, an update's loss is a mean, not a sum
 * (`accumulation_reduction`), and an observation has one fresh action an iteration (`fresh_actions`). As there, dropout is never active.
 * An action's log π is a sum over its tokens: long actions move the policy more.
 */
import { optimizerQuestions } from '../../policy/metricQuestions'
import { z } from 'zod'
import { createRng } from '../../../base/random'
import { accumulateInto } from '../../../engine/ops/accumulateInto'
import { archerLoss, ARCHER_SUM_WORDS } from '../../../engine/ops/archerLoss'
import { adapterTrainable } from '../../policy/adapterSettings'
import type { Algorithm } from '../../algorithm'
import type { TrainingContext } from '../../trainingContext'
import { ActionSampler } from './actions'
import type { SampledAction } from './actions'
import { archerConfig, archerMetricMeanings } from './config'
import type { ArcherConfig } from './config'
import { ArcherCritic } from './critic'
import type { CriticShape } from './criticPlans'
import { encodeFeatures, prefixesOf, rowsOf, TrajectoryFeatures } from './features'
import { archerMetrics } from './metrics'
import { actorDraw, checkTransitions, criticDraws, ReplayBuffer, transitionsOf, transitionWords, utterancesPerUpdate } from './replay'
import type { Transition } from './replay'
import { createCheckpointer } from '../../checkpoints/checkpointer'
import { initializePolicy } from '../../policy/initialAdapter'
import { hyperOf } from '../../policy/optimizerSettings'
import { packSequences, uploadBatch } from '../../batches/packing'
import { METRICS_LEAF, PolicyModel } from '../../policy/policyModel'
import type { Objective, TrainableSet } from '../../policy/policyModel'
import { microBatches } from '../../batches/batchLayout'
import type { TokenizedTrajectory, TokenizeOptions } from '../../batches/tokenizedTrajectory'
import { scheduleFactor } from '../../policy/schedule'
import type { ModelConfig } from '../../../models/architectures/config'
import { archerInterop } from './interop'

export const archer: Algorithm<typeof archerConfig> = {
  name: 'archer',
  title: 'ArCHer',
  paper: 'Zhou 2024, arXiv:2402.19446',
  help: 'Learns from a replay buffer what each whole call is worth (double critics Q and V), and leads the policy by it. Uses old trajectories again and again.',
  config: archerConfig,
  metrics: archerMetricMeanings,
  colour: 6,
  metricQuestions: optimizerQuestions,
  alarmsOff: [],
  learnsFrom: ['files', 'rollouts'],
  interop: archerInterop,
}

export const archerSequenceOptions = (settings: ArcherConfig): TokenizeOptions => ({
  maxContextLen: settings.max_context_len,
  maxResponseLen: settings.max_response_len,
  encoding: settings.encoding,
})

export const archerTrainable = (settings: ArcherConfig): TrainableSet => adapterTrainable(settings, { valueHead: settings.use_baseline })

export const criticShape = (settings: Pick<ArcherConfig, 'critic_hidden_size'>, model: Pick<ModelConfig, 'hidden_size'>): CriticShape => ({
  features: model.hidden_size,
  hidden: settings.critic_hidden_size ?? model.hidden_size,
})

/** What fills the replay buffer: fresh attempts of every iteration (null ends the run), or what there is, asked for once. */
export interface ArcherSource {
  readonly isFresh: boolean
  next(iteration: number, policy: PolicyModel): Promise<readonly TokenizedTrajectory[] | null>
}

export interface ArcherResult {
  readonly policy: PolicyModel
  readonly iterations: number
}

const ACTIONS_STREAM = 281
/** Features of replayed trajectories that are remembered. */
const FEATURE_BYTES = 256e6

const saved = z.object({ iterations: z.int(), tokens: z.int(), given: z.int(), inserted: z.int() })

/** The caller owns the returned policy. A run that fails or is stopped by its gate leaves nothing on the GPU. */
export async function runArcher(context: TrainingContext, settings: ArcherConfig, source: ArcherSource): Promise<ArcherResult> {
  const policy = await PolicyModel.create(context.engine, context.model, context.reader, archerTrainable(settings))
  let critic: ArcherCritic | null = null
  let sampler: ActionSampler | null = null
  const release = async (): Promise<void> => {
    await sampler?.destroy()
    await critic?.destroy()
  }
  try {
    critic = new ArcherCritic(context.engine, policy.model.pool, criticShape(settings, context.model), settings.gamma)
    sampler = new ActionSampler(policy, {
      maxNewTokens: settings.max_response_len,
      temperature: settings.temperature,
      seed: createRng(context.seed, ACTIONS_STREAM).uint32(),
      gate: context.gate,
    })
    const result = await train({ policy, critic, sampler }, context, settings, source)
    await release()
    return result
  } catch (error) {
    await release().catch(() => undefined)
    await policy.destroy().catch(() => undefined)
    throw error
  }
}

interface Parts {
  readonly policy: PolicyModel
  readonly critic: ArcherCritic
  readonly sampler: ActionSampler
}

async function train(
  { policy, critic, sampler }: Parts,
  context: TrainingContext,
  settings: ArcherConfig,
  source: ArcherSource,
): Promise<ArcherResult> {
  const { engine, model, seed, gate } = context
  initializePolicy(policy, context, settings)
  await critic.initialize(seed, gate)
  const replay = new ReplayBuffer(settings.capacity)
  const store = (sequences: readonly TokenizedTrajectory[]): Transition[] => {
    const rules = { gamma: settings.gamma, unlabelled: settings.unlabelled_steps }
    const transitions = sequences.flatMap((sequence) => transitionsOf(sequence, rules))
    checkTransitions(transitions, settings, model)
    replay.insert(transitions)
    return transitions
  }
  const given = source.isFresh ? [] : store((await source.next(0, policy)) ?? [])
  if (!source.isFresh && given.length === 0) throw new Error('none of the trajectories has a labelled step to learn from')

  let [first, tokens] = [0, 0]
  const checkpoint = await context.checkpoints?.load()
  if (checkpoint) {
    const state = saved.parse(checkpoint.state)
    if (state.given !== given.length)
      throw new Error(
        `the checkpoint was trained on ${state.given} utterances, but the data makes ${given.length}: resume with the same data`,
      )
    policy.restore(checkpoint.arrays)
    critic.restore(checkpoint.arrays)
    replay.restore(state.inserted, checkpoint.arrays)
    ;({ iterations: first, tokens } = state)
  }

  const total = context.steps ?? settings.max_steps
  const size = utterancesPerUpdate(settings)
  /** Weight of an utterance in the loss of an update. */
  const scale = settings.accumulation_reduction === 'sum' ? settings.gradient_accumulation_steps : 1
  const reading = { maxTokens: settings.max_tokens_per_micro_batch, gate }
  const features = new TrajectoryFeatures(FEATURE_BYTES)
  const advantages = policy.ownState(advantageLeaf(size), [size])
  const update = await policy.update()
  const clock = createCheckpointer(context, policy)
  let done = first

  /** Fresh actions, and what the critics read of them. */
  const act = async (
    places: readonly number[],
    samples: readonly number[],
    version: number,
  ): Promise<{ action: SampledAction; fresh: Float32Array }[]> => {
    const before = sampler.generatedTokens
    const actions = await sampler.sample(
      places.map((place, index) => {
        const { ids, observation } = replay.at(place)
        return { observation: ids.slice(0, observation), key: { query: place, sample: samples[index] ?? 0 } }
      }),
      version,
    )
    const requests = actions.map(({ observation, ids }) => ({ ids: [...observation, ...ids], ends: [observation.length + ids.length] }))
    const encoded = await encodeFeatures(policy, requests, reading)
    tokens += sampler.generatedTokens - before + requests.reduce((sum, { ids }) => sum + ids.length, 0)
    return actions.map((action, index) => ({ action, fresh: encoded[index]?.[0] ?? new Float32Array(0) }))
  }
  const know = (places: readonly number[]): Promise<void> =>
    features.ensure(policy, prefixesOf(places.map((place) => replay.at(place))), reading)
  const observed = (place: number): Float32Array => features.of(replay.at(place).ids, replay.at(place).observation)

  for (let step = first; step < total; step++) {
    clock.beginStep()
    // Rollout.
    const rolled = source.isFresh ? await source.next(step, policy) : []
    if (!rolled) break
    const stored = source.isFresh ? store(rolled) : []
    if (replay.size === 0) throw new Error(`iteration ${step}: none of its ${rolled.length} trajectories has a labelled step to learn from`)
    policy.beginStep()
    critic.beginIteration()
    const version = step * (settings.actor_epochs + 1)

    // Critics. The policy stands still meanwhile, so all fresh actions are drawn at once.
    const draws = criticDraws(replay, settings, seed, step)
    const drawn = draws.flat()
    await know(drawn)
    const isShared = settings.fresh_actions === 'every_iteration'
    const asked = isShared ? [...new Set(drawn)] : drawn
    const answers = await act(asked, isShared ? asked.map(() => 0) : asked.map((_, index) => index), version)
    const answerOf = new Map(asked.map((place, index) => [place, answers[index]]))
    let criticRate = 0
    for (const [epoch, places] of draws.entries()) {
      const criticUpdates = step * settings.epochs + epoch
      criticRate =
        settings.critic_lr *
        scheduleFactor(settings.critic_lr_scheduler_type, criticUpdates, total * settings.epochs, settings.critic_warmup_steps)
      const batch = places.map((place, row) => {
        const { ids, action, next } = replay.at(place)
        const fresh = (isShared ? answerOf.get(place) : answers[epoch * size + row])?.fresh ?? new Float32Array(0)
        return { observation: observed(place), acted: features.of(ids, action), fresh, next: next > 0 ? features.of(ids, next) : null }
      })
      await critic.learn(
        {
          observation: rowsOf(batch.map(({ observation }) => [observation])),
          acted: rowsOf(batch.map(({ observation, acted }) => [observation, acted])),
          fresh: rowsOf(batch.map(({ observation, fresh }) => [observation, fresh])),
          next: rowsOf(batch.map(({ observation, next }) => [next ?? observation.map(() => 0)])),
          transition: Float32Array.from(places.flatMap((place) => transitionWords(replay.at(place), scale / size))),
        },
        size,
        { hyper: hyperOf(settings, criticRate), tau: settings.tau, gate },
      )
    }

    // Actor.
    let learningRate = 0
    const acted: SampledAction[] = []
    const actorEpochs = step < settings.warmup_iter ? 0 : settings.actor_epochs
    for (let epoch = 0; epoch < actorEpochs; epoch++) {
      const places = actorDraw(replay, settings, seed, step, epoch)
      await know(places)
      const samples = await act(
        places,
        places.map((_, index) => index),
        version + 1 + epoch,
      )
      acted.push(...samples.map(({ action }) => action))
      const judged = await critic.advantage(
        {
          observation: rowsOf(places.map((place) => [observed(place)])),
          fresh: rowsOf(places.map((place, index) => [observed(place), samples[index]?.fresh ?? new Float32Array(0)])),
        },
        size,
        gate,
      )
      const encoder = engine.device.createCommandEncoder()
      encoder.copyBufferToBuffer(judged, 0, advantages, 0, size * 4)
      engine.submit(encoder)

      const actorUpdates = (step - settings.warmup_iter) * settings.actor_epochs + epoch
      const totalUpdates = Math.max(1, total - settings.warmup_iter) * settings.actor_epochs
      learningRate = settings.learning_rate * scheduleFactor(settings.lr_scheduler_type, actorUpdates, totalUpdates, settings.warmup_steps)
      policy.packed.setHyper(hyperOf(settings, learningRate))
      policy.packed.zeroGradients()
      const items = samples.map(({ action: { observation, ids } }, utterance) => ({
        utterance,
        sequence: { ids: [...observation, ...ids], targets: ids.map((_, index) => observation.length + index) },
      }))
      const rows = items.reduce((sum, { sequence }) => sum + sequence.targets.length, 0)
      for (const part of microBatches(items, settings.max_tokens_per_micro_batch)) {
        const packed = packSequences(
          part.map(({ sequence }) => sequence),
          model.vocab_size,
        )
        const gradient = await policy.gradient(`archer ${size}`, packed.tokenBucket, packed.targetBucket, archerObjective(size))
        uploadBatch(gradient, packed)
        gradient.write(
          'utterance',
          Uint32Array.from(packed.rowSequence, (index) => part[index]?.utterance ?? 0),
        )
        gradient.write('weight', Float32Array.of(scale / size, scale / rows, 0, 0))
        await gradient.run(gate)
        tokens += packed.tokens
      }
      await update.run(gate)
    }

    // The iteration is done: read back, report, keep.
    const [sums, actorSums, criticOptimizer, optimizer] = await Promise.all([
      critic.readSums(),
      engine.readF32(policy.metricsBuffer, 0, ARCHER_SUM_WORDS),
      critic.packed.readOptimizerState(),
      policy.packed.readOptimizerState(),
    ])
    done = step + 1
    context.report(
      step,
      archerMetrics({
        ...{ settings, sums, actorSums, actorEpochs, acted, tokens },
        ...{ criticGradNorm: criticOptimizer[1] ?? Number.NaN, criticRate, gradNorm: optimizer[1] ?? Number.NaN, learningRate },
        ...{ replaySize: replay.size, rolled, stored },
      }),
    )
    await clock.endStep({
      ...{ step, isLast: done === total },
      state: () => ({ iterations: done, tokens, given: given.length, inserted: replay.inserted }),
      arrays: async () => ({ ...(await critic.checkpointArrays()), ...replay.arrays() }),
    })
  }
  return { policy, iterations: done }
}

const advantageLeaf = (utterances: number): string => `archer/advantage ${utterances}`

/** REINFORCE on whole utterances; each token finds its utterance's advantage in the batch's table. */
export function archerObjective(utterances: number): Objective {
  return ({ graph, batch, rows, logp, entropy, value }) => {
    const { dlogp, dvalue, sums } = archerLoss({
      ...{ logp, entropy, value, counts: batch.counts },
      utterance: graph.batch('utterance', [rows], 'u32'),
      advantage: graph.state(advantageLeaf(utterances), [utterances]),
      weight: graph.batch('weight', [4]),
    })
    accumulateInto(graph.state(METRICS_LEAF, [ARCHER_SUM_WORDS]), sums)
    return value ? { dlogp, dvalue } : { dlogp }
  }
}
