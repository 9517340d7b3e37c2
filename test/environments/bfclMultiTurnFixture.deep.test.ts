/** BFCL's multi-turn part on a small package of our own in the same layout: what is read, how attempts run, and how they are judged. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openNodePython } from '../../src/cli/node/pythonSandbox'
import { multiTurnBenchmark } from '../../src/environments/bfclMultiTurn/benchmark'
import { STEPS_PER_TURN } from '../../src/environments/bfclMultiTurn/episode'
import { readMultiTurnData, type MultiTurnData, type MultiTurnItem } from '../../src/environments/bfclMultiTurn/items'
import { openMultiTurnJudge, type MultiTurnJudge } from '../../src/environments/bfclMultiTurn/judge'
import type { Benchmark } from '../../src/environments/benchmark'
import type { Episode } from '../../src/environments/environment'
import type { OpenPython, PythonSandbox } from '../../src/environments/pythonSandbox'
import { miniBfcl } from '../support/miniBfcl'
import { projectRoot } from '../support/sources'

let opened: Promise<PythonSandbox> | null = null
let python: PythonSandbox
let data: MultiTurnData
let judge: MultiTurnJudge
let benchmark: Benchmark
/** One interpreter for the whole file: a start takes seconds. */
const shared: OpenPython = (options) => (opened ??= openNodePython(options))
const item = (id: string): MultiTurnItem => data.items.find((one) => one.id === id) as MultiTurnItem
const attempt = (id: string): Promise<Episode> => {
  const query = benchmark.queries('exam').find(({ query_id }) => query_id === id)
  return benchmark.environment.open(query ?? null)
}

beforeAll(async () => {
  data = await readMultiTurnData(miniBfcl())
  judge = await openMultiTurnJudge(shared, data)
  python = await shared()
  benchmark = await multiTurnBenchmark.create({ files: miniBfcl(), python: shared })
}, 60_000)
afterAll(() => python.close())

describe('an answer', () => {
  it('that has the right calls is valid', async () => {
    for (const one of data.items)
      expect(
        await judge.judge(
          one,
          one.rightCalls.map((calls) => [calls]),
        ),
      ).toEqual({ valid: true, error: null })
  })

  it.each<[string, unknown, string | null]>([
    [
      'other steps, and a call of an earlier turn again',
      [[["stock_of(tea='assam')"]], [["order('assam', 30)"], ["stock_of(tea='assam')"], ['weigh([1,2,3])']]],
      null,
    ],
    [
      'calls as objects',
      [[[{ stock_of: { tea: 'assam' } }]], [[{ order: '{"tea": "assam", "grams": 30}' }, { weigh: { grams: [1, 2, 3] } }]]],
      null,
    ],
    ['calls as text', [["[stock_of(tea='assam')]"], ["order(tea='assam', grams=30), weigh(grams=[1, 2, 3])"]], null],
    [
      'text that is no calls beside them',
      [["[stock_of(tea='assam')]", 'Here it is.'], ["[order(tea='assam', grams=30), weigh(grams=[1, 2, 3])]"]],
      null,
    ],
    [
      'a number of another type: the state is equal, the reply is not',
      [[["stock_of(tea='assam')"]], [["order(tea='assam', grams=30.0)", 'weigh([1, 2, 3])']]],
      'execution_response_mismatch',
    ],
    ['another order', [[["stock_of(tea='assam')"]], [["order(tea='assam', grams=31)", 'weigh([1, 2, 3])']]], 'instance_state_mismatch'],
    [
      'an order too many',
      [[["stock_of(tea='assam')"]], [["order(tea='assam', grams=30)", "order(tea='sencha', grams=1)", 'weigh([1, 2, 3])']]],
      'instance_state_mismatch',
    ],
    ['a reply missing', [[["stock_of(tea='assam')"]], [["order(tea='assam', grams=30)"]]], 'execution_response_mismatch'],
    ['a turn without calls', [[["stock_of(tea='assam')"]], [[]]], 'empty_turn_model_response'],
    ['a turn too few', [[["stock_of(tea='assam')"]]], 'force_terminated'],
    ['no turns', 'stock_of', 'inference_error'],
    ['a turn that is no list of steps', [[["stock_of(tea='assam')"]], 5], 'empty_turn_model_response'],
  ])('with %s', async (_, answer, error) => {
    const verdict = await judge.judge(item('multi_turn_base_0'), answer)
    expect(verdict.error?.type ?? null).toBe(error === null ? null : `multi_turn:${error}`)
    expect(verdict.valid).toBe(error === null)
  })

  it('with calls in a turn that has none may still be valid, since state and replies are compared', async () => {
    const early = [[["order(tea='sencha', grams=10)"]], [["order(tea='sencha', grams=0)"]], [["stock_of('sencha')"]]]
    expect((await judge.judge(item('multi_turn_miss_func_0'), early)).error?.type).toBe('multi_turn:instance_state_mismatch')
    const asked = [[["stock_of('sencha')"]], [["order(tea='sencha', grams=10)"]], [["stock_of('sencha')"]]]
    expect(await judge.judge(item('multi_turn_miss_func_0'), asked)).toEqual({ valid: true, error: null })
  })
})

