/** Python in a browser: what a worker of the page computes, what it cannot reach, and the worlds that run in it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PythonResult } from '../../src/environments/pythonSandbox'
import { openPythonPage, type OpenPythonPage } from '../support/pythonPage'
import { projectRoot } from '../support/sources'

let app: OpenPythonPage
beforeAll(async () => {
  app = await openPythonPage()
})
afterAll(() => app.close())

/** Calls the page's functions by text, because the test runner rewrites what it imports. */
const ask = <T>(call: string): Promise<T> => app.page.evaluate<T>(`pythonPage.${call}`)
const run = (code: string, options = {}): Promise<PythonResult> => ask(`run(${JSON.stringify(code)}, ${JSON.stringify(options)})`)
const attempt = (code: string): Promise<PythonResult> => ask(`call('attempt', [${JSON.stringify(code)}])`)
const ATTEMPT = 'def attempt(code):\n  try:\n    return repr(eval(code))\n  except BaseException as error:\n    return type(error).__name__'

/** What an expression is in the worker of Python, by the debugger: the worker itself can no longer evaluate text. */
async function inWorker(expression: string): Promise<unknown> {
  const cdp = await app.page.context().newCDPSession(app.page)
  const sessionId = new Promise<string>((resolve) => {
    cdp.on('Target.attachedToTarget', (event) => {
      resolve(event.sessionId)
    })
  })
  await cdp.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false })
  const answer = new Promise<string>((resolve) => {
    // The worker also tells what happens in it; the answer has the number of the question.
    cdp.on('Target.receivedMessageFromTarget', ({ message }) => {
      if ((JSON.parse(message) as { id?: number }).id === 1) resolve(message)
    })
  })
  const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } })
  await cdp.send('Target.sendMessageToTarget', { sessionId: await sessionId, message })
  return (JSON.parse(await answer) as { result: { result: { value: unknown } } }).result.result.value
}

it('the files of Python are only asked for when Python is needed', async () => {
  expect(app.asked.filter((address) => /pyodide|python/.test(address))).toEqual([])
  expect(await run(ATTEMPT)).toEqual({ ok: true, value: null })
  expect(await attempt('sum(range(10))')).toEqual({ ok: true, value: '45' })
  expect(app.asked.filter((address) => /pyodide\.asm.*\.wasm$/.test(address))).toHaveLength(1)
})

describe('Python code', () => {
  it.each([
    [
      'JavaScript',
      [
        '__import__("js")',
        '__import__("pyodide_js")',
        '__import__("js").fetch("/")',
        '__import__("js").XMLHttpRequest',
        '__import__("pyodide.ffi")',
      ],
      /^ModuleNotFoundError$/,
    ],
    ['files', ['open("/etc/passwd")'], /^FileNotFoundError$/],
    [
      'the network',
      ['__import__("socket").create_connection(("127.0.0.1", 80), 1)', '__import__("urllib.request").request.urlopen("http://127.0.0.1/")'],
      /Error$/,
    ],
  ])('does not reach %s', async (_, codes, refusal) => {
    const before = app.asked.length
    for (const code of codes) {
      const result = await attempt(code)
      expect(result.ok && result.value, code).toMatch(refusal)
    }
    expect(app.asked.slice(before)).toEqual([])
  })

  it('finds no way to run text as JavaScript, and no network, in the worker’s own scope', async () => {
    await run('import sys\nsys.meta_path[:] = sys.meta_path[1:]\nimport _pyodide_core\narray = _pyodide_core.to_js([1])')
    expect(await attempt('__import__("__main__").array')).toBeDefined()
    await run('def found():\n  return [repr(array.constructor), repr(array.constructor.constructor)]')
    expect(await ask('call("found", [])')).toEqual({ ok: true, value: ['function Array() { [native code] }', 'None'] })
    const names = [
      'fetch',
      'XMLHttpRequest',
      'WebSocket',
      'EventSource',
      'WebTransport',
      'importScripts',
      'indexedDB',
      'caches',
      'navigator',
    ]
    const more = ['Worker', 'eval', 'BroadcastChannel', 'postMessage', 'self', 'location', 'Response', 'Request']
    const asked = [...names, ...more]
    const types = await inWorker(`[${asked.map((name) => `typeof globalThis.${name}`).join(', ')}].join()`)
    expect(types).toBe(asked.map(() => 'undefined').join())
  })

  it('that never ends is stopped, and a fresh interpreter takes its place', async () => {
    expect(await run('while True: pass', { timeoutMs: 500 })).toMatchObject({ ok: false, kind: 'timeout' })
    await run(ATTEMPT)
    expect(await attempt('array')).toEqual({ ok: true, value: 'NameError' })
  })

  it('that takes all memory gets one reply', async () => {
    expect(await run('x = []\nwhile True: x.append(bytearray(10**7))')).toMatchObject({ ok: false, kind: 'memory' })
    await run(ATTEMPT)
    expect(await attempt('1 + 1')).toEqual({ ok: true, value: '2' })
  })
})

describe('worlds in Python', () => {
  it('BFCL’s multi-turn items are judged', async () => {
    const wrong = {
      id: 'multi_turn_base_0',
      changed: { '1': [["order(tea='assam', grams=31)", 'weigh([1, 2, 3])']] },
      valid: false,
      error_type: null,
    }
    const verdicts = await ask<{ right: { valid: boolean }[]; changed: { error: { type: string } }[] }>(
      `judge(null, ${JSON.stringify([wrong])})`,
    )
    expect(verdicts.right.map(({ valid }) => valid)).toEqual([true, true, true])
    expect(verdicts.changed.map(({ error }) => error.type)).toEqual(['multi_turn:instance_state_mismatch'])
  })

  it('ToolHop’s functions are called', async () => {
    const text = readFileSync(join(projectRoot, 'test/fixtures/toolhop/ToolHop.json'), 'utf8')
    expect(await ask(`toolHop(${JSON.stringify(text)})`)).toEqual([
      'Ada Venn',
      '[{"name": "Osker Bridge", "kind": "bridge"}]',
      '1920',
      "an error occured when call opening_year: 'elsewhere'",
      'solved',
    ])
  })
})
