/**
 * A trajectory, version 2: a tree of turns, with what was asked, under which budgets, and how it ended.
 *
 * A *step* is a sampled assistant node; `stepsOf` shows the steps with the text before them and the replies after them. A path from a root
 * to a leaf is one training sequence. A chain has one leaf; DFSDT keeps every branch, and those it gave up are `pruned`. `trajectoryFormats.md`
 * beside this file gives the correspondence, field by field, to verifiers' `Trace` and Harbor's ATIF.
 */
import { z } from 'zod'
import { samplingFilters } from './samplingFilters'

export const answerStatus = z.enum(['solved', 'unsure', 'unsolved'])
export type AnswerStatus = z.infer<typeof answerStatus>

export const toolCall = z.object({
  name: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  /** Present when the text could not be read as a call: what was expected and what was found. */
  error: z.string().optional(),
})
export type ToolCall = z.infer<typeof toolCall>

/** A call as a node holds it: with the id that the reply's `tool_call_id` repeats. */
const nodeCall = toolCall.extend({ id: z.string() })
export type NodeCall = z.infer<typeof nodeCall>

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
  /** JSON Schema of the arguments, where it says more than `parameters`: nested objects, lists, enumerations. */
  schema: z.record(z.string(), z.unknown()).optional(),
  /** What a server says of the tool besides, such as the hints of the Model Context Protocol: `readOnlyHint`, `idempotentHint`. */
  annotations: z.record(z.string(), z.unknown()).optional(),
})
export type ToolSpec = z.infer<typeof toolSpec>

/** What a tool world knows about a step: did its calls succeed, and were their results needed for the answer. */
export const stepTruth = z.object({ succeeded: z.boolean(), needed: z.boolean() })
export type StepTruth = z.infer<typeof stepTruth>

const id = z.int().nonnegative()
const milliseconds = z.number().nonnegative()

/** Token ids in and out of the policy. Text is never tokenised again between rollout and update. One entry per token in every list. */
const nodeTokens = z.object({
  ids: z.array(id),
  /** 1: the loss may count this token. When absent, all tokens of a sampled node count, and none of another. */
  mask: z.array(z.union([z.literal(0), z.literal(1)])).optional(),
  /** log π of each id under the sampling policy at the sampling temperature alone, in nats; empty for nodes that were not sampled. */
  logprobs: z.array(z.number()).default([]),
  /** Version of the policy that sampled the node (optimizer steps taken); null for nodes that were not sampled. */
  policy_version: id.nullable().default(null),
  advantages: z.array(z.number()).optional(),
  loss_weights: z.array(z.number()).optional(),
})

const turnRole = z.enum(['system', 'user', 'assistant', 'tool'])

export const trajectoryNode = z.object({
  /** Index in `nodes` of the turn before this one; null for a root. A parent always comes before its children. */
  parent: id.nullable(),
  role: turnRole,
  /** What was said, without markers of the prompt format, without reasoning and without calls. */
  content: z.string().default(''),
  /** The thought before the answer or the call. */
  reasoning: z.string().default(''),
  /** The calls of an assistant's turn, in the order they were written. Replies follow as tool nodes, each the child of the one before it. */
  tool_calls: z.array(nodeCall).default([]),
  /** Of a tool node: the `id` of the call it replies to. */
  tool_call_id: z.string().nullable().default(null),
  /** True for a turn that the agent's model wrote. */
  sampled: z.boolean().default(false),
  /**
   * What was appended to the context, exactly as written, markers included. null: this turn was never rendered on its own; its text is part
   * of the text of the next node on the path, or the episode ended before it.
   */
  text: z.string().nullable().default(null),
  /** The ids of `text`; null where they are not known. */
  tokens: nodeTokens.nullable().default(null),
  /** The words of this turn were said to the next turn alone: turns after that one read this in place of `text` and `tokens`. */
  later: z.object({ text: z.string(), ids: z.array(id).nullable() }).optional(),
  /** The part of the attempt that the turn belongs to, where it has several: `trial`, `summary`, `execution`. */
  phase: z.string().optional(),
  /** Of a tool node: why the tool gave no result, in the words of `ToolErrorKind`; absent where the call succeeded or nobody knows. */
  tool_error: z.string().optional(),
  timing: z
    .object({
      started_at: z.string().optional(),
      ended_at: z.string().optional(),
      /** Time that the policy took to write the turn. */
      generation_ms: milliseconds.optional(),
      /** Time that the tool took to reply. */
      tool_ms: milliseconds.optional(),
    })
    .optional(),
  truth: stepTruth.nullable().default(null),
  /** The turn that ends the episode: its answer, or the last turn before a budget ran out. */
  is_final: z.boolean().default(false),
  /** The turn reached the limit of new tokens before it ended. */
  is_truncated: z.boolean().default(false),
  /** The search gave this branch up. */
  pruned: z.boolean().default(false),
})
export type TrajectoryNode = z.infer<typeof trajectoryNode>

