/** Calls as Llama 3.1 and 3.2 write them: `{"name": …, "parameters": {…}}`, several after `;` or on lines of their own, and `<|python_tag|>` before built-in tools. */
import type { ToolCall } from '../../records/trajectory'
import type { ParsedCall, ParsedTurn } from './callFormat'
import { readArguments } from './pythonCalls'
import {
  badCall,
  callOf,
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

const TAG = '<|python_tag|>'
/** The built-in tool to which code after the tag goes. */
const CODE = 'code_interpreter'

export const llama = templateFormat({
  name: 'llama',
  title: 'Llama 3: JSON with name and parameters',
  recognise: ({ chatTemplate, renderChat }) => {
    const template = chatTemplate ?? ''
    if (
      template.includes('<|start_header_id|>') &&
      /ipython|python_tag|"parameters"/.test(template) &&
      !template.includes('<tool_call>') &&
      renderChat
    )
      return { confidence: 0.9 }
    return needsLesson(renderChat)
  },
  parse,
  write: (calls) => calls.map(writeCall).join('; '),
  stopTokens: ['<|eot_id|>', '<|eom_id|>'],
  howToCall: [
    'To call a tool, write nothing but a JSON object with the name of the tool and its parameters:',
    '{"name": "the tool", "parameters": {"a parameter": "its value"}}',
    'Separate several calls by a semicolon.',
  ].join('\n'),
  reply: ({ name, content }) => `Result of ${name ?? 'the tool'}:\n${content}`,
})

const writeCall = ({ name, arguments: given }: ToolCall): string => spacedJson({ name, parameters: given })

function parse(text: string, isReasoning: boolean): ParsedTurn {
  const { reasoning, rest } = splitReasoning(text, isReasoning)
  const start = rest.trimStart()
  // JSON may be an answer too: only an object that names a tool is a call.
  if (/^\[?\s{0,8}\{\s{0,8}"(?:name|type|function|parameters|arguments)"/.test(start.slice(0, 64))) {
    const { calls, after } = callsIn(start)
    return turnOf(reasoning, after, calls)
  }
  const tag = rest.indexOf(TAG)
  if (tag < 0) return turnOf(reasoning, rest, [])
  const code = rest.slice(tag + TAG.length).trim()
  return turnOf(reasoning, rest.slice(0, tag), code.startsWith('{') ? callsIn(code).calls : [builtIn(code)])
}

/** `brave_search.call(query="…")`, or Python code. */
function builtIn(code: string): ParsedCall {
  const head = /^([A-Za-z_]\w{0,63})\.call\(/.exec(code)
  const name = head?.[1]
  if (!head || name === undefined)
    return code === '' ? badCall('a call or code after <|python_tag|>', '') : { name: CODE, arguments: { code } }
  const read = readArguments(code, head[0].length)
  return read.ok ? { name, arguments: read.value } : { name, arguments: {}, error: read.why }
}

/** JSON values one after another, between them blanks, semicolons or commas; `after` is the text that is no such value. */
function callsIn(text: string): { readonly calls: readonly ParsedCall[]; readonly after: string } {
  const calls: ParsedCall[] = []
  let at = 0
  for (;;) {
    while (/[\s;,]/.test(text[at] ?? '')) at++
    if (text[at] !== '{' && text[at] !== '[') return { calls, after: text.slice(at) }
    if (calls.length >= MOST_CALLS) return { calls: [...calls.slice(0, MOST_CALLS), tooManyCalls()], after: '' }
    const end = valueEnd(text, at)
    const piece = text.slice(at, end < 0 ? undefined : end)
    const read = readJson(piece)
    if (!read.ok) calls.push({ name: '', arguments: {}, error: read.why })
    else if (Array.isArray(read.value)) calls.push(...read.value.map(callOf))
    else if (isRecord(read.value)) calls.push(callOf(read.value))
    if (end < 0) return { calls, after: '' }
    at = end
  }
}
