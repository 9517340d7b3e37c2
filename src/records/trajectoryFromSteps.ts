/** Builds the tree of turns from a list of steps, for producers that know each step's prompt, completion and replies, and perhaps what each role says inside a prompt. */
import { z } from 'zod'
import { stepTruth, toolCall, trajectory, type ToolCall, type Trajectory, type TrajectoryNode } from './trajectory'

const ids = z.array(z.int().nonnegative())

/** A step as producers give it; `TrajectoryStep` of trajectory.ts says what the fields mean. */
export const stepInput = z.object({
  parent: z.int().nonnegative().nullable(),
  /** What the system turn inside `prompt` says, without markers; absent when there is none, or when it cannot be separated. */
  system: z.string().optional(),
  /** What the user says inside `prompt`, without markers. When absent, it is the query in the first step, and later steps have no user's turn. */
  user: z.string().optional(),
  prompt: z.string(),
  /** What turns after this step read in place of its prompt; absent: the prompt itself. */
  later: z.object({ text: z.string(), ids: ids.nullable() }).optional(),
  phase: z.string().optional(),
  /** What the agent says besides its thought and its calls, without markers; when absent, the completion where there is no call. */
  content: z.string().optional(),
  completion: z.string(),
  tokens: z
    .object({
      prompt_ids: ids,
      completion_ids: ids,
      completion_logprobs: z.array(z.number()),
      policy_version: z.int().nonnegative().default(0),
    })
    .nullable()
    .default(null),
  thought: z.string().default(''),
  call: toolCall.nullable().default(null),
  /** All calls of the turn; when absent, `call` alone. */
  calls: z.array(toolCall).optional(),
  observation: z.string().nullable().default(null),
  /** All replies, one for each call; when absent, `observation` alone. */
  replies: z.array(z.object({ content: z.string(), error: z.string().optional() })).optional(),
  /** Time from the calls to their replies. */
  tool_ms: z.number().nonnegative().optional(),
  is_final: z.boolean().default(false),
  is_truncated: z.boolean().default(false),
  pruned: z.boolean().default(false),
  truth: stepTruth.nullable().default(null),
  generation_ms: z.number().nonnegative().optional(),
})
type Step = z.output<typeof stepInput>
export interface StepInput extends Omit<z.input<typeof stepInput>, 'tokens' | 'calls' | 'replies' | 'later'> {
  calls?: readonly ToolCall[] | undefined
  replies?: readonly { readonly content: string; readonly error?: string | undefined }[] | undefined
  later?: { readonly text: string; readonly ids: readonly number[] | null } | undefined
  tokens?: {
    readonly prompt_ids: readonly number[]
    readonly completion_ids: readonly number[]
    readonly completion_logprobs: readonly number[]
    readonly policy_version?: number
  } | null
}

export type TrajectoryFromStepsInput = Omit<z.input<typeof trajectory>, 'version' | 'nodes' | 'spent'> & {
  readonly steps: readonly StepInput[]
  /** Turns that the model wrote besides the steps: comparisons of candidates, turns that were thrown away. */
  readonly asides?: readonly Aside[]
}

/** A turn that is counted and not recorded. */
export interface Aside {
  /** Tokens that the model wrote; null: not known. */
  readonly sampledTokens: number | null
}

/** A valid record of version 2. Throws a ZodError for fields that do not fit, and for a step whose parent does not come before it. */
export function trajectoryFromSteps({ steps, asides = [], ...fields }: TrajectoryFromStepsInput): Trajectory {
  const read = z.array(stepInput).parse(steps)
  return trajectory.parse({ ...fields, version: 2, nodes: nodesOf(read, fields.task.query), spent: spentBy(read, asides) })
}

/** The same record with other steps. */
export const withSteps = ({ version: _, nodes: __, spent: ___, ...fields }: Trajectory, steps: readonly StepInput[]): Trajectory =>
  trajectoryFromSteps({ ...fields, steps })

const callsOf = ({ call, calls }: Step): readonly ToolCall[] => calls ?? (call === null ? [] : [call])
const repliesOf = ({ observation, replies }: Step): readonly { readonly content: string; readonly error?: string | undefined }[] =>
  replies ?? (observation === null ? [] : [{ content: observation }])

