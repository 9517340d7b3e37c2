/** The side of the Python sandbox that stays outside the worker: it asks, waits no longer than allowed, and replaces a worker that hangs. */
import { z } from 'zod'
import { createSerialQueue } from '../../base/serialQueue'
import { oneLine } from '../../base/visibleText'
import type { OpenPythonOptions, PythonCallOptions, PythonResult, PythonSandbox } from '../../environments/pythonSandbox'
import type { OpenMessage } from './interpreter'

const CALL_TIMEOUT_MS = 10_000
const START_TIMEOUT_MS = 120_000
/** Pyodide itself takes some 40 MB. */
const MEMORY_BYTES = 512 << 20
const LOST = 'A fresh interpreter takes its place; what was defined in the old one is lost.'

/** A worker in which `serveInterpreter` waits for its first message. */
export interface InterpreterWorker {
  post(message: string | OpenMessage): void
  /** @param listener hears of each message, and of `failed` when the worker itself could not start or ended. */
  listen(listener: (message: unknown) => void): void
  terminate(): Promise<void> | void
}

export interface InterpreterParts {
  startWorker(): InterpreterWorker
  /** The files of Pyodide and the prelude; asked for at each start. */
  files(): Promise<Omit<OpenMessage, 'memoryBytes'>>
}

const workerMessage = z.object({ type: z.enum(['ready', 'failed', 'answer', 'crashed']), text: z.string() })
type WorkerMessage = z.infer<typeof workerMessage>

const answerText = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), kind: z.enum(['raised', 'memory']), message: z.string() }),
])

/** One interpreter that runs. */
interface Running {
  readonly worker: InterpreterWorker
  /** Resolves with the next message, or with null when the time is over. */
  readonly next: (timeoutMs: number) => Promise<WorkerMessage | null>
}

/** Rejects with an Error of one sentence if the interpreter cannot be started. */
export async function openOverWorker(parts: InterpreterParts, { setup }: OpenPythonOptions = {}): Promise<PythonSandbox> {
  const queue = createSerialQueue()
  let running: Running | null = await startInterpreter(parts, setup)
  let isClosed = false

  async function stop(): Promise<void> {
    const { worker } = running ?? {}
    running = null
    await worker?.terminate()
  }

  async function ask(request: object, { timeoutMs = CALL_TIMEOUT_MS, signal }: PythonCallOptions): Promise<PythonResult> {
    signal?.throwIfAborted()
    if (isClosed) throw new Error('The Python interpreter was closed.')
    running ??= await startInterpreter(parts, setup)
    const { worker, next } = running
    const abort = abortOf(signal)
    try {
      worker.post(JSON.stringify(request))
      const message = await Promise.race([next(timeoutMs), abort.aborted])
      const result = resultOf(message, timeoutMs)
      if (!result.ok && result.kind !== 'raised') await stop()
      return result
    } catch (error) {
      await stop()
      throw error
    } finally {
      abort.release()
    }
  }

  return {
    run: (code, options = {}) => queue.run(() => ask({ task: 'run', code }, options)),
    call: (name, args, options = {}) => queue.run(() => ask({ task: 'call', name, args }, options)),
    reset: () => queue.run(stop),
    close: () => {
      isClosed = true
      return stop()
    },
  }
}

async function startInterpreter(parts: InterpreterParts, setup: string | undefined): Promise<Running> {
  const running = listenTo(parts.startWorker())
  const { wasm, library, ...files } = await parts.files()
  running.worker.post({ ...files, wasm, library, memoryBytes: MEMORY_BYTES })
  const ready = await running.next(START_TIMEOUT_MS)
  const failure = ready?.type === 'ready' ? await setUp(running, setup) : (ready?.text ?? 'it did not start in two minutes')
  if (failure === null) return running
  await running.worker.terminate()
  throw new Error(`The Python interpreter could not be started: ${oneLine(failure)}.`)
}

/** null when the setup ran, else what went wrong. */
async function setUp({ worker, next }: Running, setup: string | undefined): Promise<string | null> {
  if (setup === undefined) return null
  worker.post(JSON.stringify({ task: 'run', code: setup }))
  const result = resultOf(await next(START_TIMEOUT_MS), START_TIMEOUT_MS)
  return result.ok ? null : result.message
}

function listenTo(worker: InterpreterWorker): Running {
  let waiting: ((message: WorkerMessage) => void) | null = null
  worker.listen((data) => {
    const read = workerMessage.safeParse(data)
    waiting?.(read.success ? read.data : { type: 'crashed', text: 'it sent something that cannot be read' })
  })
  return {
    worker,
    next: (timeoutMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          waiting = null
          resolve(null)
        }, timeoutMs)
        waiting = (message) => {
          waiting = null
          clearTimeout(timer)
          resolve(message)
        }
      }),
  }
}

function resultOf(message: WorkerMessage | null, timeoutMs: number): PythonResult {
  if (message === null) return { ok: false, kind: 'timeout', message: `The code was stopped after ${timeoutMs / 1000} seconds. ${LOST}` }
  if (message.type !== 'answer')
    return { ok: false, kind: 'stopped', message: `The Python interpreter stopped: ${oneLine(message.text)}. ${LOST}` }
  const answer = answerText.parse(JSON.parse(message.text))
  if (answer.ok || answer.kind === 'raised') return answer.ok ? { ok: true, value: answer.value } : answer
  return { ok: false, kind: 'memory', message: `The code needs more memory than the ${MEMORY_BYTES >> 20} MB that it may have. ${LOST}` }
}

/** A promise that rejects with the signal's reason, and what takes the listener away again. */
function abortOf(signal: AbortSignal | undefined): { readonly aborted: Promise<never>; release(): void } {
  let listener: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    listener = () => {
      reject(signal?.reason instanceof Error ? signal.reason : new Error(String(signal?.reason)))
    }
    signal?.addEventListener('abort', listener, { once: true })
  })
  return {
    aborted,
    release: () => {
      signal?.removeEventListener('abort', listener)
    },
  }
}
