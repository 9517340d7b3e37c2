/**
 * What a chat template says turn by turn. The template is rendered on short conversations of marked texts, and what stands after the mark is
 * what it says next: so the past is never rendered or tokenised again, also where a template would rewrite it.
 */
import type { ToolCall } from '../../records/trajectory'
import type { FormatEvidence, NextMessage, RenderChat } from './callFormat'
import type { CallLanguage } from './callLanguage'
import { withoutMarkers } from './withoutMarkers'

type Input = Parameters<RenderChat>[0]
type Message = Input['messages'][number]

export interface ChatTurns {
  /** The first is the one that the template writes after a turn. */
  readonly stopTokens: readonly [string, ...string[]]
  /** The one of them that ends a turn of calls, where it is another. */
  readonly callStopToken: string | null
  /** Whether the template itself lists the tools. */
  readonly listsTools: boolean
  /** Whether the text before a completion opens the reasoning. */
  readonly opensReasoning: boolean
  /** What was done where the template lacks something, in sentences. */
  readonly remarks: readonly string[]
  start(input: Pick<Input, 'messages' | 'tools'>): string
  next(messages: readonly NextMessage[]): string
  /** A turn of these calls; null if the template writes none. */
  write(calls: readonly ToolCall[]): string | null
}

// Marks are plain letters, which no template trims, escapes or capitalises, and no template contains.
const QUESTION = 'qzuserxq'
const SYSTEM = 'qzsystemxq'
const ANSWER = 'qzanswerxq'
const REPLY = 'qzreplyxq'
const TOOL = 'qztoolxq'
const ARGUMENT = 'qzargumentxq'
const OTHER_ROLE = 'qzrolexq'

const user: Message = { role: 'user', content: QUESTION }
const answer: Message = { role: 'assistant', content: ANSWER }
const tool = {
  type: 'function',
  function: {
    name: TOOL,
    description: 'd',
    parameters: { type: 'object', properties: { p: { type: 'string', description: 'd' } }, required: ['p'] },
  },
}

/** Mistral's templates ask for ids of nine letters and digits. */
const callId = (index: number): string => `call${String(index + 1).padStart(5, '0')}`

const callMessage = (calls: readonly ToolCall[]): Message => ({
  role: 'assistant',
  content: '',
  tool_calls: calls.map(({ name, arguments: given }, index) => ({
    id: callId(index),
    type: 'function',
    function: { name, arguments: given },
  })),
})
const markedCalls = (count: number): Message =>
  callMessage(
    Array.from({ length: Math.max(1, count) }, (_, index) => ({
      name: TOOL,
      arguments: { p: index === count - 1 || count === 0 ? ARGUMENT : 'x' },
    })),
  )

/** Throws an Error with one sentence if the template cannot be used. */
export function chatTurns(model: FormatEvidence, language: CallLanguage): ChatTurns {
  const { renderChat } = model
  if (!renderChat) throw new Error(`${model.title} has no chat template, so that the ${language.name} format cannot render its turns.`)
  const template = new Template(renderChat, model, language)
  const remarks = template.remarks()
  return {
    stopTokens: template.stopTokens,
    callStopToken: template.callStopToken(),
    listsTools: template.listsTools,
    opensReasoning: template.opensReasoning,
    remarks,
    start: (input) => template.start(input),
    next: (messages) => template.next(messages),
    write: (calls) => template.write(calls),
  }
}

/** Some templates walk through the tools without asking whether there are any. */
const withoutTools =
  (render: RenderChat): RenderChat =>
  (input) => {
    try {
      return render(input)
    } catch (error) {
      if (input.tools) throw error
      try {
        return render({ ...input, tools: [] })
      } catch {
        throw error
      }
    }
  }

/** From this confidence on, the template is the family's own. */
const TAUGHT = 0.8

class Template {
  readonly stopTokens: readonly [string, ...string[]]
  readonly listsTools: boolean
  readonly opensReasoning: boolean
  readonly #render: RenderChat
  readonly #model: FormatEvidence
  readonly #language: CallLanguage
  readonly #takesSystem: boolean
  readonly #writesCalls: boolean
  /** The role in which replies stand; null: in a user's turn. */
  readonly #replyRole: string | null

