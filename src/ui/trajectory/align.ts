/** Trajectories beside each other: step n against step n, and where they first part. */
import { chosenPath, type Trajectory, type TrajectoryStep } from '../../records/trajectory'
import { sameCall } from './callSignature'

export interface AlignedRow {
  /** Position on the chosen path. */
  readonly position: number
  /** One cell per trajectory; null where that trajectory had already ended. */
  readonly cells: readonly ({ readonly index: number; readonly step: TrajectoryStep } | null)[]
  readonly same: boolean
}
export interface Alignment {
  readonly rows: readonly AlignedRow[]
  /** Position of the first row that differs; null when the paths agree to the end. */
  readonly firstDivergence: number | null
}

function sameStep(a: TrajectoryStep, b: TrajectoryStep): boolean {
  if (a.call || b.call) return sameCall(a.call, b.call) && a.observation === b.observation
  return a.completion === b.completion
}

export function alignTrajectories(trajectories: readonly Trajectory[]): Alignment {
  const paths = trajectories.map(chosenPath)
  const length = Math.max(0, ...paths.map((path) => path.length))
  const rows: AlignedRow[] = []
  let firstDivergence: number | null = null
  for (let position = 0; position < length; position++) {
    const cells = paths.map((path) => path[position] ?? null)
    const first = cells[0]
    const same = cells.every((cell) => cell !== null && first !== null && first !== undefined && sameStep(cell.step, first.step))
    if (!same && firstDivergence === null) firstDivergence = position
    rows.push({ position, cells, same })
  }
  return { rows, firstDivergence }
}
