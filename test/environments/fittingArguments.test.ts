import { expect, test } from 'vitest'
import { fittingArguments, withFittingArguments } from '../../src/environments/fittingArguments'
import type { Episode } from '../../src/environments/environment'
import { toolSpec, type ToolCall } from '../../src/records/trajectory'

const listed = toolSpec.parse({
  name: 'km_from',
  parameters: [
    { name: 'mile', type: 'string' },
    { name: 'exact', type: 'boolean' },
  ],
})
const schema = {
  type: 'object',
  properties: { id: { type: 'string' }, count: { type: 'integer' }, any: { type: ['string', 'number'] }, tags: { type: 'array' } },
}
const typed = toolSpec.parse({ name: 'typed', schema })
const tools = [listed, typed]

test('a number or a boolean of a parameter that wants text becomes its text, and nothing else changes', () => {
  const fitted = (name: string, given: Record<string, unknown>) => fittingArguments({ name, arguments: given }, tools).arguments
  expect(fitted('km_from', { mile: 41, exact: true })).toEqual({ mile: '41', exact: true })
  expect(fitted('typed', { id: false, count: '3', any: 4, tags: [1], other: 5 })).toEqual({
    id: 'false',
    count: '3',
    any: 4,
    tags: [1],
    other: 5,
  })
  expect(fitted('typed', { id: null })).toEqual({ id: null })
  expect(fitted('typed', { id: { a: 1 }, constructor: 1 })).toEqual({ id: { a: 1 }, constructor: 1 })
  expect(fitted('unknown', { mile: 41 })).toEqual({ mile: 41 })
})

test('everything else of an episode shows through: tools that a turn adds, what the user says, whether it is over', async () => {
  let [offered, isOver] = [tools.slice(0, 1), false]
  const inner: Episode = {
    query: { ...{ query_id: 'q', index: 0, text: '?', group: '', split: 'dev' }, goldTools: [], entities: [] },
    get tools() {
      return offered
    },
    call: () => Promise.resolve([]),
    userTurn: (said) => Promise.resolve(`${said}!`),
    isOver: () => isOver,
    finish: () => Promise.resolve({ status: 'unsolved', truth: { succeeded: false, needed: false } }),
    copy: () => ({ ok: false, reason: 'There is no copy.' }),
    close: () => Promise.resolve(),
  }
  const fitting = withFittingArguments(inner)
  expect(Object.keys(fitting).sort()).toEqual(Object.keys(inner).sort())
  offered = tools
  isOver = true
  expect([fitting.tools, fitting.isOver?.(), await fitting.userTurn?.('Go on')]).toEqual([tools, true, 'Go on!'])
  const asWritten: Episode = { ...inner, takesCallsAsWritten: true }
  expect(withFittingArguments(asWritten)).toBe(asWritten)
})

test('an episode and its copies are called so', async () => {
  const heard: ToolCall[] = []
  const episode = (): Episode => ({
    query: { ...{ query_id: 'q', index: 0, text: '?', group: '', split: 'dev' }, goldTools: [], entities: [] },
    tools,
    call: (calls) => {
      heard.push(...calls)
      return Promise.resolve([])
    },
    finish: () => Promise.resolve({ status: 'unsolved', truth: { succeeded: false, needed: false } }),
    copy: () => ({ ok: true, episode: episode() }),
    close: () => Promise.resolve(),
  })
  const fitting = withFittingArguments(episode())
  expect(fitting).not.toHaveProperty('userTurn')
  await fitting.call([{ name: 'km_from', arguments: { mile: 1 } }])
  const copied = fitting.copy()
  if (copied.ok) await copied.episode.call([{ name: 'km_from', arguments: { mile: 2 } }])
  expect(heard.map(({ arguments: given }) => given)).toEqual([{ mile: '1' }, { mile: '2' }])
})
