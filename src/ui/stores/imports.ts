/** How far each import is, as the worker says. */
import { create } from 'zustand'
import type { ImportProgress } from '../../worker/protocol'
import { listenToEvents } from './events'

const useProgress = create<{ readonly byId: Readonly<Record<string, ImportProgress>> }>(() => ({ byId: {} }))

listenToEvents((events) => {
  for (const event of events)
    if (event.type === 'import') useProgress.setState(({ byId }) => ({ byId: { ...byId, [event.import_id]: event } }))
})

let made = 0
/** Names an import of this page, in its progress and to stop it. Other tabs hear of their own imports only. */
export const newImportId = (): string => `import-${++made}`

/** null until the first word of it. */
export const useImportProgress = (importId: string): ImportProgress | null => useProgress(({ byId }) => byId[importId] ?? null)
