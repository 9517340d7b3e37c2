import { Text } from '@mantine/core'
import { useMemo } from 'react'
import { ConfirmButton } from '../dataset/ConfirmButton'
import { formatBytes, formatShare } from '../format'
import { useDatasets, useRemoveDataset } from '../queries/datasets'
import { useRemoveRun, useRuns } from '../queries/runs'
import { useStorage } from '../queries/storage'
import { VisibleText } from '../trajectory/VisibleText'
import { Loading, Panel } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { RecordBoundary } from '../widgets/RecordBoundary'
import { Persistence } from './Persistence'
import classes from './settings.module.css'
import { storageRows, type StorageRow } from './storageRows'

const COLUMNS = 4

/** What this browser keeps for Hone, and for how long. */
export function StoragePanel() {
  const storage = useStorage()
  const datasets = useDatasets().data
  const runs = useRuns().data
  const removeDataset = useRemoveDataset()
  const removeRun = useRemoveRun()
  const error = removeDataset.error ?? removeRun.error
  const rows = useMemo(() => storageRows(storage.data?.items ?? [], datasets ?? [], runs ?? []), [storage.data, datasets, runs])
  const remove = ({ remove: target }: StorageRow): void => {
    if (!target) return
    removeDataset.reset()
    removeRun.reset()
    ;(target.kind === 'dataset' ? removeDataset : removeRun).mutate(target.id)
  }
  const usage = storage.data?.usage ?? null
  const quota = storage.data?.quota ?? null
  const share = usage !== null && quota !== null && quota > 0 ? usage / quota : null
  return (
    <>
      <Panel title="Space">
        <Text>
          {usage === null ? 'The browser does not say how much is used.' : `${formatBytes(usage)} used`}
          {quota !== null && ` of ${formatBytes(quota)} this browser allows, as it estimates`}
          {share !== null && ` (${formatShare(share, share < 0.01 ? 2 : 0)})`}.
        </Text>
        {share !== null && (
          <div
            className={classes.usage}
            data-full={share > 0.85}
            role="img"
            aria-label={`${formatShare(share)} of the allowed space is used`}
          >
            <div style={{ width: `${Math.min(100, share * 100)}%` }} />
          </div>
        )}
        {share !== null && share > 0.85 && (
          <Text size="xs">Nearly full: delete an old run below before the next one, or its checkpoints may not fit.</Text>
        )}
        <Persistence />
      </Panel>
      {error !== null && <ErrorPanel title="It was not deleted." details={error} />}
      <Panel title="Items" flush>
        {storage.isLoading && <Loading />}
        {storage.error !== null && <ErrorPanel title="The storage could not be read." details={storage.error} />}
        {(storage.data?.removed ?? []).map(({ kind, id, name, bytes }) => (
          <Text key={`${kind} ${id}`} size="xs" p={12} role="status" data-testid="removed-import">
            The import of <VisibleText text={name} most={200} /> was interrupted. What it had stored
            {bytes > 0 && ` (${formatBytes(bytes)})`} was removed when Hone started: import it again.
          </Text>
        ))}
        {storage.data && rows.length === 0 && (
          <Text c="dimmed" p={12}>
            Nothing is stored yet.
          </Text>
        )}
        {rows.length > 0 && (
          <div className={classes.scroll} style={{ maxHeight: 420 }} role="region" aria-label="Stored items" tabIndex={0}>
            <table className={classes.table}>
              <thead>
                <tr>
                  <th scope="col">Item</th>
                  <th scope="col">Kind</th>
                  <th scope="col" style={{ textAlign: 'right' }}>
                    Size
                  </th>
                  <th scope="col">Delete</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <RecordBoundary key={row.name} kind="Stored item" name={row.title} id={row.name} columns={COLUMNS}>
                    <ItemRow row={row} onRemove={remove} />
                  </RecordBoundary>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
    </>
  )
}

function ItemRow({ row, onRemove }: { readonly row: StorageRow; readonly onRemove: (row: StorageRow) => void }) {
  return (
    <tr data-testid="storage-row">
      <td>
        <span title={row.title === row.name ? undefined : row.name}>
          <VisibleText text={row.title} />
        </span>
      </td>
      <td>{row.kind}</td>
      <td className={classes.num}>{formatBytes(row.bytes)}</td>
      <td>
        {row.remove === null ? (
          <Text size="xs" c="dimmed">
            kept by Hone
          </Text>
        ) : (
          <ConfirmButton
            label="Delete"
            confirmLabel="Delete for good?"
            ariaLabel={`Delete ${row.title}`}
            onConfirm={() => {
              onRemove(row)
            }}
          />
        )}
      </td>
    </tr>
  )
}
