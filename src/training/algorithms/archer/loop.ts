/**
 * ArCHer (Zhou 2024, arXiv:2402.19446), read top to bottom. Whole utterances are the actions of an off-policy critic, whose advantages
 * teach the policy their tokens. Per iteration:
 *   rollout  online, trajectories of the current policy, whose utterances join the replay buffer; offline, the data fills it once
 *   critics  epochs × a batch of replayed utterances: Q_i(s, a) → r + γ V_i⁻(s′), V_i(s) → Q_i⁻(s, a ~ π); AdamW; targets Q⁻, V⁻ follow by τ
 *   actor    after warmup_iter iterations, actor_epochs × a batch of observations: a ~ π, A = min Q(s, a) − min V(s), −A log π(a | s); AdamW
 * Arithmetic is `archer/trainer.py`'s as StepTool's baseline runs it. Departures: the critics read the policy's own trunk, adapter off so
 * that what they read and their targets do not drift, instead of a RoBERTa that is trained along; the action is read behind its observation, not
 * apart from it; gradients of critics and actor are clipped apart; and, each behind a switch, an update's loss is a mean, not a sum
 * (`accumulation_reduction`), and an observation has one fresh action an iteration (`fresh_actions`). As there, dropout is never active.
 * An action's log π is a sum over its tokens: long actions move the policy more.
 */
import { partProgress } from '../../../engine/device/activity'
import { z } from 'zod'
import { createRng } from '../../../base/random'
import { ARCHER_SUM_WORDS } from '../../../engine/ops/archerLoss'
import { packSequences, uploadBatch } from '../../batches/packing'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import { createCheckpointer } from '../../checkpoints/checkpointer'
import { initializePolicy } from '../../policy/initialAdapter'
import { hyperOf } from '../../policy/optimizerSettings'
import { PolicyModel } from '../../policy/policyModel'
import { scheduleFactor } from '../../policy/schedule'
import type { TrainingContext } from '../../trainingContext'
import { ActionSampler } from './actions'
import type { SampledAction } from './actions'
import type { ArcherConfig } from './config'
import { ArcherCritic } from './critic'
import { actorActions, actorEpochsOf, actorParts, criticDrawsOf } from './draws'
import type { AskedAction } from './draws'
import { encodeFeatures, prefixesOf, rowsOf, TrajectoryFeatures } from './features'
import { archerMetrics } from './metrics'
import { advantageLeaf, archerObjective, archerTrainable, criticShape } from './objective'
import { checkTransitions, ReplayBuffer, transitionsOf, transitionWords, utterancesPerUpdate } from './replay'
import type { Transition } from './replay'

/** The source of the replay buffer: new attempts in every iteration (null ends the run), or the data, which is read once. */
export interface ArcherSource {
  readonly isFresh: boolean
  next(iteration: number, policy: PolicyModel): Promise<readonly TokenizedTrajectory[] | null>
}

export interface ArcherResult {
  readonly policy: PolicyModel
  readonly iterations: number
}

const ACTIONS_STREAM = 281
/** The bytes of features of replayed trajectories that are cached. */
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
    const result = await train(new Run({ policy, critic, sampler }, context, settings), source)
    await release()
    return result
  } catch (error) {
    await release().catch(() => undefined)
    await policy.destroy().catch(() => undefined)
    throw error
  }
}

async function train(run: Run, source: ArcherSource): Promise<ArcherResult> {
  const { policy, critic, replay, context, settings } = run
  initializePolicy(policy, context, settings)
  await critic.initialize(context.seed, context.gate)
  const given = source.isFresh ? [] : run.store((await source.next(0, policy)) ?? [])
  if (!source.isFresh && given.length === 0) throw new Error('none of the trajectories has a labelled step to learn from')
  const first = await run.resume(given.length)
  const clock = createCheckpointer(context, policy)
  let done = first

  for (let step = first; step < run.total; step++) {
    clock.beginStep()
    const rolled = source.isFresh ? await source.next(step, policy) : []
    if (!rolled) break
    const stored = source.isFresh ? run.store(rolled) : []
    if (replay.size === 0) throw new Error(`iteration ${step}: none of its ${rolled.length} trajectories has a labelled step to learn from`)
    policy.beginStep()
    critic.beginIteration()

    const criticRate = await learnCritics(run, step)
    const { acted, learningRate, actorEpochs } = await learnActor(run, step)

    // The iteration is done: read back, report, store.
    const [sums, actorSums, criticOptimizer, optimizer] = await Promise.all([
      critic.readSums(),
      context.engine.readF32(policy.metricsBuffer, 0, ARCHER_SUM_WORDS),
      critic.packed.readOptimizerState(),
      policy.packed.readOptimizerState(),
    ])
    done = step + 1
    context.report(
      step,
      archerMetrics({
        ...{ settings, sums, actorSums, actorEpochs, acted, tokens: run.tokens },
        ...{ criticGradNorm: criticOptimizer[1] ?? Number.NaN, criticRate, gradNorm: optimizer[1] ?? Number.NaN, learningRate },
        ...{ criticSkippedUpdates: criticOptimizer[3] ?? Number.NaN, skippedUpdates: optimizer[3] ?? Number.NaN },
        ...{ replaySize: replay.size, rolled, stored },
      }),
    )
    await clock.endStep({
      ...{ step, isLast: done === run.total },
      state: () => ({ iterations: done, tokens: run.tokens, given: given.length, inserted: replay.inserted }),
      arrays: async () => ({ ...(await critic.checkpointArrays()), ...replay.arrays() }),
    })
  }
  return { policy, iterations: done }
}

