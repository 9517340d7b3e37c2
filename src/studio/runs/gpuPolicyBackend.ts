/** The policy backend on the GPU: it opens policies and runs the training loops. */
import type { WeightReader } from '../../models/languageModel'
import { compileGenerationAhead } from '../../models/generationPlans'
import { setReferenceToInitial } from '../../training/policy/initialAdapter'
import { initialLora } from '../../training/policy/initialWeights'
import { PolicyModel } from '../../training/policy/policyModel'
import { loraOf } from '../../training/policy/policyPlans'
import { actingPolicy } from './actingPolicy'
import type { OpenPolicyRequest, TrainRequest, PolicyBackend } from './policyBackend'
import type { AdapterTensors } from '../../training/policy/adapterTensors'

/** Episodes under way at once. */
const SLOTS = { software: 16, gpu: 96 } as const
export const slotsOf = (isSoftware: boolean): number => (isSoftware ? SLOTS.software : SLOTS.gpu)

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
    async openPolicy(request: OpenPolicyRequest) {
      const { engine, model, trainable, adapter, seed, limits, gate, onTokens } = request
      const slots = request.slots ?? slotsOf(engine.isSoftware)
      // An adapter lies beside the checkpoint, whose matrices are streamed.
      const reader = adapter && trainable.kind === 'all' ? readerOver(model.reader, adapter) : model.reader
      const { maxContext, maxNewTokens } = limits
      const size = { maxContext, maxNewTokens, slots }
      if (request.generates !== false) compileGenerationAhead(engine, { ...size, config: model.config, lora: loraOf(trainable) })
      const policy = await PolicyModel.create(engine, model.config, reader, trainable)
      if (trainable.kind === 'lora')
        for (const { name, shape } of policy.packed.ranges.values())
          policy.packed.writeWeights(name, adapter?.get(name)?.values ?? initialLora(name, shape, seed))
      if (adapter) setReferenceToInitial(policy, adapter)
      return actingPolicy({ policy, model, limits, slots, seed, gate, onTokens, now })
    },

    async train({ configured, context, model, limits, slots, data, transcripts = null, practice, onTokens, onNote }: TrainRequest) {
      const { seed, gate } = context
      const opened = new Map<PolicyModel, ReturnType<typeof actingPolicy>>()
      const actingOf = (policy: PolicyModel): ReturnType<typeof actingPolicy> => {
        const known =
          opened.get(policy) ??
          actingPolicy({
            ...{ policy, model, limits, seed, gate, onTokens, now },
            slots: slots ?? slotsOf(context.engine.isSoftware),
          })
        opened.set(policy, known)
        return known
      }
      try {
        const policy = await configured.train(
          { ...context, model: model.config, reader: model.reader },
          {
            model,
            data,
            transcripts,
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
        // A loop that was stopped or failed does not return its model; the policies that acted with it free it.
        for (const acting of opened.values()) await acting.destroy().catch(() => undefined)
        throw error
      }
    },
  }
}
