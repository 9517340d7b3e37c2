/** ReAct text as ToolLLaMA and StepTool write it: `Thought:`, `Action:`, `Action Input:`, and `Finish` for the answer. */
import { jsonrepair } from 'jsonrepair'
import { functionTool } from '../../environments/toolSchema'
import type { ToolCall, ToolSpec } from '../../records/trajectory'
import type { CallFormatDefinition, FormatEvidence, ParsedCall, ParsedTurn, RenderChat } from './callFormat'
import { looseFinish, looseJson, reactParser } from './reactParser'
import { badCall, isRecord, MOST_CALLS, readJson, spacedJson, tooManyCalls, valueEnd } from './readCalls'
import { templateFormat } from './templateFormat'

const FINISH = 'Finish'
const GIVE_ANSWER = 'give_answer'
const GIVE_UP = 'give_up_and_restart'

const HOW_TO_CALL = [
  'Write every turn in exactly three lines: what you think, the name of one tool, and its arguments as one JSON object:',
  'Thought: why this tool comes next\nAction: the name of the tool\nAction Input: {"a parameter": "its value"}',
].join('\n')
const FINISH_BY_CALL = [
  `End with the action ${FINISH}. With {"return_type": "${GIVE_ANSWER}", "final_answer": "…"} you give the user the answer;`,
  `with {"return_type": "${GIVE_UP}"} you give up, when the tools cannot help.`,
].join(' ')

const finishTool = {
  name: FINISH,
  description: 'Ends the task, with the answer for the user or by giving up.',
  parameters: {
    type: 'object',
    properties: {
      return_type: { type: 'string', enum: [GIVE_ANSWER, GIVE_UP] },
      final_answer: { type: 'string', description: `The answer for the user; it is needed with ${GIVE_ANSWER}.` },
    },
    required: ['return_type'],
  },
}

interface Reader {
  readonly name: string
  readonly title: string
  readonly parse: (text: string) => ParsedTurn
  /** How sure it is of a model that needs this text. */
  readonly confidence: number
}

function reactFormat({ name, title, parse, confidence }: Reader): CallFormatDefinition {
  const format = templateFormat({
    ...{ name, title, parse, write },
    recognise: ({ title: model }) =>
      confidence > 0 && /tool-?llama|steptool/i.test(model) ? { confidence } : { confidence: 0, needs: 'to be chosen by name' },
    ...{ howToCall: HOW_TO_CALL, finish: FINISH_BY_CALL, isOwnList: true },
    listTools: (tools: readonly ToolSpec[]) =>
      `You have access to these APIs: ${spacedJson([...tools.map((tool) => functionTool(tool).function), finishTool])}`,
    // StepTool renames the role of tools, and templates that write any role follow it.
    replyRoles: ['function', 'tool'],
    reply: ({ content }) => `Observation: ${content}`,
    stopTokens: ['</s>'],
    query: (text) => `\n${text}\nBegin!\n`,
    answer: (text) => write([finishCall(text)]),
  })
  return {
    ...format,
    create: (model: FormatEvidence) => format.create(model.renderChat ? model : { ...model, renderChat: roles }),
  }
}

const TITLES: Readonly<Record<string, string>> = {
  system: 'System',
  user: 'User',
  assistant: 'Assistant',
  function: 'Function',
  tool: 'Function',
}

/** ToolLLaMA has no chat template: its server writes the roles as words. */
const roles: RenderChat = ({ messages, addGenerationPrompt }) =>
  messages
    .map(
      ({ role, content }) =>
        `${TITLES[role] ?? role}: ${typeof content === 'string' ? content : ''}${role === 'assistant' ? '</s>' : ''}\n`,
    )
    .join('') + (addGenerationPrompt === true ? 'Assistant:\n' : '')

const finishCall = (text: string | null): ToolCall => ({
  name: FINISH,
  arguments: text === null ? { return_type: GIVE_UP } : { return_type: GIVE_ANSWER, final_answer: text },
})

function write(calls: readonly ToolCall[]): string {
  return calls
    .map(({ name, arguments: given }, index) => `${index === 0 ? 'Thought: \n' : ''}Action: ${name}\nAction Input: ${spacedJson(given)}`)
    .join('\n')
}

/** A turn with the answer that its `Finish` gives, if it has one. */
function withAnswer(thought: string, calls: readonly ParsedCall[]): ParsedTurn {
  const turn = { content: '', reasoning: thought.trim(), calls }
  const last = calls.find(({ name, error }) => name === FINISH && error === undefined)
  if (!last) return turn
  const { return_type: kind, final_answer: given } = last.arguments
  if (kind === GIVE_UP) return { ...turn, answer: null }
  const problem =
    kind !== GIVE_ANSWER
      ? badCall(`return_type to be ${GIVE_ANSWER} or ${GIVE_UP}`, kind === undefined ? '' : spacedJson(kind), FINISH)
      : given === undefined || given === null
        ? badCall(`final_answer beside ${GIVE_ANSWER}`, '', FINISH)
        : null
  if (problem) return { ...turn, calls: calls.map((call) => (call === last ? problem : call)) }
  const answer = typeof given === 'string' ? given : spacedJson(given)
  return { ...turn, content: answer, answer }
}

/** A label at the beginning of a line. */
const LABEL = /(?:^|\n)[ \t]{0,8}(Thought|Action Input|Action):/g

interface Labelled {
  readonly label: string
  /** Where the label begins, and where what it labels does. */
  readonly at: number
  readonly from: number
  readonly text: string
}

