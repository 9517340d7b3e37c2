/** What a person typed into a numeric field, read as a number or answered with a sentence that says what is wrong. */

export interface NumberRule {
  /** How the range is written: `> 0`, `0 to 1`. */
  readonly bounds?: string
  readonly minimum?: number | null
  readonly maximum?: number | null
  /** Bounds that are not part of the range themselves. */
  readonly above?: number | null
  readonly below?: number | null
  readonly isWhole?: boolean
  /** The word `none` may be written for no value. */
  readonly isNullable?: boolean
}

/** undefined: nothing was typed, so the default holds; null: the word `none` was. */
export type NumberValue = number | null | undefined
export type NumberReading = { readonly value: NumberValue; readonly problem: null } | { readonly problem: string }

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const DECIMAL_COMMA = /^[+-]?\d*,\d+$/
const GROUPED = /^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$/

export function readNumber(text: string, rule: NumberRule = {}): NumberReading {
  const typed = text.trim().replace('−', '-')
  if (typed === '') return { value: undefined, problem: null }
  if (rule.isNullable && typed.toLowerCase() === 'none') return { value: null, problem: null }
  if (GROUPED.test(typed)) return { problem: `Write ${typed.replaceAll(',', '')}, without commas.` }
  if (DECIMAL_COMMA.test(typed)) return { problem: `Write ${typed.replace(',', '.')}, with a point.` }
  const value = Number(typed)
  if (!NUMBER.test(typed) || !Number.isFinite(value))
    return { problem: `A number is needed, such as ${example(rule)}; found ${shortened(typed)}.` }
  const problem = numberProblem(value, rule)
  return problem === null ? { value, problem } : { problem }
}

const example = (rule: NumberRule): string => (rule.isWhole ? '8 or 1e3' : '0.5 or 1e-3')
const shortened = (text: string): string => (text.length > 24 ? `${text.slice(0, 24)}…` : text)

/** Why a number is outside its rule, or null. */
export function numberProblem(value: number, rule: NumberRule): string | null {
  if (!Number.isFinite(value)) return 'A number is needed.'
  if (rule.isWhole && !Number.isInteger(value)) return `A whole number is needed; found ${value}.`
  if (rule.isWhole && !Number.isSafeInteger(value)) return `${value} is too large to be counted exactly.`
  const isOutside =
    value < (rule.minimum ?? -Infinity) ||
    value > (rule.maximum ?? Infinity) ||
    value <= (rule.above ?? -Infinity) ||
    value >= (rule.below ?? Infinity)
  return isOutside ? `Expected ${rule.bounds ?? boundsText(rule)}; found ${value}.` : null
}

/** The range in words: `> 0`, `0 to 1`; empty where there is none. */
export function boundsText({ minimum = null, maximum = null, above = null, below = null }: NumberRule): string {
  if (minimum !== null && maximum !== null) return `${minimum} to ${maximum}`
  const parts: string[] = []
  if (minimum !== null) parts.push(`≥ ${minimum}`)
  if (above !== null) parts.push(`> ${above}`)
  if (maximum !== null) parts.push(`≤ ${maximum}`)
  if (below !== null) parts.push(`< ${below}`)
  return parts.join(', ')
}

/** A value as a person would type it. */
export const numberText = (value: NumberValue): string => (value === undefined ? '' : value === null ? 'none' : String(value))
