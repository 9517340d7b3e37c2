/** Watches whether the engine worker answers. When a hostile file or an endless computation blocks it, the page says so and offers to restart it. */
import { create } from 'zustand'
import { connectStudio, useStudioState } from './studio'

interface WorkerState {
  /** Seconds since the worker was asked something it has not answered; null while it answers. */
  readonly silentSeconds: number | null
}
export const useWorkerState = create<WorkerState>(() => ({ silentSeconds: null }))

const ASK_EVERY_MS = 3000
/** Encoding a large step or writing a checkpoint holds a worker up for seconds. */
const SILENT_AFTER_MS = 15_000
/** A timer that comes so late belongs to a tab that slept, not to a worker that is silent. */
const ASLEEP_MS = 10_000

interface Watched {
  /** Asks the worker for something small; null while there is no worker to ask. */
  readonly ask: () => Promise<unknown> | null
  readonly onSilence: (seconds: number | null) => void
  readonly now?: () => number
}

/** Returns what ends the watch. */
export function watchWorker({ ask, onSilence, now = () => performance.now() }: Watched): () => void {
  let asked: { readonly question: Promise<unknown>; at: number } | null = null
  let last = now()
  const look = (): void => {
    const time = now()
    if (time - last > ASK_EVERY_MS + ASLEEP_MS && asked) asked.at = time
    last = time
    if (asked) {
      if (time - asked.at >= SILENT_AFTER_MS) onSilence(Math.round((time - asked.at) / 1000))
      return
    }
    const question = ask()
    if (!question) return
    const own = { question, at: time }
    asked = own
    const answered = (): void => {
      // A worker that was replaced may still answer the old question.
      if (asked === own) asked = null
      onSilence(null)
    }
    question.then(answered, answered)
  }
  const timer = setInterval(look, ASK_EVERY_MS)
  return () => {
    clearInterval(timer)
  }
}

let stop: (() => void) | null = null

/** Resolves when the worker has answered for the first time, or has failed. */
const connected = (): Promise<void> =>
  new Promise((resolve) => {
    const leave = useStudioState.subscribe(({ source }) => {
      if (source === 'connecting') return
      leave()
      resolve()
    })
  })

/** Watches the live studio, whichever it is. */
export function watchLiveStudio(): void {
  stop?.()
  stop = watchWorker({
    ask: () => {
      const { source, live } = useStudioState.getState()
      return source === 'connecting' ? connected() : (live?.studio.jobs.list() ?? null)
    },
    onSilence: (silentSeconds) => {
      if (useWorkerState.getState().silentSeconds !== silentSeconds) useWorkerState.setState({ silentSeconds })
    },
  })
}

/** Ends the worker and starts another. A run it was working on can be resumed from its last checkpoint. */
export async function restartWorker(): Promise<void> {
  useWorkerState.setState({ silentSeconds: null })
  await connectStudio()
  watchLiveStudio()
}