describe('an attempt', () => {
  it('goes through the turns of the user and is judged at its end', async () => {
    const episode = await attempt('multi_turn_base_0')
    expect(episode.query.text).toBe('How much assam is there?')
    expect(await episode.call([{ name: 'stock_of', arguments: { tea: 'assam' } }])).toEqual([
      { text: '{"grams": 100}', error: null, truth: null, elapsedMs: null },
    ])
    expect(await episode.userTurn?.('100 grams.')).toBe('Order 30 grams of it, then weigh 1, 2 and 3 grams.')
    const replies = await episode.call([
      { name: 'order', arguments: { tea: 'assam', grams: 30 } },
      { name: 'weigh', arguments: { grams: [1, 2, 3] } },
    ])
    expect(replies.map(({ text }) => text)).toEqual(['{"left": 70}', '6'])
    expect(await episode.userTurn?.('Done.')).toBeNull()
    expect((await episode.finish('Done.')).status).toBe('solved')
    expect(await episode.call([{ name: 'weigh', arguments: { grams: [1] } }])).toMatchObject([{ error: 'ended' }])
    await episode.close()
    await episode.close()
  })

  it('is unsolved when it ends before the last turn', async () => {
    const episode = await attempt('multi_turn_base_0')
    await episode.call([{ name: 'stock_of', arguments: { tea: 'assam' } }])
    expect((await episode.finish(null)).status).toBe('unsolved')
    await episode.close()
  })

  it('gets a missing function later, with its document in the message', async () => {
    const episode = await attempt('multi_turn_miss_func_0')
    expect(episode.tools.map(({ name }) => name)).toEqual(['stock_of', 'brew_for_ever'])
    const message = (await episode.userTurn?.('I cannot order.')) ?? ''
    expect(message).toContain('"name":"order"')
    expect(message).toContain('"grams":{"type":"number"}')
    expect(episode.tools.map(({ name }) => name)).toEqual(['stock_of', 'brew_for_ever', 'order'])
    await episode.call([{ name: 'order', arguments: { tea: 'sencha', grams: 10 } }])
    expect(await episode.userTurn?.('Ordered.')).toBe('And how much is left?')
    await episode.call([{ name: 'stock_of', arguments: { tea: 'sencha' } }])
    expect((await episode.finish('40')).status).toBe('solved')
    await episode.close()
  })

  it('gets replies to malformed calls, unknown tools, wrong arguments and errors of a tool', async () => {
    const episode = await attempt('multi_turn_base_0')
    const replies = await episode.call([
      { name: '', arguments: {}, error: 'The call is not JSON.' },
      { name: "x(); __import__('os')", arguments: {} },
      { name: 'stock_of', arguments: { 'tea=1)': 1 } },
      { name: 'no_such_tool', arguments: {} },
      { name: 'stock_of', arguments: { name: 'assam' } },
      { name: 'stock_of', arguments: { tea: "o'brien" } },
      { name: 'stock_of', arguments: { tea: 'assam' } },
    ])
    expect(replies.map(({ error }) => error)).toEqual(['bad-call', 'bad-call', 'bad-call', 'unknown-tool', 'bad-arguments', 'failed', null])
    expect(replies[3]?.text).toBe("Error during execution: name 'no_such_tool' is not defined")
    expect(replies[5]?.text).toBe('{"error": "no o\'brien here"}')
    await episode.close()
  })

  it(`ends after ${STEPS_PER_TURN} steps in one turn, and is unsolved`, async () => {
    const episode = await attempt('multi_turn_long_context_0')
    const call = [{ name: 'stock_of', arguments: { tea: 'tea 7' } }]
    for (let step = 0; step < STEPS_PER_TURN; step++) expect((await episode.call(call))[0]?.error).toBeNull()
    expect((await episode.call(call))[0]?.error).toBe('quota')
    expect((await episode.finish('7')).status).toBe('unsolved')
    await episode.close()
  })

  it('is copied with its state, and goes on by itself', async () => {
    const episode = await attempt('multi_turn_base_0')
    await episode.call([{ name: 'order', arguments: { tea: 'assam', grams: 30 } }])
    const copied = episode.copy()
    if (!copied.ok) throw new Error(copied.reason)
    await copied.episode.call([{ name: 'order', arguments: { tea: 'assam', grams: 20 } }])
    const stock = [{ name: 'stock_of', arguments: { tea: 'assam' } }]
    expect((await episode.call(stock))[0]?.text).toBe('{"grams": 70}')
    expect((await copied.episode.call(stock))[0]?.text).toBe('{"grams": 50}')
    await Promise.all([episode.close(), copied.episode.close()])
  })

  it('keeps its state when a tool that never ends is stopped, and other attempts keep theirs', async () => {
    const [episode, other] = [await attempt('multi_turn_base_0'), await attempt('multi_turn_miss_func_0')]
    await episode.call([{ name: 'order', arguments: { tea: 'assam', grams: 30 } }])
    await other.call([{ name: 'order', arguments: { tea: 'sencha', grams: 5 } }])
    const [reply] = await episode.call([{ name: 'brew_for_ever', arguments: {} }])
    expect(reply).toMatchObject({ error: 'timeout', text: expect.stringMatching(/stopped after 10 seconds/) as string })
    expect((await episode.call([{ name: 'stock_of', arguments: { tea: 'assam' } }]))[0]?.text).toBe('{"grams": 70}')
    expect((await other.call([{ name: 'stock_of', arguments: { tea: 'sencha' } }]))[0]?.text).toBe('{"grams": 45}')
    await Promise.all([episode.close(), other.close()])
  }, 60_000)

  it('without a query offers every tool', async () => {
    const episode = await benchmark.environment.open(null)
    expect(episode.tools.map(({ name }) => name).sort()).toEqual(['brew_for_ever', 'logarithm', 'order', 'stock_of', 'weigh'])
    expect((await episode.call([{ name: 'logarithm', arguments: { value: 100, digits: 10 } }]))[0]?.text).toBe("{'result': mpf('2.0')}")
    await episode.close()
  })
})

