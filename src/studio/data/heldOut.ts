/** Questions that evaluations ask. A model trained on them cannot be evaluated on them any more. */
import { benchmarks } from '../../evaluation/benchmarks'
import { isBuiltIn, type Benchmark, type BenchmarkDefinition, type BenchmarkSplit } from '../../environments/benchmark'
import type { Trajectory } from '../../records/trajectory'

/** Splits on which settings are chosen and models are compared. */
const isForEvaluation = ({ use }: BenchmarkSplit): boolean => use === 'exam' || use === 'dev'

export const heldOutSplits = ({ splits }: Pick<Benchmark, 'splits'>): string[] => splits.filter(isForEvaluation).map(({ name }) => name)

interface HeldOut {
  readonly splits: ReadonlySet<string>
  readonly otherSplits: ReadonlySet<string>
  readonly queries: ReadonlySet<string>
}
let known: HeldOut | null = null

function heldOut(): HeldOut {
  if (known) return known
  // What others ask is only known once the user has given their data.
  const made = Object.values<BenchmarkDefinition>(benchmarks)
    .filter(isBuiltIn)
    .map((definition) => definition.create({}))
  const splits = made.flatMap((one) => one.splits)
  return (known = {
    splits: new Set(made.flatMap(heldOutSplits)),
    otherSplits: new Set(splits.filter((split) => !isForEvaluation(split)).map(({ name }) => name)),
    queries: new Set(made.flatMap((one) => heldOutSplits(one).flatMap((split) => one.queries(split).map(({ text }) => text)))),
  })
}

/** Whether a trajectory answers such a question: its split says so, or a file without that split holds the question. */
export function isHeldOut({ task }: Pick<Trajectory, 'task'>): boolean {
  const { splits, otherSplits, queries } = heldOut()
  return splits.has(task.split) || (!otherSplits.has(task.split) && queries.has(task.query))
}

/** A warning about training on these; null when none of them is held out. */
export function heldOutWarning(trajectories: readonly Pick<Trajectory, 'task'>[]): string | null {
  const count = trajectories.filter(isHeldOut).length
  if (count === 0) return null
  return (
    `${count} of ${trajectories.length} trajectories answer questions that evaluations ask. ` +
    'A model trained on them has seen the answers, so its result in that evaluation says nothing about new questions.'
  )
}
