/** StepTool's reader of ReAct text, with its faults: it cuts by Python's rules of slices whether or not a label was found. */
import { isRecord, type Read } from './readCalls'

export interface ReactTurn {
  readonly thought: string
  readonly action: string
  readonly actionInput: string
}

/** Byte for byte what `react_parser` of StepTool and ToolBench returns. It never fails, also for text without labels. */
export function reactParser(text: string): ReactTurn {
  // Python counts code points: without pairs of surrogates they are what JavaScript counts.
  const characters = /[\ud800-\udfff]/.test(text) ? Array.from(text) : null
  const find = (label: string): number => {
    const at = text.indexOf(label)
    return at < 0 || !characters ? at : Array.from(text.slice(0, at)).length
  }
  const slice = (from: number, to?: number): string => characters?.slice(from, to).join('') ?? text.slice(from, to)
  return {
    thought: slice(find('Thought: ') + 9, find('\nAction: ')),
    action: slice(find('Action: ') + 8, find('\nAction Input: ')),
    actionInput: slice(find('Action Input: ') + 14),
  }
}

/** JSON as Python's `json.loads(…, strict=False)` reads it: control characters may stand in strings. */
export function looseJson(text: string): Read {
  try {
    return { ok: true, value: JSON.parse(escapeControls(text)) as unknown }
  } catch {
    return { ok: false, why: 'no JSON' }
  }
}

function escapeControls(text: string): string {
  if (!/[\u0000-\u001f]/.test(text)) return text
  const pieces: string[] = []
  let isInside = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (char === '"') isInside = !isInside
    if (isInside && char === '\\') pieces.push(char, text[++at] ?? '')
    else pieces.push(isInside && char < ' ' ? JSON.stringify(char).slice(1, -1) : char)
  }
  return pieces.join('')
}

const CHOICES = ['give_answer', 'give_up_and_restart'] as const
const ANSWER_STARTS = [`"final_answer": "`, `"final_answer":"`, `'final_answer': `, `'final_answer':`]

/** What `Finish` was given, by the rules of StableToolBench's environment: broken JSON still counts if the words are there. */
export function looseFinish(text: string): Readonly<Record<string, unknown>> {
  for (const attempt of [text, `${text}"}`]) {
    const read = looseJson(attempt)
    if (read.ok && isRecord(read.value)) return read.value
  }
  const choice = CHOICES.find((name) =>
    [`"return_type": "${name}"`, `"return_type":"${name}"`, `'return_type': '${name}'`, `'return_type':'${name}'`].some((words) =>
      text.includes(words),
    ),
  )
  const start = ANSWER_STARTS.find((mark) => text.includes(mark))
  return {
    ...(choice !== undefined ? { return_type: choice } : text.includes('return_type') ? { return_type: 'invalid' } : {}),
    ...(start === undefined ? {} : { final_answer: text.slice(text.indexOf(start) + start.length) }),
  }
}
