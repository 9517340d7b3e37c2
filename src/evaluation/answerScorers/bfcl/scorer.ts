/** Scores answers to BFCL with the benchmark's own rules: single-turn ones by their calls alone, multi-turn ones in Python. */
import { z } from 'zod'
import { excerpt } from '../../../base/excerpt'
import type { SingleTurnCategory } from '../../../environments/bfcl/categories'
import { checkAnswer } from '../../../environments/bfcl/checker/checkAnswer'
import { readBfclData, type BfclData, type BfclItem } from '../../../environments/bfcl/items'
import { RowError } from '../../../environments/bfcl/rows'
import type { AnswerRow, AnswerScorer } from '../answerScorer'
import { readAnswers, type GivenAnswer } from './answers'
import { cellsOf, notesOf } from './cells'
import { isMultiTurn, openMultiTurn } from './multiTurn'

const settings = z.object({
  underscoredNames: z
    .boolean()
    .default(false)
    .meta({ help: 'the model saw underscores in place of dots in the names of functions, as models that refuse dots do' }),
})

export const bfclAnswers: AnswerScorer<typeof settings> = {
  name: 'bfcl',
  title: 'Berkeley Function Calling Leaderboard, version 4',
  needs: 'the data files of the package bfcl-eval: its wheel (multi-turn answers need it), or a folder or zip archive of them',
  reads:
    'result files BFCL_v4_<category>_result.json (one or a folder), or JSON lines {category, id, calls: [{name: {arguments}}]}, plain or .gz',
  settings,
  score: async ({ data, answers, python, settings: { underscoredNames } }) => {
    const known = await readBfclData(data)
    const items = new Map([...known.items].map(([category, list]) => [category, new Map(list.map((item) => [item.id, item]))]))
    const given = await readAnswers(answers)
    const multiTurn = given.some(({ category }) => isMultiTurn(category.name)) ? await openMultiTurn({ data, python }) : null
    const inPython = multiTurn === null || typeof multiTurn === 'string' ? null : multiTurn
    const rows: AnswerRow[] = []
    try {
      for (const answer of given) {
        const { category, id } = answer
        if (isMultiTurn(category.name) && inPython !== null) rows.push(await inPython.score(answer))
        if (!isSingleTurn(category)) continue
        const found = checkAnswer(itemOf(answer, items, known), category, answer.decode(category.check.language), { underscoredNames })
        rows.push({ id, category: category.name, valid: found === null, error: found?.kind ?? null, message: found?.message ?? null })
      }
    } finally {
      await inPython?.close()
    }
    const counts = new Map([...known.items].map(([category, list]) => [category, list.length]))
    const cells = cellsOf(rows, new Map([...counts, ...(inPython?.items ?? [])]))
    return { rows, cells, notes: [...notesOf(cells, rows), ...(typeof multiTurn === 'string' ? [multiTurn] : [])] }
  },
}

const isSingleTurn = (category: GivenAnswer['category']): category is SingleTurnCategory => category.check !== null

function itemOf({ row, id, category }: GivenAnswer, items: ReadonlyMap<string, ReadonlyMap<string, BfclItem>>, data: BfclData): BfclItem {
  const own = items.get(category.name)
  if (own === undefined)
    throw new RowError(row, 'category', `a category of the data (${[...data.items.keys()].join(', ')})`, excerpt(category.name))
  const item = own.get(id)
  if (item === undefined) throw new RowError(row, 'id', `the id of one of the ${own.size} items of ${category.name}`, excerpt(id))
  return item
}
