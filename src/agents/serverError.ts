/**
 * Reads a server's error message in the formats that servers use: OpenAI's `{error: {message, code}}`, the same flat (vLLM before 0.10.1), FastAPI's
 * `{detail}`, an error inside a choice (OpenRouter), an error body under status 200, and plain text.
 */

export interface ServerError {
  /** The status that the body names or implies; null if there is none. */
  readonly status: number | null
  /** The server's own sentence; '' if there is none. */
  readonly said: string
}

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The error a parsed body holds; null when it holds none. */
export function errorIn(body: unknown): ServerError | null {
  // Google's answer is a list with one entry.
  const whole: unknown = Array.isArray(body) ? body[0] : body
  if (!isFields(whole)) return null
  const found = errorValue(whole)
  if (found === null) return null
  const error = isFields(found) ? found : {}
  const said = sentenceIn(found)
  return { status: statusOf([error, whole]) ?? statusOfWords(said), said }
}

/** The sentence of an error page: the text itself, or the title of a web page. */
export function sentenceOfText(text: string): string {
  const trimmed = text.trim()
  if (!trimmed.startsWith('<')) return trimmed.replaceAll(/\s+/g, ' ')
  return (/<title[^>]*>([^<]*)<\/title>/i.exec(trimmed)?.[1] ?? '').trim()
}

function errorValue(whole: Fields): unknown {
  const { choices } = whole
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
  if (isGiven(whole.error)) return whole.error
  if (isFields(choice)) {
    if (isGiven(choice.error)) return choice.error
    return choice.finish_reason === 'error' ? { message: 'The model stopped with an error.', code: 502 } : null
  }
  if (Array.isArray(whole.errors) && whole.errors.length > 0) return whole.errors[0]
  if (isGiven(whole.detail)) return whole.detail
  return whole.object === 'error' || typeof whole.message === 'string' ? whole : null
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== false && value !== ''

function sentenceIn(found: unknown): string {
  if (typeof found === 'string') return found
  // FastAPI returns a list of errors, each with its place.
  if (Array.isArray(found)) return found.slice(0, 3).map(sentenceIn).filter(Boolean).join('; ')
  if (!isFields(found)) return ''
  const message = [found.message, found.msg, found.detail, found.error, found.title].find((text) => typeof text === 'string' && text !== '')
  const said =
    typeof message === 'string' ? message : isFields(found.message) || Array.isArray(found.message) ? sentenceIn(found.message) : ''
  return Array.isArray(found.loc) ? `${found.loc.join('.')}: ${said}` : said
}

/** The first status that one of the objects names, as a number or as the word of it. */
function statusOf(objects: readonly Fields[]): number | null {
  for (const fields of objects) {
    for (const value of [fields.status_code, fields.code, fields.status, fields.http_status, fields.type]) {
      const number = typeof value === 'number' || (typeof value === 'string' && /^\d{3}$/.test(value)) ? Number(value) : null
      if (number !== null && number >= 400 && number <= 599) return number
      const meant = typeof value === 'string' ? statusOfWord(value) : null
      if (meant !== null) return meant
    }
  }
  return null
}

function statusOfWord(word: string): number | null {
  if (/rate.?limit|too.?many|throttl|quota|resource.?exhausted/i.test(word)) return 429
  if (/overloaded|unavailable|capacity|no.?healthy/i.test(word)) return 503
  if (/internal|server.?error|^api.?error$|bad.?gateway|timed?.?out|deadline/i.test(word)) return 500
  return /authentication|unauthori[sz]ed|invalid.?api.?key/i.test(word) ? 401 : null
}

function statusOfWords(said: string): number | null {
  if (/\brate.?limit|too many requests|\b429\b/i.test(said)) return 429
  return /\b50[0234]\b|overloaded|temporarily unavailable|internal server error|bad gateway/i.test(said) ? 503 : null
}
