/** What every environment and every benchmark of the catalogues promises, whatever it is about. */
import { describe, expect, it } from 'vitest'
import { environments } from '../../src/environments'
import type { BenchmarkDefinition } from '../../src/environments/benchmark'
import { EnvironmentError, type EnvironmentDefinition, type Query } from '../../src/environments/environment'
import type { WorldParts } from '../../src/environments/worldParts'
import { noFilters } from '../../src/records/samplingFilters'
import { benchmarks } from '../../src/evaluation/benchmarks'
import { checkStated } from '../../src/studio/evaluations/evaluatePolicy'
import { anEvaluation } from '../support/builders'
import { worldFixtures } from './worldFixtures'

const unknownCall = { name: 'no_such_tool', arguments: {} }
const partsOf = ({ name }: { readonly name: string }): WorldParts => worldFixtures[name] ?? {}
const made = await Promise.all(
  Object.values<BenchmarkDefinition>(benchmarks).map(async (definition) => ({
    ...{ name: definition.name, definition, benchmark: await definition.create(partsOf(definition)) },
  })),
)

describe.each(made)('benchmark $name', ({ definition, benchmark }) => {
  const queries = benchmark.splits.flatMap(({ name }) => benchmark.queries(name))
  const query = queries[0] as Query

  it('has splits with as many queries as it says, each query in one split, and the same queries when it is made again', async () => {
    expect(benchmark.splits.map(({ name, queries: count }) => [name, count])).toEqual(
      benchmark.splits.map(({ name }) => [name, benchmark.queries(name).length]),
    )
    expect(new Set(queries.map(({ query_id }) => query_id)).size).toBe(queries.length)
    const again = await definition.create(partsOf(definition))
    expect(again.splits.flatMap(({ name }) => again.queries(name))).toEqual(queries)
    expect(again.environment.hash).toBe(benchmark.environment.hash)
    expect(benchmark.environment.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(() => benchmark.queries('no split has this name')).toThrow(EnvironmentError)
  })

  it('asks nothing in an exam that is also asked in practice', () => {
    const textsOf = (use: string): string[] =>
      benchmark.splits.filter((split) => split.use === use).flatMap(({ name }) => benchmark.queries(name).map(({ text }) => text))
    const practised = new Set([...textsOf('practice'), ...textsOf('train')])
    expect(textsOf('exam').filter((text) => practised.has(text))).toEqual([])
    expect(textsOf('exam').length).toBeGreaterThan(0)
  })

  it('replies to every call, also to one of a tool it does not have, and judges giving up as not solved', async () => {
    const episode = await benchmark.environment.open(query)
    const replies = await episode.call([unknownCall, unknownCall])
    expect(replies).toHaveLength(2)
    for (const reply of replies) {
      expect(reply.error).not.toBeNull()
      expect(reply.text).not.toBe('')
    }
    expect((await episode.finish(null)).status).toBe('unsolved')
    await episode.close()
    await episode.close()
  })

  it('can be copied in the middle of an episode, or says why not', async () => {
    const episode = await benchmark.environment.open(query)
    const copied = episode.copy()
    if (copied.ok) {
      expect(await copied.episode.call([unknownCall])).toMatchObject(
        (await episode.call([unknownCall])).map(({ text, error }) => ({ text, error })),
      )
      await copied.episode.close()
    } else expect(copied.reason).toMatch(/\.$/)
    await episode.close()
  })

  it('stops when it is cancelled', async () => {
    const episode = await benchmark.environment.open(query)
    const reason = new Error('stopped by hand')
    await expect(episode.call([unknownCall], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await episode.close()
  })

  it('refuses a result that does not state what makes it comparable', () => {
    const stated = { ...anEvaluation('e'), sampling: noFilters, world_hash: benchmark.environment.hash, judge: benchmark.judge }
    const complete = Object.fromEntries(benchmark.mustState.map((field) => [field, stated[field] ?? 'stated']))
    expect(() => {
      checkStated({ ...stated, ...complete }, benchmark)
    }).not.toThrow()
    expect(() => {
      checkStated({ ...stated, ...complete, world_hash: null, judge: '' }, { ...benchmark, mustState: ['world_hash', 'judge'] })
    }).toThrow(/must state world_hash and judge/)
  })
})

it('every environment offers its tools to somebody who tries them by hand', async () => {
  for (const definition of Object.values<EnvironmentDefinition>(environments)) {
    const environment = await definition.create(partsOf(definition))
    const episode = await environment.open(null)
    expect(episode.tools.map(({ name }) => name).sort()).toEqual(environment.tools.map(({ name }) => name).sort())
    await episode.close()
  }
})
