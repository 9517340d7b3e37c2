/**
 * Chat templates in Jinja, over @huggingface/jinja. test/golden/chat_template.py compares them with transformers' `apply_chat_template`.
 * Unlike the library's own `render`, nothing is read from the host: the date is handed in, and without one `strftime_now` is
 * undefined, so templates such as Llama 3's fall back to their fixed date. Where it cannot be Python's: JavaScript puts keys that are whole
 * numbers before the others, and 1.0 is written 1.
 */
import { Environment, parse, tokenize } from '@huggingface/jinja'
import { CheckpointError } from '../weights/byteSource'
import { BoundedInterpreter } from './boundedInterpreter'
import { callPythonText, pythonText } from './pythonText'

export interface ChatMessage {
  readonly role: string
  /** With `content` (text, or parts if the template takes them) and whatever else it looks at: `tool_calls`, `name` … */
  readonly [key: string]: unknown
}

export interface ChatTemplateInput {
  readonly messages: readonly ChatMessage[]
  /** JSON-schema tool descriptions, as transformers takes them. */
  readonly tools?: readonly unknown[]
  readonly addGenerationPrompt?: boolean
  /** Date for `strftime_now`, in UTC. */
  readonly now?: Date
  /** Further variables: `bos_token`, `eos_token`, `enable_thinking` … */
  readonly variables?: Readonly<Record<string, unknown>>
}

export interface ChatTemplate {
  /** Throws CheckpointError with the template's own message (`raise_exception`) or what went wrong. */
  render(input: ChatTemplateInput): string
}

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const DAY_MS = 86_400_000

function strftime(date: Date, format: string): string {
  const two = (n: number): string => String(n).padStart(2, '0')
  const month = MONTHS[date.getUTCMonth()] ?? ''
  const day = DAYS[date.getUTCDay()] ?? ''
  const values: Record<string, string> = {
    '%Y': String(date.getUTCFullYear()),
    '%m': two(date.getUTCMonth() + 1),
    '%d': two(date.getUTCDate()),
    '%B': month,
    '%b': month.slice(0, 3),
    '%H': two(date.getUTCHours()),
    '%M': two(date.getUTCMinutes()),
    '%S': two(date.getUTCSeconds()),
    '%y': two(date.getUTCFullYear() % 100),
    '%A': day,
    '%a': day.slice(0, 3),
    '%I': two(date.getUTCHours() % 12 || 12),
    '%p': date.getUTCHours() < 12 ? 'AM' : 'PM',
    '%j': String(Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear())) / DAY_MS) + 1).padStart(3, '0'),
    '%Z': 'UTC',
    '%z': '+0000',
    '%%': '%',
  }
  return format.replace(/%[a-zA-Z%]/g, (code) => values[code] ?? code)
}

const MOST_RANGE = 100_000

/** Python's `range`, as templates use it. */
function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second]
  if (step === 0) throw new Error('range() step must not be zero')
  const length = Math.max(0, Math.ceil((stop - start) / step))
  if (length > MOST_RANGE) throw new Error(`range() of ${length} items is too long`)
  return Array.from({ length }, (_, i) => start + i * step)
}

function globalsFor(now: Date | undefined): Record<string, unknown> {
  return {
    true: true, false: false, none: null, True: true, False: false, None: null,
    range,
    raise_exception: (message: unknown) => {
      throw new Error(String(message))
    },
    ...(now && { strftime_now: (format: string) => strftime(now, format) }),
  } // prettier-ignore
}

/** The longest published ones have some 20,000. */
const MOST_SOURCE = 1_000_000

/**
 * Parses a template once. Throws CheckpointError when it is not valid Jinja.
 * @param clock milliseconds of a clock that is never set back: rendering ends in an error after some seconds.
 */
export function createChatTemplate(source: string, clock: () => number): ChatTemplate {
  const guarded = <T>(what: string, action: () => T): T => {
    try {
      return action()
    } catch (error) {
      throw new CheckpointError(`chat template: ${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (source.length > MOST_SOURCE)
    throw new CheckpointError(`chat template: expected at most ${MOST_SOURCE} characters, found ${source.length}`)
  // transformers compiles templates with these two options (trailing newlines of blocks are not output).
  const program = guarded('not valid Jinja', () => parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true })))
  callPythonText(program)
  return {
    render({ messages, tools, addGenerationPrompt = false, now, variables = {} }) {
      const environment = new Environment()
      const given = {
        ...globalsFor(now),
        ...pythonText,
        ...variables,
        messages,
        tools: tools ?? null,
        add_generation_prompt: addGenerationPrompt,
      }
      for (const [name, value] of Object.entries(given)) environment.set(name, value)
      const output: unknown = guarded('rendering failed', () => new BoundedInterpreter(environment, clock).run(program).value)
      if (typeof output !== 'string') throw new CheckpointError(`chat template: rendering failed: expected text, found ${typeof output}`)
      return output
    },
  }
}
