/** A language model as judge: tried first, counted before anything is sent, then a job whose every answer is kept as it comes. The key stays in memory. */
import { createOpenaiChat } from '../../agents/openaiChat'
import { normaliseBaseUrl } from '../../base/serverAddress'
import type { FetchLedger } from '../../network/fetchLedger'
import { countGiven, judgeTrajectories, planJudge, testJudge, type JudgeModel, type JudgeOptions } from '../../annotation/judge'
import type { RowParts } from '../../annotation/opinions'
import type { Opinion } from '../../records/annotation'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import type { JobRequest, JudgePlan, JudgeSettings, Reply } from '../../worker/protocol'
import type { JudgeOutcome, JudgesApi } from '../../worker/studioApi'
import { accept, attempt, refuse, sentenceOf } from '../failure'
import type { JobWork } from '../jobs/jobControl'

export interface JudgeParts {
  readonly store: Store
  readonly rows: RowParts
  readonly ledger: FetchLedger
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly nowMs: () => number
}

type JudgeRequest = Extract<JobRequest, { kind: 'judge' }>

/** Trajectories asked about at the same time. */
const AT_ONCE = 4

export interface Judges extends JudgesApi {
  job(request: JudgeRequest, runId: string): Promise<Reply<JobWork>>
}

export function createJudges(parts: JudgeParts): Judges {
  const { store, rows, ledger } = parts
  const outcomes = new Map<string, JudgeOutcome>()

  /** Naming a server in the form is what allows it. */
  function chatOf(settings: JudgeSettings): Reply<{ chat: JudgeModel; host: string }> {
    const problem = settingsProblem(settings)
    if (problem !== null) return refuse('settings', problem)
    try {
      const baseUrl = normaliseBaseUrl(settings.baseUrl)
      ledger.allow(baseUrl)
      const chat = createOpenaiChat({
        baseUrl,
        model: settings.model.trim(),
        apiKey: settings.apiKey.trim(),
        fetch: ledger.fetch,
        sleep: parts.sleep,
        now: parts.nowMs,
      })
      return accept({ chat, host: new URL(baseUrl).host })
    } catch (error) {
      return refuse('settings', sentenceOf(error))
    }
  }
  async function chosen(datasetId: string, ids: readonly string[]): Promise<Reply<readonly Trajectory[]>> {
    const all = [
      ...(await store.trajectories.listOf({ dataset_id: datasetId })).records,
      ...(await store.trajectories.listOf({ run_id: datasetId })).records,
    ]
    if (all.length === 0) return refuse('unknown-dataset', `There is no data set ${datasetId}, or it is empty.`)
    const wanted = new Set(ids)
    const found = all.filter((record) => stepsOf(record).length > 0 && (ids.length === 0 || wanted.has(record.trajectory_id)))
    return found.length === 0 ? refuse('nothing-chosen', 'None of the chosen trajectories is stored any more.') : accept(found)
  }

  return {
    test: (settings) =>
      attempt('judge', async () => {
        const chat = chatOf(settings)
        return chat.ok ? testJudge(chat.value.chat, answerSettings(settings)) : chat
      }),

    plan: (datasetId, ids, settings) =>
      attempt('judge', async (): Promise<Reply<JudgePlan>> => {
        const problem = settingsProblem(settings)
        if (problem !== null) return refuse('settings', problem)
        const host = new URL(normaliseBaseUrl(settings.baseUrl)).host
        const trajectories = await chosen(datasetId, ids)
        return trajectories.ok ? accept(planJudge(trajectories.value, { repeats: settings.repeats, host })) : trajectories
      }),

    outcome: (runId) => Promise.resolve(outcomes.get(runId) ?? null),

    async job(request, runId) {
      const { settings } = request
      const [chat, trajectories] = [chatOf(settings), await chosen(request.dataset_id, request.trajectory_ids)]
      if (!chat.ok) return chat
      if (!trajectories.ok) return trajectories
      return accept({
        kind: 'judge',
        title: `Judge ${settings.model} on ${trajectories.value.length} trajectories`,
        runId,
        usesGpu: false,
        run: async (control) => {
          control.phase('judging', trajectories.value.length * settings.repeats, `Asking ${chat.value.host}`)
          const stored = new Map<string, readonly Opinion[]>()
          for (const { trajectory_id } of trajectories.value)
            stored.set(trajectory_id, (await store.opinions.listOf(trajectory_id)).records)
          const given = countGiven(trajectories.value, settings, { chat: chat.value.chat, stored: (id) => stored.get(id) ?? [] })
          control.phase('judging', trajectories.value.length * settings.repeats, `Asking ${chat.value.host}`, given)
          const paused: JudgeModel = {
            model: chat.value.chat.model,
            complete: async (asked) => {
              await control.gate()
              return chat.value.chat.complete(asked)
            },
          }
          const outcome = await judgeTrajectories(
            trajectories.value,
            {
              repeats: settings.repeats,
              ...answerSettings(settings),
              concurrency: settings.concurrency ?? AT_ONCE,
              signal: control.signal,
            },
            {
              ...rows,
              chat: paused,
              stored: (id) => stored.get(id) ?? [],
              save: (made) => store.opinions.add(made),
              onProgress: ({ done }) => {
                control.advance(done)
              },
            },
          )
          outcomes.set(runId, {
            opinions: outcome.opinions.length,
            failures: outcome.failures.map(({ trajectory_id, repeat, message }) => `${trajectory_id}, repeat ${repeat + 1}: ${message}`),
            stopped: outcome.stopped?.message ?? null,
          })
          const failed = outcome.failures[0]
          if (failed)
            control.say(
              `${outcome.failures.length} of ${outcome.failures.length + new Set(outcome.opinions.map((row) => `${row.trajectory_id} ${row.repeat}`)).size} answers could not be used; the first: ${failed.message}`,
            )
          if (outcome.stopped)
            throw new Error(
              `${outcome.stopped.message} ${outcome.opinions.length === 0 ? 'Nothing was judged.' : 'What was judged before is kept.'}`,
            )
          if (failed && outcome.opinions.length === 0 && outcome.calls > 0) throw new Error(failed.message)
        },
      })
    },
  }
}

const answerSettings = ({ temperature, maxTokens }: JudgeSettings): Pick<JudgeOptions, 'temperature' | 'maxTokens'> => ({
  temperature,
  ...(maxTokens === undefined ? {} : { maxTokens }),
})

function settingsProblem({ model, repeats, temperature }: JudgeSettings): string | null {
  if (model.trim() === '') return 'The judge needs the name of a model.'
  if (!Number.isInteger(repeats) || repeats < 1 || repeats > 20) return `Expected 1 to 20 repeats, found ${repeats}.`
  if (!(temperature >= 0 && temperature <= 2)) return `Expected a temperature of 0 to 2, found ${temperature}.`
  return null
}
