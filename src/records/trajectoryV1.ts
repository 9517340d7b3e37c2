/** Version 1 of the trajectory, a list of steps: how it is read, and what becomes of it in version 2. */
import { z } from 'zod'
import { answerStatus, toolSpec, trajectory, type Trajectory } from './trajectory'
import { stepInput, trajectoryFromSteps } from './trajectoryFromSteps'

const trajectoryV1 = z.object({
  version: z.literal(1),
  trajectory_id: z.string().min(1),
  query_id: z.string(),
  query: z.string(),
  split: z.string().default(''),
  tools: z.array(toolSpec).default([]),
  steps: z.array(stepInput),
  status: answerStatus.nullable().default(null),
  answer: z.string().nullable().default(null),
  stop_reason: z.enum(['finish', 'budget', 'length', 'error']).default('finish'),
  call_budget: z.int().positive().nullable().default(null),
  strategy: z.string().default(''),
  sample: z.int().nonnegative().default(0),
  pair_id: z.string().min(1).optional(),
  source: z.string().default(''),
  world_hash: z.string().nullable().default(null),
})

/** Version 1 accepted any parent; readers took one that does not come before its child for none. */
const withParentBefore = (step: z.output<typeof stepInput>, index: number) =>
  step.parent !== null && step.parent >= index ? { ...step, parent: null } : step

/** Steps become turns; nothing is lost. Version 1 did not say how tokens were drawn, nor which model drew them: both stay unknown. */
function fromVersion1({ version: _, query_id, query, split, tools, steps, ...rest }: z.output<typeof trajectoryV1>): Trajectory {
  const { stop_reason, call_budget, strategy, ...fields } = rest
  return trajectoryFromSteps({
    ...fields,
    steps: steps.map(withParentBefore),
    task: { query_id, query, split, tools },
    agent: { strategy },
    budgets: { calls: call_budget },
    stop_condition: stop_reason,
  })
}

/** Reads a trajectory of version 1 or 2; what comes out is of version 2. */
export const trajectoryOfAnyVersion = z
  .discriminatedUnion('version', [trajectoryV1, trajectory])
  .transform((record): Trajectory => (record.version === 1 ? fromVersion1(record) : record))

/** For the store, which reads one record at a time: throws a sentence that names the field. */
export function migrateTrajectoryV1(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const read = trajectoryOfAnyVersion.safeParse(record)
  if (read.success) return read.data
  const issue = read.error.issues[0]
  throw new Error(`${issue?.path.join('.') ?? 'the record'}: ${issue?.message ?? 'it has another shape'}`)
}
