/** A policy model that acts: it generates in slots, and runs episodes against an environment. The only wrapper of rollouts. */
import { requireCallFormat } from '../../agents/callFormats/callFormatFor'
import type { CallFormat } from '../../agents/callFormats/callFormat'
import type { Policy, PolicySession } from '../../agents/policy'
import { localAgent, rolloutEpisodes } from '../../agents/rollout'
import type { Gate } from '../../engine/plan/executable'
import { firstNonFinite } from '../../base/nonFinite'
import { Generator } from '../../models/generate'
import { NonFiniteError } from '../../models/generationRequest'
import { nonFiniteAdvice } from '../../training/policy/nonFiniteLayer'
import type { AdapterTensors } from '../../training/policy/adapterTensors'
import { logProbsOf } from '../../training/policy/referenceCheck'
import type { PolicyModel } from '../../training/policy/policyModel'
import type { LoadedModel } from '../models/models'
import type { ActingPolicy, GenerationLimits, RolloutRequest } from './policyBackend'

export interface ActingParts {
  readonly policy: PolicyModel
  readonly model: LoadedModel
  readonly limits: GenerationLimits
  readonly slots: number
  readonly seed: number
  readonly gate: Gate
  readonly onTokens: (count: number) => void
  readonly now: () => number
}

export interface GeneratingPolicy extends ActingPolicy {
  /** Optimizer steps the weights have behind them: draws are keyed by it. */
  version: number
  /** Frees what generates, and leaves the policy. */
  release(): Promise<void>
}

/** A policy model with a generator over its weights. `destroy` frees the policy too. */
export function actingPolicy(parts: ActingParts): GeneratingPolicy {
  const { policy, model, limits, gate, now } = parts
  let generator: Generator | null = null
  const self = {
    version: 0,

    async rollout(request: RolloutRequest) {
      generator ??= createGenerator(parts)
      generator.version = self.version
      const format = requireCallFormat(model)
      const episodes = rolloutEpisodes({
        agent: localAgent(watchedPolicy(generator, request, format, parts), {
          ...{ codec: model.tokenizer, format, temperature: request.temperature, sampling: request.sampling },
          ...{ maxNewTokens: limits.maxNewTokens, maxContext: generator.maxContext },
        }),
        ...{ environment: request.environment, queries: request.queries, samples: request.samples, strategy: request.strategy },
        strategySettings: request.strategySettings,
        budget: { toolCalls: request.callBudget, modelCalls: request.modelCalls ?? null },
        ...{ source: 'rollout', signal: request.signal, now, onTrajectory: request.onTrajectory },
      })
      return episodes.catch((error: unknown) => explainNonFinite(error, parts))
    },

    async logProbs(ids: readonly number[], whose: 'policy' | 'reference' = 'policy') {
      const values = await logProbsOf(policy, ids, whose === 'reference', gate)
      const at = firstNonFinite(values)
      if (at === null) return values
      return explainNonFinite(
        new NonFiniteError(`The log-probability of token ${at + 1} of a fixed text is ${String(values[at])}`, ids),
        parts,
      )
    },

    async adapter(weights?: Float32Array): Promise<AdapterTensors> {
      const values = policy.packed.unpack(weights ?? (await policy.packed.readWeights()))
      return new Map(
        [...policy.packed.ranges.values()].map(({ name, shape }) => [
          name,
          { shape: [...shape], values: values.get(name) ?? new Float32Array(0) },
        ]),
      )
    },

    async release() {
      await generator?.destroy()
      generator = null
    },

    async destroy() {
      await self.release()
      await policy.destroy()
    },
  }
  return self
}

/** Throws the error, with the place where the model's numbers stop being finite if that is what it is about. */
async function explainNonFinite(error: unknown, { policy, gate }: ActingParts): Promise<never> {
  if (!(error instanceof NonFiniteError)) throw error
  throw new NonFiniteError(`${error.message}: ${await nonFiniteAdvice(policy, error.ids, gate)}`, error.ids)
}

function createGenerator({ policy, limits, slots, seed, gate }: ActingParts): Generator {
  return new Generator({
    model: policy.model,
    lookup: policy.model.lookup(policy.packed),
    lora: policy.trainable.kind === 'lora' ? policy.trainable.lora : null,
    maxContext: limits.maxContext,
    maxNewTokens: limits.maxNewTokens,
    ...{ slots, seed, gate },
  })
}

/** The generator as episodes use it: it waits while the job is paused, counts tokens, and passes the text to people who watch. */
function watchedPolicy(
  generator: Generator,
  { onText }: Pick<RolloutRequest, 'onText'>,
  format: CallFormat,
  { model: { tokenizer }, gate, onTokens }: ActingParts,
): Policy {
  const watched = (session: PolicySession): PolicySession => ({
    get length() {
      return session.length
    },
    fork: async (key) => watched(await session.fork(key)),
    close: () => {
      session.close()
    },
    extend: async (ids, options) => {
      await gate()
      const generation = await session.extend(ids, options)
      onTokens(generation.ids.length)
      onText(shownText(tokenizer.decode(generation.ids), format))
      return generation
    },
  })
  return { maxContext: generator.maxContext, open: async (key) => watched(await generator.open(key)) }
}

/** A completion for people to watch: its end is the end of a line. */
const shownText = (text: string, format: CallFormat): string =>
  format.stopTokens.reduce((shown, token) => shown.replaceAll(token, '\n'), text)