/** The labelled parts of a text; a JSON object is skipped as a whole, so that labels inside it do not count. */
function partsOf(text: string): Labelled[] {
  const parts: { -readonly [Key in keyof Labelled]: Labelled[Key] }[] = []
  LABEL.lastIndex = 0
  for (let found = LABEL.exec(text); found; found = LABEL.exec(text)) {
    const last = parts.at(-1)
    if (last) last.text = text.slice(last.from, found.index)
    const from = found.index + found[0].length
    parts.push({ label: found[1] ?? '', at: found.index, from, text: text.slice(from) })
    if (parts.length > 3 * MOST_CALLS) break
    const brace = from + (/^\s{0,200}(?=\{)/.exec(text.slice(from, from + 201))?.[0].length ?? -1)
    const end = found[1] === 'Action Input' && text[brace] === '{' ? valueEnd(text, brace) : -1
    if (end > 0) LABEL.lastIndex = end
    // No label behind a value without an end is one.
    else if (found[1] === 'Action Input' && text[brace] === '{') break
  }
  return parts
}

/** Exactly the labels in their order, and a JSON object behind each input; null when anything differs. */
function strict(text: string): { readonly thought: string; readonly calls: readonly ParsedCall[] } | null {
  const parts = partsOf(text)
  const [first] = parts
  const thought = first?.label === 'Thought' ? first.text : ''
  const pairs = first?.label === 'Thought' ? parts.slice(1) : parts
  if (pairs.length === 0 || pairs.length % 2 === 1 || text.slice(0, first?.at).trim() !== '') return null
  if (/Action Input:|\nObservation:/.test(thought)) return null
  const calls: ParsedCall[] = []
  for (let at = 0; at < pairs.length; at += 2) {
    const [action, input] = [pairs[at], pairs[at + 1]]
    const name = action?.text.trim() ?? ''
    const read = readJson(input?.text ?? '')
    if (action?.label !== 'Action' || input?.label !== 'Action Input' || name === '' || name.includes('\n')) return null
    if (!read.ok || !isRecord(read.value)) return null
    calls.push({ name, arguments: read.value })
  }
  return { thought, calls: calls.length > MOST_CALLS ? [...calls.slice(0, MOST_CALLS), tooManyCalls()] : calls }
}

/** The first action, wherever its labels stand, with an input that can be mended; what follows the input was made up. */
function lenient(text: string): ParsedTurn {
  const label = /action\s{0,4}:\s{0,4}/i.exec(text)
  if (!label)
    return { content: '', reasoning: text.trim(), calls: [badCall('the lines "Thought:", "Action:" and "Action Input:"', text.trim())] }
  const thought = text.slice(0, label.index).replace(/^\s*thought\s{0,4}:/i, '')
  const behind = text.slice(label.index + label[0].length)
  const input = /action\s{0,4}input\s{0,4}:/i.exec(behind)
  const line = behind.slice(0, input?.index).split('\n', 1)[0] ?? ''
  // A model may write the call as Python would: only the name counts.
  const name = (/^[^\s({]{1,200}/.exec(line.trim())?.[0] ?? '').replace(/[`*"'.,:]+$/, '').replace(/^[`*"']+/, '')
  if (name === '') return { content: '', reasoning: thought.trim(), calls: [badCall('the name of a tool after "Action:"', line)] }
  if (!input) return withAnswer(thought, [badCall('the line "Action Input:" after the action', behind.slice(line.length).trim(), name)])
  const given = behind.slice(input.index + input[0].length).trim()
  const value = mended(given)
  return withAnswer(thought, [value ? { name, arguments: value } : badCall('a JSON object after "Action Input:"', given, name)])
}

/** The longest text that is mended: repair walks through it by recursion. */
const MOST_MENDED = 20_000

function mended(text: string): Readonly<Record<string, unknown>> | null {
  const start = text.indexOf('{')
  const end = start < 0 ? -1 : valueEnd(text, start)
  const piece = start < 0 ? text : text.slice(start, end < 0 ? undefined : end)
  const read = readJson(piece)
  if (read.ok) return isRecord(read.value) ? read.value : null
  if (start < 0 || piece.length > MOST_MENDED) return null
  try {
    const repaired = readJson(jsonrepair(piece))
    return repaired.ok && isRecord(repaired.value) ? repaired.value : null
  } catch {
    return null
  }
}

function parseSound(text: string): ParsedTurn {
  const read = strict(text)
  return read ? withAnswer(read.thought, read.calls) : lenient(text)
}

function parseAsReleased(text: string): ParsedTurn {
  const { thought, action: name, actionInput } = reactParser(text)
  if (name === FINISH) return { ...withAnswer(thought, [{ name, arguments: looseFinish(actionInput) }]), reasoning: thought }
  const read = looseJson(actionInput)
  const call =
    read.ok && isRecord(read.value) ? { name, arguments: read.value } : badCall('a JSON object after "Action Input: "', actionInput, name)
  return { content: '', reasoning: thought, calls: [call] }
}

export const react = reactFormat({
  name: 'react',
  title: 'ToolLLaMA and StepTool: Thought, Action, Action Input',
  parse: parseSound,
  confidence: 0.8,
})

/** For bit-compatible comparison with the released code. */
export const reactReleased = reactFormat({
  name: 'react-ref',
  title: 'The same, read as StepTool’s react_parser reads it',
  parse: parseAsReleased,
  confidence: 0,
})
