/** A trajectory: what the agent was asked, every step it took, and what came back. Field names follow verifiers' `TrajectoryStep` where one exists. */
import { z } from 'zod'

export const answerStatus = z.enum(['solved', 'unsure', 'unsolved'])
export type AnswerStatus = z.infer<typeof answerStatus>

export const toolCall = z.object({
  name: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  /** Set when the text could not be read as a call: what was expected and what was found. */
  error: z.string().optional(),
})
export type ToolCall = z.infer<typeof toolCall>

const toolParameter = z.object({
  name: z.string(),
  type: z.string(),
  description: z.string().default(''),
  required: z.boolean().default(true),
})
export const toolSpec = z.object({
  name: z.string(),
  category: z.string().default(''),
  description: z.string().default(''),
  parameters: z.array(toolParameter).default([]),
})
export type ToolSpec = z.infer<typeof toolSpec>

/** What a tool world knows about a call: did the tool succeed, and was its result needed for the answer. */
export const stepTruth = z.object({ succeeded: z.boolean(), needed: z.boolean() })
export type StepTruth = z.infer<typeof stepTruth>

/** Token ids in and out of the policy. Text is never tokenised again between rollout and update. */
const stepTokens = z.object({
  /** Ids appended to the context before this completion (first step: the whole prompt; later: the observation turn). */
  prompt_ids: z.array(z.int().nonnegative()),
  completion_ids: z.array(z.int().nonnegative()),
  /** log π of each completion id under the sampling policy at the sampling temperature alone, in nats. */
  completion_logprobs: z.array(z.number()),
  /** Version of the policy that sampled the step (optimizer steps taken). */
  policy_version: z.int().nonnegative().default(0),
})

export const trajectoryStep = z.object({
  /** Position of the parent step in `steps`; null for a root. A chain has parent = index − 1, DFSDT keeps its whole tree. */
  parent: z.int().nonnegative().nullable(),
  /** Text appended to the context before the completion. */
  prompt: z.string(),
  completion: z.string(),
  tokens: stepTokens.nullable().default(null),
  thought: z.string().default(''),
  /** null: the completion holds no call (for example a free-text answer). */
  call: toolCall.nullable().default(null),
  /** What the tool replied; null on the final step. */
  observation: z.string().nullable().default(null),
  is_final: z.boolean().default(false),
  is_truncated: z.boolean().default(false),
  truth: stepTruth.nullable().default(null),
  generation_ms: z.number().nonnegative().optional(),
})
export type TrajectoryStep = z.infer<typeof trajectoryStep>

export const trajectory = z.object({
  version: z.literal(1),
  trajectory_id: z.string().min(1),
  query_id: z.string(),
  query: z.string(),
  /** Which use of the data this is: train, practice, exam, or the name of an imported set. */
  split: z.string().default(''),
  tools: z.array(toolSpec).default([]),
  steps: z.array(trajectoryStep),
  status: answerStatus.nullable().default(null),
  answer: z.string().nullable().default(null),
  /** Why the episode ended: finish, budget (calls used up), length (context full), error. */
  stop_reason: z.enum(['finish', 'budget', 'length', 'error']).default('finish'),
  call_budget: z.int().positive().nullable().default(null),
  strategy: z.string().default(''),
  sample: z.int().nonnegative().default(0),
  /** Given as one of a preference pair: it is contrasted with the other that has this id, and with no other attempt at the query. */
  pair_id: z.string().min(1).optional(),
  /** `file:<name>#row` for imports, `run:<id>` for rollouts. */
  source: z.string().default(''),
  world_hash: z.string().nullable().default(null),
})
export type Trajectory = z.infer<typeof trajectory>

/** The steps of the path that ends in the final (or last) step, root first. */
export function chosenPath(record: Trajectory): { index: number; step: TrajectoryStep }[] {
  let at = record.steps.findIndex((step) => step.is_final)
  if (at < 0) at = record.steps.length - 1
  const path: { index: number; step: TrajectoryStep }[] = []
  const seen = new Set<number>()
  while (at >= 0 && !seen.has(at)) {
    const step = record.steps[at]
    if (!step) break
    seen.add(at)
    path.unshift({ index: at, step })
    at = step.parent ?? -1
  }
  return path
}
