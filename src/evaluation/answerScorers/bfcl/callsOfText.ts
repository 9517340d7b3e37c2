/** The calls in a model's text: between tags, or as it was prompted to write them, `[f(a=1), g(b=2)]`, in the syntax of the language it was asked for. */
import type { Language } from '../../../environments/bfcl/categories'
import type { DecodedAnswer } from '../../../environments/bfcl/checker/checkAnswer'
import type { Call } from '../../../environments/bfcl/checker/checkCall'
import { finding } from '../../../environments/bfcl/checker/finding'
import { javaCalls } from './javaCalls'
import { javascriptCalls } from './javascriptCalls'
import { pythonCalls } from './pythonCalls'
import { ExpressionError } from './pythonExpression'
import { hasTags, taggedCalls } from './taggedCalls'

/** In Java and JavaScript the brackets are no part of the syntax. */
const readers: Readonly<Record<Language, (text: string) => readonly Call[] | null>> = {
  python: pythonCalls,
  java: (text) => javaCalls(text.slice(1, -1)),
  javascript: (text) => javascriptCalls(text.slice(1, -1)),
}

export function callsOfText(text: string, language: Language): DecodedAnswer {
  try {
    if (hasTags(text)) return { calls: taggedCalls(text) }
    const calls = readers[language](bracketed(text))
    if (calls !== null) return { calls }
    return { calls, fault: finding('ast_decoder:decoder_wrong_output_format', 'The answer is no list of calls: it is other code.') }
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    return { calls: null, fault: finding('ast_decoder:decoder_failed', `The answer is no list of calls. ${error.message}`) }
  }
}

/** Without the marks of a code block, and with the brackets that models leave out. */
function bracketed(text: string): string {
  const bare = text.replace(/^[`\n ]+|(?<![`\n ])[`\n ]+$/g, '')
  return `${bare.startsWith('[') ? '' : '['}${bare}${bare.endsWith(']') ? '' : ']'}`
}
