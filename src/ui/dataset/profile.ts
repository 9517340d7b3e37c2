/** What a data set looks like from above: lengths, calls, rewards, duplicates. */
import { stepsOf, type Trajectory } from '../../records/trajectory'

export interface DatasetProfile {
  readonly trajectories: number
  readonly steps: number
  readonly stepCharacters: readonly number[]
  readonly promptCharacters: readonly number[]
  readonly stepsPerTrajectory: readonly number[]
  readonly tools: readonly { readonly name: string; readonly count: number }[]
  /** Groups of trajectories with the same query and the same completions. */
  readonly duplicates: readonly (readonly string[])[]
  readonly withoutCall: number
}

export function datasetProfile(trajectories: readonly Trajectory[]): DatasetProfile {
  const steps = trajectories.flatMap((trajectory) => stepsOf(trajectory))
  const tools = new Map<string, number>()
  for (const step of steps) if (step.call) tools.set(step.call.name, (tools.get(step.call.name) ?? 0) + 1)
  const groups = new Map<string, string[]>()
  for (const trajectory of trajectories) {
    const key = JSON.stringify([trajectory.task.query, stepsOf(trajectory).map((step) => step.completion)])
    groups.set(key, [...(groups.get(key) ?? []), trajectory.trajectory_id])
  }
  return {
    trajectories: trajectories.length,
    steps: steps.length,
    stepCharacters: steps.map((step) => step.completion.length),
    promptCharacters: trajectories.map((trajectory) => stepsOf(trajectory).reduce((sum, step) => sum + step.prompt.length, 0)),
    stepsPerTrajectory: trajectories.map((trajectory) => stepsOf(trajectory).length),
    tools: [...tools].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1)),
    duplicates: [...groups.values()].filter((ids) => ids.length > 1),
    withoutCall: steps.filter((step) => !step.call).length,
  }
}
