/** `hone evaluate`: a model sits an exam. Rates come with intervals; two results are compared query by query. */
import { join } from 'node:path'
import { z } from 'zod'
import { compareRates, evaluateTrajectories, rateOf, winRate } from '../../evaluation/evaluate'
import type { EvaluationRecord } from '../../records/evaluation'
import { filtersOf, noFilters } from '../../records/samplingFilters'
import { actOnExam, actOptions } from '../actOptions'
import { defineCommand, UsageError, type JsonObject } from '../command'
import { rowParts } from '../datasetFiles'
import { incomparable, readEvaluation, writeEvaluation, writeTrajectories } from '../resultDirectory'

export const evaluate = defineCommand({
  name: 'evaluate',
  summary: 'a model sits an exam: pass rate, recall, win rate, with intervals',
  options: z.object({
    ...actOptions,
    split: z.string().default('exam').meta({ help: 'which queries: exam, dev, practice, or a group of the exam such as I1-tool' }),
    temperature: z.number().nonnegative().default(0).meta({ help: '0 is greedy' }),
    against: z.string().optional().meta({ help: 'directory of another evaluate to compare with, query by query' }),
    force: z.boolean().default(false).meta({ help: 'compare also when budget, judge or world differ' }),
    out: z.string().optional().meta({ help: 'directory; else a new one under .hone/evaluations' }),
  }),
  run: async (context, options) => {
    // Read first: an hour's exam should not end at a mistyped path.
    const other = options.against === undefined ? null : readEvaluation(options.against)
    const id = rowParts.newId('eval')
    const acted = await actOnExam({ ...options, samples: 1, source: id }, context)
    const { benchmark, split } = acted.exam
    const record: EvaluationRecord = {
      version: 1,
      evaluation_id: id,
      title: `${options.model}${options.lora === undefined ? '' : ` with ${options.lora}`} on ${split}`,
      benchmark: benchmark.name,
      split,
      strategy: options.strategy,
      call_budget: acted.callBudget,
      temperature: options.temperature,
      sampling: filtersOf(options),
      judge: benchmark.judge,
      prompt_hash: null,
      world_hash: benchmark.environment.hash,
      model: acted.model,
      seed: options.seed,
      created_at: rowParts.now(),
      rows: evaluateTrajectories(acted.trajectories, benchmark),
    }
    const directory = options.out ?? join(context.homeDirectory, 'evaluations', id)
    writeTrajectories(directory, acted.trajectories)
    writeEvaluation(directory, record)
    return {
      ...summaryOf(record),
      tokensPerSecond: acted.generatedTokens / acted.seconds,
      peakBytes: acted.peakBytes,
      out: directory,
      ...(other ? comparisonOf(record, other, options.force) : {}),
    }
  },
  show: showResult,
})

/** The numbers of an exam, for people and programs. */
export function summaryOf(record: EvaluationRecord): JsonObject {
  const { rows } = record
  const mean = (of: (row: (typeof rows)[number]) => number): number =>
    rows.reduce((sum, row) => sum + of(row), 0) / Math.max(1, rows.length)
  const { n, rate, interval } = rateOf(rows)
  const due = rows.reduce((sum, row) => sum + row.copy_calls, 0)
  const copied = rows.reduce((sum, row) => sum + row.copied_calls, 0)
  const callHistogram: Record<string, number> = {}
  for (let calls = 0; calls <= Math.max(0, ...rows.map((row) => row.calls)); calls++)
    callHistogram[String(calls)] = rows.filter((row) => row.calls === calls).length
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
    callHistogram,
    // No call that had something to copy is no failure to copy.
    copyExact: due === 0 ? null : copied / due,
    meanCalls: mean((row) => row.calls),
    unsure: rows.filter((row) => row.status === 'unsure').length,
    maxCalls: record.call_budget,
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
    out,
  } = shown.parse(result)
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
  const range = ([low, high]: readonly [number, number]): string => `[${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`
  return [
    `${split}: ${percent(passRate)} ${range(interval)} of ${n} solved; recall ${percent(recall)}, arguments copied ${copyExact === null ? '–' : percent(copyExact)}, ${meanCalls.toFixed(2)} calls`,
    ...groups.map((group) => `  ${group.group.padEnd(16)} ${percent(group.passRate)} ${range(group.interval)} of ${group.n}`),
    ...(wins === undefined || winInterval === undefined ? [] : [`win rate ${percent(wins)} ${range(winInterval)}`]),
    ...(difference === undefined ? [] : [`difference ${percent(difference.difference)} ${range(difference.interval)}`]),
    `written to ${out}`,
  ].join('\n')
}
