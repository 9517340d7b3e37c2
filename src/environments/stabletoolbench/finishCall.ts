/** Reads the arguments of `Finish` as ToolBench does: JSON with line ends inside strings, JSON that lacks its end, or else by search. */
import { strPython } from '../../base/pythonRepr'
import type { PythonDict, PythonValue } from '../../base/pythonValue'
import { GIVE_ANSWER, GIVE_UP } from '../../records/toolbench'
import { dictOf } from './folderFile'

export interface FinishArguments {
  readonly returnType: string | null
  readonly finalAnswer: string | null
}

export function readFinish(text: string): FinishArguments {
  const read = dictOf(text, false) ?? dictOf(`${text}"}`, false) ?? searched(text)
  return { returnType: textOf(read.get('return_type')), finalAnswer: textOf(read.get('final_answer')) }
}

const textOf = (value: PythonValue | undefined): string | null => (value === undefined ? null : strPython(value))

const QUOTES = ['"', "'"] as const
const STARTS = ['"final_answer": "', '"final_answer":"', "'final_answer': ", "'final_answer':"] as const

function searched(text: string): PythonDict {
  const found: PythonDict = new Map()
  const says = (value: string): boolean =>
    QUOTES.some((quote) => ['', ' '].some((space) => text.includes(`${quote}return_type${quote}:${space}${quote}${value}${quote}`)))
  if (says(GIVE_ANSWER)) found.set('return_type', GIVE_ANSWER)
  else if (says(GIVE_UP)) found.set('return_type', GIVE_UP)
  else if (QUOTES.some((quote) => text.includes(`${quote}return_type${quote}:`))) found.set('return_type', 'invalid')
  const start = STARTS.find((mark) => text.includes(mark))
  if (start !== undefined) found.set('final_answer', text.slice(text.indexOf(start) + start.length))
  return found
}
