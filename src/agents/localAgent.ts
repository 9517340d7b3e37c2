/**
 * A model of this process as an agent: its call format renders what comes next, and ids go in and come out. The past is never rendered or
 * tokenised again, so what was sampled is what is trained.
 */
import type { TextCodec } from '../base/textCodec'
import type { ConversationMessage } from '../environments/conversation'
import { drawnWith, type SamplingFilters } from '../records/samplingFilters'
import type { AgentLimits, AgentSession, SampledTurn } from './agent'
import type { CallFormat } from './callFormats/callFormat'
import { branchKey, type DrawKey, type PolicySession } from './policy'

export interface LocalAgentOptions extends AgentLimits {
  readonly codec: TextCodec
  readonly format: CallFormat
  /** When absent, tokens are sampled from the policy's own distribution. */
  readonly sampling?: SamplingFilters | undefined
  readonly maxContext: number
}

/**
 * @param session an empty context.
 * @param key of its draws.
 */
export const openLocalAgent = (session: PolicySession, key: DrawKey, options: LocalAgentOptions): AgentSession =>
  sessionOver(session, { key, context: [], unread: [] }, options)

interface Past {
  /** The draws of branch 0 of the attempt. */
  readonly key: DrawKey
  /** The ids of the conversation so far. */
  readonly context: readonly number[]
  /** The last of them that the session has not read yet. */
  readonly unread: readonly number[]
}

function sessionOver(session: PolicySession, past: Past, options: LocalAgentOptions): AgentSession {
  const { codec, format, maxContext, maxNewTokens } = options
  const stopIds = format.stopTokens.map((token) => codec.specialId(token))
  const context = [...past.context]
  let { unread } = past
  const sample = async (prompt: string, said: SampledTurn['said']): Promise<SampledTurn | null> => {
    const promptIds = codec.encode(prompt)
    const left = maxContext - context.length - promptIds.length
    if (left < 1) return null
    const generation = await session.extend([...unread, ...promptIds], {
      temperature: options.temperature,
      ...drawnWith(options.sampling),
      stopIds,
      maxNewTokens: Math.min(maxNewTokens, left),
    })
    unread = []
    context.push(...promptIds, ...generation.ids)
    const completion = codec.decode(generation.ids)
    return {
      ...{ parsed: format.parse(completion), prompt, completion, said },
      tokens: {
        prompt_ids: promptIds,
        completion_ids: [...generation.ids],
        completion_logprobs: [...generation.logprobs],
        policy_version: generation.policyVersion,
      },
      isTruncated: generation.finish === 'length',
    }
  }
  return {
    open: ({ tools, conversation }) => sample(format.start(tools, conversation), saidIn(format.system(tools), conversation)),
    next: (messages) => sample(format.next(messages), userIn(messages)),
    append(said, turn) {
      const text = 'tools' in said ? format.start(said.tools, said.conversation) : format.next(said)
      const ids = codec.encode(text)
      const added = [...ids, ...(turn.tokens?.completion_ids ?? codec.encode(turn.completion))]
      context.push(...added)
      unread = [...unread, ...added]
      return { text, ids }
    },
    fork: async (branch) => sessionOver(await session.fork(branchKey(past.key, branch)), { key: past.key, context, unread }, options),
    close: () => {
      session.close()
    },
  }
}

const joined = (texts: readonly string[]): string => texts.join('\n\n')

/** What the opening says in plain words: the system's part and the last words of the user. */
function saidIn(system: string | null, conversation: readonly ConversationMessage[]): SampledTurn['said'] {
  const systems = [
    ...(system === null ? [] : [system]),
    ...conversation.filter(({ role }) => role === 'system').map(({ content }) => content),
  ]
  return { ...(systems.length === 0 ? {} : { system: joined(systems) }), ...userIn(conversation) }
}

function userIn(messages: readonly { readonly role: string; readonly content: string }[]): SampledTurn['said'] {
  const user = messages.filter(({ role }) => role === 'user').map(({ content }) => content)
  return user.length === 0 ? {} : { user: joined(user) }
}
