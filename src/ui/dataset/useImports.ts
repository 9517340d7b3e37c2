/** Files being read: a card for each at once, rows and problems as they come, and what became of it. */
import { useCallback, useState } from 'react'
import type { DatasetRow } from '../../worker/protocol'
import { useStudio } from '../stores/studio'

export interface PendingImport {
  readonly id: number
  readonly name: string
  readonly bytes: number
  readonly error: string | null
}

let nextId = 0

export function useImports(onImported: (dataset: DatasetRow) => void): {
  readonly pending: readonly PendingImport[]
  readonly add: (files: readonly File[]) => void
  readonly dismiss: (id: number) => void
} {
  const studio = useStudio()
  const [pending, setPending] = useState<readonly PendingImport[]>([])
  const dismiss = useCallback((id: number) => {
    setPending((list) => list.filter((one) => one.id !== id))
  }, [])
  const add = useCallback(
    (files: readonly File[]) => {
      for (const file of files) {
        nextId += 1
        const id = nextId
        setPending((list) => [...list, { id, name: file.name, bytes: file.size, error: null }])
        const fail = (error: string): void => {
          setPending((list) => list.map((one) => (one.id === id ? { ...one, error } : one)))
        }
        studio.datasets.importFile(file).then(
          (reply) => {
            if (reply.ok) {
              dismiss(id)
              onImported(reply.value)
            } else fail(reply.message)
          },
          (reason: unknown) => {
            fail(reason instanceof Error ? reason.message : String(reason))
          },
        )
      }
    },
    [studio, dismiss, onImported],
  )
  return { pending, add, dismiss }
}

/** Hands a text or bytes to the browser's downloads. */
export function downloadFile(name: string, content: string | Uint8Array<ArrayBuffer>, type = 'text/plain'): void {
  const url = URL.createObjectURL(new Blob([content], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => {
    URL.revokeObjectURL(url)
  }, 10_000)
}
