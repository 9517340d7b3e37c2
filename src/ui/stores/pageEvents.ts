/** What happens to the tab while a run works: hidden (marked on the run's curves), frozen (marked there by the run), offline, about to close. */
import { create } from 'zustand'
import { markMetrics } from './metricHistory'

interface PageState {
  readonly online: boolean
  /** When the tab was last frozen and for how long, in ms. */
  readonly frozen: { readonly at: string; readonly ms: number } | null
}
export const usePageState = create<PageState>(() => ({ online: navigator.onLine, frozen: null }))

let wakeLock: WakeLockSentinel | null = null
async function keepAwake(): Promise<void> {
  if (wakeLock !== null || document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return
  try {
    wakeLock = await navigator.wakeLock.request('screen')
    wakeLock.addEventListener('release', () => (wakeLock = null))
  } catch {
    // Refused on low battery or by policy: the run goes on, the screen may sleep.
  }
}

/** The screen stays on while a run works. */
export function holdScreen(wanted: boolean): void {
  if (wanted) void keepAwake()
  else void wakeLock?.release()
}

/** @param activeRunIds the runs at work now. */
export function watchPage(activeRunIds: () => readonly string[]): void {
  const mark = (label: string): void => {
    for (const runId of activeRunIds()) markMetrics(runId, label)
  }
  let hiddenAt = 0
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') {
      hiddenAt = performance.now()
      mark('tab hidden')
    } else if (hiddenAt > 0) {
      mark('tab visible')
      if (activeRunIds().length > 0) void keepAwake()
    }
  })
  let frozenAt = 0
  document.addEventListener('freeze', () => {
    frozenAt = Date.now()
  })
  document.addEventListener('resume', () => {
    if (frozenAt === 0) return
    usePageState.setState({ frozen: { at: new Date(frozenAt).toISOString(), ms: Date.now() - frozenAt } })
  })
  addEventListener('online', () => {
    usePageState.setState({ online: true })
  })
  addEventListener('offline', () => {
    usePageState.setState({ online: false })
  })
  addEventListener('beforeunload', (event) => {
    if (activeRunIds().length > 0) event.preventDefault()
  })
}
