/** Trial-then-execution: its phases, the budgets they share, and what is recorded. */
import { expect, test } from 'vitest'
import { strategies } from '../../src/agents/strategies'
import type { Episode, Query } from '../../src/environments/environment'
import { chosenPath, pathsOf, stepsOf, trajectory } from '../../src/records/trajectory'
import { textPolicy } from './textPolicy'

const query: Query = { query_id: 'q', index: 0, text: 'find it', group: '', split: '', goldTools: [], entities: [] }

/** Its tool needs the argument `key`, which its description does not say. Episodes are counted. */
function world() {
  const log = { opened: 0, closed: 0, calls: [] as string[] }
  const open = (): Promise<Episode> => {
    const number = ++log.opened
    let isOpen = false
    return Promise.resolve({
      query,
      tools: [],
      call: (calls) =>
        Promise.resolve(
          calls.map((call) => {
            log.calls.push(`${number} ${call.name} ${JSON.stringify(call.arguments)}`)
            const isRight = call.arguments.key === 'k'
            isOpen ||= isRight
            const error = isRight ? null : ('bad-arguments' as const)
            return { text: isRight ? 'open' : 'say key', error, truth: { succeeded: isRight, needed: true }, elapsedMs: null }
          }),
        ),
      finish: (answer) =>
        Promise.resolve({ status: answer !== null && isOpen ? 'solved' : 'unsolved', truth: { succeeded: isOpen, needed: true } }),
      copy: () => ({ ok: false, reason: 'nobody asks' }),
      close: () => {
        log.closed++
        return Promise.resolve()
      },
    })
  }
  return { log, open }
}

/** Calls wrongly until it knows better, and answers once the door is open. */
function learner(context: string): string {
  const last = context.slice(context.lastIndexOf('<|user|>'))
  if (last.includes('Write down')) return 'open needs key="k"'
  if (context.includes('Learned about the tools: open needs') || last.includes('Correct it'))
    return context.endsWith('<|tool|>open<|end|><|assistant|>') ? 'finish(answer="in")' : 'open(key="k")'
  return context.endsWith('<|tool|>open<|end|><|assistant|>') ? 'finish(answer="in")' : 'open(name="door")'
}

interface More {
  readonly settings?: Record<string, unknown>
  readonly toolCalls?: number
  readonly modelCalls?: number | null
  readonly maxContext?: number
}

async function attempt(write: (context: string) => string, { settings, toolCalls = 8, modelCalls = null, ...limits }: More = {}) {
  const policy = textPolicy(write)
  const place = world()
  const record = await strategies.trial.run({
    query,
    openSession: () => policy.start(limits),
    openEpisode: place.open,
    budget: { toolCalls, modelCalls },
    ...(settings ? { settings } : {}),
    temperature: 0,
    maxNewTokens: 48,
    maxContext: 2048,
    trajectoryId: 't',
  })
  expect(trajectory.parse(record)).toEqual(record)
  expect(policy.open.size).toBe(0)
  expect(place.log.closed).toBe(place.log.opened)
  return { record, policy, log: place.log }
}

test('three phases: calls in one episode, a summary, and an execution in another that begins with it', async () => {
  const { record, policy, log } = await attempt(learner)
  const steps = stepsOf(record)
  expect(steps.map(({ phase, call }) => `${phase ?? ''} ${call?.name ?? ''}`)).toEqual([
    ...['trial open', 'trial open', 'trial open', 'trial open', 'summary '],
    ...['execution open', 'execution finish'],
  ])
  expect(log.calls).toEqual([...Array<string>(3).fill('1 open {"name":"door"}'), '2 open {"key":"k"}'])
  expect(record).toMatchObject({
    ...{ status: 'solved', answer: 'in', stop_condition: 'finish' },
    spent: { calls: 4, model_calls: 7 },
    agent: { strategy: 'trial', settings: { trial_calls: null, trial_calls_per_tool: 3, execution: 'new' } },
  })
  // The execution is a path of its own.
  expect(chosenPath(record).map(({ step }) => step.phase)).toEqual(['execution', 'execution'])
  expect(policy.asked.at(-2)).toContain('<|user|>find it<|end|><|user|>Learned about the tools: open needs key="k"<|end|>')
  expect(policy.asked.at(-2)).not.toContain('door')
  expect(pathsOf(record)).toHaveLength(2)
  expect(record.nodes.every(({ phase }) => phase !== undefined)).toBe(true)
  expect(record.nodes.filter(({ tool_error }) => tool_error !== undefined)).toHaveLength(3)
})

