import { Button, Group, Text } from '@mantine/core'
import { useEffect, useMemo, useState } from 'react'
import { ConfirmButton } from '../dataset/ConfirmButton'
import { formatBytes, formatShare } from '../format'
import { useAnswer } from '../stores/answer'
import { useStudio } from '../stores/studio'
import { VisibleText } from '../trajectory/VisibleText'
import { Loading, Panel } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import classes from './settings.module.css'
import { storageRows, type StorageRow } from './storageRows'

/** What this browser keeps for Hone, and for how long. */
export function StoragePanel() {
  const studio = useStudio()
  const storage = useAnswer('storage', (from) => from.storage.usage(), ['dataset', 'job'])
  const datasets = useAnswer('datasets', (from) => from.datasets.list(), ['dataset'])
  const runs = useAnswer('runs', (from) => from.runs.list(), ['job'])
  const [error, setError] = useState<string | null>(null)
  const rows = useMemo(
    () => storageRows(storage.value?.items ?? [], datasets.value ?? [], runs.value ?? []),
    [storage.value, datasets.value, runs.value],
  )
  const remove = async ({ remove: target }: StorageRow): Promise<void> => {
    if (!target) return
    const reply = target.kind === 'dataset' ? await studio.datasets.remove(target.id) : await studio.runs.remove(target.id)
    if (!reply.ok) setError(reply.message)
    storage.reload()
    datasets.reload()
    runs.reload()
  }
  const usage = storage.value?.usage ?? null
  const quota = storage.value?.quota ?? null
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
        {storage.loading && <Loading />}
        {storage.error !== null && <ErrorPanel title="The storage could not be read." details={storage.error} />}
        {storage.value !== null && rows.length === 0 && (
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
                  <tr key={`${row.kind} ${row.name}`} data-testid="storage-row">
                    <td>
                      <VisibleText text={row.name} />
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
                          ariaLabel={`Delete ${row.name}`}
                          onConfirm={() => {
                            remove(row).catch((reason: unknown) => {
                              setError(String(reason))
                            })
                          }}
                        />
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
    </>
  )
}

function Persistence() {
  const [state, setState] = useState<'asking' | 'kept' | 'best-effort' | 'refused' | 'unknown'>('asking')
  useEffect(() => {
    // Not there on insecure origins.
    const manager = (navigator as { storage?: StorageManager }).storage
    Promise.resolve(manager?.persisted())
      .then((kept) => {
        setState(kept === undefined ? 'unknown' : kept ? 'kept' : 'best-effort')
      })
      .catch(() => {
        setState('unknown')
      })
  }, [])
  const words = {
    asking: '',
    kept: 'Kept: the browser will not clear it without asking.',
    'best-effort': 'Best effort: the browser may clear all of it when the disk runs low.',
    refused: 'The browser refused to promise. Bookmark this page or install it, then ask again.',
    unknown: 'This browser does not say whether it keeps data.',
  }
  return (
    <Group gap={8} mt={8} data-testid="persistence">
      <Text size="xs">{words[state]}</Text>
      {(state === 'best-effort' || state === 'refused') && (
        <Button
          onClick={() => {
            navigator.storage.persist().then(
              (kept) => {
                setState(kept ? 'kept' : 'refused')
              },
              () => {
                setState('refused')
              },
            )
          }}
        >
          Ask the browser to keep it
        </Button>
      )}
    </Group>
  )
}
