/** The anchor states in which the steps of an attempt were taken. */
import { chosenPath, type Trajectory } from '../../../records/trajectory'
import type { GigpoConfig } from './config'

/**
 * One text per step of the chosen path, root first. `observation`: the query before the first reply, then the newest reply, as the
 * environment showed it. `history`: everything that was in the context.
 */
export function anchorStates(trajectory: Trajectory, kind: GigpoConfig['anchor_state']): string[] {
  const path = chosenPath(trajectory).map(({ step }) => step)
  let history = ''
  let shown = trajectory.task.query
  return path.map((step) => {
    history += step.prompt
    const state = kind === 'history' ? history : shown
    history += step.completion
    // A turn without a reply does not change the environment.
    shown = step.observation ?? shown
    return state
  })
}
