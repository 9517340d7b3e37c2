/** Saves a source of data with its labels as a file, and says what the file could not hold. */
import { practiceFileName, runOfSource } from '../../records/dataSource'
import { downloadFile } from '../downloadFile'
import { formatCount } from '../format'
import { useExportSource, type ExportRequest } from '../queries/datasets'

const FILES = {
  'steptool-csv': { extension: 'csv', type: 'text/csv' },
  'hone-jsonl': { extension: 'jsonl', type: 'application/jsonl' },
} as const

export interface SaveSource {
  readonly save: (source: { readonly id: string; readonly name: string }, format: ExportRequest['format']) => void
  /** Why no file was saved. */
  readonly error: string | null
  /** What the saved file lacks. */
  readonly remark: string | null
  readonly reset: () => void
}

function fileNameOf({ id, name }: { readonly id: string; readonly name: string }, extension: 'csv' | 'jsonl'): string {
  const runId = runOfSource(id)
  return runId === null ? `${name.replace(/\.\w+$/, '')}.labelled.${extension}` : practiceFileName(runId, extension)
}

export function useSaveSource(): SaveSource {
  const command = useExportSource()
  const { data } = command
  const [skipped] = data?.skipped ?? []
  const isEmpty = data?.trajectories === 0
  return {
    save: (source, format) => {
      const { extension, type } = FILES[format]
      const onSuccess = ({ text, trajectories }: { readonly text: string; readonly trajectories: number }): void => {
        if (trajectories > 0) downloadFile(fileNameOf(source, extension), text, type)
      }
      command.mutate({ sourceId: source.id, format }, { onSuccess })
    },
    error: isEmpty
      ? `No trajectory could be written. ${skipped ? `This format needs a reward on every step: ${skipped.reason}` : 'There is none.'} JSON Lines holds trajectories without labels too.`
      : command.error,
    remark:
      data && skipped && !isEmpty
        ? `${formatCount(data.skipped.length)} of ${formatCount(data.skipped.length + data.trajectories)} trajectories were left out of the file. The first: ${skipped.reason}`
        : null,
    reset: command.reset,
  }
}
