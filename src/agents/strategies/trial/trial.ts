/**
 * Trial-then-execution, after ToolMaster (arXiv 2601.12762): the model tries the tools under a budget, writes down what it learned, and solves the
 * task in a new episode. The paper describes the phases; prompts, budgets and marks are ours.
 */
import { conversationOf } from '../../../environments/conversation'
import type { Episode } from '../../../environments/environment'
import type { AgentSession } from '../../agent'
import { beginAttempt, endingOf, recordOf, type Attempt } from '../attempt'
import { judged, runChain, type ChainEnding } from '../chain'
import type { Strategy } from '../strategy'
import { trialSettings, type TrialSettings } from './settings'
import { runTrial, summarise } from './trialPhase'

export const trial: Strategy = {
  name: 'trial',
  title: 'Trial, then execution',
  kind: 'phases',
  help: 'The model first tries the tools under a budget and writes down what it learned; then it solves the task in a new episode. All calls count together. The phases are those of ToolMaster; prompts and budgets are ours.',
  settings: trialSettings,
  modelCalls: null,
  async run(options) {
    const settings = trialSettings.parse(options.settings ?? {})
    const attempt = beginAttempt(options)
    const root = await options.openSession()
    const episodes: Episode[] = []
    try {
      const ending = await endingOf(() => runPhases(attempt, root, episodes, settings))
      for (const [index, step] of attempt.steps.entries()) step.is_final = index === attempt.steps.length - 1
      return recordOf(attempt, ending, { name: trial.name, settings })
    } finally {
      root.close()
      await Promise.all(episodes.map((episode) => episode.close()))
    }
  },
}

async function runPhases(attempt: Attempt, root: AgentSession, episodes: Episode[], settings: TrialSettings): Promise<ChainEnding> {
  const { options } = attempt
  const open = async (): Promise<Episode> => {
    options.signal?.throwIfAborted()
    const episode = await options.openEpisode()
    episodes.push(episode)
    attempt.tools = episode.tools
    return episode
  }
  const trialSession = await root.fork(1)
  try {
    const tried = await runTrial(attempt, trialSession, await open(), settings)
    const summary = await summarise(attempt, tried, trialSession, () => root.fork(2), settings)
    const episode = await open()
    const words = settings.execution_prompt.replaceAll('{summary}', () => summary.text)
    const last = settings.execution === 'same' ? summary.step : null
    const conversation = [...conversationOf(options.query), ...(summary.text === '' ? [] : [{ role: 'user' as const, content: words }])]
    if (last === null) trialSession.close()
    const session = last === null ? await root.fork(3) : trialSession
    try {
      const ending = await runChain(attempt, {
        ...{ session, episode, conversation, phase: 'execution' },
        ...(last !== null
          ? { after: { step: last, messages: [{ role: 'user' as const, content: executionWords(words, options.query.text) }] } }
          : {}),
        ...(settings.correction ? { afterErrors: settings.correction_prompt } : {}),
      })
      return await judged(attempt, episode, ending)
    } finally {
      session.close()
    }
  } finally {
    trialSession.close()
  }
}

/** In the conversation of the trial the task is said again, because the episode is a new one. */
const executionWords = (words: string, task: string): string => `${words}\n${task}`
