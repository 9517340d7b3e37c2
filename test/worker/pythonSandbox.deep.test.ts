/** The Python sandbox in Node: what it computes, what it keeps from Python, and what happens to code that hangs or takes all memory. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openNodePython } from '../../src/cli/node/pythonSandbox'
import type { PythonSandbox } from '../../src/environments/pythonSandbox'

let python: PythonSandbox
beforeAll(async () => {
  python = await openNodePython({
    setup: 'def attempt(code):\n  try:\n    return repr(eval(code))\n  except BaseException as error:\n    return type(error).__name__',
  })
}, 60_000)
afterAll(() => python.close())

describe('values', () => {
  it('pass both ways as JSON', async () => {
    expect(await python.run('def twice(value, times=2):\n  return [value] * times')).toEqual({ ok: true, value: null })
    expect(await python.call('twice', [{ a: [1, 'ü', null, true] }])).toEqual({
      ok: true,
      value: [{ a: [1, 'ü', null, true] }, { a: [1, 'ü', null, true] }],
    })
  })

  it('that are no JSON are an exception of Python, as are its own', async () => {
    await python.run('def odd(what):\n  return eval(what)')
    expect(await python.call('odd', ['object()'])).toMatchObject({
      ok: false,
      kind: 'raised',
      message: expect.stringMatching(/^TypeError: /) as string,
    })
    expect(await python.call('odd', ['float("nan")'])).toMatchObject({ ok: false, kind: 'raised' })
    expect(await python.call('odd', ['1 / 0'])).toEqual({ ok: false, kind: 'raised', message: 'ZeroDivisionError: division by zero' })
    expect(await python.call('odd', ['exit(3)'])).toMatchObject({ ok: false, kind: 'raised' })
    expect(await python.call('nobody', [])).toEqual({ ok: false, kind: 'raised', message: "NameError: name 'nobody' is not defined" })
    expect(await python.run('def broken(:')).toMatchObject({
      ok: false,
      kind: 'raised',
      message: expect.stringMatching(/^SyntaxError: /) as string,
    })
  })
})

describe('Python code reaches', () => {
  const attempt = async (code: string): Promise<unknown> => {
    const result = await python.call('attempt', [code])
    return result.ok ? result.value : result.message
  }

  it.each([
    [
      'JavaScript by its modules',
      [
        '__import__("js")',
        '__import__("pyodide_js")',
        '__import__("js.process")',
        '__import__("pyodide.code").code.run_js("1")',
        '__import__("_pyodide_core")',
        '__import__("pyodide.ffi")',
      ],
      /^ModuleNotFoundError$/,
    ],
    ['memory of the interpreter', ['__import__("ctypes")', '__import__("_ctypes")'], /^ModuleNotFoundError$/],
    ['files of the computer', ['open("/etc/passwd")', 'open("/proc/self/environ")', 'open("package.json")'], /^FileNotFoundError$/],
    ['other programs', ['__import__("subprocess").run(["ls"])', '__import__("os").fork()'], /Error$/],
    [
      'the network',
      [
        '__import__("socket").create_connection(("127.0.0.1", 80), 1)',
        '__import__("urllib.request").request.urlopen("http://127.0.0.1/")',
        '__import__("pyodide.http")',
      ],
      /Error$/,
    ],
  ])('not %s', async (_, codes, refusal) => {
    for (const code of codes) expect(await attempt(code), code).toMatch(refusal)
  })

  it('not the environment variables of the process', async () => {
    process.env.HONE_SECRET_OF_TEST = 'secret'
    expect(await attempt('dict(__import__("os").environ)')).not.toContain('secret')
    delete process.env.HONE_SECRET_OF_TEST
  })

  it('no object of JavaScript, even through the interpreter’s own list of objects', async () => {
    await python.run(
      'import gc\ndef proxies():\n  seen = set()\n  found = []\n  open_ = list(gc.get_objects())\n  while open_:\n    value = open_.pop()\n    if id(value) in seen: continue\n    seen.add(id(value))\n    if "JsProxy" in type(value).__name__ and not isinstance(value, type): found.append(repr(value)[:80])\n    open_.extend(gc.get_referents(value))\n  return [len(seen) > 10000, found]',
    )
    expect(await python.call('proxies', [])).toEqual({ ok: true, value: [true, []] })
  })

  it('no way to run text as JavaScript, even after it removed what blocks the modules', async () => {
    await python.run(
      'import sys\ndef unblocked():\n  sys.meta_path[:] = sys.meta_path[1:]\n  got = []\n  for name in ["js", "pyodide_js"]:\n    try:\n      got.append(repr(__import__(name)))\n    except ImportError:\n      pass\n  return got',
    )
    expect(await python.call('unblocked', [])).toEqual({ ok: true, value: [] })
    // A module of the interpreter itself still makes lists of JavaScript, whose constructors lead to Function, which is gone.
    await python.run(
      'import _pyodide_core\ndef constructors():\n  array = _pyodide_core.to_js([1])\n  return [repr(array.constructor), repr(array.constructor.constructor), repr(array.map.constructor)]',
    )
    expect(await python.call('constructors', [])).toEqual({ ok: true, value: ['function Array() { [native code] }', 'None', 'None'] })
    await python.reset()
  })
})

describe('code that does not end', () => {
  it('is stopped, says that its state is lost, and the next call has a fresh interpreter with its setup', async () => {
    await python.run('kept = 1')
    const result = await python.run('while True: pass', { timeoutMs: 300 })
    expect(result).toEqual({
      ok: false,
      kind: 'timeout',
      message: 'The code was stopped after 0.3 seconds. A fresh interpreter takes its place; what was defined in the old one is lost.',
    })
    expect(await python.call('attempt', ['kept'])).toEqual({ ok: true, value: 'NameError' })
  })

  it('is stopped by a signal', async () => {
    const controller = new AbortController()
    setTimeout(() => {
      controller.abort(new Error('enough'))
    }, 200)
    await expect(python.run('while True: pass', { signal: controller.signal })).rejects.toThrow('enough')
    expect(await python.call('attempt', ['1 + 1'])).toEqual({ ok: true, value: '2' })
  })
})

describe('code that takes all memory', () => {
  // Many pieces, and one piece.
  it.each(['x = []\nwhile True: x.append(bytearray(10**7))', 'x = [0] * 10**9'])('gets one reply: %s', async (code) => {
    const before = process.memoryUsage().rss
    expect(await python.run(code)).toMatchObject({ ok: false, kind: 'memory', message: expect.stringMatching(/512 MB/) as string })
    expect(process.memoryUsage().rss - before).toBeLessThan(1.2e9)
    expect(await python.call('attempt', ['1 + 1'])).toEqual({ ok: true, value: '2' })
  })

  it('is stopped when it recurses through the stack', async () => {
    const deep = 'import sys\nsys.setrecursionlimit(10**9)\ndef f(n):\n  return [f(n + 1)]\nf(0)'
    expect(await python.run(deep)).toMatchObject({ ok: false })
    expect(await python.call('attempt', ['1 + 1'])).toEqual({ ok: true, value: '2' })
  })
})

describe('a setup that fails', () => {
  it('is one sentence', async () => {
    await expect(openNodePython({ setup: 'import nothing_like_it' })).rejects.toThrow(
      "The Python interpreter could not be started: ModuleNotFoundError: No module named 'nothing_like_it'.",
    )
  })
})
