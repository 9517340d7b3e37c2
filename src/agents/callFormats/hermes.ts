/** Calls as Hermes, Qwen2.5, Qwen3, Hammer and SmolLM2 write them: JSON in `<tool_call>` tags, one call or a list of them in a tag. */
import type { ToolCall } from '../../records/trajectory'
import type { ParsedCall, ParsedTurn } from './callFormat'
import { callsOfJson, MOST_CALLS, NO_LESSON, NO_TEMPLATE, spacedJson, splitReasoning, tooManyCalls, turnOf, valueEnd } from './readCalls'
import { templateFormat } from './templateFormat'

const OPEN = '<tool_call>'
const CLOSE = '</tool_call>'

export const hermes = templateFormat({
  name: 'hermes',
  title: 'Hermes and Qwen: JSON in <tool_call> tags',
  recognise: ({ chatTemplate, tokenizer, renderChat }) => {
    const template = chatTemplate ?? ''
    // Qwen3-Coder and GLM put another language into the same tags.
    const isOther = template.includes('<function=') || template.includes('<arg_key>')
    if (isOther && renderChat) return { confidence: 0, needs: NO_LESSON }
    if (template.includes(OPEN) && renderChat) return { confidence: 0.9 }
    if (!renderChat) return { confidence: 0, needs: NO_TEMPLATE }
    return { confidence: tokenizer.tokenId(OPEN) === null ? 0.2 : 0.5 }
  },
  parse,
  write: (calls) => calls.map(writeCall).join('\n'),
  howToCall: [
    'To call a tool, write a JSON object with the name of the tool and its arguments, in tags:',
    `${OPEN}\n{"name": "the tool", "arguments": {"a parameter": "its value"}}\n${CLOSE}`,
    'Write one such block for each call.',
  ].join('\n'),
  reply: ({ content }) => `<tool_response>\n${content}\n</tool_response>`,
})

function parse(text: string, isReasoning: boolean): ParsedTurn {
  const { reasoning, rest } = splitReasoning(text, isReasoning)
  const calls: ParsedCall[] = []
  const said: string[] = []
  let at = 0
  let isEndless = false
  for (let tag = 0; ; tag++) {
    const open = rest.indexOf(OPEN, at)
    said.push(rest.slice(at, open < 0 ? undefined : open))
    if (open < 0) break
    if (tag === MOST_CALLS) {
      calls.push(tooManyCalls())
      break
    }
    const { inside, end, ...found } = tagAt(rest, open + OPEN.length, isEndless)
    isEndless ||= found.isEndless
    calls.push(...callsOfJson(inside))
    at = end
  }
  return turnOf(reasoning, said.join(''), calls.length > MOST_CALLS ? [...calls.slice(0, MOST_CALLS), tooManyCalls()] : calls)
}

interface Tag {
  readonly inside: string
  readonly end: number
  /** Its JSON value has no end; the ends of others are not looked for then, which would take long if there are many. */
  readonly isEndless: boolean
}

/** What stands in the tag that opened before `from`. An argument may hold the text of a tag: what ends the JSON value counts. */
function tagAt(text: string, from: number, skipsValues: boolean): Tag {
  let start = from
  while (/\s/.test(text[start] ?? '')) start++
  const isValue = !skipsValues && (text[start] === '{' || text[start] === '[')
  const ended = isValue ? valueEnd(text, start) : -1
  const isEndless = isValue && ended < 0
  const close = text.indexOf(CLOSE, Math.max(ended, from))
  // A last tag may lack its end: the token that stops the turn takes its place.
  if (close < 0) return { inside: text.slice(from), end: text.length, isEndless }
  if (ended >= 0 && text.slice(ended, close).trim() !== '') {
    const first = text.indexOf(CLOSE, from)
    return { inside: text.slice(from, first), end: first + CLOSE.length, isEndless }
  }
  return { inside: text.slice(from, close), end: close + CLOSE.length, isEndless }
}

const writeCall = ({ name, arguments: given }: ToolCall): string => `${OPEN}\n${spacedJson({ name, arguments: given })}\n${CLOSE}`
