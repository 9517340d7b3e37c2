/** The seams carry what the embedded world does not need: several calls in a turn, slow and failing tools, users who speak again, copies. */
import { expect, test } from 'vitest'
import type { CallFormat } from '../../src/agents/callFormats/callFormat'
import type { PolicySession } from '../../src/agents/policy'
import type { TextCodec } from '../../src/base/textCodec'

import { openLocalAgent } from '../../src/agents/localAgent'
import { strategies } from '../../src/agents/strategies'
import type { StrategyOptions } from '../../src/agents/strategies/strategy'
import { cancellable, EnvironmentError, type Episode, type Query, type ToolReply } from '../../src/environments/environment'
import { stepsOf, type ToolCall } from '../../src/records/trajectory'

const query: Query = { query_id: 'q', index: 0, text: 'Sum?', group: 'all', split: 'exam', goldTools: [], entities: [] }
const tools = ['add', 'fail', 'slow', 'broken'].map((name) => ({ name, category: '', description: '', parameters: [] }))
const call = (name: string): ToolCall => ({ name, arguments: {} })

interface Fake extends Episode {
  readonly log: string[]
}

/** Adds one with each `add`; a user asks again once; only an episode without a user can be copied. */
function fakeEpisode({ asksAgain = false, total = 0 } = {}): Fake {
  const log: string[] = []
  let questions = asksAgain ? 1 : 0
  const reply = (text: string, error: ToolReply['error']): ToolReply => ({
    ...{ text, error, elapsedMs: 1 },
    truth: { succeeded: error === null, needed: error === null },
  })
  async function one({ name }: ToolCall): Promise<ToolReply> {
    if (name === 'slow') return new Promise(() => undefined)
    if (name === 'broken') throw new EnvironmentError('unavailable', 'The server is gone.')
    if (name === 'fail') return reply('no such number', 'failed')
    total += 1
    return Promise.resolve(reply(String(total), null))
  }
  return {
    ...{ query, tools, log },
    async call(calls, { signal } = {}) {
      log.push(calls.map(({ name }) => name).join('+'))
      const replies: ToolReply[] = []
      for (const each of calls) replies.push(await cancellable(one(each), signal))
      return replies
    },
    userTurn(said) {
      log.push(`said ${said}`)
      questions -= 1
      return Promise.resolve(questions >= 0 ? 'And one more?' : null)
    },
    finish: (answer) => {
      log.push(`finish ${String(answer)}`)
      const isRight = answer === String(total)
      return Promise.resolve({ status: isRight ? 'solved' : 'unsolved', truth: { succeeded: isRight, needed: true } })
    },
    copy: () => (asksAgain ? { ok: false, reason: 'A user cannot be asked twice.' } : { ok: true, episode: fakeEpisode({ total }) }),
    close: () => {
      log.push('closed')
      return Promise.resolve()
    },
  }
}

/** `a+b.` makes two calls, `=3.` answers 3; what is before `|` is reasoning. */
const format: CallFormat = {
  name: 'fake',
  title: 'Fake',
  stopTokens: ['.'],
  system: () => null,
  start: (_, conversation) => `Q${conversation.map(({ content }) => content).join('')}>`,
  next: (messages) => messages.map(({ role, content }) => `${role === 'tool' ? 'R' : 'U'}${content}`).join('') + '>',
  parse(completion) {
    const [, reasoning = '', text = ''] = /^(?:(.*)\|)?(.*?)\.?$/.exec(completion) ?? []
    return text.startsWith('=')
      ? { content: text.slice(1), reasoning, calls: [], answer: text.slice(1) }
      : { content: '', reasoning, calls: text.split('+').map(call) }
  },
  how: 'Turns are letters.',
  write: (calls) => calls.map(({ name }) => name).join('+'),
  answer: (text) => `=${text ?? ''}`,
  message: (role, content) => ({ header: role, body: content }),
}
const codec: TextCodec = {
  encode: (text) => Array.from(text, (letter) => letter.codePointAt(0) ?? 0),
  decode: (ids) => String.fromCodePoint(...ids),
  specialId: (token) => token.codePointAt(0) ?? 0,
}

