/** What a person typed into a field for JSON or for a list of words, read or answered with a sentence that says what is wrong. */
import { z } from 'zod'

type Reading<T> = { readonly value: T; readonly problem: null } | { readonly problem: string }

const EXCERPT = 40
const excerpt = (text: string): string => (text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text)

/** @param shape JSON Schema of the value; @param fallback what an empty field means. */
export function jsonReader(shape: Readonly<Record<string, unknown>>, fallback: unknown): (text: string) => Reading<unknown> {
  const schema = schemaOf(shape)
  return (text) => {
    if (text.trim() === '') return { value: fallback, problem: null }
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      return { problem: `JSON is needed, such as ${excerpt(JSON.stringify(fallback))}; found ${excerpt(text.trim())}.` }
    }
    const issue = schema.safeParse(value).error?.issues[0]
    if (!issue) return { value, problem: null }
    const place = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
    return { problem: `${place}${issue.message}.` }
  }
}

/** A schema that cannot be read here checks nothing: the studio's own has the last word when the run starts. */
function schemaOf(shape: Readonly<Record<string, unknown>>): z.ZodType {
  try {
    return z.fromJSONSchema(shape)
  } catch {
    return z.unknown()
  }
}

/** Words with commas or spaces between them. @param choices the words there are; empty: any. */
export function readWords(text: string, choices: readonly string[], fallback: readonly string[]): Reading<readonly string[]> {
  const words = text.split(/[\s,]+/).filter((word) => word !== '')
  if (words.length === 0) return { value: fallback, problem: null }
  const unknown = words.find((word) => choices.length > 0 && !choices.includes(word))
  if (unknown !== undefined) return { problem: `There is no ${excerpt(unknown)}; there is ${choices.join(', ')}.` }
  const repeated = words.find((word, at) => words.indexOf(word) !== at)
  if (choices.length > 0 && repeated !== undefined) return { problem: `${excerpt(repeated)} is written twice.` }
  return { value: words, problem: null }
}
