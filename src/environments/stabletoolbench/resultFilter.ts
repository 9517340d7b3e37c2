/** Which replies of tools are worth keeping: the words by which StableToolBench's server recognises a reply that is no result. */
import { strPython } from '../../base/pythonRepr'
import type { PythonDict } from '../../base/pythonValue'

export interface ResultFilter {
  /** A reply whose text contains one of these, in any case, is no result. */
  readonly words: readonly string[]
  /** A reply whose error contains one of these is a result all the same: it says how to call the tool. */
  readonly acceptedErrors: readonly string[]
}

const TRANSPORT = ['rate limit', 'time out', 'timed out', 'does not exist', 'internal error', "API doesn't exists", 'Service Not Found']
const ACCESS = [
  ...['authoriz', 'authenticat', 'unauthorized', 'blocked user', 'unsubscribe', 'blocked', 'credential', 'unauthenticated'],
  ...['disabled for your subscription', 'ACCESS_DENIED'],
]

/** The lists of StepTool's fork and of StableToolBench itself, and none. Words such as “parse” or “500” also occur in good data. */
export const resultFilters = {
  steptool: {
    words: [
      'connection',
      ...TRANSPORT,
      ...ACCESS,
      'parse',
      'is not defined',
      'invalid consumer key',
      'empty',
      'status_code=50',
      'status_code=429',
    ],
    acceptedErrors: [],
  },
  stabletoolbench: {
    words: [
      ...[...TRANSPORT, ...ACCESS, 'parse', 'is not defined', 'invalid consumer key', 'empty', 'status_code=50', 'status_code=429'],
      ...['404', '504', '500', '401', '403', 'parameter'],
    ],
    acceptedErrors: ['got an unexpected keyword argument'],
  },
  none: { words: [], acceptedErrors: [] },
} as const satisfies Record<string, ResultFilter>

/** The server's `check_result`. */
export function isResult(reply: PythonDict, { words, acceptedErrors }: ResultFilter): boolean {
  const error = reply.get('error')
  const response = reply.get('response')
  const said = strPython(error ?? '').toLowerCase()
  if (acceptedErrors.some((accepted) => said.includes(accepted.toLowerCase()))) return true
  if (error !== '' || response === undefined || response === null || response === '') return false
  const text = strPython(response).toLowerCase()
  return !words.some((word) => text.includes(word.toLowerCase()))
}

/** Errors of the real server that say how the tool is called, and are kept as replies. */
const CALLED_WRONGLY = ['got an unexpected keyword argument', 'missing 1 required positional argument']

export function saysHowToCall(reply: PythonDict): boolean {
  const error = strPython(reply.get('error') ?? '')
  return error.includes('error') && CALLED_WRONGLY.some((words) => error.includes(words))
}
