/** What the page shows: the list after filters, the open trajectory, those compared, and the moves between them. */
import { useMemo } from 'react'
import { stepsOf, type Trajectory } from '../../../records/trajectory'
import type { LabelState } from '../../../worker/protocol'
import type { TrajectoryPlace } from '../../navigation/hrefs'
import { useTrajectories, useTrajectory } from '../../queries/trajectories'
import { useLabels } from '../../queries/useLabels'
import { filterTrajectories, type TrajectoryFilter } from '../../trajectory/trajectoryFilter'
import type { Source } from '../../trajectory/useSources'
import type { SetTrajectoriesUrl, TrajectoriesUrl } from './trajectoriesUrl'

const COMPARE_MOST = 16

export interface Reading {
  readonly all: readonly Trajectory[]
  readonly shown: readonly Trajectory[]
  readonly isLoading: boolean
  readonly selectedId: string | null
  readonly selected: Trajectory | null
  readonly error: string | null
  readonly compareIds: readonly string[]
  readonly compared: readonly Trajectory[]
  readonly labels: ReadonlyMap<string, LabelState>
  readonly place: TrajectoryPlace
  readonly toggleCompare: (id: string) => void
  readonly compareSiblings: () => void
  readonly trajectoryBy: (by: number) => void
  readonly stepBy: (by: number) => void
}

const within = (at: number, length: number): number => Math.max(0, Math.min(length - 1, at))

export function useReading(source: Source | null, url: TrajectoriesUrl, setUrl: SetTrajectoriesUrl): Reading {
  const list = useTrajectories(source)
  const all = useMemo(() => list.data ?? [], [list.data])
  const filter: TrajectoryFilter = useMemo(
    () => ({ text: url.q, status: url.status, tool: url.tool, outcome: url.outcome, order: url.order }),
    [url.q, url.status, url.tool, url.outcome, url.order],
  )
  const shown = useMemo(() => filterTrajectories(all, filter), [all, filter])
  const selectedId = url.id !== '' ? url.id : (shown[0]?.trajectory_id ?? null)
  const whole = useTrajectory(selectedId)
  const selected = whole.data ?? all.find((one) => one.trajectory_id === selectedId) ?? null
  const compareIds = useMemo(() => (url.compare === '' ? [] : url.compare.split(',').slice(0, COMPARE_MOST)), [url.compare])
  const labels = useLabels(useMemo(() => [...(selectedId === null ? [] : [selectedId]), ...compareIds], [selectedId, compareIds]))
  const siblings = selected ? all.filter((one) => one.task.query_id === selected.task.query_id).slice(0, COMPARE_MOST) : []
  return {
    all,
    shown,
    isLoading: list.isLoading,
    selectedId,
    selected,
    error: whole.error,
    compareIds,
    compared: compareIds.flatMap((id) => all.find((one) => one.trajectory_id === id) ?? []),
    labels,
    place: { dataset: source?.kind === 'dataset' ? source.id : null, run: source?.kind === 'run' ? source.id : null },
    toggleCompare: (id) => {
      const next = compareIds.includes(id) ? compareIds.filter((one) => one !== id) : [...compareIds, id].slice(-COMPARE_MOST)
      setUrl({ compare: next.join(',') })
    },
    compareSiblings: () => {
      if (siblings.length > 1) setUrl({ compare: siblings.map((one) => one.trajectory_id).join(',') }, { push: true })
    },
    trajectoryBy: (by) => {
      const next = shown[within(shown.findIndex((one) => one.trajectory_id === selectedId) + by, shown.length)]
      if (next) setUrl({ id: next.trajectory_id, step: 0 })
    },
    stepBy: (by) => {
      if (selected) setUrl({ step: within(url.step + by, stepsOf(selected).length) })
    },
  }
}
