/** A language model as judge: a test, a plan that counts what would be sent, and a job that stores each answer as it comes. The key stays in memory. */
import { normaliseBaseUrl } from '../../base/serverAddress'
import type { FetchLedger } from '../../network/fetchLedger'
import {
  countGiven,
  judgeTrajectories,
  planJudge,
  testJudge,
  type JudgeModel,
  type JudgeOptions,
  type JudgeOutcome as JudgingOutcome,
} from '../../annotation/judge'
import type { RowParts } from '../../annotation/opinions'
import type { Opinion } from '../../records/annotation'
import { runOfSource } from '../../records/dataSource'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import type { JobRequest, JudgePlan, JudgeSettings, Reply } from '../../worker/protocol'
import type { JudgeOutcome, JudgesApi } from '../../worker/studioApi'
import { openDataSource } from '../data/dataSources'
import { accept, attempt, refuse } from '../failure'
import type { JobControl, JobWork } from '../jobs/jobControl'
import { createStoredOpinions } from './storedOpinions'
import { openServerChat, REQUESTS_AT_ONCE } from '../models/serverChat'

export interface JudgeParts {
  readonly store: Store
  readonly rows: RowParts
  readonly ledger: FetchLedger
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly nowMs: () => number
}

type JudgeRequest = Extract<JobRequest, { kind: 'judge' }>

export interface Judges extends JudgesApi {
  job(request: JudgeRequest, runId: string): Promise<Reply<JobWork>>
}

export function createJudges(parts: JudgeParts): Judges {
  const { store, rows } = parts
  const outcomes = new Map<string, JudgeOutcome>()

  /** Naming a server in the form is what allows it. */
  function chatOf(settings: JudgeSettings): Reply<{ chat: JudgeModel; host: string }> {
    const problem = settingsProblem(settings)
    if (problem !== null) return refuse('settings', problem)
    const chat = openServerChat(settings, parts)
    return chat.ok ? accept({ chat: chat.value, host: chat.value.host }) : chat
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
        const trajectories = await chosenTrajectories(store, datasetId, ids)
        return trajectories.ok ? accept(planJudge(trajectories.value, { repeats: settings.repeats, host })) : trajectories
      }),

    outcome: (runId) => Promise.resolve(outcomes.get(runId) ?? null),

    async job({ settings, dataset_id, trajectory_ids }, runId) {
      const [chat, trajectories] = [chatOf(settings), await chosenTrajectories(store, dataset_id, trajectory_ids)]
      if (!chat.ok) return chat
      if (!trajectories.ok) return trajectories
      return accept({
        ...{ kind: 'judge', title: `Judge ${settings.model} on ${trajectories.value.length} trajectories`, runId, usesGpu: false },
        run: async (control) => {
          const outcome = await judge(trajectories.value, { settings, ...chat.value }, { store, rows }, control)
          outcomes.set(runId, reported(outcome))
          sayFailures(outcome, control)
        },
      })
    },
  }
}

/** @param id of a data set, of a run with all its attempts, or `run:ID`: of a run’s practice. */
async function chosenTrajectories(store: Store, id: string, ids: readonly string[]): Promise<Reply<readonly Trajectory[]>> {
  if (runOfSource(id) !== null) {
    const source = await openDataSource(store, id)
    return source.ok ? chosenOf(source.value.trajectories, ids) : source
  }
  const all = [
    ...(await store.trajectories.listOf({ dataset_id: id })).records,
    ...(await store.trajectories.listOf({ run_id: id })).records,
  ]
  return all.length === 0 ? refuse('unknown-dataset', `There is no data set ${id}, or it is empty.`) : chosenOf(all, ids)
}

function chosenOf(all: readonly Trajectory[], ids: readonly string[]): Reply<readonly Trajectory[]> {
  const wanted = new Set(ids)
  const found = all.filter((record) => stepsOf(record).length > 0 && (ids.length === 0 || wanted.has(record.trajectory_id)))
  return found.length === 0 ? refuse('nothing-chosen', 'None of the chosen trajectories is stored any more.') : accept(found)
}

/** Asks about each trajectory; every answer is stored as it comes. Repeats that were given before are not asked for again. */
async function judge(
  trajectories: readonly Trajectory[],
  { settings, chat, host }: { readonly settings: JudgeSettings; readonly chat: JudgeModel; readonly host: string },
  { store, rows }: Pick<JudgeParts, 'store' | 'rows'>,
  control: JobControl,
): Promise<JudgingOutcome> {
  const total = trajectories.length * settings.repeats
  control.phase('judging', total, `Asking ${host}`)
  const opinions = await createStoredOpinions(store).ofEach(trajectories)
  const stored = (id: string): readonly Opinion[] => opinions.get(id) ?? []
  control.phase('judging', total, `Asking ${host}`, countGiven(trajectories, settings, { chat, stored }))
  const pausable: JudgeModel = {
    model: chat.model,
    complete: async (asked) => {
      await control.gate()
      return chat.complete(asked)
    },
  }
  const options = { repeats: settings.repeats, ...answerSettings(settings), concurrency: settings.concurrency ?? REQUESTS_AT_ONCE }
  return judgeTrajectories(
    trajectories,
    { ...options, signal: control.signal },
    {
      ...{ ...rows, chat: pausable, stored },
      save: (made) => store.opinions.add(made),
      onProgress: ({ done }) => {
        control.advance(done)
      },
    },
  )
}

const reported = ({ opinions, failures, stopped }: JudgingOutcome): JudgeOutcome => ({
  opinions: opinions.length,
  failures: failures.map(({ trajectory_id, repeat, message }) => `${trajectory_id}, repeat ${repeat + 1}: ${message}`),
  stopped: stopped?.message ?? null,
})

/** Throws when judging stopped early, and when no answer could be used. */
function sayFailures({ opinions, failures, stopped, calls }: JudgingOutcome, control: JobControl): void {
  const answers = failures.length + new Set(opinions.map((row) => `${row.trajectory_id} ${row.repeat}`)).size
  const failed = failures[0]
  if (failed) control.say(`${failures.length} of ${answers} answers could not be used; the first: ${failed.message}`)
  if (stopped)
    throw new Error(`${stopped.message} ${opinions.length === 0 ? 'Nothing was judged.' : 'The judgements before that are stored.'}`)
  if (failed && opinions.length === 0 && calls > 0) throw new Error(failed.message)
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
