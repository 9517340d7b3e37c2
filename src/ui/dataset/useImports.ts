/** Files being read: a card for each at once, rows and problems as they come, and what became of it. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import type { DatasetRow } from '../../worker/protocol'
import { sentenceOf, valueOf } from '../queries/client'
import { keys } from '../queries/keys'
import { newImportId } from '../stores/imports'
import { useStudio } from '../stores/studio'

export interface PendingImport {
  readonly id: string
  readonly name: string
  readonly bytes: number
  readonly error: string | null
}

export function useImports(onImported: (dataset: DatasetRow) => void): {
  readonly pending: readonly PendingImport[]
  readonly add: (files: readonly File[]) => void
  readonly dismiss: (id: string) => void
  /** Stops one that is being read. */
  readonly cancel: (id: string) => void
} {
  const studio = useStudio()
  const client = useQueryClient()
  // Several files are read at once: each call is a mutation of its own.
  const { mutateAsync: importFile } = useMutation({
    mutationFn: ({ file, id }: { readonly file: File; readonly id: string }) =>
      valueOf(studio.datasets.importFile(file, { suggestions: true, importId: id })),
    onSettled: () => {
      for (const queryKey of [keys.datasets, keys.storage]) void client.invalidateQueries({ queryKey })
    },
  })
  const [pending, setPending] = useState<readonly PendingImport[]>([])
  const dismiss = useCallback((id: string) => {
    setPending((list) => list.filter((one) => one.id !== id))
  }, [])
  const add = useCallback(
    (files: readonly File[]) => {
      for (const file of files) {
        const id = newImportId()
        setPending((list) => [...list, { id, name: file.name, bytes: file.size, error: null }])
        const fail = (error: string): void => {
          setPending((list) => list.map((one) => (one.id === id ? { ...one, error } : one)))
        }
        importFile({ file, id }).then(
          (dataset) => {
            dismiss(id)
            onImported(dataset)
          },
          (reason: unknown) => {
            fail(sentenceOf(reason))
          },
        )
      }
    },
    [importFile, dismiss, onImported],
  )
  const cancel = useCallback(
    (id: string) => {
      void studio.datasets.cancelImport(id)
    },
    [studio],
  )
  return { pending, add, dismiss, cancel }
}
