/** Calls as a bare JSON list or object, as xLAM writes them: `[{"name": …, "arguments": {…}}]`. */
import type { ParsedTurn } from './callFormat'
import { callsOfJson, isRecord, needsLesson, readJson, spacedJson, splitReasoning, turnOf } from './readCalls'
import { templateFormat } from './templateFormat'

export const jsonCalls = templateFormat({
  name: 'json',
  title: 'A JSON list of calls, as xLAM',
  recognise: ({ chatTemplate, renderChat }) => {
    const isShown = /\[\{\\?"name\\?":\s?\\?"(?:tool|func)/.test(chatTemplate ?? '')
    return renderChat && isShown && chatTemplate?.includes('<tool_call>') !== true ? { confidence: 0.85 } : needsLesson(renderChat)
  },
  parse,
  write: (calls) => spacedJson(calls.map(({ name, arguments: given }) => ({ name, arguments: given }))),
  howToCall: [
    'To call tools, write nothing but a JSON list with the name and the arguments of each call:',
    '[{"name": "the tool", "arguments": {"a parameter": "its value"}}]',
  ].join('\n'),
  reply: ({ name, content }) => `Result of ${name ?? 'the tool'}:\n${content}`,
})

function parse(text: string, isReasoning: boolean): ParsedTurn {
  const { reasoning, rest } = splitReasoning(text, isReasoning)
  const json = unfenced(rest.trim())
  if (!json.startsWith('[') && !json.startsWith('{')) return turnOf(reasoning, rest, [])
  const read = readJson(json)
  // JSON may be an answer too: an object that names no tool, or a list of anything else.
  const values: readonly unknown[] = read.ok ? (Array.isArray(read.value) ? read.value : [read.value]) : []
  const isAnswer = read.ok && values.length > 0 && values.every((value) => !isRecord(value) || !('name' in value || 'function' in value))
  return isAnswer ? turnOf(reasoning, rest, []) : turnOf(reasoning, '', callsOfJson(json))
}

/** The text inside a fence of Markdown, where the whole text is one. */
function unfenced(text: string): string {
  if (!text.startsWith('```') || !text.endsWith('```') || text.length < 6) return text
  const line = text.indexOf('\n')
  return line < 0 ? text : text.slice(line + 1, -3).trim()
}
