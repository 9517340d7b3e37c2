/** The list of trajectories: facets, search in calls and observations, order. Everything here can stand in the URL. */
import { stepsOf, type Trajectory } from '../../records/trajectory'
import { stepOutcome } from './timelineLayout'

export interface TrajectoryFilter {
  readonly text: string
  /** '' means any. */
  readonly status: '' | 'solved' | 'unsure' | 'unsolved' | 'none'
  /** As `facetOfTool` writes a name. */
  readonly tool: string
  readonly outcome: '' | 'failed' | 'unreadable' | 'clean'
  readonly order: 'file' | 'steps' | 'status'
}

export const anyTrajectory: TrajectoryFilter = { text: '', status: '', tool: '', outcome: '', order: 'file' }

export const ANY_TOOL = ''
/** A tool's name as an address and a list hold it: a model may write an empty name, which is not any tool. */
export const facetOfTool = (name: string): string => (name === ANY_TOOL || name.startsWith('"') ? JSON.stringify(name) : name)

const STATUS_ORDER: Readonly<Record<string, number>> = { unsolved: 0, unsure: 1, solved: 2 }

export function trajectoryText(trajectory: Trajectory): string {
  const parts = [trajectory.trajectory_id, trajectory.task.query_id, trajectory.task.query, trajectory.answer ?? '']
  for (const step of stepsOf(trajectory)) parts.push(step.completion, step.observation ?? '')
  return parts.join('\n').toLowerCase()
}

export function toolNames(trajectories: readonly Trajectory[]): { readonly name: string; readonly count: number }[] {
  const counts = new Map<string, number>()
  for (const trajectory of trajectories) {
    const seen = new Set(
      stepsOf(trajectory)
        .map((step) => step.call?.name)
        .filter((name) => name !== undefined),
    )
    for (const name of seen) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
}

export function filterTrajectories(trajectories: readonly Trajectory[], filter: TrajectoryFilter): Trajectory[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean)
  const kept = trajectories.filter((trajectory) => {
    if (filter.status !== '' && (trajectory.status ?? 'none') !== filter.status) return false
    if (filter.tool !== ANY_TOOL && !stepsOf(trajectory).some(({ call }) => call && facetOfTool(call.name) === filter.tool)) return false
    if (filter.outcome !== '') {
      const outcomes = stepsOf(trajectory).map((_, index) => stepOutcome(trajectory, index))
      const hasFailure = outcomes.includes('failed')
      const hasUnreadable = outcomes.includes('unreadable')
      if (filter.outcome === 'failed' && !hasFailure) return false
      if (filter.outcome === 'unreadable' && !hasUnreadable) return false
      if (filter.outcome === 'clean' && (hasFailure || hasUnreadable)) return false
    }
    if (words.length === 0) return true
    const text = trajectoryText(trajectory)
    return words.every((word) => text.includes(word))
  })
  if (filter.order === 'steps') kept.sort((a, b) => stepsOf(b).length - stepsOf(a).length)
  if (filter.order === 'status') kept.sort((a, b) => (STATUS_ORDER[a.status ?? ''] ?? 3) - (STATUS_ORDER[b.status ?? ''] ?? 3))
  return kept
}