  constructor(render: RenderChat, model: FormatEvidence, language: CallLanguage) {
    this.#render = withoutTools(render)
    this.#model = model
    this.#language = language
    // A template teaches the calls of one family: in any other format, tools and calls are written in our own words.
    const isOwn = language.isOwnList !== true && language.recognise(model).confidence >= TAUGHT
    const prompt = this.#render({ messages: [user], addGenerationPrompt: true })
    if (!prompt.includes(QUESTION)) throw new Error(`The chat template of ${model.title} does not write what the user says.`)
    this.opensReasoning = /<think>\s*$/.test(prompt.slice(prompt.indexOf(QUESTION)))
    this.listsTools = isOwn && this.#try({ messages: [user], tools: [tool] }).includes(TOOL)
    const system = this.#try({ messages: [{ role: 'system', content: SYSTEM }, user], ...(this.listsTools ? { tools: [tool] } : {}) })
    this.#takesSystem = system.includes(SYSTEM) && system.includes(QUESTION)
    this.stopTokens = this.#findStopTokens()
    this.#writesCalls = isOwn && this.#try({ messages: [user, markedCalls(1)] }).includes(ARGUMENT)
    this.#replyRole = (language.replyRoles ?? ['tool']).find((role) => this.#hasRole(role)) ?? null
    // What is said after a turn is found now, so that a template that does not fit is refused before an episode.
    this.next([{ role: 'user', content: QUESTION }])
  }

