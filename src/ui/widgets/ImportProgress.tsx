import { Progress } from '@mantine/core'
import { useImportProgress } from '../stores/imports'
import { importText, type StoredUnit } from './importText'

interface ImportProgressProps {
  readonly importId: string
  readonly stored: StoredUnit
}

/** How far an import is, as the worker says. */
export function ImportProgress({ importId, stored }: ImportProgressProps) {
  const progress = useImportProgress(importId)
  const what = progress ? importText(progress, stored) : 'Reading'
  const share = progress && progress.total > 0 ? Math.min(1, progress.done / progress.total) : 0
  return (
    <>
      <span role="status" data-testid="import-progress" style={{ fontVariantNumeric: 'tabular-nums' }}>
        {what}
      </span>
      <Progress value={share * 100} size="xs" aria-label={what} />
    </>
  )
}
