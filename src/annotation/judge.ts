/** A language model as annotator: K repeats of one forced tool call for each trajectory, every mark a row. */
import { jsonrepair } from 'jsonrepair'
import { z } from 'zod'
import type { JudgePlan, Opinion } from '../records/annotation'
import { chosenPath, type Trajectory } from '../records/trajectory'
import { trajectoryFromSteps } from '../records/trajectoryFromSteps'
import { defaultJudgePrompt, judgeTool, promptHash, renderJudgePrompt, type JudgePromptPack } from './judgePrompt'
import type { RowParts } from './opinions'

/** What a judge needs of a chat model; agents/ChatModel has this shape. */
export interface JudgeModel {
  readonly model: string
  complete(request: {
    readonly messages: readonly { readonly role: 'system' | 'user'; readonly content: string }[]
    readonly tools: readonly (typeof judgeTool)[]
    readonly forcedTool: string
    readonly temperature: number
    readonly maxTokens: number
    readonly seed?: number
    readonly signal?: AbortSignal
  }): Promise<
    | {
        readonly ok: true
        readonly value: {
          readonly text: string
          readonly finishReason: string | null
          readonly toolCalls: readonly { readonly name: string; readonly arguments: string }[]
        }
      }
    | { readonly ok: false; readonly code: string; readonly message: string }
  >
}

/** What can be wrong with an answer that did come; the chat model's own codes (unauthorised, network …) pass through. */
export const judgeErrorCodes = ['prose', 'wrong-tool', 'cut-off', 'unreadable', 'wrong-length', 'out-of-range', 'no-steps'] as const
export type JudgeErrorCode = (typeof judgeErrorCodes)[number]

/** The next call would fail the same way: judging stops. */
const FATAL: ReadonlySet<string> = new Set([
  'unauthorised',
  'forbidden',
  'not-found',
  'network',
  'host-not-allowed',
  'rate-limited',
  'aborted',
])

export interface JudgeOptions {
  /** K: how often each trajectory is judged. */
  readonly repeats: number
  readonly temperature: number
  readonly prompt?: JudgePromptPack
  /** Trajectories judged at the same time. Default 1. */
  readonly concurrency?: number
  readonly signal?: AbortSignal
}

export interface JudgeFailure {
  readonly trajectory_id: string
  readonly repeat: number
  readonly code: string
  readonly message: string
}

export interface JudgeProgress {
  readonly done: number
  readonly total: number
}

export interface JudgeParts extends RowParts {
  readonly chat: JudgeModel
  /** Opinions stored about a trajectory: repeats this judge already gave under this prompt are not asked for again. */
  readonly stored: (trajectoryId: string) => readonly Opinion[]
  /** Called with each repeat's rows as they come, so that nothing paid for is lost. */
  readonly save: (rows: readonly Opinion[]) => Promise<void>
  readonly onProgress?: (progress: JudgeProgress) => void
}

export interface JudgeOutcome {
  readonly opinions: readonly Opinion[]
  readonly failures: readonly JudgeFailure[]
  /** Set when judging stopped early; what was judged before is kept. */
  readonly stopped: { readonly code: string; readonly message: string } | null
  readonly calls: number
}

/**
 * Judges trajectories. A repeat that fails leaves a failure and the others go on; a refused key, a lost connection, a rate limit
 * that does not end or a cancel stops the whole with one sentence. Throws for a prompt pack that cannot be filled.
 */