/** Numbers of calls and tokens: as limits (`budgets`) or as counted (`spent`); null: no limit, or not counted. */
const amounts = z.object({
  /** Tool calls. */
  calls: id.nullable().default(null),
  /** Turns that the model wrote. */
  model_calls: id.nullable().default(null),
  /** Tokens that the model wrote. */
  sampled_tokens: id.nullable().default(null),
  /** Tokens that the context holds at most. */
  context_tokens: id.nullable().default(null),
})

/** How tokens were drawn. */
const sampling = samplingFilters.extend({ temperature: z.number().nonnegative(), max_new_tokens: id.optional(), seed: z.int().optional() })

export const trajectory = z
  .object({
    version: z.literal(2),
    trajectory_id: z.string().min(1),
    task: z.object({
      query_id: z.string(),
      query: z.string(),
      /** Which use of the data this is: train, practice, exam, or the name of an imported set. */
      split: z.string().default(''),
      tools: z.array(toolSpec).default([]),
    }),
    agent: z
      .object({
        strategy: z.string().default(''),
        /** The settings of the strategy, all of them; absent where it has none or they are not known. */
        settings: z.record(z.string(), z.unknown()).optional(),
        model: z.string().nullable().default(null),
        /** null: not known. */
        sampling: sampling.nullable().default(null),
      })
      .prefault({}),
    nodes: z.array(trajectoryNode),
    budgets: amounts.prefault({}),
    spent: amounts.prefault({}),
    /** Why the episode ended: it answered, a budget was used up, the context or the turn was full, something failed, or it was cancelled. */
    stop_condition: z.enum(['finish', 'budget', 'length', 'error', 'cancelled']).default('finish'),
    errors: z.array(z.object({ type: z.string(), message: z.string(), node: id.nullable().default(null) })).default([]),
    /** Named parts of the reward of the whole trajectory. Opinions on steps are rows of their own (`annotation.ts`). */
    rewards: z.record(z.string(), z.object({ score: z.number(), weight: z.number().default(1) })).default({}),
    metrics: z.record(z.string(), z.number()).default({}),
    timing: z.object({ started_at: z.string().optional(), ended_at: z.string().optional(), total_ms: milliseconds.optional() }).optional(),
    status: answerStatus.nullable().default(null),
    answer: z.string().nullable().default(null),
    /** Which repeat of the query this is. */
    sample: id.default(0),
    /** One of a preference pair: it is contrasted with the other that has this id, and with no other attempt at the query. */
    pair_id: z.string().min(1).optional(),
    /** `file:<name>#row` for imports, `run:<id>` for rollouts. */
    source: z.string().default(''),
    world_hash: z.string().nullable().default(null),
    /** What another format says that has no place above. */
    info: z.record(z.string(), z.unknown()).optional(),
  })
  .superRefine(({ nodes }, context) => {
    for (const [index, { parent, tokens }] of nodes.entries()) {
      const fail = (field: string, message: string): void => {
        context.addIssue({ code: 'custom', path: ['nodes', index, field], message })
      }
      if (parent !== null && parent >= index) fail('parent', `expected a node before ${index}, found ${parent}`)
      for (const list of ['mask', 'advantages', 'loss_weights'] as const) {
        const values = tokens?.[list]
        if (tokens && values && values.length !== tokens.ids.length)
          fail('tokens', `expected one ${list} entry for each of ${tokens.ids.length} ids, found ${values.length}`)
      }
    }
  })
