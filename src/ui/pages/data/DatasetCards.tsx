/** A card for each file that is being read, and for each data set. */
import type { DatasetRow } from '../../../worker/protocol'
import { DatasetCard, PendingCard } from '../../dataset/DatasetCard'
import classes from '../../dataset/dataset.module.css'
import type { PendingImport } from '../../dataset/useImports'
import type { ExportRequest } from '../../queries/datasets'
import { RecordBoundary } from '../../widgets/RecordBoundary'
import { useDescription } from '../../stores/studio'

interface DatasetCardsProps {
  readonly pending: readonly PendingImport[]
  readonly datasets: readonly DatasetRow[]
  readonly openId: string
  readonly onDismiss: (pendingId: string) => void
  readonly onCancel: (pendingId: string) => void
  readonly onToggle: (datasetId: string) => void
  readonly onExport: (source: { readonly id: string; readonly name: string }, format: ExportRequest['format']) => void
  readonly onRemove: (dataset: DatasetRow) => void
}

export function DatasetCards({ pending, datasets, openId, onDismiss, onCancel, onToggle, onExport, onRemove }: DatasetCardsProps) {
  const { formats } = useDescription()
  if (datasets.length === 0 && pending.length === 0) return null
  return (
    <div className={classes.cards}>
      {pending.map((one) => (
        <PendingCard
          key={one.id}
          pending={one}
          onDismiss={() => {
            onDismiss(one.id)
          }}
          onCancel={() => {
            onCancel(one.id)
          }}
        />
      ))}
      {datasets.map((dataset) => (
        <RecordBoundary key={dataset.dataset_id} kind="Data set" name={dataset.name} id={dataset.dataset_id}>
          <DatasetCard
            dataset={dataset}
            title={formats.find((format) => format.name === dataset.format)?.title ?? dataset.format}
            open={dataset.dataset_id === openId}
            onOpen={() => {
              onToggle(dataset.dataset_id)
            }}
            onExport={(format) => {
              onExport({ id: dataset.dataset_id, name: dataset.name }, format)
            }}
            onRemove={() => {
              onRemove(dataset)
            }}
          />
        </RecordBoundary>
      ))}
    </div>
  )
}
