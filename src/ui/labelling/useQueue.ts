/** The labelling queue of a source, and which of its trajectories is on the desk. */
import { useEffect, useMemo, useState } from 'react'
import type { Trajectory } from '../../records/trajectory'
import type { LabelState } from '../../worker/protocol'
import { NOTHING, useReply } from '../stores/answer'
import { useTrajectoriesOf, type Source } from '../trajectory/useSources'
import { queueRows, type QueueOrder, type QueueRow, type QueueShow } from './queueRows'
import { useLabelsOf } from './labelStore'

export interface Queue {
  readonly trajectories: readonly Trajectory[]
  readonly rows: readonly QueueRow[]
  /** Before filtering, in file order. */
  readonly everyRow: readonly QueueRow[]
  readonly labels: ReadonlyMap<string, LabelState>
  readonly selectedId: string
  readonly trajectory: Trajectory | null
  readonly error: string | null
}

export function useQueue(
  source: Source | null,
  url: { readonly id: string; readonly q: string; readonly show: QueueShow; readonly order: QueueOrder },
): Queue {
  const list = useTrajectoriesOf(source)
  const trajectories = useMemo(() => list.value ?? [], [list.value])
  const [opened, setOpened] = useState('')
  const first = url.id === '' ? opened : url.id
  const ids = useMemo(
    () => [...new Set([...(first === '' ? [] : [first]), ...trajectories.map((one) => one.trajectory_id)])],
    [trajectories, first],
  )
  const labels = useLabelsOf(ids)
  const everyRow = useMemo(() => queueRows(trajectories, labels, { text: '', show: 'all', order: 'file' }), [trajectories, labels])
  const rows = useMemo(
    () => queueRows(trajectories, labels, { text: url.q, show: url.show, order: url.order }),
    [trajectories, labels, url.q, url.show, url.order],
  )
  const settled = useSettled(list.value !== null, everyRow)
  // The first of the queue, held on to: the order may change while one labels.
  const held = trajectories.some((one) => one.trajectory_id === opened) ? opened : settled ? (rows[0]?.trajectory.trajectory_id ?? '') : ''
  if (url.id === '' && held !== opened) setOpened(held)
  const selectedId = url.id === '' ? held : url.id
  const listed = trajectories.find((one) => one.trajectory_id === selectedId)
  const alone = useReply(listed || selectedId === '' || list.loading ? NOTHING : `trajectory ${selectedId}`, (studio) =>
    studio.trajectories.get(selectedId),
  )
  return { trajectories, rows, everyRow, labels, selectedId, trajectory: listed ?? alone.value, error: alone.error ?? list.error }
}

/** The order rests on labels: what comes first is decided when they are here, or after a second without them. */
function useSettled(listed: boolean, rows: readonly QueueRow[]): boolean {
  const [waited, setWaited] = useState(false)
  useEffect(() => {
    if (!listed) return
    const timer = setTimeout(() => {
      setWaited(true)
    }, 1000)
    return () => {
      clearTimeout(timer)
    }
  }, [listed])
  return listed && (waited || rows.every((row) => row.known))
}
