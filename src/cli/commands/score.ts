/** `hone score`: scores answers that were made anywhere against a benchmark's data, with the benchmark's own rules. No model is needed. */
import { z } from 'zod'
import { answerScorers } from '../../evaluation/answerScorers'
import type { AnswerScorer } from '../../evaluation/answerScorers/answerScorer'
import { defineCommand, UsageError } from '../command'
import { openFileTree } from '../node/fileTree'
import { openNodePython } from '../node/pythonSandbox'

const names = Object.keys(answerScorers) as [keyof typeof answerScorers, ...(keyof typeof answerScorers)[]]
const scorers: readonly AnswerScorer[] = Object.values(answerScorers)
const each = (of: (scorer: AnswerScorer) => string): string => scorers.map((scorer) => `${scorer.name}: ${of(scorer)}`).join('; ')

const shownScore = z.object({
  cells: z.array(
    z.object({
      cell: z.string(),
      n: z.int(),
      accuracy: z.number().nullable(),
      interval: z.tuple([z.number(), z.number()]).nullable(),
      weight: z.number().nullable(),
      missing: z.array(z.string()),
    }),
  ),
  notes: z.array(z.string()),
})

export const score = defineCommand({
  name: 'score',
  summary: 'scores a file of answers against a benchmark, with its own rules: a verdict for each answer, rates with intervals',
  options: z.object({
    benchmark: z.enum(names).meta({ help: 'the benchmark that was answered' }),
    data: z.string().meta({ help: `its data. ${each(({ needs }) => needs)}` }),
    answers: z.string().meta({ help: `the answers, a file or a folder. ${each(({ reads }) => reads)}` }),
  }),
  extraOptions: ({ benchmark }) => scorers.find(({ name }) => name === benchmark)?.settings ?? null,
  run: async (context, options, extra) => {
    const scorer: AnswerScorer = answerScorers[options.benchmark]
    const settings = scorer.settings.safeParse(extra)
    if (!settings.success)
      throw new UsageError(`The settings of ${scorer.title}: ${settings.error.issues[0]?.message ?? 'they do not fit'}.`)
    const [data, answers] = [await openFileTree(options.data), await openFileTree(options.answers)]
    const { rows, cells, notes } = await scorer.score({ data, answers, python: openNodePython, settings: settings.data })
    context.progress(`${scorer.title}: ${rows.length} answers were scored, ${rows.filter(({ valid }) => valid).length} of them are right.`)
    return { benchmark: scorer.name, rows, cells, notes }
  },
  show: (result) => {
    const { cells, notes } = shownScore.parse(result)
    const width = Math.max(...cells.map(({ cell }) => cell.length))
    return [
      ...cells.map(({ cell, n, accuracy, interval, weight, missing }) => {
        const rate =
          accuracy === null ? (n === 0 ? 'not answered' : `no rate: ${missing.length} categories are missing`) : percent(accuracy)
        const range = interval === null ? '' : ` (${percent(interval[0])} to ${percent(interval[1])})`
        return `${cell.padEnd(width)}  n ${String(n).padStart(5)}  ${rate}${range}${weight === null ? '' : `, weighs ${weight} %`}`
      }),
      ...notes,
    ].join('\n')
  },
})

const percent = (rate: number): string => `${(100 * rate).toFixed(2)} %`
