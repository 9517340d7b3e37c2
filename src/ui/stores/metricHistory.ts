/** Metric history of each run: a ring outside Zustand, read by useSyncExternalStore. */
import { useCallback, useSyncExternalStore } from 'react'
import type { MetricTable, RunRecord } from '../../records/run'
import { formatSeconds } from '../format'
import { listenToEvents } from './events'

/** Rows kept for each run; the whole history is in the run's record. */
const CAPACITY = 20_000

export interface MetricMark {
  readonly step: number
  readonly label: string
}
export interface MetricView {
  readonly step: readonly number[]
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>
  readonly marks: readonly MetricMark[]
  /** Rows that fell out of the ring. */
  readonly dropped: number
}

const EMPTY: MetricView = { step: [], columns: {}, marks: [], dropped: 0 }

class History {
  readonly listeners = new Set<() => void>()
  #step: number[] = []
  #columns = new Map<string, (number | null)[]>()
  #marks: MetricMark[] = []
  #dropped = 0
  view: MetricView = EMPTY

  append(rows: MetricTable): void {
    const known = this.#step.at(-1) ?? -Infinity
    const from = rows.step.findIndex((step) => step > known)
    if (from < 0) return
    const before = this.#step.length
    this.#step.push(...rows.step.slice(from))
    for (const [name, values] of Object.entries(rows.columns)) {
      const column = this.#columns.get(name) ?? new Array<number | null>(before).fill(null)
      for (const value of values.slice(from)) column.push(value)
      this.#columns.set(name, column)
    }
    for (const column of this.#columns.values()) while (column.length < this.#step.length) column.push(null)
    const excess = this.#step.length - CAPACITY
    if (excess > 0) {
      this.#step.splice(0, excess)
      for (const column of this.#columns.values()) column.splice(0, excess)
      this.#dropped += excess
    }
    this.#publish()
  }

  /** Takes a run's record: when it knows more of the past, it goes first and what came since follows. */
  load(table: MetricTable): void {
    const firstKnown = this.#step[0] ?? Infinity
    if ((table.step[0] ?? Infinity) < firstKnown || table.step.length > this.#step.length + this.#dropped) {
      const since: MetricTable = { step: this.#step, columns: Object.fromEntries(this.#columns) }
      this.#step = []
      this.#columns = new Map()
      this.#dropped = 0
      this.append(table)
      this.append(since)
    } else this.append(table)
  }

  /** @param step the newest one where it is not given. */
  mark(label: string, step = this.#step.at(-1)): void {
    if (step === undefined || this.#marks.some((mark) => mark.step === step && mark.label === label)) return
    this.#marks.push({ step, label })
    this.#publish()
  }

  #publish(): void {
    this.view = {
      step: this.#step.slice(),
      columns: Object.fromEntries([...this.#columns].map(([name, column]) => [name, column.slice()])),
      marks: this.#marks.slice(),
      dropped: this.#dropped,
    }
    for (const listener of this.listeners) listener()
  }
}

const histories = new Map<string, History>()
function historyOf(runId: string): History {
  let history = histories.get(runId)
  if (!history) histories.set(runId, (history = new History()))
  return history
}

listenToEvents((events) => {
  for (const event of events)
    if (event.type === 'metrics') historyOf(event.run_id).append(event.rows)
    else if (event.type === 'slept') markSlept(event.run_id, [event])
})

/** Marks where a run's tab was frozen or the machine slept. */
function markSlept(runId: string, slept: NonNullable<RunRecord['slept']>): void {
  for (const { after_step, ms } of slept) historyOf(runId).mark(`asleep ${formatSeconds(ms / 1000)}`, Math.max(0, after_step - 1))
}

/** Fills a run's ring from its record. */
export function loadMetrics({ run_id, slept = [] }: Pick<RunRecord, 'run_id' | 'slept'>, table: MetricTable): void {
  historyOf(run_id).load(table)
  markSlept(run_id, slept)
}
/** Notes an event on the time axis of every run that has metrics and is passed here. */
export function markMetrics(runId: string, label: string): void {
  historyOf(runId).mark(label)
}

export function useMetrics(runId: string): MetricView {
  const subscribe = useCallback(
    (listener: () => void) => {
      const history = historyOf(runId)
      history.listeners.add(listener)
      return () => history.listeners.delete(listener)
    },
    [runId],
  )
  return useSyncExternalStore(subscribe, () => histories.get(runId)?.view ?? EMPTY)
}
