/**
 * The side of the Python sandbox that runs inside a worker: it loads Pyodide from what it was handed, takes everything away from its own
 * global scope that reaches further than a computation, and answers requests. The same text runs in a browser's worker and in Node's, which
 * is why this file imports nothing: Node's worker is made to look like a browser's, so that Pyodide never learns of Node's files.
 */

/** The first message to the worker. */
export interface OpenMessage {
  /** Addresses of `pyodide.mjs` and `pyodide.asm.mjs`. */
  readonly loader: string
  readonly module: string
  /** The bytes of `pyodide.asm.wasm` and `python_stdlib.zip`. */
  readonly wasm: ArrayBuffer
  readonly library: ArrayBuffer
  /** Python source; see `prelude.py`. */
  readonly prelude: string
  /** The interpreter's memory never grows beyond. */
  readonly memoryBytes: number
}

/** Requests and answers are JSON text, so that no object of one side reaches the other. */
export interface WorkerPort {
  post(message: { readonly type: 'ready' | 'failed' | 'answer' | 'crashed'; readonly text: string }): void
  onMessage(listener: (data: unknown) => void): void
}

type Answer = (request: string) => string

interface Pyodide {
  runPython(code: string): unknown
  readonly globals: { get(name: string): () => Answer }
}

type Scope = Record<string, unknown>

/** What a computation needs of a global scope. Everything else goes: network, files, storage, other workers, and ways to run text as code. */
const KEPT = new Set(
  `Object Array Number parseFloat parseInt Infinity NaN undefined Boolean String Symbol Date Promise RegExp Error AggregateError EvalError
  RangeError ReferenceError SyntaxError TypeError URIError SuppressedError DisposableStack JSON Math Intl ArrayBuffer SharedArrayBuffer
  Atomics Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array Float16Array Float32Array Float64Array Uint8ClampedArray
  BigUint64Array BigInt64Array DataView Map BigInt Set WeakMap WeakSet WeakRef FinalizationRegistry Proxy Reflect Iterator decodeURI
  decodeURIComponent encodeURI encodeURIComponent isFinite isNaN globalThis WebAssembly TextDecoder TextEncoder performance crypto
  setTimeout clearTimeout queueMicrotask DOMException`.split(/\s+/),
)

/** Takes away every global name that is not kept, and every way from a function to a constructor that runs text. */
function sealGlobals(scope: object): void {
  const { prototype } = Function
  const makers = [function () {}, async function () {}, function* () {}, async function* () {}]
  for (const maker of makers)
    Object.defineProperty(Object.getPrototypeOf(maker), 'constructor', { value: undefined, writable: false, configurable: false })
  for (
    let level: object | null = scope;
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  )
    for (const key of Reflect.ownKeys(level)) {
      if (typeof key === 'string' && KEPT.has(key)) continue
      if (!Reflect.deleteProperty(level, key)) Reflect.set(level, key, undefined)
    }
  // Pyodide asks whether a value is one of it.
  const isFunction = (value: unknown): boolean => typeof value === 'function'
  Object.defineProperty(scope, 'Function', { value: Object.freeze({ [Symbol.hasInstance]: isFunction, prototype }) })
  const silent = (): void => undefined
  Object.defineProperty(scope, 'console', {
    value: { log: silent, info: silent, warn: silent, error: silent, debug: silent },
    configurable: true,
  })
}

/** Pyodide asks for its files by address; it gets the bytes that were handed over, and nothing else. */
function serveHandedFiles(scope: Scope, { wasm, library }: OpenMessage): void {
  const files: Readonly<Record<string, [ArrayBuffer, string]>> = {
    'pyodide.asm.wasm': [wasm, 'application/wasm'],
    'python_stdlib.zip': [library, 'application/zip'],
  }
  scope.fetch = (address: unknown) => {
    const found = files[String(address).split('/').at(-1) ?? '']
    if (!found) return Promise.reject(new TypeError(`There is no network here; ${String(address)} was asked for.`))
    return Promise.resolve(new Response(found[0], { headers: { 'content-type': found[1] } }))
  }
}

/** A request for more memory than the limit fails, and Python raises MemoryError. */
function limitMemory(memoryBytes: number): void {
  const grow = Object.getOwnPropertyDescriptor(WebAssembly.Memory.prototype, 'grow')?.value as (
    this: WebAssembly.Memory,
    pages: number,
  ) => number
  const PAGE = 65536
  WebAssembly.Memory.prototype.grow = function (pages: number) {
    if (this.buffer.byteLength + pages * PAGE > memoryBytes) throw new RangeError(`more than ${memoryBytes} bytes`)
    return grow.call(this, pages)
  }
}

/** What Pyodide checks for to know that it is in a browser's worker; see `IN_BROWSER_WEB_WORKER` there. */
function lookLikeBrowserWorker(scope: Scope): void {
  if (scope.process === undefined) return
  Reflect.deleteProperty(scope, 'process')
  const anyScope = (): void => undefined
  Object.defineProperty(anyScope, Symbol.hasInstance, { value: () => true })
  Object.assign(scope, { WorkerGlobalScope: anyScope, self: scope, location: new URL('https://python.invalid/') })
}

async function loadInterpreter(message: OpenMessage): Promise<Answer> {
  const scope = globalThis as unknown as Scope
  lookLikeBrowserWorker(scope)
  serveHandedFiles(scope, message)
  limitMemory(message.memoryBytes)
  const loader = (await import(/* @vite-ignore */ message.loader)) as { loadPyodide(options: object): Promise<Pyodide>; version: string }
  const module = (await import(/* @vite-ignore */ message.module)) as { default: unknown }
  const silent = (): void => undefined
  const python = await loader.loadPyodide({
    indexURL: 'https://python.invalid/',
    createPyodideModule: module.default,
    // No package is ever loaded from elsewhere.
    lockFileContents: {
      info: { arch: 'wasm32', platform: 'emscripten', version: loader.version, python: '', abi_version: ABI },
      packages: {},
    },
    packageBaseUrl: 'https://python.invalid/',
    ...{ stdin: () => null, stdout: silent, stderr: silent },
    env: { HOME: '/home', PYTHONHASHSEED: '0' },
  })
  python.runPython(message.prelude)
  const answer = python.globals.get('hone_prelude')()
  sealGlobals(scope)
  return answer
}

/** Of the pinned version of Pyodide, which compares it with its own. */
const ABI = '2026_0'

/** Answers what arrives at `port`, one request at a time. */
export function serveInterpreter(port: WorkerPort): void {
  let answer: Answer | null = null
  port.onMessage((data) => {
    if (answer !== null) {
      try {
        port.post({ type: 'answer', text: answer(String(data)) })
      } catch (error) {
        port.post({ type: 'crashed', text: String(error) })
      }
      return
    }
    loadInterpreter(data as OpenMessage).then(
      (loaded) => {
        answer = loaded
        port.post({ type: 'ready', text: '' })
      },
      (error: unknown) => {
        port.post({ type: 'failed', text: String(error) })
      },
    )
  })
}