export type Trajectory = z.infer<typeof trajectory>

/** What the views below need. */
type Nodes = Pick<Trajectory, 'nodes'>

/** A sampled assistant turn, with the context before it and the replies after it. */
export interface TrajectoryStep {
  /** Index in `nodes`. */
  readonly node: number
  /** The step before it on its path; null for the first. A chain has parent = index − 1. */
  readonly parent: number | null
  /** Text appended to the context before the completion. */
  readonly prompt: string
  readonly completion: string
  readonly tokens: {
    /** Ids appended to the context before this completion (first step: the whole prompt; later: the replies). */
    readonly prompt_ids: readonly number[]
    readonly completion_ids: readonly number[]
    readonly completion_logprobs: readonly number[]
    readonly policy_version: number
  } | null
  readonly thought: string
  /** The first call; null: the turn holds no call. */
  readonly call: ToolCall | null
  readonly calls: readonly NodeCall[]
  /** What the tools replied (several replies: one after another, a line each); null where nothing replied. */
  readonly observation: string | null
  /** The replies one by one, in order. */
  readonly replies: readonly { readonly tool_call_id: string | null; readonly content: string; readonly error?: string }[]
  /** What turns after this one read in place of `prompt`; absent: the prompt itself. */
  readonly later?: { readonly text: string; readonly ids: readonly number[] | null }
  readonly phase?: string
  readonly is_final: boolean
  readonly is_truncated: boolean
  readonly pruned: boolean
  readonly truth: StepTruth | null
  readonly generation_ms?: number
}

const views = new WeakMap<readonly TrajectoryNode[], readonly TrajectoryStep[]>()

/** The steps in the order of their nodes: a step's place in this list is what opinions and rewards call its index. The list is computed once for each record. */
export function stepsOf({ nodes }: Nodes): readonly TrajectoryStep[] {
  const known = views.get(nodes)
  if (known) return known
  const made = viewSteps(nodes)
  views.set(nodes, made)
  return made
}

const isStep = ({ sampled, role }: TrajectoryNode): boolean => sampled && role === 'assistant'

function viewSteps(nodes: readonly TrajectoryNode[]): TrajectoryStep[] {
  const places = new Map<number, number>()
  for (const [index, node] of nodes.entries()) if (isStep(node)) places.set(index, places.size)
  /** The first reply below each node. */
  const replyTo = new Map<number, number>()
  for (const [index, { role, parent }] of nodes.entries())
    if (role === 'tool' && parent !== null && !replyTo.has(parent)) replyTo.set(parent, index)
  return [...places.keys()].map((index) => {
    const node = nodes[index] as TrajectoryNode
    const before: TrajectoryNode[] = []
    let above = node.parent
    for (; above !== null && !places.has(above); above = nodes[above]?.parent ?? null) before.unshift(nodes[above] as TrajectoryNode)
    const replies: TrajectoryNode[] = []
    for (let at = replyTo.get(index); at !== undefined; at = replyTo.get(at)) replies.push(nodes[at] as TrajectoryNode)
    return viewStep(node, index, { parent: above === null ? null : (places.get(above) ?? null), before, replies })
  })
}

interface Around {
  readonly parent: number | null
  /** Turns between the step before and this one. */
  readonly before: readonly TrajectoryNode[]
  readonly replies: readonly TrajectoryNode[]
}

