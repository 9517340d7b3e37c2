/** The workshop on the GPU: a policy model, a generator over its weights, the training loops. */
import type { Generation, PolicySession } from '../../agents/policy'
import { requireCallFormat } from '../../agents/callFormats/callFormatFor'
import type { CallFormat } from '../../agents/callFormats/callFormat'
import type { WeightReader } from '../../models/languageModel'
import { Generator } from '../../models/generate'
import { compileGenerationAhead } from '../../models/generationPlans'
import { setReferenceToInitial } from '../../training/policy/initialAdapter'
import { initialLora } from '../../training/policy/initialWeights'
import { logProbsOf } from '../../training/policy/referenceCheck'
import { PolicyModel } from '../../training/policy/policyModel'
import { loraOf } from '../../training/policy/policyPlans'
import { rolloutEpisodes } from '../../agents/rollout'
import type { Gate } from '../../engine/plan/executable'
import type { LoadedModel } from '../models/models'
import type { ActingPolicy, GenerationLimits, OpenPolicyRequest, TrainRequest, PolicyBackend } from './policyBackend'
import type { AdapterTensors } from '../../training/policy/adapterTensors'

/** Episodes under way at once. */
const SLOTS = { software: 16, gpu: 96 } as const
export const slotsOf = (isSoftware: boolean): number => (isSoftware ? SLOTS.software : SLOTS.gpu)

interface Acting {
  readonly policy: PolicyModel
  readonly model: LoadedModel
  readonly limits: GenerationLimits
  readonly seed: number
  readonly gate: Gate
  readonly onTokens: (count: number) => void
  readonly now: () => number
}

/** Owns `policy` from here on. */
function actingPolicy({ policy, model, limits, seed, gate, onTokens, now }: Acting): ActingPolicy & { version: number } {
  let generator: Generator | null = null
  const { tokenizer } = model
  const lora = policy.trainable.kind === 'lora' ? policy.trainable.lora : null
  const self = {
    version: 0,

    async rollout(request: Parameters<ActingPolicy['rollout']>[0]) {
      generator ??= new Generator({
        model: policy.model,
        lookup: policy.model.lookup(policy.packed),
        lora,
        slots: slotsOf(policy.engine.isSoftware),
        maxContext: limits.maxContext,
        maxNewTokens: limits.maxNewTokens,
        seed,
        gate,
      })
      generator.version = self.version
      const format = requireCallFormat(model)
      const own = generator
      const watched = {
        maxContext: own.maxContext,
        open: async (key: { readonly query: number; readonly sample: number }): Promise<PolicySession> => {
          const session = await own.open(key)
          return {
            get length() {
              return session.length
            },
            close: () => {
              session.close()
            },
            extend: async (ids, options): Promise<Generation> => {
              await gate()
              const generation = await session.extend(ids, options)
              onTokens(generation.ids.length)
              request.onText(shownText(tokenizer.decode(generation.ids), format))
              return generation
            },
          }
        },
      }
      return rolloutEpisodes({
        policy: watched,
        environment: request.environment,
        codec: tokenizer,
        format,
        queries: request.queries,
        samples: request.samples,
        strategy: request.strategy,
        budget: { toolCalls: request.callBudget, modelCalls: null },
        temperature: request.temperature,
        sampling: request.sampling,
        maxNewTokens: limits.maxNewTokens,
        maxContext: own.maxContext,
        source: 'rollout',
        signal: request.signal,
        now,
        onTrajectory: request.onTrajectory,
      })
    },

    logProbs: (ids: readonly number[], whose: 'policy' | 'reference' = 'policy') => logProbsOf(policy, ids, whose === 'reference', gate),

    async adapter(weights?: Float32Array): Promise<AdapterTensors> {
      const values = policy.packed.unpack(weights ?? (await policy.packed.readWeights()))
      return new Map(
        [...policy.packed.ranges.values()].map(({ name, shape }) => [
          name,
          { shape: [...shape], values: values.get(name) ?? new Float32Array(0) },
        ]),
      )
    },

    async destroy() {
      await generator?.destroy()
      await policy.destroy()
    },
  }
  return self
}

/** A completion for people to watch: its end is the end of a line. */
const shownText = (text: string, format: CallFormat): string =>
  format.stopTokens.reduce((shown, token) => shown.replaceAll(token, '\n'), text)

/** Weights trained whole take the place of the checkpoint's. */
function readerOver(reader: WeightReader, adapter: AdapterTensors): WeightReader {
  return {
    read: (name, shape) => {
      const own = adapter.get(name)
      return own ? Promise.resolve(own.values) : reader.read(name, shape)
    },
  }
}

export function createGpuPolicyBackend(now: () => number): PolicyBackend {
  return {
    async openPolicy({ engine, model, trainable, adapter, seed, limits, gate, onTokens }: OpenPolicyRequest) {
      // An adapter lies beside the checkpoint, whose matrices are streamed.
      const reader = adapter && trainable.kind === 'all' ? readerOver(model.reader, adapter) : model.reader
      const { maxContext, maxNewTokens } = limits
      const size = { maxContext, maxNewTokens, slots: slotsOf(engine.isSoftware) }
      compileGenerationAhead(engine, { ...size, config: model.config, lora: loraOf(trainable) })
      const policy = await PolicyModel.create(engine, model.config, reader, trainable)
      if (trainable.kind === 'lora')
        for (const { name, shape } of policy.packed.ranges.values())
          policy.packed.writeWeights(name, adapter?.get(name)?.values ?? initialLora(name, shape, seed))
      if (adapter) setReferenceToInitial(policy, adapter)
      return actingPolicy({ policy, model, limits, seed, gate, onTokens, now })
    },

    async train({ configured, context, model, limits, data, practice, onTokens, onNote }: TrainRequest) {
      const { seed, gate } = context
      const held = new Map<PolicyModel, ReturnType<typeof actingPolicy>>()
      const actingOf = (policy: PolicyModel): ReturnType<typeof actingPolicy> => {
        const known = held.get(policy) ?? actingPolicy({ policy, model, limits, seed, gate, onTokens, now })
        held.set(policy, known)
        return known
      }
      try {
        const policy = await configured.train(
          { ...context, model: model.config, reader: model.reader },
          {
            model,
            data,
            rollouts: (current, step) => {
              const acting = actingOf(current)
              acting.version = step
              return practice(acting, step)
            },
            onNote,
          },
        )
        const acting = actingOf(policy)
        acting.version = context.steps ?? configured.steps
        return acting
      } catch (error) {
        // Stopped or failed: the loop does not hand its model back, but what acted with it can free it.
        for (const acting of held.values()) await acting.destroy().catch(() => undefined)
        throw error
      }
    },
  }
}
