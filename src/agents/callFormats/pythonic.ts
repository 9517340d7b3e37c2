/** Calls as a Python list, `[f(a="v"), g()]`; LFM2 puts it between `<|tool_call_start|>` and `<|tool_call_end|>`. */
import type { ParsedCall, ParsedTurn } from './callFormat'
import { readPythonCalls, writePythonCall } from './pythonCalls'
import { callsOfJson, needsLesson, splitReasoning, turnOf } from './readCalls'
import { templateFormat } from './templateFormat'

const OPEN = '<|tool_call_start|>'
const CLOSE = '<|tool_call_end|>'

export const pythonic = templateFormat({
  name: 'pythonic',
  title: 'Python lists of calls, also LFM2',
  recognise: ({ chatTemplate, tokenizer, renderChat }) => {
    if (renderChat && chatTemplate?.includes(OPEN) === true) return { confidence: 0.95 }
    // LFM2's first templates list tools without the tags: there the vocabulary says it.
    return renderChat && tokenizer.tokenId(OPEN) !== null ? { confidence: 0.85 } : needsLesson(renderChat)
  },
  parse,
  write: (calls, model) => {
    const list = `[${calls.map(writePythonCall).join(', ')}]`
    return model.tokenizer.tokenId(OPEN) === null ? list : `${OPEN}${list}${CLOSE}`
  },
  howToCall: [
    'To call tools, write nothing but a list of calls in the syntax of Python, with named arguments:',
    '[first_tool(parameter="value"), second_tool(parameter=3)]',
  ].join('\n'),
  // LFM2's template writes the name of any role.
  replyRoles: ['tool'],
  reply: ({ name, content }) => `Result of ${name ?? 'the tool'}:\n${content}`,
})

function parse(text: string, isReasoning: boolean): ParsedTurn {
  const { reasoning, rest } = splitReasoning(text, isReasoning)
  const open = rest.indexOf(OPEN)
  if (open >= 0) {
    const inside = rest.slice(open + OPEN.length)
    const { calls, end } = listOf(inside)
    const after = inside.slice(end).trimStart()
    return turnOf(reasoning, rest.slice(0, open) + (after.startsWith(CLOSE) ? after.slice(CLOSE.length) : after), calls)
  }
  const start = rest.trimStart()
  // A list may be an answer too: only one that begins with a call is read.
  if (!/^\[\s{0,8}[\p{L}_][\p{L}\p{N}_.:/-]{0,128}\s{0,8}\(/u.test(start.slice(0, 160))) return turnOf(reasoning, rest, [])
  const { calls, end } = readPythonCalls(start)
  return turnOf(reasoning, start.slice(end), calls)
}

/** LFM2 may be asked for JSON in the same tags. */
function listOf(inside: string): { readonly calls: readonly ParsedCall[]; readonly end: number } {
  if (!/^\s*(?:\[\s*)?\{/.test(inside.slice(0, 32))) return readPythonCalls(inside)
  const close = inside.indexOf(CLOSE)
  const end = close < 0 ? inside.length : close
  return { calls: callsOfJson(inside.slice(0, end)), end }
}