export async function judgeTrajectories(
  trajectories: readonly Trajectory[],
  options: JudgeOptions,
  parts: JudgeParts,
): Promise<JudgeOutcome> {
  const pack = options.prompt ?? defaultJudgePrompt
  const hash = promptHash(pack)
  const opinions: Opinion[] = []
  const failures: JudgeFailure[] = []
  let stopped: JudgeOutcome['stopped'] = null
  let calls = 0
  let done = 0
  const total = trajectories.length * options.repeats
  const advance = (): void => {
    done += 1
    parts.onProgress?.({ done, total })
  }
  const queue = trajectories.values()

  async function judgeOne(trajectory: Trajectory): Promise<void> {
    const { trajectory_id } = trajectory
    const given = new Set(
      parts
        .stored(trajectory_id)
        .filter((row) => row.annotator_id === parts.chat.model && row.prompt_hash === hash)
        .map(({ repeat }) => repeat),
    )
    for (let repeat = 0; repeat < options.repeats; repeat++) {
      if (stopped !== null) return
      if (given.has(repeat)) {
        advance()
        continue
      }
      const marks = await askOnce(trajectory, pack, repeat, options, parts.chat)
      if (marks.asked) calls += 1
      if (marks.ok) {
        const rows = rowsOf(trajectory, marks.value, { hash, repeat, model: parts.chat.model }, parts)
        await parts.save(rows)
        opinions.push(...rows)
      } else if (FATAL.has(marks.code)) {
        stopped ??= { code: marks.code, message: marks.message }
        return
      } else failures.push({ trajectory_id, repeat, code: marks.code, message: marks.message })
      advance()
    }
  }
  async function work(): Promise<void> {
    for (const trajectory of queue) {
      if (stopped !== null) return
      await judgeOne(trajectory)
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, options.concurrency ?? 1) }, work))
  return { opinions, failures, stopped, calls }
}

interface Marks {
  readonly success: readonly number[]
  readonly contribution: readonly number[]
  readonly status: number
  readonly isRepaired: boolean
}
type MarksReply = (
  { readonly ok: true; readonly value: Marks } | { readonly ok: false; readonly code: string; readonly message: string }
) & { readonly asked: boolean }

async function askOnce(
  trajectory: Trajectory,
  pack: JudgePromptPack,
  repeat: number,
  options: JudgeOptions,
  chat: JudgeModel,
): Promise<MarksReply> {
  const path = chosenPath(trajectory)
  if (path.length === 0)
    return { ok: false, asked: false, code: 'no-steps', message: `Trajectory ${trajectory.trajectory_id} has no steps to judge.` }
  const { system, user } = renderJudgePrompt(pack, trajectory)
  const reply = await chat.complete({
    messages: [...(system === '' ? [] : [{ role: 'system' as const, content: system }]), { role: 'user', content: user }],
    tools: [judgeTool],
    forcedTool: judgeTool.name,
    temperature: options.temperature,
    maxTokens: 1000,
    // Repeats at a temperature above 0 must differ; at 0 they show what the server itself varies.
    seed: repeat,
    ...(options.signal ? { signal: options.signal } : {}),
  })
  if (!reply.ok) return { ...reply, asked: true }
  return { ...readMarks(reply.value, path.length - 1, chat.model), asked: true }
}

const marksSchema = z.object({
  succeed_tool_calling: z.array(z.number()),
  contribution_to_final_answer: z.array(z.number()),
  final_answer_status: z.enum(['Solved', 'Unsure', 'Unsolved']),
})

/** Marks out of a judge's answer, held to the number of intermediate steps. */
export function readMarks(
  answer: {
    readonly text: string
    readonly finishReason: string | null
    readonly toolCalls: readonly { readonly name: string; readonly arguments: string }[]
  },
  stepCount: number,
  model: string,
): { readonly ok: true; readonly value: Marks } | { readonly ok: false; readonly code: JudgeErrorCode; readonly message: string } {
  const fail = (
    code: JudgeErrorCode,
    message: string,
  ): { readonly ok: false; readonly code: JudgeErrorCode; readonly message: string } => ({ ok: false, code, message })
  const [call] = answer.toolCalls
  if (!call)
    return fail(
      'prose',
      `${model} answered in words instead of calling ${judgeTool.name}: ${quote(answer.text)}. A model that follows forced tool calls is needed.`,
    )
  if (call.name !== judgeTool.name) return fail('wrong-tool', `${model} called ${quote(call.name)} instead of ${judgeTool.name}.`)
  if (answer.finishReason === 'length') return fail('cut-off', `${model} ran out of tokens before its marks were complete.`)
  const parsed = readJson(call.arguments)
  const read = marksSchema.safeParse(parsed?.value)
  if (!parsed || !read.success) {
    const issue = read.error?.issues[0]
    const place = issue && issue.path.length > 0 ? ` (${issue.path.join('.')}: ${issue.message})` : ''
    return fail('unreadable', `${model} gave marks that cannot be read${place}: ${quote(call.arguments)}.`)
  }
  const { succeed_tool_calling: success, contribution_to_final_answer: contribution, final_answer_status } = read.data
  if (success.length !== stepCount || contribution.length !== stepCount)
    return fail(
      'wrong-length',
      `The trajectory has ${String(stepCount)} intermediate steps, but ${model} gave ${String(success.length)} success and ${String(contribution.length)} contribution marks.`,
    )
  const badSuccess = success.findIndex((mark) => mark !== 0 && mark !== 1)
  if (badSuccess >= 0)
    return fail(
      'out-of-range',
      `${model} gave step ${String(badSuccess + 1)} a success of ${String(success[badSuccess])}; it must be 0 or 1.`,
    )
  const badContribution = contribution.findIndex((mark) => mark < 0 || mark > 5)
  if (badContribution >= 0)
    return fail(
      'out-of-range',
      `${model} gave step ${String(badContribution + 1)} a contribution of ${String(contribution[badContribution])}; it must be 0 to 5.`,
    )
  const status = { Solved: 1, Unsure: 0.5, Unsolved: 0 }[final_answer_status]
  return { ok: true, value: { success, contribution, status, isRepaired: parsed.isRepaired } }
}

