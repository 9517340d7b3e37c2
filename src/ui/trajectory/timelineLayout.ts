/** The timeline of a trajectory: one box per step, as wide as its tokens, marked by what happened, lifted by its reward. */
import { replySucceeded } from '../../annotation/replySucceeded'
import { chosenPath, type Trajectory, type TrajectoryStep, stepsOf } from '../../records/trajectory'

export type StepOutcome = 'ok' | 'failed' | 'no-reply' | 'unreadable' | 'final' | 'gave-up' | 'cut' | 'pruned'

export interface TimelineBox {
  readonly index: number
  /** Fractions of the whole width. */
  readonly x: number
  readonly width: number
  readonly tokens: number
  readonly tokensEstimated: boolean
  readonly outcome: StepOutcome
  readonly reward: number | null
  readonly label: string
}

const outcomes = new WeakMap<TrajectoryStep, StepOutcome>()

/** What happened at step `index`: as the environment recorded it, else as the reply reads. */
export function stepOutcome(trajectory: Trajectory, index: number): StepOutcome {
  const step = stepsOf(trajectory)[index]
  if (!step) return 'unreadable'
  const known = outcomes.get(step)
  if (known) return known
  const outcome = outcomeOf(trajectory, step)
  outcomes.set(step, outcome)
  return outcome
}

function outcomeOf({ stop_condition, answer }: Trajectory, step: TrajectoryStep): StepOutcome {
  if (step.call?.error !== undefined) return 'unreadable'
  if (step.is_truncated) return 'cut'
  // Other episodes have a last turn too, but it ends nothing: a budget or the context was used up.
  if (step.is_final && stop_condition === 'finish') return step.call && answer === null ? 'gave-up' : 'final'
  if (step.truth) return step.truth.succeeded ? 'ok' : 'failed'
  if (step.observation !== null) return replySucceeded(step.observation) ? 'ok' : 'failed'
  return step.call ? 'no-reply' : 'unreadable'
}

export const outcomeWords: Readonly<Record<StepOutcome, string>> = {
  ok: 'call succeeded',
  failed: 'call failed',
  'no-reply': 'no reply to the call',
  unreadable: 'no readable call',
  final: 'final answer',
  'gave-up': 'gave up without an answer',
  cut: 'cut at the length limit',
  pruned: 'pruned',
}

/** About four characters a token; exact when the step carries ids. */
export function stepTokenCount(step: TrajectoryStep): { tokens: number; estimated: boolean } {
  if (step.tokens) return { tokens: step.tokens.completion_ids.length, estimated: false }
  return { tokens: Math.max(1, Math.round(step.completion.length / 4)), estimated: true }
}

const MINIMUM_SHARE = 0.07

export function timelineBoxes(trajectory: Trajectory, rewards: readonly (number | null)[]): TimelineBox[] {
  const counted = stepsOf(trajectory).map(stepTokenCount)
  const total = counted.reduce((sum, one) => sum + one.tokens, 0) || 1
  const floor = Math.min(MINIMUM_SHARE, 1 / Math.max(1, counted.length))
  const shares = counted.map((one) => Math.max(floor, one.tokens / total))
  const whole = shares.reduce((sum, share) => sum + share, 0) || 1
  const chosen = new Set(chosenPath(trajectory).map((at) => at.index))
  let x = 0
  return stepsOf(trajectory).map((step, index) => {
    const width = (shares[index] ?? 0) / whole
    const own = stepOutcome(trajectory, index)
    const box: TimelineBox = {
      index,
      x,
      width,
      tokens: counted[index]?.tokens ?? 0,
      tokensEstimated: counted[index]?.estimated ?? true,
      outcome: chosen.has(index) ? own : 'pruned',
      reward: rewards[index] ?? null,
      label: step.call?.name ?? (step.is_final ? 'answer' : 'text'),
    }
    x += width
    return box
  })
}

export interface TreeNode {
  readonly index: number
  readonly depth: number
  readonly lane: number
  readonly parent: number | null
  readonly chosen: boolean
}

/** A tree drawn left to right: first children continue their parent's lane, later ones open a new lane. */
export function treeLayout(trajectory: Trajectory): {
  readonly nodes: readonly TreeNode[]
  readonly lanes: number
  readonly depth: number
  readonly isTree: boolean
} {
  const chosen = new Set(chosenPath(trajectory).map((at) => at.index))
  const childrenOf = new Map<number | null, number[]>()
  stepsOf(trajectory).forEach((step, index) => {
    // A parent must come before its child, anything else would be a cycle.
    const parent = step.parent !== null && step.parent < index ? step.parent : null
    childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), index])
  })
  const nodes: TreeNode[] = []
  let lanes = 0
  const stack: { index: number; depth: number; lane: number | null; parent: number | null }[] = []
  const push = (parent: number | null, depth: number, lane: number | null): void => {
    const kids = childrenOf.get(parent) ?? []
    for (let i = kids.length - 1; i >= 0; i--) stack.push({ index: kids[i] as number, depth, lane: i === 0 ? lane : null, parent })
  }
  push(null, 0, null)
  for (let at = stack.pop(); at; at = stack.pop()) {
    const lane = at.lane ?? lanes++
    nodes.push({ index: at.index, depth: at.depth, lane, parent: at.parent, chosen: chosen.has(at.index) })
    push(at.index, at.depth + 1, lane)
  }
  const isTree = [...childrenOf.values()].some((kids) => kids.length > 1)
  return { nodes, lanes, depth: nodes.reduce((most, node) => Math.max(most, node.depth + 1), 0), isTree }
}
