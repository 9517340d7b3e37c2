import type { TrajectoryStep } from '../records/trajectory'

/** A call's arguments as the model wrote them, or, where the turn has another form, as JSON. */
export function argumentText(step: Pick<TrajectoryStep, 'completion' | 'call'>): string {
  const written = /Action Input:(?<input>[\s\S]*?)(?:<\|im_end\|>|<\|eot_id\|>|<\/s>)?\s*$/.exec(step.completion)?.groups?.['input']
  return (written ?? JSON.stringify(step.call?.arguments ?? {})).trim()
}