function spentBy(steps: readonly Step[], asides: readonly Aside[]): Partial<Trajectory['spent']> {
  const sampled = [...steps.map(({ tokens }) => tokens?.completion_ids.length ?? null), ...asides.map(({ sampledTokens }) => sampledTokens)]
  return {
    calls: steps.reduce((sum, step) => sum + repliesOf(step).length, 0),
    model_calls: sampled.length,
    sampled_tokens: sampled.reduce<number | null>((sum, tokens) => (sum === null || tokens === null ? null : sum + tokens), 0),
  }
}

const blank = {
  ...{ content: '', reasoning: '', tool_calls: [], tool_call_id: null, sampled: false, text: null, tokens: null, truth: null },
  ...{ is_final: false, is_truncated: false, pruned: false },
} satisfies Partial<TrajectoryNode>

/**
 * The nodes of what came before a step (shared by siblings with the same text and ids), then one for the step. Before a step stand the
 * replies to the step above it, the system's turn and the user's turn, as far as there are any. A prompt is rendered as one text, so the
 * last of these nodes has the text and the ids of them all.
 */
function nodesOf(steps: readonly Step[], query: string): TrajectoryNode[] {
  const nodes: TrajectoryNode[] = []
  const places: number[] = []
  const shared = new Map<string, number>()
  const parents = new Set(steps.map(({ parent }) => parent))
  const append = (made: readonly Omit<TrajectoryNode, 'parent'>[], below: number | null): number => {
    let at = below
    for (const node of made) at = nodes.push({ ...node, parent: at }) - 1
    return at ?? 0
  }
  for (const [index, step] of steps.entries()) {
    const above = step.parent === null ? undefined : steps[step.parent]
    if (step.parent !== null && (!above || step.parent >= index))
      throw new Error(`Step ${index + 1}: expected a parent before it, found ${step.parent + 1}.`)
    const key = JSON.stringify([step.parent, step.prompt, step.tokens?.prompt_ids ?? null, step.phase ?? ''])
    const context = shared.get(key) ?? append(contextOf(step, above, query), step.parent === null ? null : (places[step.parent] ?? null))
    shared.set(key, context)
    places.push(append([stepNode(step, index)], context))
    if (!parents.has(index)) append(replyNodes(step, index), nodes.length - 1)
  }
  return nodes
}

const callId = (index: number, place: number): string => (place === 0 ? `call-${index + 1}` : `call-${index + 1}-${place + 1}`)

const replyNodes = (step: Step, index: number): Omit<TrajectoryNode, 'parent'>[] =>
  repliesOf(step).map(({ content, error }, place) => ({
    ...blank,
    ...(step.phase === undefined ? {} : { phase: step.phase }),
    ...(error === undefined ? {} : { tool_error: error }),
    ...{ role: 'tool', content, tool_call_id: place < callsOf(step).length ? callId(index, place) : null },
    // Replies of one turn come together.
    ...(place === 0 && step.tool_ms !== undefined ? { timing: { tool_ms: step.tool_ms } } : {}),
  }))

function contextOf(step: Step, above: Step | undefined, query: string): Omit<TrajectoryNode, 'parent'>[] {
  const { parent, system, user, prompt, tokens, later, phase } = step
  const part = phase === undefined ? {} : { phase }
  const turns = above === undefined || parent === null ? [] : replyNodes(above, parent)
  if (system !== undefined) turns.push({ ...blank, ...part, role: 'system', content: system })
  if (user !== undefined || turns.every(({ role }) => role === 'system'))
    turns.push({ ...blank, ...part, role: 'user', content: user ?? (parent === null ? query : prompt) })
  const ofText = tokens === null ? null : { ids: tokens.prompt_ids, logprobs: [], policy_version: null }
  return turns.map((turn, at) => (at === turns.length - 1 ? { ...turn, text: prompt, tokens: ofText, ...(later ? { later } : {}) } : turn))
}

function stepNode(step: Step, index: number): Omit<TrajectoryNode, 'parent'> {
  const { content, completion, tokens, thought, is_final, is_truncated, pruned, truth, generation_ms, phase } = step
  const calls = callsOf(step)
  return {
    ...blank,
    ...{ role: 'assistant', sampled: true, text: completion, reasoning: thought, is_final, is_truncated, pruned, truth },
    content: content ?? (calls.length === 0 ? completion : ''),
    tool_calls: calls.map((call, place) => ({ id: callId(index, place), ...call })),
    tokens:
      tokens === null ? null : { ids: tokens.completion_ids, logprobs: tokens.completion_logprobs, policy_version: tokens.policy_version },
    ...(phase === undefined ? {} : { phase }),
    ...(generation_ms === undefined ? {} : { timing: { generation_ms } }),
  }
}
