/** Answers to BFCL's multi-turn items: their calls are run in a Python interpreter, in the classes of the user's own package. */
import { excerpt } from '../../../base/excerpt'
import type { FileTree } from '../../../base/fileTree'
import { reprPython, strPython } from '../../../base/pythonRepr'
import { plainFromPython, type PythonValue } from '../../../base/pythonValue'
import { EnvironmentError } from '../../../environments/environment'
import { readMultiTurnData, type MultiTurnItem } from '../../../environments/bfclMultiTurn/items'
import { openMultiTurnJudge, type MultiTurnJudge } from '../../../environments/bfclMultiTurn/judge'
import { RowError } from '../../../environments/bfcl/rows'
import type { OpenPython } from '../../../environments/pythonSandbox'
import type { AnswerRow } from '../answerScorer'
import type { GivenAnswer } from './answers'

export interface MultiTurnScorer {
  /** How many items each category has. */
  readonly items: ReadonlyMap<string, number>
  score(answer: GivenAnswer): Promise<AnswerRow>
  close(): Promise<void>
}

/** What a scorer is made from; without a reason to open one, Python is not started. */
export interface MultiTurnParts {
  readonly data: FileTree
  readonly python: OpenPython | undefined
}

export const isMultiTurn = (category: string): boolean => category.startsWith('multi_turn_')

/** The scorer, or a sentence that says why these answers cannot be scored here. */
export async function openMultiTurn({ data, python }: MultiTurnParts): Promise<MultiTurnScorer | string> {
  if (!python) return 'Multi-turn answers are not scored: there is no Python interpreter here.'
  try {
    const known = await readMultiTurnData(data)
    const judge = await openMultiTurnJudge(python, known)
    return scorerOf(new Map(known.items.map((item) => [item.id, item])), judge)
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error
    return `Multi-turn answers are not scored. ${error.message}`
  }
}

function scorerOf(items: ReadonlyMap<string, MultiTurnItem>, judge: MultiTurnJudge): MultiTurnScorer {
  const counts = new Map<string, number>()
  for (const { category } of items.values()) counts.set(`multi_turn_${category}`, (counts.get(`multi_turn_${category}`) ?? 0) + 1)
  return {
    items: counts,
    async score({ row, id, category }) {
      const item = items.get(id)
      if (!item || `multi_turn_${item.category}` !== category.name)
        throw new RowError(row, 'id', `the id of one of the ${counts.get(category.name) ?? 0} items of ${category.name}`, excerpt(id))
      const answer = row.fields.result ?? row.fields.calls ?? null
      const found = await judge.judge(item, Array.isArray(answer) ? answer.map(turnOf) : plainFromPython(answer)).catch(notJudged)
      return { id, category: category.name, valid: found.valid, error: found.error?.type ?? null, message: found.error?.message ?? null }
    },
    close: () => judge.close(),
  }
}

/** An answer that hangs the interpreter, or uses up its memory, is wrong; the others are judged in a new one. */
function notJudged(error: unknown) {
  if (!(error instanceof EnvironmentError)) throw error
  return { valid: false, error: { type: 'checker_error:not_comparable', message: error.message } }
}

const turnOf = (turn: PythonValue): unknown => (Array.isArray(turn) ? turn.map(stepOf) : plainFromPython(turn))

/** Calls as Python expressions, so that `1.0` stays a float; a prompted model's text is left to the judge. */
function stepOf(step: PythonValue): unknown {
  if (!Array.isArray(step)) return plainFromPython(step)
  return step.flatMap((call) =>
    call instanceof Map ? [...call].map(([name, given]) => expressionOf(strPython(name), given)) : [plainFromPython(call)],
  )
}

function expressionOf(name: string, given: PythonValue): unknown {
  if (!(given instanceof Map)) return { [name]: plainFromPython(given) }
  return `${name}(${[...given].map(([parameter, value]) => `${strPython(parameter)}=${reprPython(value)}`).join(',')})`
}
