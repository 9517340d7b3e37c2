/** Writes the advantages that an update used into the trajectory, and reads them back to show them. */
import { stepsOf, type Trajectory, type TrajectoryNode } from '../../records/trajectory'
import type { BatchLayout } from './batchLayout'
import type { TokenizedTrajectory } from './tokenizedTrajectory'

/** The advantages of one sequence of a batch. */
export interface SequenceAdvantages {
  readonly sequence: TokenizedTrajectory
  /** Positions in the sequence's ids. */
  readonly positions: readonly number[]
  /** One per position, as the loss uses it (whitened, where the algorithm whitens). */
  readonly advantages: readonly number[]
}

/** @param table [rows, width]: its column `column` holds the advantage of each row of the batch. */
export function advantagesOfBatch(
  { items }: BatchLayout,
  table: Float32Array,
  { width, column }: { readonly width: number; readonly column: number },
): SequenceAdvantages[] {
  return items.map(({ source, sequence, firstRow }) => ({
    sequence: source,
    positions: sequence.targets,
    advantages: sequence.targets.map((_, row) => table[(firstRow + row) * width + column] ?? Number.NaN),
  }))
}

/** Significant digits that are stored. */
const DIGITS = 6

/**
 * The trajectory with `advantages` on the nodes that were trained, one per token: 0 for tokens of such a node that truncation cut away.
 * A trajectory whose ids are not the sequence's (text that was tokenized again), or whose advantages are not finite, is returned unchanged.
 */
export function withAdvantages(trajectory: Trajectory, { sequence, positions, advantages }: SequenceAdvantages): Trajectory {
  if (sequence.sampledLogp === undefined || !advantages.every(Number.isFinite)) return trajectory
  const byNode = new Map<number, number[]>()
  const places = tokenPlaces(trajectory, sequence)
  positions.forEach((position, index) => {
    const place = places[position]
    if (!place) return
    const values = byNode.get(place.node) ?? new Array<number>(place.length).fill(0)
    values[place.token] = Number((advantages[index] ?? 0).toPrecision(DIGITS))
    byNode.set(place.node, values)
  })
  const nodes = trajectory.nodes.map((node, index): TrajectoryNode => {
    const own = byNode.get(index)
    return own && node.tokens ? { ...node, tokens: { ...node.tokens, advantages: own } } : node
  })
  return { ...trajectory, nodes }
}

/** One per id of the sequence: the recorded advantage, null for a token that was not trained. null: this trajectory has none. */
export function recordedAdvantages(trajectory: Trajectory, sequence: TokenizedTrajectory): (number | null)[] | null {
  if (sequence.sampledLogp === undefined) return null
  const hasAny = stepsOf(trajectory).some(({ node }) => trajectory.nodes[node]?.tokens?.advantages !== undefined)
  if (!hasAny) return null
  return tokenPlaces(trajectory, sequence).map((place) =>
    place ? (trajectory.nodes[place.node]?.tokens?.advantages?.[place.token] ?? null) : null,
  )
}

interface TokenPlace {
  readonly node: number
  /** Index in the node's ids, and how many there are. */
  readonly token: number
  readonly length: number
}

/** The place of each id of the sequence in the record; null for ids that were not sampled. A context is cut at its start, the last completion at its end. */
function tokenPlaces(trajectory: Trajectory, { stepOf, stepIndex }: TokenizedTrajectory): (TokenPlace | null)[] {
  const steps = stepsOf(trajectory)
  const left = stepIndex.map((_, step) => stepOf.filter((own) => own === step).length)
  const seen = stepIndex.map(() => 0)
  return stepOf.map((step) => {
    const of = steps[stepIndex[step] ?? -1]
    if (step < 0 || !of?.tokens) return null
    const length = of.tokens.completion_ids.length
    const cutBefore = step === stepIndex.length - 1 ? 0 : length - (left[step] ?? 0)
    const token = cutBefore + (seen[step] ?? 0)
    seen[step] = (seen[step] ?? 0) + 1
    return { node: of.node, token, length }
  })
}