/** epochs updates of the critics, each on a batch of replayed utterances; returns the last learning rate. */
async function learnCritics(run: Run, step: number): Promise<number> {
  const { critic, replay, context, settings, size, scale, total } = run
  const draws = criticDrawsOf(replay, settings, context.seed, step)
  await run.know(draws.places)
  const answers = await run.act(draws.asked, run.version(step))
  let rate = 0
  const progress = partProgress(context.engine, 'update', draws.updates.length)
  for (const [epoch, places] of draws.updates.entries()) {
    progress.next()
    const updates = step * settings.epochs + epoch
    rate =
      settings.critic_lr * scheduleFactor(settings.critic_lr_scheduler_type, updates, total * settings.epochs, settings.critic_warmup_steps)
    const batch = places.map((place, row) => {
      const { ids, action, next } = replay.at(place)
      const fresh = answers[draws.answerOf(epoch, row)]?.fresh ?? new Float32Array(0)
      const following = next > 0 ? run.features.of(ids, next) : null
      return { observation: run.observed(place), acted: run.features.of(ids, action), fresh, next: following }
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
      { hyper: hyperOf(settings, rate), tau: settings.tau, gate: context.gate },
    )
  }
  return rate
}

interface ActorUpdates {
  readonly acted: readonly SampledAction[]
  readonly learningRate: number
  readonly actorEpochs: number
}

/** actor_epochs updates of the actor, each on fresh actions behind replayed observations that the critics judge; none during warmup_iter. */
async function learnActor(run: Run, step: number): Promise<ActorUpdates> {
  const { policy, critic, replay, context, settings, size, total } = run
  const actorEpochs = actorEpochsOf(settings, step)
  const acted: SampledAction[] = []
  let learningRate = 0
  for (let epoch = 0; epoch < actorEpochs; epoch++) {
    const asked = actorActions(replay, settings, context.seed, step, epoch)
    const places = asked.map(({ place }) => place)
    await run.know(places)
    const samples = await run.act(asked, run.version(step) + 1 + epoch)
    acted.push(...samples.map(({ action }) => action))
    const judged = await critic.advantage(
      {
        observation: rowsOf(places.map((place) => [run.observed(place)])),
        fresh: rowsOf(places.map((place, index) => [run.observed(place), samples[index]?.fresh ?? new Float32Array(0)])),
      },
      size,
      context.gate,
    )
    const encoder = policy.engine.device.createCommandEncoder()
    encoder.copyBufferToBuffer(judged, 0, run.advantages, 0, size * 4)
    policy.engine.submit(encoder)

    const updates = (step - settings.warmup_iter) * settings.actor_epochs + epoch
    const totalUpdates = Math.max(1, total - settings.warmup_iter) * settings.actor_epochs
    learningRate = settings.learning_rate * scheduleFactor(settings.lr_scheduler_type, updates, totalUpdates, settings.warmup_steps)
    await updateActor(
      run,
      samples.map(({ action }) => action),
      learningRate,
    )
  }
  return { acted, learningRate, actorEpochs }
}

/** One update on sampled actions, whose advantages lie in the batch's table. */
async function updateActor(run: Run, actions: readonly SampledAction[], learningRate: number): Promise<void> {
  const { policy, context, settings, size, scale } = run
  const update = await policy.update()
  policy.packed.setHyper(hyperOf(settings, learningRate))
  policy.packed.zeroGradients()
  const rows = actions.reduce((sum, { ids }) => sum + ids.length, 0)
  const parts = actorParts(actions, settings)
  const progress = partProgress(context.engine, 'update', parts.length)
  for (const part of parts) {
    progress.next()
    const packed = packSequences(
      part.map(({ sequence }) => sequence),
      context.model.vocab_size,
    )
    const gradient = await policy.gradient(`archer ${size}`, packed.tokenBucket, packed.targetBucket, archerObjective(size))
    uploadBatch(gradient, packed)
    gradient.write(
      'utterance',
      Uint32Array.from(packed.rowSequence, (index) => part[index]?.utterance ?? 0),
    )
    gradient.write('weight', Float32Array.of(scale / size, scale / rows, 0, 0))
    await gradient.run(context.gate)
    run.tokens += packed.tokens
  }
  await update.run(context.gate)
}

interface Parts {
  readonly policy: PolicyModel
  readonly critic: ArcherCritic
  readonly sampler: ActionSampler
}

/** The state that the stages of an iteration share: the models, the replay buffer, cached features, and the count of tokens. */
class Run {
  readonly policy: PolicyModel
  readonly critic: ArcherCritic
  readonly context: TrainingContext
  readonly settings: ArcherConfig
  readonly replay: ReplayBuffer
  readonly features = new TrajectoryFeatures(FEATURE_BYTES)
  /** Iterations in all. */
  readonly total: number
  /** Utterances of one update. */
  readonly size: number
  /** Weight of an update's losses: 1 for their mean. */
  readonly scale: number
  /** [size]: the advantages of an update of the actor. */
  readonly advantages: GPUBuffer
  /** Tokens sampled, encoded and trained on so far. */
  tokens = 0
  readonly #sampler: ActionSampler

  constructor({ policy, critic, sampler }: Parts, context: TrainingContext, settings: ArcherConfig) {
    this.policy = policy
    this.critic = critic
    this.#sampler = sampler
    this.context = context
    this.settings = settings
    this.replay = new ReplayBuffer(settings.capacity)
    this.total = context.steps ?? settings.max_steps
    this.size = utterancesPerUpdate(settings)
    this.scale = settings.accumulation_reduction === 'sum' ? settings.gradient_accumulation_steps : 1
    this.advantages = policy.ownState(advantageLeaf(this.size), [this.size])
  }

  /** Puts the utterances of these trajectories into the replay buffer and returns them. */
  store(sequences: readonly TokenizedTrajectory[]): Transition[] {
    const rules = { gamma: this.settings.gamma, unlabelled: this.settings.unlabelled_steps }
    const transitions = sequences.flatMap((sequence) => transitionsOf(sequence, rules))
    checkTransitions(transitions, this.settings, this.context.model)
    this.replay.insert(transitions)
    return transitions
  }

  /** Restores the last checkpoint and returns the next iteration. @param given the number of utterances in the data. */
  async resume(given: number): Promise<number> {
    const checkpoint = await this.context.checkpoints?.load()
    if (!checkpoint) return 0
    const state = saved.parse(checkpoint.state)
    if (state.given !== given)
      throw new Error(`the checkpoint was trained on ${state.given} utterances, but the data makes ${given}: resume with the same data`)
    this.policy.restore(checkpoint.arrays)
    this.critic.restore(checkpoint.arrays)
    this.replay.restore(state.inserted, checkpoint.arrays)
    this.tokens = state.tokens
    return state.iterations
  }

  /** The policy's version in an iteration before the actor learns: it names the draws of fresh actions. */
  version(step: number): number {
    return step * (this.settings.actor_epochs + 1)
  }

  /** Samples actions, and encodes them behind their observations as the critics read them. */
  async act(asked: readonly AskedAction[], version: number): Promise<{ action: SampledAction; fresh: Float32Array }[]> {
    const before = this.#sampler.generatedTokens
    const actions = await this.#sampler.sample(
      asked.map(({ place, sample }) => {
        const { ids, observation } = this.replay.at(place)
        return { observation: ids.slice(0, observation), key: { query: place, sample } }
      }),
      version,
    )
    const requests = actions.map(({ observation, ids }) => ({ ids: [...observation, ...ids], ends: [observation.length + ids.length] }))
    const encoded = await encodeFeatures(this.policy, requests, this.#reading())
    this.tokens += this.#sampler.generatedTokens - before + requests.reduce((sum, { ids }) => sum + ids.length, 0)
    return actions.map((action, index) => ({ action, fresh: encoded[index]?.[0] ?? new Float32Array(0) }))
  }

  /** Encodes the utterances at these places that are not in the cache. */
  know(places: readonly number[]): Promise<void> {
    return this.features.ensure(this.policy, prefixesOf(places.map((place) => this.replay.at(place))), this.#reading())
  }

  observed(place: number): Float32Array {
    const { ids, observation } = this.replay.at(place)
    return this.features.of(ids, observation)
  }

  #reading() {
    return { maxTokens: this.settings.max_tokens_per_micro_batch, gate: this.context.gate }
  }
}
