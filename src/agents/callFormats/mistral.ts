/** Calls as Mistral's models write them: `[TOOL_CALLS] [{"name": …, "arguments": {…}}]`, and since 2025 `[TOOL_CALLS]name[ARGS]{…}`. */
import type { ToolCall } from '../../records/trajectory'
import type { FormatEvidence, ParsedCall, ParsedTurn } from './callFormat'
import {
  badCall,
  callsOfJson,
  isRecord,
  MOST_CALLS,
  needsLesson,
  readJson,
  spacedJson,
  splitReasoning,
  tooManyCalls,
  turnOf,
  valueEnd,
} from './readCalls'
import { templateFormat } from './templateFormat'

const CALLS = '[TOOL_CALLS]'
const ARGUMENTS = '[ARGS]'
const ID = '[CALL_ID]'

export const mistral = templateFormat({
  name: 'mistral',
  title: 'Mistral: [TOOL_CALLS]',
  recognise: ({ chatTemplate, renderChat }) =>
    chatTemplate?.includes(CALLS) === true && renderChat ? { confidence: 0.9 } : needsLesson(renderChat),
  parse,
  write,
  howToCall: [
    'To call tools, write nothing but the marker and a JSON list with the name and the arguments of each call:',
    `${CALLS} [{"name": "the tool", "arguments": {"a parameter": "its value"}}]`,
  ].join('\n'),
  reply: ({ name, content }) => `Result of ${name ?? 'the tool'}:\n${content}`,
})

function write(calls: readonly ToolCall[], { chatTemplate }: FormatEvidence): string {
  if (chatTemplate?.includes(ARGUMENTS) === true)
    return calls.map(({ name, arguments: given }) => `${CALLS}${name}${ARGUMENTS}${spacedJson(given)}`).join('')
  return `${CALLS} ${spacedJson(calls.map(({ name, arguments: given }) => ({ name, arguments: given })))}`
}

function parse(text: string, isReasoning: boolean): ParsedTurn {
  const { reasoning, rest } = splitReasoning(text, isReasoning)
  const first = rest.indexOf(CALLS)
  if (first < 0) return turnOf(reasoning, rest, [])
  const content = rest.slice(0, first)
  const start = first + CALLS.length + (rest.slice(first + CALLS.length).length - rest.slice(first + CALLS.length).trimStart().length)
  if (rest[start] === '[' || rest[start] === '{') {
    const end = valueEnd(rest, start)
    const calls = callsOfJson(rest.slice(start, end < 0 ? undefined : end))
    return turnOf(reasoning, content + (end < 0 ? '' : rest.slice(end)), calls)
  }
  return turnOf(reasoning, content, namedCalls(rest, first))
}

/** `[TOOL_CALLS]name[ARGS]{…}` again and again; an argument may hold the text of a marker, so what ends the JSON value counts. */
function namedCalls(text: string, from: number): ParsedCall[] {
  const calls: ParsedCall[] = []
  let at = from
  while (at >= 0 && at < text.length) {
    if (calls.length === MOST_CALLS) return [...calls, tooManyCalls()]
    const start = at + CALLS.length
    const brace = text.indexOf('{', start)
    const head = text.slice(start, brace < 0 ? Math.min(text.length, start + 400) : brace)
    const name = head.split('[', 1)[0]?.trim() ?? ''
    const id = head.includes(ID)
      ? head
          .slice(head.indexOf(ID) + ID.length)
          .split('[', 1)[0]
          ?.trim()
      : undefined
    if (brace < 0 || name === '' || head.includes(CALLS)) {
      calls.push(badCall(`a name, ${ARGUMENTS} and a JSON object after ${CALLS}`, head.trim(), name))
      at = text.indexOf(CALLS, start)
      continue
    }
    const end = valueEnd(text, brace)
    const read = readJson(text.slice(brace, end < 0 ? undefined : end))
    if (!read.ok) calls.push({ name, arguments: {}, error: read.why })
    else if (isRecord(read.value)) calls.push({ name, arguments: read.value, ...(id === undefined || id === '' ? {} : { id }) })
    at = text.indexOf(CALLS, end < 0 ? text.length : end)
  }
  return calls
}
