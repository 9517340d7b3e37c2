/** Imports under way, of data sets, models and adapters: the page can follow each by its id, and stop it. */
import type { ImportProgress, Reply, StudioEvent } from '../worker/protocol'
import { accept, attempt, refuse } from './failure'
import { secondsLeft } from './jobs/secondsLeft'

export interface ImportControl {
  /** Aborts when a person stops the import. */
  readonly signal: AbortSignal
  /** @param file the one under way, where there are several. */
  readonly report: (phase: ImportProgress['phase'], done: number, total: number, file?: string) => void
}

export interface Imports {
  /**
   * Runs the work of an import, which leaves nothing behind when it throws. What it throws becomes a refusal.
   * @param code of that refusal.
   * @param importId names it in its progress, and to stop it; absent: nobody follows it.
   */
  run<T>(code: string, importId: string | undefined, work: (control: ImportControl) => Promise<Reply<T>>): Promise<Reply<T>>
  cancel(importId: string): Promise<Reply<null>>
}

interface ImportsParts {
  readonly emit: (event: StudioEvent) => void
  readonly clock: () => number
}

export function createImports({ emit, clock }: ImportsParts): Imports {
  const underWay = new Map<string, AbortController>()

  function reporter(importId: string): ImportControl['report'] {
    let began: { readonly phase: ImportProgress['phase']; readonly at: number } | null = null
    return (phase, done, total, file) => {
      const now = clock()
      if (began?.phase !== phase) began = { phase, at: now }
      const etaSeconds = secondsLeft(done, total, (now - began.at) / 1000, 0)
      emit({ type: 'import', import_id: importId, phase, done, total, file: file ?? null, etaSeconds })
    }
  }

  return {
    async run(code, importId, work) {
      const controller = new AbortController()
      if (importId !== undefined) underWay.set(importId, controller)
      const report = importId === undefined ? () => undefined : reporter(importId)
      try {
        const reply = await attempt(code, () => work({ signal: controller.signal, report }))
        return !reply.ok && controller.signal.aborted ? refuse('cancelled', 'The import was stopped, and nothing of it is stored.') : reply
      } finally {
        if (importId !== undefined) underWay.delete(importId)
      }
    },
    cancel: (importId) => {
      const controller = underWay.get(importId)
      controller?.abort(new Error('The import was stopped.'))
      return Promise.resolve(controller ? accept(null) : refuse('unknown-import', 'This import has ended already.'))
    },
  }
}
