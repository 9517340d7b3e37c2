/**
 * The compact format: `name(parameter="value")`, one call in a turn, one special token that opens each role and one that ends every
 * message. Its chat template is `<|role|>content<|end|>`; a test compares the two renderings.
 */
import { FINISH, GIVE_UP, formatCall, formatTools, parseCall } from '../../environments/compactSyntax'
import type { ToolCall } from '../../records/trajectory'
import type { CallFormat, CallFormatDefinition, RenderedMessage } from './callFormat'
import { withoutMarkers } from './withoutMarkers'

const END = '<|end|>'
const markers = ['<|system|>', '<|user|>', '<|assistant|>', '<|tool|>', END]

const message = (role: string, content: string): RenderedMessage => ({ header: `<|${role}|>`, body: `${content}${END}` })
const rendered = (role: string, content: string): string => `<|${role}|>${content}${END}`
const generationPrompt = '<|assistant|>'

/** The answer of a final call: text, null for giving up, undefined when the call does not end the episode. */
function finalAnswer(call: ToolCall): string | null | undefined {
  if (call.error !== undefined) return undefined
  if (call.name === GIVE_UP) return null
  if (call.name !== FINISH) return undefined
  return typeof call.arguments.answer === 'string' ? call.arguments.answer : null
}

const names = { name: 'compact', title: 'Compact calls' }

/** The format itself, which is the same for every model. */
export const compact: CallFormat & Required<Pick<CallFormat, 'message'>> = {
  ...names,
  stopTokens: [END],
  system: formatTools,
  start: (tools, conversation) =>
    rendered('system', formatTools(tools)) + conversation.map(({ role, content }) => rendered(role, content)).join('') + generationPrompt,
  next: (messages) => messages.map(({ role, content }) => rendered(role, content)).join('') + generationPrompt,
  parse(completion) {
    const stop = completion.indexOf(END)
    const text = stop < 0 ? completion : completion.slice(0, stop)
    const call = parseCall(text)
    const answer = finalAnswer(call)
    return { content: answer ?? '', reasoning: '', calls: [call], ...(answer === undefined ? {} : { answer }) }
  },
  how: 'Compact calls. Every role has a token of its own, and tools are listed by name and parameters.',
  answer: (text) => (text === null ? formatCall(GIVE_UP, {}) : formatCall(FINISH, { answer: text })),
  write: (calls) => calls.map((call) => formatCall(call.name, call.arguments)).join('\n'),
  message,
}

export const compactFormat: CallFormatDefinition = {
  ...names,
  recognise: ({ tokenizer, chatTemplate }) => {
    const missing = markers.filter((marker) => tokenizer.tokenId(marker) === null)
    // Without a template that writes the markers, the vocabulary alone says that the model knows them.
    return missing.length === 0
      ? { confidence: chatTemplate?.includes(END) ? 1 : 0.6 }
      : { confidence: 0, needs: `${missing.length === 1 ? 'the token' : 'the tokens'} ${missing.join(' ')}` }
  },
  create: (model) => ({
    ...compact,
    next: (messages) =>
      compact.next(
        messages.map((message) => (message.role === 'tool' ? { ...message, content: withoutMarkers(message.content, model) } : message)),
      ),
  }),
}