test('the budgets of the trial, per tool and in all, are inside that of the attempt, and the execution keeps a call and a turn', async () => {
  const perTool = await attempt(learner, { settings: { trial_calls_per_tool: 1 } })
  expect(perTool.log.calls.filter((call) => call.startsWith('1 '))).toHaveLength(1)
  const all = await attempt(learner, { settings: { trial_calls: 2 } })
  expect(all.log.calls.filter((call) => call.startsWith('1 '))).toHaveLength(2)
  const small = await attempt(learner, { toolCalls: 2, settings: { trial_calls: 5 } })
  expect(small.log.calls).toEqual(['1 open {"name":"door"}', '2 open {"key":"k"}'])
  expect(small.record).toMatchObject({ status: 'solved', spent: { calls: 2 }, budgets: { calls: 2 } })
  const turns = await attempt(learner, { modelCalls: 4 })
  expect(stepsOf(turns.record).map(({ phase }) => phase)).toEqual(['trial', 'trial', 'summary', 'execution'])
  expect(turns.record).toMatchObject({ stop_condition: 'budget', status: 'unsolved', spent: { model_calls: 4 } })
  const one = await attempt(learner, { modelCalls: 1, toolCalls: 1 })
  expect(stepsOf(one.record).map(({ phase }) => phase)).toEqual(['execution'])
})

test('an answer in the trial ends the trial and is given to nobody', async () => {
  const { record, log } = await attempt((context) => (context.includes('Learned') ? 'give_up()' : 'finish(answer="guess")'))
  expect(log.opened).toBe(2)
  expect(record).toMatchObject({ answer: null, status: 'unsolved', stop_condition: 'finish' })
})

test('the execution may go on in the conversation of the trial: then all is one path', async () => {
  const { record, policy } = await attempt(learner, { settings: { execution: 'same' } })
  expect(record.status).toBe('solved')
  expect(chosenPath(record).map(({ step }) => step.phase)).toEqual([...Array<string>(4).fill('trial'), 'summary', 'execution', 'execution'])
  expect(policy.asked.at(-2)?.endsWith('<|user|>Learned about the tools: open needs key="k"\nfind it<|end|><|assistant|>')).toBe(true)
})

test('where the trial has filled the context, the summary is asked for in a new conversation that quotes the calls', async () => {
  const { record, policy } = await attempt(learner, { maxContext: 92 })
  const summary = stepsOf(record).find(({ phase }) => phase === 'summary')
  expect(summary?.parent).toBeNull()
  expect(policy.asked.some((context) => context.includes('open({"name":"door"}) -> say key\nWrite down what you learned'))).toBe(true)
})

test('after a call that failed the user may ask for a correction', async () => {
  const never = (context: string): string => (context.includes('Write down') ? 'nothing' : learner(context.replaceAll('Learned', '')))
  const { record } = await attempt(never, { settings: { correction: true } })
  const execution = stepsOf(record).filter(({ phase }) => phase === 'execution')
  expect(execution.map(({ call }) => call?.arguments)).toEqual([{ name: 'door' }, { key: 'k' }, { answer: 'in' }])
  expect(execution[1]?.prompt).toContain('<|tool|>say key<|end|><|user|>That call failed. Correct it.<|end|>')
  expect(record.status).toBe('solved')
})