  callStopToken(): string | null {
    if (!this.#writesCalls) return null
    const text = this.#try({ messages: [user, markedCalls(1)] })
    const tail = text.slice(text.indexOf(ARGUMENT))
    const found = this.stopTokens
      .map((token) => ({ token, at: tail.indexOf(token) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at)
    const token = found[0]?.token
    return token === undefined || token === this.stopTokens[0] ? null : token
  }

  remarks(): string[] {
    const { listsTools } = this
    const lists = listsTools
      ? 'The chat template lists the tools.'
      : 'The system message lists the tools in our own words, because the chat template does not list them for this format.'
    const replies =
      this.#replyRole === null
        ? 'It has no role for tools, so replies stand in a turn of the user.'
        : `Replies stand in its role ${this.#replyRole}.`
    return [
      lists,
      ...(this.#takesSystem ? [] : ['It takes no system message, so the system’s text begins the first message of the user.']),
      replies,
      ...(this.#rewrites() ? ['It would render earlier turns otherwise later on; here they stay as they were sampled.'] : []),
    ]
  }

  start({ messages, tools }: Pick<Input, 'messages' | 'tools'>): string {
    const [first, ...others] = messages
    const given = this.#takesSystem || first?.role !== 'system' ? messages : withSystemInUser(first, others)
    return this.#render({ messages: given, ...(tools ? { tools } : {}), addGenerationPrompt: true })
  }

  next(messages: readonly NextMessage[]): string {
    const replies = messages
      .filter(({ role }) => role === 'tool')
      .map((message) => ({ ...message, content: withoutMarkers(message.content, this.#model) }))
    const words = messages.filter(({ role }) => role === 'user').map(({ content }) => content)
    const role = this.#replyRole
    if (role === null || replies.length === 0) {
      const content = [...replies.map((reply) => this.#language.reply(reply)), ...words].join('\n')
      return this.#afterAnswer([{ role: 'user', content }])
    }
    const said = [
      ...replies.map(({ content, name, callId: id }, index) => ({ role, content, name: name ?? '', tool_call_id: id ?? callId(index) })),
      ...words.map((content) => ({ role: 'user', content })),
    ]
    const tail = this.#afterCalls(replies.length, said)
    if (tail !== null) return tail
    throw new Error(this.#endless())
  }

  write(calls: readonly ToolCall[]): string | null {
    if (!this.#writesCalls || calls.length === 0) return null
    const before = this.#try({ messages: [user], addGenerationPrompt: true })
    const whole = this.#try({ messages: [user, callMessage(calls)] })
    if (before === '' || !whole.startsWith(before)) return null
    const said = whole.slice(before.length)
    const ends = this.stopTokens.map((token) => said.lastIndexOf(token)).filter((at) => at >= 0)
    return ends.length === 0 ? null : said.slice(0, Math.max(...ends)).trim()
  }

  /** The rendering, or nothing where the template refuses the messages. */
  #try(input: Input): string {
    try {
      return this.#render(input)
    } catch {
      return ''
    }
  }

  /** After a turn of calls; where the template writes no calls, or not so many, after one of fewer or of text. */
  #afterCalls(count: number, said: readonly Message[]): string | null {
    const turns = this.#writesCalls ? [...new Set([count, 1])].map((number) => [markedCalls(number), ARGUMENT] as const) : []
    for (const [turn, mark] of [...turns, [answer, ANSWER] as const]) {
      const tail = tailAfter(this.#try({ messages: [user, turn, ...said], addGenerationPrompt: true }), mark, this.stopTokens)
      if (tail !== null) return tail
    }
    return null
  }

  #afterAnswer(said: readonly Message[]): string {
    const tail = tailAfter(this.#render({ messages: [user, answer, ...said], addGenerationPrompt: true }), ANSWER, this.stopTokens)
    if (tail === null) throw new Error(this.#endless())
    return tail
  }

  #endless(): string {
    return `The chat template of ${this.#model.title} writes none of ${this.stopTokens.join(' ')} after a turn of the assistant, so that nobody can say where the turn ends.`
  }

  #findStopTokens(): readonly [string, ...string[]] {
    const { tokenizer, config, title } = this.#model
    const rendered = this.#try({ messages: [user, answer, user], addGenerationPrompt: true }) || this.#try({ messages: [user, answer] })
    const tail = rendered.slice(rendered.indexOf(ANSWER) + ANSWER.length).trimStart()
    const written = /^(?:<[^<>\s]{1,60}>|\[[^[\]\s]{1,60}\])/.exec(tail)?.[0] ?? ''
    const named = (config?.eos_token_ids ?? []).map((id) => tokenizer.decode?.([id]) ?? '')
    const tokens = [written, ...named, ...(this.#language.stopTokens ?? [])].filter(
      (token) => token !== '' && tokenizer.tokenId(token) !== null,
    )
    const [first, ...others] = new Set(tokens)
    if (first !== undefined) return [first, ...others]
    throw new Error(
      `The chat template of ${title} ends a turn with ${JSON.stringify(tail.slice(0, 30))}, which is no token of its vocabulary, and its configuration names no token that ends a text.`,
    )
  }

  /** A template that writes the name of any role has a role for tools only if the vocabulary or the family knows it. */
  #hasRole(role: string): boolean {
    const reply = (name: string): string | null =>
      this.#afterCalls(1, [{ role: name, content: REPLY, name: TOOL, tool_call_id: callId(0) }])
    const text = reply(role)
    if (text?.includes(REPLY) !== true) return false
    if (reply(OTHER_ROLE)?.replaceAll(OTHER_ROLE, role) !== text || this.#language.replyRoles) return true
    const marks = text.match(new RegExp(`<[^<>\\s]*${role}[^<>\\s]*>`, 'g')) ?? []
    return marks.some((mark) => this.#model.tokenizer.tokenId(mark) !== null)
  }

  /** Whether rendering the whole conversation gives something else than its turns one after another. */
  #rewrites(): boolean {
    const [end] = this.stopTokens
    const words = { role: 'user', content: QUESTION } as const
    const start = (tools?: readonly unknown[]): string => this.start({ messages: [user], ...(tools ? { tools } : {}) })
    const thought = `<think>\nqzthoughtxq\n</think>\n\n${ANSWER}`
    const spoken = this.#try({ messages: [user, { role: 'assistant', content: thought }, user], addGenerationPrompt: true })
    if (spoken !== start() + thought + end + this.next([words])) return true
    const calls = [{ name: TOOL, arguments: { p: 'x' } }]
    const written = this.write(calls)
    if (written === null || this.#replyRole === null) return false
    const given = this.listsTools ? { tools: [tool] } : {}
    const reply = { role: this.#replyRole, content: REPLY, name: TOOL, tool_call_id: callId(0) }
    const acted = this.#try({ messages: [user, callMessage(calls), reply, answer, user], ...given, addGenerationPrompt: true })
    const replied = this.next([{ role: 'tool', content: REPLY, name: TOOL }])
    return acted !== start(given.tools) + written + end + replied + ANSWER + end + this.next([words])
  }
}

function withSystemInUser(system: Message, others: readonly Message[]): readonly Message[] {
  const first = others.findIndex(({ role }) => role === 'user')
  const joined = (message: Message | undefined): Message => ({
    role: 'user',
    content: [system.content, message?.content].filter((text) => typeof text === 'string').join('\n\n'),
  })
  return first < 0 ? [joined(undefined), ...others] : others.map((message, index) => (index === first ? joined(message) : message))
}

/** What stands after the first stop token behind the mark. */
function tailAfter(text: string, mark: string, stopTokens: readonly string[]): string | null {
  const from = text.indexOf(mark)
  if (from < 0) return null
  const rest = text.slice(from + mark.length)
  const ends = stopTokens.flatMap((token) => {
    const at = rest.indexOf(token)
    return at < 0 ? [] : [{ at, end: at + token.length }]
  })
  const [first] = ends.sort((a, b) => a.at - b.at)
  return first ? rest.slice(first.end) : null
}
