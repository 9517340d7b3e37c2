/** The Jinja library's interpreter with an end: a template comes with a model, from anybody, and may loop for days or double a text until memory ends. */
import { Interpreter, type Environment } from '@huggingface/jinja'

/** Rendering a conversation of 1,000 messages with tools takes some 20,000. */
const MOST_STEPS = 300_000
/** Characters of one text. */
const MOST_TEXT = 16_000_000
/** Such a conversation takes a fraction of a second. A step over long texts can take as long as thousands of others. */
const MOST_MS = 5_000

type Statement = Parameters<Interpreter['evaluate']>[0]
type Value = ReturnType<Interpreter['evaluate']>

export class BoundedInterpreter extends Interpreter {
  readonly #clock: () => number
  readonly #deadline: number
  #steps = 0

  /** @param clock milliseconds of a clock that is never set back; the time begins now. */
  constructor(environment: Environment, clock: () => number) {
    super(environment)
    this.#clock = clock
    this.#deadline = clock() + MOST_MS
  }

  override evaluate(statement: Statement, environment: Environment): Value {
    this.#count(1)
    const result = super.evaluate(statement, environment)
    const { value }: { readonly value: unknown } = result
    // What a loop goes through was evaluated before: an empty loop takes steps too.
    if (Array.isArray(value)) this.#count(value.length)
    else if (typeof value === 'string' && value.length > MOST_TEXT)
      throw new Error(`it makes a text of more than ${MOST_TEXT.toLocaleString('en')} characters`)
    return result
  }

  #count(steps: number): void {
    this.#steps += steps
    if (this.#steps > MOST_STEPS) throw new Error(`it did not end within ${MOST_STEPS.toLocaleString('en')} steps`)
    if (this.#clock() > this.#deadline) throw new Error(`it did not end within ${MOST_MS / 1000} seconds`)
  }
}