function viewStep(node: TrajectoryNode, index: number, { parent, before, replies }: Around): TrajectoryStep {
  const rendered = before.filter(({ text }) => text !== null)
  const [first] = node.tool_calls
  const later = rendered.at(-1)?.later
  const hasTokens = node.tokens !== null && rendered.every(({ tokens }) => tokens !== null)
  return {
    node: index,
    parent,
    prompt: rendered.map(({ text }) => text).join(''),
    completion: node.text ?? node.content,
    tokens:
      node.tokens && hasTokens
        ? {
            prompt_ids: rendered.flatMap(({ tokens }) => tokens?.ids ?? []),
            completion_ids: node.tokens.ids,
            completion_logprobs: node.tokens.logprobs,
            policy_version: node.tokens.policy_version ?? 0,
          }
        : null,
    thought: node.reasoning,
    call: first ? withoutId(first) : null,
    calls: node.tool_calls,
    observation: replies.length === 0 ? null : replies.map(({ content }) => content).join('\n'),
    replies: replies.map(({ tool_call_id, content, tool_error: error }) => ({
      ...{ tool_call_id, content },
      ...(error === undefined ? {} : { error }),
    })),
    ...(later ? { later } : {}),
    ...(node.phase === undefined ? {} : { phase: node.phase }),
    is_final: node.is_final,
    is_truncated: node.is_truncated,
    pruned: node.pruned,
    truth: node.truth,
    ...(node.timing?.generation_ms === undefined ? {} : { generation_ms: node.timing.generation_ms }),
  }
}

const withoutId = ({ name, arguments: given, error }: NodeCall): ToolCall => ({
  ...{ name, arguments: given },
  ...(error === undefined ? {} : { error }),
})

/**
 * The steps of the path that ends in the final step (else in the last one that was not given up), root first, with the prompts as the last
 * of them read them.
 */
export function chosenPath(record: Nodes): { index: number; step: TrajectoryStep }[] {
  const steps = stepsOf(record)
  let at = steps.findIndex((step) => step.is_final)
  if (at < 0) at = steps.findLastIndex((step) => !step.pruned)
  if (at < 0) at = steps.length - 1
  const path: { index: number; step: TrajectoryStep }[] = []
  for (let step = steps[at]; step; step = at < 0 ? undefined : steps[at]) {
    path.unshift({ index: at, step: path.length === 0 ? step : asReadLater(step) })
    at = step.parent ?? -1
  }
  return path
}

/** A step as the turns after it read it. Its log-probs are not known there, where it was sampled after other words. */
function asReadLater(step: TrajectoryStep): TrajectoryStep {
  const { later, tokens } = step
  if (!later) return step
  return {
    ...step,
    prompt: later.text,
    tokens: tokens && later.ids ? { ...tokens, prompt_ids: later.ids, completion_logprobs: [] } : null,
  }
}

/** Every path from a root to a leaf, as indexes into `nodes`, in the order of the leaves: the training sequences of a tree. */
export function pathsOf({ nodes }: Nodes): number[][] {
  const parents = new Set(nodes.map(({ parent }) => parent))
  return [...nodes.keys()]
    .filter((index) => !parents.has(index))
    .map((leaf) => {
      const path: number[] = []
      for (let at: number | null = leaf; at !== null; at = nodes[at]?.parent ?? null) path.unshift(at)
      return path
    })
}

/** The loss mask of a node's ids: 1 where the loss may count a token. */
export const maskOf = ({ sampled, tokens }: TrajectoryNode): readonly (0 | 1)[] =>
  tokens?.mask ?? (tokens?.ids ?? []).map(() => (sampled ? 1 : 0))

/** The same record without token ids, as lists of trajectories need it. */
export const withoutTokens = (record: Trajectory): Trajectory => ({
  ...record,
  nodes: record.nodes.map(({ later, ...node }) => ({ ...node, ...(later ? { later: { ...later, ids: null } } : {}), tokens: null })),
})
