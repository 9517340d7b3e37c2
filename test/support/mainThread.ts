/**
 * What a page's main thread works, by Chrome's trace: the processor time of each of its tasks. Time by the clock is other programs' as well:
 * a task of a millisecond takes a hundred where another has the core.
 */
import type { Page } from 'playwright'
import { z } from 'zod'

export interface MainThreadWork {
  /** How long the window was by the clock, in ms. */
  readonly wall: number
  /** Processor time of each task that began in the window, in ms. */
  readonly tasks: readonly number[]
}

/** `ts`, `dur` and `tdur` (processor time; left out where it rounds to nothing) are in µs. */
const traceEvent = z.object({
  name: z.string(),
  ph: z.string(),
  pid: z.number(),
  tid: z.number(),
  ts: z.number(),
  dur: z.number().optional(),
  tdur: z.number().optional(),
})
type TraceEvent = z.output<typeof traceEvent>
const trace = z.object({ traceEvents: z.array(z.looseObject({ name: z.string() })) })

/** The tasks of the page's main thread while `during` is done; workers, compositor and GPU process are other threads and not among them. */
export async function mainThreadWork(page: Page, during: () => Promise<void>): Promise<MainThreadWork> {
  const browser = page.context().browser()
  if (browser === null) throw new Error('a page without a browser cannot be traced')
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline', 'blink.user_timing'] })
  await mark(page, 'hone:from')
  await during()
  await mark(page, 'hone:to')
  const { traceEvents } = trace.parse(JSON.parse((await browser.stopTracing()).toString()))
  const events = traceEvents.filter(({ name }) => name === 'RunTask' || name.startsWith('hone:')).map((event) => traceEvent.parse(event))
  const [from, to] = [marked(events, 'hone:from'), marked(events, 'hone:to')]
  const tasks = events.filter(
    ({ name, ph, pid, tid, ts }) => name === 'RunTask' && ph === 'X' && pid === from.pid && tid === from.tid && ts > from.ts && ts < to.ts,
  )
  if (!tasks.some(({ tdur = 0 }) => tdur > 0)) throw new Error('the trace has no processor time of the main thread')
  return { wall: (to.ts - from.ts) / 1000, tasks: tasks.map(({ tdur = 0 }) => tdur / 1000) }
}

/** A mark carries the process and thread it was made on. */
const mark = (page: Page, name: string): Promise<unknown> => page.evaluate((called) => void performance.mark(called), name)

function marked(events: readonly TraceEvent[], name: string): TraceEvent {
  const event = events.find((one) => one.name === name)
  if (event === undefined) throw new Error(`the trace has no mark ${name}`)
  return event
}
