/** The Python sandbox in Node: a thread without Node's modules, with the files of the installed package. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { OpenPython } from '../../environments/pythonSandbox'
import interpreterText from '../../worker/python/interpreter.ts?text'
import { openOverWorker, type InterpreterWorker } from '../../worker/python/overWorker'
import prelude from '../../worker/python/prelude.py?raw'

/** The thread starts from text, so that it needs no file beside the bundled command line. */
const threadText = `${interpreterText}
import { parentPort } from 'node:worker_threads'
serveInterpreter({
  post: (message) => parentPort.postMessage(message),
  onMessage: (listener) => parentPort.on('message', listener),
})`

function startWorker(): InterpreterWorker {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(threadText)}`), {
    env: {},
    stdin: false,
    // Nothing the interpreter prints reaches the terminal.
    ...{ stdout: true, stderr: true },
  })
  // A command may end while an interpreter waits for work.
  worker.unref()
  return {
    post(message) {
      worker.postMessage(message, typeof message === 'string' ? [] : [message.wasm, message.library])
    },
    listen(listener) {
      worker.on('message', listener)
      worker.on('error', (error) => {
        listener({ type: 'failed', text: error.message })
      })
      worker.on('exit', () => {
        listener({ type: 'failed', text: 'its thread ended' })
      })
    },
    async terminate() {
      await worker.terminate()
    },
  }
}

const require = createRequire(import.meta.url)

async function bytesOf(file: string): Promise<ArrayBuffer> {
  return new Uint8Array(await readFile(require.resolve(`pyodide/${file}`))).buffer
}

export const openNodePython: OpenPython = (options) =>
  openOverWorker(
    {
      startWorker,
      files: async () => ({
        loader: pathToFileURL(require.resolve('pyodide/pyodide.mjs')).href,
        module: pathToFileURL(require.resolve('pyodide/pyodide.asm.mjs')).href,
        wasm: await bytesOf('pyodide.asm.wasm'),
        library: await bytesOf('python_stdlib.zip'),
        prelude,
      }),
    },
    options,
  )
