/** `hone evaluate`: evaluates a model on a benchmark. Rates come with intervals; two results are compared query by query. */
import { join } from 'node:path'
import { z } from 'zod'
import { compareRates, rateOf, winRate, meanMeasures } from '../../evaluation/evaluate'
import type { EvaluationRecord } from '../../records/evaluation'
import type { RunRecord } from '../../records/run'
import { noFilters } from '../../records/samplingFilters'
import { actingRequest, actOptions, actProgress } from '../actOptions'
import { defineCommand, UsageError, type JsonObject } from '../command'
import { newId } from '../newId'
import { must, withStudio, type CommandStudio } from '../openStudio'
import { incomparable, readEvaluation } from '../resultDirectory'

export const evaluate = defineCommand({
  name: 'evaluate',
  summary: 'evaluates a model on a benchmark: pass rate, recall and win rate, with intervals',
  options: z.object({
    ...actOptions,
    split: z.string().default('exam').meta({ help: 'the queries: exam, dev, practice, or a group of the exam such as I1-tool' }),
    temperature: z.number().nonnegative().default(0).meta({ help: 'sampling temperature; 0 is greedy' }),
    against: z.string().optional().meta({ help: 'directory of another evaluate to compare with, query by query' }),
    force: z.boolean().default(false).meta({ help: 'compare even when budget, judge or environment differ' }),
    out: z.string().optional().meta({ help: 'directory of the results; by default a new one under .hone/evaluations' }),
  }),
  run: (context, options) => {
    // Read first: an hour's exam should not end at a mistyped path.
    const other = options.against === undefined ? null : readEvaluation(options.against)
    return withStudio(context, async (studio) => {
      const folder = options.out ?? join(context.homeDirectory, 'evaluations', newId('eval'))
      const progress = actProgress(context)
      const request = await actingRequest(studio, options, folder)
      studio.onEvent = progress.hear
      const job = await studio.run({ kind: 'evaluate', ...request })
      const { run } = must(await studio.runs.get(job.run_id))
      const record = await evaluationOf(studio, run)
      return {
        ...summaryOf(record),
        notes: run.notes,
        tokensPerSecond: progress.tokensPerSecond(),
        peakBytes: job.peakBytes ?? 0,
        out: folder,
        ...(other ? comparisonOf(record, other, options.force) : {}),
      }
    })
  },
  show: showResult,
})

async function evaluationOf(studio: CommandStudio, run: RunRecord): Promise<EvaluationRecord> {
  const record = (await studio.evaluations.list()).find(({ evaluation_id }) => run.evaluations.includes(evaluation_id))
  if (!record) throw new UsageError('The evaluation left no result.')
  return record
}

/** How many attempts made each number of calls, from 0 to the most. */
function histogramOf(counts: readonly number[]): Record<string, number> {
  const most = Math.max(0, ...counts)
  return Object.fromEntries(
    Array.from({ length: most + 1 }, (_, calls) => [String(calls), counts.filter((count) => count === calls).length]),
  )
}

/** The numbers of an exam, for people and programs. */
export function summaryOf(record: EvaluationRecord): JsonObject {
  const { rows } = record
  const mean = (of: (row: (typeof rows)[number]) => number): number =>
    rows.reduce((sum, row) => sum + of(row), 0) / Math.max(1, rows.length)
  const { n, rate, interval } = rateOf(rows)
  const due = rows.reduce((sum, row) => sum + row.copy_calls, 0)
  const copied = rows.reduce((sum, row) => sum + row.copied_calls, 0)
  const modelCalls = rows.flatMap((row) => row.model_calls ?? [])
  const groups = [...new Set(rows.map((row) => row.group))].sort()
  return {
    benchmark: record.benchmark,
    split: record.split,
    strategy: record.strategy,
    judge: record.judge,
    n,
    passRate: rate,
    interval,
    recall: mean((row) => row.recall),
    callHistogram: histogramOf(rows.map((row) => row.calls)),
    // Older results do not say how many turns the model wrote.
    ...(modelCalls.length === rows.length ? { modelCallHistogram: histogramOf(modelCalls) } : {}),
    // No call that had something to copy is no failure to copy.
    copyExact: due === 0 ? null : copied / due,
    meanCalls: mean((row) => row.calls),
    // Means of what the benchmark measures besides.
    measures: meanMeasures(rows),
    unsure: rows.filter((row) => row.status === 'unsure').length,
    maxCalls: record.call_budget,
    maxModelCalls: record.model_call_budget ?? null,
    ...(record.strategy_settings === undefined ? {} : { strategySettings: record.strategy_settings }),
    temperature: record.temperature,
    sampling: record.sampling ?? noFilters,
    groups: groups.map((group) => {
      const own = rateOf(rows.filter((row) => row.group === group))
      return { group, n: own.n, passRate: own.rate, interval: own.interval }
    }),
  }
}

/** How `record` does against `other` on the queries both answered. */
export function comparisonOf(record: EvaluationRecord, other: EvaluationRecord, force: boolean): JsonObject {
  const reason = incomparable(record, other)
  if (reason !== null && !force) throw new UsageError(`The two results are not compared: ${reason}. --force compares them all the same.`)
  const win = winRate(record.rows, other.rows)
  const n = win.wins + win.ties + win.losses
  if (n === 0) throw new UsageError('The two results have no query in common.')
  const { difference, interval, gained, lost, distinguishable } = compareRates(other.rows, record.rows)
  return {
    winRate: win.rate,
    wins: win.wins,
    ties: win.ties,
    losses: win.losses,
    winInterval: win.interval,
    pairs: n,
    difference: { difference, interval, gained, lost, distinguishable },
    ...(reason === null ? {} : { warning: `Compared although ${reason}.` }),
  }
}

const pair = z.tuple([z.number(), z.number()])
const shown = z.object({
  ...{
    split: z.string(),
    n: z.int(),
    passRate: z.number(),
    interval: pair,
    recall: z.number(),
    copyExact: z.number().nullable(),
    meanCalls: z.number(),
    out: z.string(),
    notes: z.array(z.string()),
  },
  groups: z.array(z.object({ group: z.string(), n: z.int(), passRate: z.number(), interval: pair })),
  winRate: z.number().optional(),
  winInterval: pair.optional(),
  difference: z.object({ difference: z.number(), interval: pair }).optional(),
})

function showResult(result: JsonObject): string {
  const {
    split,
    n,
    passRate,
    interval,
    recall,
    copyExact,
    meanCalls,
    groups,
    winRate: wins,
    winInterval,
    difference,
    notes,
    out,
  } = shown.parse(result)
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
  const range = ([low, high]: readonly [number, number]): string => `[${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`
  return [
    `${split}: ${percent(passRate)} ${range(interval)} of ${n} solved; recall ${percent(recall)}, arguments copied ${copyExact === null ? '–' : percent(copyExact)}, ${meanCalls.toFixed(2)} calls`,
    ...groups.map((group) => `  ${group.group.padEnd(16)} ${percent(group.passRate)} ${range(group.interval)} of ${group.n}`),
    ...(wins === undefined || winInterval === undefined ? [] : [`win rate ${percent(wins)} ${range(winInterval)}`]),
    ...(difference === undefined ? [] : [`difference ${percent(difference.difference)} ${range(difference.interval)}`]),
    ...notes,
    `written to ${out}`,
  ].join('\n')
}
