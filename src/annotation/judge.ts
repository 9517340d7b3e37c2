/** A language model as annotator: K repeats of one forced tool call for each trajectory, every mark a row. */
import type { JudgePlan, Opinion } from '../records/annotation'
import { chosenPath, type Trajectory } from '../records/trajectory'
import { trajectoryFromSteps } from '../records/trajectoryFromSteps'
import { readMarks, type Marks } from './judgeMarks'
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

/** The next call would fail the same way: judging stops. */
const FATAL: ReadonlySet<string> = new Set([
  'unauthorised',
  'forbidden',
  'not-found',
  'network',
  'redirected',
  'host-not-allowed',
  'rate-limited',
  'aborted',
])

/** Marks take a few hundred; a model that thinks first takes thousands. */
export const DEFAULT_JUDGE_TOKENS = 4096

export interface JudgeOptions {
  /** K: how often each trajectory is judged. */
  readonly repeats: number
  readonly temperature: number
  /** Most tokens of an answer, those of its thoughts too. Default `DEFAULT_JUDGE_TOKENS`. */
  readonly maxTokens?: number
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
  /** Receives the rows of each repeat as they come, so that nothing that was paid for is lost. */
  readonly save: (rows: readonly Opinion[]) => Promise<void>
  readonly onProgress?: (progress: JudgeProgress) => void
}

export interface JudgeOutcome {
  readonly opinions: readonly Opinion[]
  readonly failures: readonly JudgeFailure[]
  /** Why judging stopped early, if it did; what was judged before is kept. */
  readonly stopped: { readonly code: string; readonly message: string } | null
  readonly calls: number
}

/** Repeats that a judge already gave under a prompt. */
const givenRepeats = (stored: readonly Opinion[], model: string, hash: string): Set<number> =>
  new Set(stored.filter((row) => row.annotator_id === model && row.prompt_hash === hash).map(({ repeat }) => repeat))

/** Questions of `judgeTrajectories` that are answered already. */
export function countGiven(
  trajectories: readonly Trajectory[],
  { prompt = defaultJudgePrompt, repeats }: Pick<JudgeOptions, 'prompt' | 'repeats'>,
  { chat, stored }: Pick<JudgeParts, 'stored'> & { readonly chat: Pick<JudgeModel, 'model'> },
): number {
  const hash = promptHash(prompt)
  const given = trajectories.map(({ trajectory_id }) => givenRepeats(stored(trajectory_id), chat.model, hash))
  return given.reduce((sum, one) => sum + [...one].filter((repeat) => repeat < repeats).length, 0)
}

/**
 * Judges trajectories. A repeat that fails is recorded as a failure while the others continue; a refused key, a lost connection, a rate limit
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
  const total = trajectories.length * options.repeats
  let done = countGiven(trajectories, options, parts)
  const advance = (): void => {
    done += 1
    parts.onProgress?.({ done, total })
  }
  const queue = trajectories.values()

  async function judgeOne(trajectory: Trajectory): Promise<void> {
    const { trajectory_id } = trajectory
    const given = givenRepeats(parts.stored(trajectory_id), parts.chat.model, hash)
    for (let repeat = 0; repeat < options.repeats; repeat++) {
      if (stopped !== null) return
      if (given.has(repeat)) continue
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
  const { maxTokens = DEFAULT_JUDGE_TOKENS } = options
  const reply = await chat.complete({
    messages: [...(system === '' ? [] : [{ role: 'system' as const, content: system }]), { role: 'user', content: user }],
    tools: [judgeTool],
    forcedTool: judgeTool.name,
    temperature: options.temperature,
    maxTokens,
    // Repeats at a temperature above 0 must differ; at 0 they show what the server itself varies.
    seed: repeat,
    ...(options.signal ? { signal: options.signal } : {}),
  })
  if (!reply.ok) return { ...reply, asked: true }
  return { ...readMarks(reply.value, path.length - 1, chat.model, maxTokens), asked: true }
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
  options: Pick<JudgeOptions, 'temperature' | 'maxTokens' | 'prompt' | 'signal'>,
): Promise<{ readonly ok: true; readonly value: string } | { readonly ok: false; readonly code: string; readonly message: string }> {
  const marks = await askOnce(tryOut, options.prompt ?? defaultJudgePrompt, 0, { ...options, repeats: 1 }, chat)
  if (!marks.ok) return { ok: false, code: marks.code, message: marks.message }
  return { ok: true, value: `${chat.model} answered through ${judgeTool.name} and can judge.` }
}
