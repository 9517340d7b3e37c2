/** A server's model acts: many attempts side by side, as many requests at a time as the settings say. */
import { callFormats } from '../../agents/callFormats'
import type { CallFormat, CallFormatDefinition } from '../../agents/callFormats/callFormat'
import { limitChat, type ChatUsage, type MeteredChat } from '../../agents/chatLimits'
import type { ChatModel } from '../../agents/chatModel'
import { rolloutEpisodes, type Agent } from '../../agents/rollout'
import { openServerAgent } from '../../agents/serverAgent'
import type { EpisodeLimits } from '../../environments/benchmark'
import type { ServerModel } from '../../records/requests'
import type { Reply } from '../../worker/protocol'
import { accept, refuse, sentenceOf } from '../failure'
import type { JobControl } from '../jobs/jobControl'
import { openServerChat, REQUESTS_AT_ONCE, type ServerChatParts } from '../models/serverChat'
import type { ActingPolicy, RolloutRequest } from '../runs/policyBackend'

/** A server's model, ready to be asked. */
export interface ServerSpeaker {
  readonly kind: 'server'
  readonly settings: ServerModel
  readonly chat: MeteredChat
  readonly host: string
  readonly textFormat: CallFormat | null
}

/** Refuses settings that do not fit. Opens no connection. */
export function openServerSpeaker(settings: ServerModel, parts: ServerChatParts): Reply<ServerSpeaker> {
  const chat = openServerChat(settings, parts)
  if (!chat.ok) return chat
  const format = textFormatOf(settings)
  if (!format.ok) return format
  return accept({
    ...{ kind: 'server', settings, host: chat.value.host, textFormat: format.value },
    chat: limitChat(chat.value, settings.concurrency ?? REQUESTS_AT_ONCE),
  })
}

function textFormatOf({ textFormat, model }: ServerModel): Reply<CallFormat | null> {
  if (textFormat === undefined) return accept(null)
  const definition = Object.entries<CallFormatDefinition>(callFormats).find(([name]) => name === textFormat)?.[1]
  if (!definition)
    return refuse('unknown-call-format', `There is no call format ${textFormat}; there is ${Object.keys(callFormats).join(', ')}.`)
  try {
    // The server renders; only the reader of the format is used.
    return accept(definition.create({ title: model, tokenizer: { tokenId: () => null } }))
  } catch (error) {
    return refuse('call-format', sentenceOf(error))
  }
}

interface ServerPolicyParts {
  readonly limits: Pick<EpisodeLimits, 'maxNewTokens'>
  readonly seed: number
  readonly control: JobControl
  /** Hears what the requests used. */
  readonly note: (sentence: string) => void
  readonly now: () => number
}

export function serverPolicy(speaker: ServerSpeaker, parts: ServerPolicyParts): Pick<ActingPolicy, 'rollout'> {
  const { note, now } = parts
  return {
    async rollout(request) {
      // When one attempt meets a refusal that all of them would meet, the others end too.
      const stop = new AbortController()
      const signal = AbortSignal.any([request.signal, stop.signal])
      try {
        const trajectories = await rolloutEpisodes({
          agent: agentOf(speaker, { ...request, signal }, parts),
          ...{ environment: request.environment, queries: request.queries, samples: request.samples, strategy: request.strategy },
          strategySettings: request.strategySettings,
          budget: { toolCalls: request.callBudget, modelCalls: request.modelCalls ?? null },
          ...{ source: 'rollout', signal, now, onTrajectory: request.onTrajectory },
        })
        const failures = trajectories.flatMap(({ errors }) => errors.slice(0, 1))
        const [first] = failures
        if (first && failures.length === trajectories.length) throw new Error(first.message)
        return trajectories
      } catch (error) {
        stop.abort(error)
        throw error
      } finally {
        note(usageInWords(speaker))
      }
    },
  }
}

function agentOf(
  { settings, chat, textFormat }: ServerSpeaker,
  request: RolloutRequest,
  { limits, seed, control }: ServerPolicyParts,
): Agent {
  const agentLimits = { temperature: request.temperature, maxNewTokens: settings.maxTokens ?? limits.maxNewTokens, maxContext: null }
  const pausable: ChatModel = {
    ...{ model: chat.model, host: chat.host },
    complete: async (asked) => {
      await control.gate()
      const reply = await chat.complete(asked)
      if (reply.ok) control.countTokens(reply.value.completionTokens ?? 0)
      if (reply.ok && !settings.stream) request.onText(`${reply.value.text}\n`)
      return reply
    },
  }
  const topP = request.sampling?.top_p
  return {
    limits: agentLimits,
    sampling: request.sampling,
    model: settings.model,
    open: ({ query, sample }) =>
      Promise.resolve(
        openServerAgent({
          ...{ ...agentLimits, chat: pausable, signal: request.signal },
          seed: drawnSeed(seed, query, sample),
          ...(topP === undefined || topP === 1 ? {} : { topP }),
          ...(settings.wantsTokens ? { wantsTokens: true } : {}),
          ...(textFormat ? { textFormat } : {}),
          ...(settings.stream ? { onText: request.onText } : {}),
        }),
      ),
  }
}

/** Another seed for each attempt; servers take 31 bits. */
const drawnSeed = (seed: number, query: number, sample: number): number => (seed * 7919 + query * 1009 + sample) % 2 ** 31

const millions = (count: number, price: number): number => (count / 1e6) * price

/** What a server's answers cost; null without prices. */
function costOf({ promptTokens, completionTokens }: ChatUsage, price: ServerModel['price']): number | null {
  return price === undefined ? null : millions(promptTokens, price.input) + millions(completionTokens, price.output)
}

function usageInWords({ chat: { usage }, settings, host }: ServerSpeaker): string {
  const cost = costOf(usage, settings.price)
  const uncounted = usage.uncounted === 0 ? '' : ` It did not count the tokens of ${usage.uncounted} answers.`
  const priced = cost === null ? '' : ` At the prices given, that costs ${cost.toFixed(4)}.`
  return `${host} answered ${usage.requests} requests: it read ${usage.promptTokens} tokens and wrote ${usage.completionTokens}.${uncounted}${priced}`
}
