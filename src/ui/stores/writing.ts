/** The text the model is writing now, by run: it is for watching, and nothing keeps it. */
import { create } from 'zustand'
import { listenToEvents } from './events'

const SHOWN_CHARACTERS = 600
const useWriting = create<Readonly<Record<string, string>>>(() => ({}))

listenToEvents((events) => {
  const text: Record<string, string> = {}
  for (const event of events) if (event.type === 'token') text[event.run_id] = (text[event.run_id] ?? '') + event.text
  const entries = Object.entries(text)
  if (entries.length === 0) return
  const before = useWriting.getState()
  useWriting.setState(Object.fromEntries(entries.map(([run, more]) => [run, ((before[run] ?? '') + more).slice(-SHOWN_CHARACTERS)])))
})

export const useWritingNow = (runId: string): string => useWriting((state) => state[runId] ?? '')
