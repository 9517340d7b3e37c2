/** Whether a tool call succeeded, as its reply says: the one rule for labels and for what the page marks. */
import { pythonFromJson, PythonJsonError } from '../base/pythonRepr'
import { PythonFloat, type PythonValue } from '../base/pythonValue'

/** How the tool server prints a reply without error. */
export const NO_ERROR_PREFIX = '{"error": "", "response": '
const CUT_ERROR_PREFIX = '{"error": "'

export function readReply(observation: string): PythonValue | undefined {
  const read = (text: string): PythonValue | undefined => {
    try {
      return pythonFromJson(text)
    } catch (error) {
      if (error instanceof PythonJsonError) return undefined
      throw error
    }
  }
  const value = read(observation)
  if (value !== undefined) return value
  // An error text cut to length lost its end.
  const isCutError = observation.startsWith(CUT_ERROR_PREFIX) && !observation.startsWith(NO_ERROR_PREFIX)
  return isCutError ? read(`${observation}"}`) : undefined
}

/**
 * Whether a reply is that of a call that succeeded. It is not when the reply is empty or null, has a non-empty `error`, says of itself that it
 * failed (`success: false`, `isError: true`, `status: "error"`), carries an HTTP status from 400 to 599 or is the HTML page of one, or when
 * its text speaks of an error. An empty list is a reply: a search may find nothing.
 */
export function replySucceeded(observation: string): boolean {
  const reply = readReply(observation)
  if (reply === undefined) return textSucceeded(observation)
  if (!(reply instanceof Map)) return valueSucceeded(reply)
  const error = reply.get('error')
  if (error !== undefined && error !== '' && error !== null && error !== false) return false
  return objectSucceeded(reply) && (!reply.has('response') || valueSucceeded(reply.get('response') ?? null))
}

const valueSucceeded = (value: PythonValue): boolean =>
  value instanceof Map ? objectSucceeded(value) : typeof value === 'string' ? textSucceeded(value) : value !== null

const STATUS_KEYS = ['status', 'status_code', 'statusCode', 'code']
const FAILED_WORDS = new Set(['error', 'fail', 'failed', 'failure'])

function objectSucceeded(reply: ReadonlyMap<PythonValue, PythonValue>): boolean {
  if (STATUS_KEYS.some((key) => isFailedStatus(reply.get(key)))) return false
  return reply.get('success') !== false && reply.get('ok') !== false && reply.get('isError') !== true
}

function isFailedStatus(value: PythonValue | undefined): boolean {
  if (typeof value === 'string' && FAILED_WORDS.has(value.trim().toLowerCase())) return true
  const number = value instanceof PythonFloat ? value.value : typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && number >= 400 && number <= 599
}

/** A status code with its reason phrase (RFC 9110), as many servers send it in place of a body. */
const STATUS_LINE =
  /^[45]\d\d\b[\s:-]*(?:bad request|unauthorized|payment required|forbidden|not found|method not allowed|not acceptable|request timeout|conflict|gone|unprocessable|too many requests|internal server error|not implemented|bad gateway|service unavailable|gateway time-?out)/

/** Text that is no JSON, the start of JSON that was cut to length among it. */
function textSucceeded(observation: string): boolean {
  const text = (observation.startsWith(NO_ERROR_PREFIX) ? observation.slice(NO_ERROR_PREFIX.length) : observation).trim().replace(/^"/, '')
  if (text === '') return false
  if (/^[[{]/.test(text)) return !/"error"\s*:\s*"[^"]/.test(text) && !/"status(?:_?[cC]ode)?"\s*:\s*"?[45]\d\d\b/.test(text)
  if (/^<(?:!doctype|html)/i.test(text)) return !isErrorPage(text)
  const lower = text.toLowerCase()
  if (/^http\/\S+\s+[45]\d\d\b/.test(lower) || STATUS_LINE.test(lower)) return false
  return !/\bwrong\b|\berror\b|\bexception\b|\btraceback\b|\bis empty\b|^please\b/.test(lower)
}

/** An HTML page whose title or first heading names an HTTP failure. */
function isErrorPage(page: string): boolean {
  const heads = page.match(/<(title|h1)[^>]*>[^<]*/gi) ?? []
  return heads.some((head) => /\b[45]\d\d\b|error|not found|forbidden|denied|unauthori[sz]ed|unavailable|bad gateway/i.test(head))
}