function session(turns: readonly string[]): PolicySession & { readonly asked: string[] } {
  const asked: string[] = []
  let length = 0
  return {
    asked,
    get length() {
      return length
    },
    extend(ids) {
      const completion = codec.encode(turns[asked.length] ?? '=?.')
      asked.push(codec.decode(ids))
      length += ids.length + completion.length
      return Promise.resolve({ ids: completion, logprobs: completion.map(() => 0), finish: 'stop', policyVersion: 0 })
    },
    close: () => undefined,
    fork: () => Promise.reject(new Error('a chain forks nothing')),
  }
}

function attempt(turns: readonly string[], episode: Fake, more: Partial<StrategyOptions> = {}) {
  const model = session(turns)
  const record = strategies.cot.run({
    query,
    openSession: () =>
      Promise.resolve(openLocalAgent(model, { query: 0, sample: 0 }, { codec, format, temperature: 0, maxNewTokens: 32, maxContext: 512 })),
    openEpisode: () => Promise.resolve(episode),
    budget: { toolCalls: 6, modelCalls: null },
    temperature: 0,
    maxNewTokens: 32,
    maxContext: 512,
    trajectoryId: 't',
    ...more,
  })
  return { model, record }
}

test('two calls in one turn get their replies in order, and each counts against the budget', async () => {
  const episode = fakeEpisode()
  const { model, record } = attempt(['two at once|add+add.', '=2.'], episode)
  expect(await record).toMatchObject({ status: 'solved', answer: '2', stop_condition: 'finish' })
  expect(model.asked).toEqual(['QSum?>', 'R1R2>'])
  expect(episode.log).toEqual(['add+add', 'said 2', 'finish 2', 'closed'])
  expect(stepsOf(await record)[0]).toMatchObject({ thought: 'two at once', truth: { succeeded: true, needed: true } })
  const tight = attempt(['add+add.', '=2.'], fakeEpisode(), { budget: { toolCalls: 1, modelCalls: null } })
  expect(await tight.record).toMatchObject({ stop_condition: 'budget', status: 'unsolved' })
})

test('a budget of completions ends the attempt', async () => {
  const { record } = attempt(['add.', 'add.', '=2.'], fakeEpisode(), { budget: { toolCalls: 6, modelCalls: 2 } })
  expect(await record).toMatchObject({ stop_condition: 'budget', status: 'unsolved' })
  expect(stepsOf(await record)).toHaveLength(2)
})

test('a slow reply is cancelled, and the episode is closed', async () => {
  const episode = fakeEpisode()
  const controller = new AbortController()
  const { record } = attempt(['slow.'], episode, { signal: controller.signal })
  setTimeout(() => {
    controller.abort(new Error('enough'))
  }, 5)
  await expect(record).rejects.toThrow('enough')
  expect(episode.log).toEqual(['slow', 'closed'])
})

test('a tool that fails replies with its error, and the attempt goes on', async () => {
  const { model, record } = attempt(['fail+add.', '=1.'], fakeEpisode())
  expect(await record).toMatchObject({ status: 'solved' })
  expect(model.asked[1]).toBe('Rno such numberR1>')
  expect(stepsOf(await record)[0]?.truth).toEqual({ succeeded: false, needed: true })
})

test('an environment that fails ends the attempt with an error and no verdict', async () => {
  const episode = fakeEpisode()
  const { record } = attempt(['add.', 'broken.'], episode)
  expect(await record).toMatchObject({ stop_condition: 'error', status: null, answer: null })
  expect((await record).errors).toEqual([{ type: 'environment/unavailable', message: 'The server is gone.', node: null }])
  expect(episode.log.at(-1)).toBe('closed')
})

test('a user who speaks again gets another answer', async () => {
  const episode = fakeEpisode({ asksAgain: true })
  const { model, record } = attempt(['add.', '=1.', 'add.', '=2.'], episode)
  expect(await record).toMatchObject({ status: 'solved', answer: '2' })
  expect(model.asked[2]).toBe('UAnd one more?>')
  expect(episode.log).toEqual(['add', 'said 1', 'add', 'said 2', 'finish 2', 'closed'])
})

test('an episode is copied with its state, or says why it cannot be', async () => {
  const episode = fakeEpisode()
  await episode.call([call('add')])
  const copy = episode.copy()
  if (!copy.ok) throw new Error(copy.reason)
  const of = async (one: Episode): Promise<string | undefined> => (await one.call([call('add')]))[0]?.text
  expect([await of(copy.episode), await of(copy.episode), await of(episode)]).toEqual(['2', '3', '2'])
  expect(fakeEpisode({ asksAgain: true }).copy()).toEqual({ ok: false, reason: 'A user cannot be asked twice.' })
})
