/** The labelling queue of a source, and which of its trajectories is open. */
import { useEffect, useMemo, useState } from 'react'
import type { Trajectory } from '../../records/trajectory'
import type { LabelState } from '../../worker/protocol'
import { useTrajectories, useTrajectory } from '../queries/trajectories'
import { useLabels } from '../queries/useLabels'
import type { Source } from '../trajectory/useSources'
import { queueRows, type QueueOrder, type QueueRow, type QueueShow } from './queueRows'

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
  const list = useTrajectories(source)
  const trajectories = useMemo(() => list.data ?? [], [list.data])
  const [opened, setOpened] = useState('')
  const first = url.id === '' ? opened : url.id
  const ids = useMemo(
    () => [...new Set([...(first === '' ? [] : [first]), ...trajectories.map((one) => one.trajectory_id)])],
    [trajectories, first],
  )
  const labels = useLabels(ids)
  const everyRow = useMemo(() => queueRows(trajectories, labels, { text: '', show: 'all', order: 'file' }), [trajectories, labels])
  const rows = useMemo(
    () => queueRows(trajectories, labels, { text: url.q, show: url.show, order: url.order }),
    [trajectories, labels, url.q, url.show, url.order],
  )
  const settled = useSettled(list.data !== undefined, everyRow)
  // What was first in the queue stays open: the order may change while one labels.
  const opening = trajectories.some((one) => one.trajectory_id === opened)
    ? opened
    : settled
      ? (rows[0]?.trajectory.trajectory_id ?? '')
      : ''
  if (url.id === '' && opening !== opened) setOpened(opening)
  const selectedId = url.id === '' ? opening : url.id
  const listed = trajectories.find((one) => one.trajectory_id === selectedId)
  const alone = useTrajectory(listed || selectedId === '' || list.isLoading ? null : selectedId)
  return { trajectories, rows, everyRow, labels, selectedId, trajectory: listed ?? alone.data ?? null, error: alone.error ?? list.error }
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