function readJson(text: string): { readonly value: unknown; readonly isRepaired: boolean } | null {
  try {
    return { value: JSON.parse(text), isRepaired: false }
  } catch {
    try {
      return { value: JSON.parse(jsonrepair(text)), isRepaired: true }
    } catch {
      return null
    }
  }
}

function rowsOf(
  trajectory: Trajectory,
  marks: Marks,
  of: { readonly hash: string; readonly repeat: number; readonly model: string },
  { newId, now }: RowParts,
): Opinion[] {
  const path = chosenPath(trajectory)
  const created_at = now()
  const row = (step: number, name: Opinion['name'], value: number): Opinion => ({
    version: 1,
    opinion_id: newId('op'),
    trajectory_id: trajectory.trajectory_id,
    step,
    name,
    value,
    rationale: marks.isRepaired ? 'The judge wrote broken JSON; it was repaired.' : '',
    annotator_kind: 'LLM',
    annotator_id: of.model,
    prompt_hash: of.hash,
    repeat: of.repeat,
    created_at,
    supersedes: null,
  })
  return path.flatMap(({ index }, at) =>
    at === path.length - 1
      ? [row(index, 'status', marks.status)]
      : [row(index, 'success', marks.success[at] ?? 0), row(index, 'contribution', marks.contribution[at] ?? 0)],
  )
}

/** What judging would send, and where, before anything is sent. */
export function planJudge(
  trajectories: readonly Trajectory[],
  { repeats, host, prompt = defaultJudgePrompt }: { readonly repeats: number; readonly host: string; readonly prompt?: JudgePromptPack },
): JudgePlan {
  let characters = 0
  for (const trajectory of trajectories) {
    const { system, user } = renderJudgePrompt(prompt, trajectory)
    characters += system.length + user.length + JSON.stringify(judgeTool).length
  }
  return {
    calls: trajectories.length * repeats,
    host,
    trajectories: trajectories.length,
    promptTokensEstimate: repeats * Math.ceil(characters / 4),
  }
}

const tryOut: Trajectory = trajectoryFromSteps({
  trajectory_id: 'try-out',
  task: { query_id: 'try-out', query: 'What is two plus three?' },
  steps: [
    { parent: null, prompt: '', completion: '', call: { name: 'add', arguments: { a: 2, b: 3 } }, observation: '5' },
    { parent: 0, prompt: '', completion: '', call: { name: 'Finish', arguments: { final_answer: '5' } }, is_final: true },
  ],
  answer: '5',
})

/** Judges a made-up trajectory of two steps: does the server answer, and does the model follow the forced call? */
export async function testJudge(
  chat: JudgeModel,
  options: Pick<JudgeOptions, 'temperature' | 'prompt' | 'signal'>,
): Promise<{ readonly ok: true; readonly value: string } | { readonly ok: false; readonly code: string; readonly message: string }> {
  const marks = await askOnce(tryOut, options.prompt ?? defaultJudgePrompt, 0, { ...options, repeats: 1 }, chat)
  if (!marks.ok) return { ok: false, code: marks.code, message: marks.message }
  return { ok: true, value: `${chat.model} answered through ${judgeTool.name} and can judge.` }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text)
}