describe('the stand-in for mpmath', () => {
  it('computes and prints logarithms as mpmath does, those of the benchmark among them', async () => {
    await python.run(
      'import mpmath\ndef quotients(rows):\n  def one(value, base, digits, *_):\n    mpmath.mp.dps = digits\n    try:\n      result = mpmath.log(value) / mpmath.log(base)\n      return [repr(result), str(result)]\n    except ZeroDivisionError:\n      return [None, None]\n  return [one(*row) for row in json.loads(rows)]',
    )
    const text = readFileSync(join(projectRoot, 'test/golden/mpmath_logarithms_golden.json'), 'utf8')
    const rows = JSON.parse(text) as (string | number | null)[][]
    expect(rows.length).toBeGreaterThan(150)
    // As text, since Python tells 2 from 2.0.
    expect(await python.call('quotients', [text])).toEqual({ ok: true, value: rows.map((row) => row.slice(3)) })
  })
})

describe('files that do not fit', () => {
  it.each<[string, Record<string, string | null>, RegExp]>([
    [
      'without the classes',
      { 'bfcl_eval/constants/executable_backend_config.py': null },
      /mini\.whl: expected the package bfcl_eval with .*executable_backend_config\.py, found no such file\./,
    ],
    [
      'with a row that is no JSON',
      { 'bfcl_eval/data/BFCL_v4_multi_turn_base.json': '{"id"' },
      /multi_turn_base\.json, row 1: expected a JSON object on one line, found "\{\\"id\\""\./,
    ],
    ['with a row without a question', { 'bfcl_eval/data/BFCL_v4_multi_turn_base.json': '{"id": "a"}' }, /row 1, column question: /],
    [
      'without right calls',
      { 'bfcl_eval/data/possible_answer/BFCL_v4_multi_turn_base.json': '' },
      /row 1, column id: expected an id that has right calls/,
    ],
    [
      'with a class that the package does not list',
      { 'bfcl_eval/constants/executable_backend_config.py': 'X = 1' },
      /column involved_classes: expected names of classes that the package lists, found "TeaShop"\./,
    ],
  ])('%s get one sentence', async (_, changed, message) => {
    await expect(readMultiTurnData(miniBfcl(changed))).rejects.toThrow(message)
  })

  it('or are absent, or cannot be run here, get one sentence', async () => {
    await expect(Promise.resolve(multiTurnBenchmark.create({}))).rejects.toThrow(/needs the package bfcl_eval/)
    await expect(Promise.resolve(multiTurnBenchmark.create({ files: miniBfcl() }))).rejects.toThrow(/needs a Python interpreter/)
  })

  it('with a class that cannot be loaded end the attempt with one sentence', async () => {
    const broken = miniBfcl({ 'bfcl_eval/eval_checker/multi_turn_eval/func_source_code/tea_shop.py': 'import nowhere' })
    const own: OpenPython = (options) => openNodePython(options)
    const world = await multiTurnBenchmark.create({ files: broken, python: own })
    const [query] = world.queries('exam')
    const episode = await world.environment.open(query ?? null)
    await expect(episode.call([{ name: 'stock_of', arguments: { tea: 'assam' } }])).rejects.toThrow(
      /multi_turn_base_0: ModuleNotFoundError: No module named 'nowhere'/,
    )
  }, 60_000)
})
