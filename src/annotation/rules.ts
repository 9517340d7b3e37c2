/**
 * Step labels without a judge: StepTool's two rules (its `annotation_by_rules` notebook), and what a tool world knows.
 * The released rules have two flaws; `sound` corrects both, and the annotator id says which was used.
 */
import { strPython } from '../base/pythonRepr'
import { PythonFloat, type PythonValue } from '../base/pythonValue'
import type { NewOpinion, Opinion } from '../records/annotation'
import { chosenPath, type AnswerStatus, type Trajectory, stepsOf } from '../records/trajectory'
import { argumentText } from './argumentText'
import { opinionRows, type Annotator, type RowParts } from './opinions'
import { NO_ERROR_PREFIX, readReply, replySucceeded } from './replySucceeded'

export type RuleVariant = 'released' | 'sound'

const CONTRIBUTION_THRESHOLD = 0.3

/**
 * Whether the tool call succeeded, judged by its reply. `released`, in the order of the released rules: a reply that begins as one without error
 * succeeded; else an error text fails; else a response object fails with status 400; else a response text that speaks of something wrong, an
 * error or emptiness, or begins with "Please", fails. `sound`: see `replySucceeded`; the first of these rules, which fires for most replies
 * and hides the others, is not in it.
 */
export function callSucceeded(observation: string, variant: RuleVariant): boolean {
  if (variant === 'sound') return replySucceeded(observation)
  if (observation.startsWith(NO_ERROR_PREFIX)) return true
  const reply = readReply(observation)
  if (!(reply instanceof Map) || reply.get('error') !== '') return false
  const response = reply.get('response')
  if (response instanceof Map) return plainNumber(response.get('status')) !== 400
  return typeof response === 'string' ? !soundsWrong(response) : response !== undefined && response !== null
}

function soundsWrong(text: string): boolean {
  return text.includes('wrong') || text.includes('error') || text.includes('is empty') || text.startsWith('Please')
}

function plainNumber(value: PythonValue | undefined): number | null {
  if (value instanceof PythonFloat) return value.value
  return typeof value === 'number' ? value : null
}

/**
 * Did the reply contribute to the answer (0 or 1)? The longest common subsequence of reply and answer, over the reply's
 * length, reaches 0.3. The released rule compares characters, so that any long answer contains most of a short reply; the sound one compares words.
 * An empty reply contributes nothing.
 */
export function replyContributed(observation: string, answer: string, variant: RuleVariant): 0 | 1 {
  const parsed = readReply(observation)
  const response = parsed instanceof Map ? parsed.get('response') : undefined
  const text =
    response === undefined
      ? observation.startsWith(NO_ERROR_PREFIX)
        ? observation.slice(NO_ERROR_PREFIX.length)
        : observation
      : strPython(response)
  const reply = variant === 'released' ? Array.from(text) : words(text)
  const given = variant === 'released' ? Array.from(answer) : words(answer)
  if (reply.length === 0) return 0
  return longestCommonSubsequence(reply, given) / reply.length < CONTRIBUTION_THRESHOLD ? 0 : 1
}

function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
}

/** Length of the longest common subsequence. Time a·b, memory b. */
export function longestCommonSubsequence<T>(a: readonly T[], b: readonly T[]): number {
  const row = new Uint32Array(b.length + 1)
  for (const item of a) {
    let diagonal = 0
    for (let j = 1; j <= b.length; j++) {
      const above = row[j] ?? 0
      row[j] = b[j - 1] === item ? diagonal + 1 : Math.max(above, row[j - 1] ?? 0)
      diagonal = above
    }
  }
  return row[b.length] ?? 0
}

/** Annotator id of the rules. */
function rulesAnnotator(variant: RuleVariant): Annotator {
  return { kind: 'CODE', id: `rules:steptool-${variant}` }
}

/**
 * Success and contribution (0 or 5) of every call on the chosen path that has a reply, and the last step's status where the
 * trajectory knows it: the rules themselves do not judge answers. `rows` are the opinions stored about the trajectory.
 */
export function annotateByRules(
  trajectory: Trajectory,
  rows: readonly Opinion[],
  parts: RowParts,
  variant: RuleVariant = 'sound',
): Opinion[] {
  const path = chosenPath(trajectory)
  const answer = finishText(trajectory)
  const news: NewOpinion[] = []
  for (const { index, step } of path) {
    if (step.observation === null || step.call?.name.toLowerCase() === 'finish') continue
    const of = { trajectory_id: trajectory.trajectory_id, step: index }
    news.push({ ...of, name: 'success', value: callSucceeded(step.observation, variant) ? 1 : 0 })
    news.push({ ...of, name: 'contribution', value: 5 * replyContributed(step.observation, answer, variant) })
  }
  const last = path.at(-1)
  if (last && trajectory.status)
    news.push({ trajectory_id: trajectory.trajectory_id, step: last.index, name: 'status', value: statusValue(trajectory.status) })
  return opinionRows(news, rulesAnnotator(variant), rows, parts)
}

/** What a tool world knows of a rollout, as opinions: whether calls succeeded, were needed, and the answer's status. */
export function annotateByWorld(trajectory: Trajectory, rows: readonly Opinion[], parts: RowParts): Opinion[] {
  const last = chosenPath(trajectory).at(-1)?.index
  const news: NewOpinion[] = []
  for (const [step, { truth }] of stepsOf(trajectory).entries()) {
    if (!truth || step === last) continue
    const of = { trajectory_id: trajectory.trajectory_id, step }
    news.push({ ...of, name: 'success', value: truth.succeeded ? 1 : 0 }, { ...of, name: 'contribution', value: truth.needed ? 5 : 0 })
  }
  if (last !== undefined && trajectory.status)
    news.push({ trajectory_id: trajectory.trajectory_id, step: last, name: 'status', value: statusValue(trajectory.status) })
  return opinionRows(news, { kind: 'CODE', id: 'world' }, rows, parts)
}

/** Solved 1 · Unsure ½ · Unsolved 0. */
function statusValue(status: AnswerStatus): number {
  return { solved: 1, unsure: 0.5, unsolved: 0 }[status]
}

/** The Finish argument text as the model wrote it (the released rules compare with that), else the answer. */
function finishText(trajectory: Trajectory): string {
  const last = chosenPath(trajectory).at(-1)?.step
  return last?.call?.name.toLowerCase() === 'finish' ? argumentText(last) : (trajectory.answer ?? '')
}
