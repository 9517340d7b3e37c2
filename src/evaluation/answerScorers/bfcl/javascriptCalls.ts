/** The call of an answer in JavaScript: `draw(title="Rain", points=[1, 2])`, each argument an assignment whose value stays text. */
import type { PythonValue } from '../../../base/pythonValue'
import type { Call } from '../../../environments/bfcl/checker/checkCall'
import { checkValue, firstCall } from './braceSyntax'
import { after, braceTokens, isMark, splitAtCommas, type BraceLanguage, type Span, type Token } from './braceTokens'
import { ExpressionError } from './pythonExpression'

/** The name of arguments without one. */
const NO_NAME = '**'

/** The text of a value without the quotes around it. */
const unquoted = (text: string): string => (/^(?:"[^]*"|'[^]*')$/.test(text) ? text.slice(1, -1) : text)

/** null: the text is no call. Throws ExpressionError where it is no JavaScript. */
export function javascriptCalls(text: string): Call[] | null {
  const tokens = braceTokens(text, 'javascript')
  const found = firstCall(tokens, text)
  if (found === null) return null
  const raw = ({ from, to }: Span): string => text.slice(tokens[from]?.start, tokens[to - 1]?.end)
  const given = new Map<string, PythonValue>()
  for (const part of splitAtCommas(tokens, found.arguments))
    addArgument(given, argumentIn(tokens, part, { language: 'javascript', nameOf: raw, valueOf: (span) => unquoted(raw(span)) }))
  return [{ name: raw(found.name), arguments: given }]
}

interface Argument {
  readonly name: string
  readonly value: string
}

/** How the language's decoder takes the text of tokens. */
interface ArgumentReader {
  readonly language: BraceLanguage
  readonly nameOf: (span: Span) => string
  readonly valueOf: (span: Span) => string
}

/** Throws ExpressionError for a name that was given before. */
export function addArgument(given: Map<string, PythonValue>, argument: Argument | null): void {
  if (argument === null) return
  if (given.has(argument.name)) throw new ExpressionError(`Expected each argument once, found ${argument.name} twice.`)
  given.set(argument.name, argument.value)
}

/** An assignment, or a word without a name; null for other values, which do not count. */
export function argumentIn(tokens: readonly Token[], part: Span, { language, nameOf, valueOf }: ArgumentReader): Argument | null {
  if (part.from >= part.to) return null
  const assign = assignmentIn(tokens, part)
  if (assign === null) {
    checkValue(tokens, part, language)
    const [only] = tokens.slice(part.from, part.to)
    const isWord = part.to - part.from === 1 && only?.kind === 'word' && !/^(?:false|null|undefined|this|super)$/.test(only.text)
    return isWord ? { name: NO_NAME, value: nameOf(part) } : null
  }
  const value = { from: assign + 1, to: part.to }
  checkValue(tokens, value, language)
  return { name: nameOf({ from: part.from, to: assign }), value: valueOf(value) }
}

/** The place of the `=` behind a name; null where there is none. */
function assignmentIn(tokens: readonly Token[], { from, to }: Span): number | null {
  for (let at = from; at < to; at = after(tokens, at)) {
    const token = tokens[at] as Token
    if (isMark(token, '=')) return at > from ? at : null
    if (token.kind !== 'word' && !isMark(token, '.') && !isMark(token, '[')) return null
  }
  return null
}
