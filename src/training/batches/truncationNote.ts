/** A note on how much the length limits cut. */
import type { TokenizedTrajectory } from './tokenizedTrajectory'

/** One sentence for the run card; null when nothing was cut. @param limits the settings that cut: `max_context_len 512 and max_response_len 64`. */
export function truncationNote(sequences: readonly TokenizedTrajectory[], limits: string): string | null {
  const cut = sequences.filter(({ truncatedTokens }) => truncatedTokens > 0)
  if (cut.length === 0) return null
  const tokens = cut.reduce((sum, { truncatedTokens }) => sum + truncatedTokens, 0)
  const lost = sequences.reduce((sum, { notTrainedSteps }) => sum + notTrainedSteps.length, 0)
  const steps = lost === 0 ? 'every step still trains' : `${lost} ${lost === 1 ? 'step is' : 'steps are'} not trained at all`
  return `${limits} cut ${tokens} tokens from ${cut.length} of ${sequences.length} trajectories; ${steps}.`
}
