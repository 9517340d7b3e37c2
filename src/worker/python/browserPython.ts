/** The Python sandbox in a browser: a worker of its own. The files of Pyodide come with the page and are fetched when Python is first needed. */
import loaderUrl from 'pyodide/pyodide.mjs?url'
import moduleUrl from 'pyodide/pyodide.asm.mjs?url'
import wasmUrl from 'pyodide/pyodide.asm.wasm?url'
import libraryUrl from 'pyodide/python_stdlib.zip?url'
import type { OpenPython } from '../../environments/pythonSandbox'
import pythonScript from '../python.worker.ts?worker&url'
import { startWorker } from '../startWorker'
import { openOverWorker, type InterpreterWorker } from './overWorker'
import prelude from './prelude.py?raw'

const addressOf = (asset: string): string => new URL(asset, import.meta.url).href

async function bytesOf(asset: string): Promise<ArrayBuffer> {
  const response = await fetch(addressOf(asset))
  if (!response.ok) throw new Error(`The Python interpreter could not be loaded: ${addressOf(asset)} was answered with ${response.status}.`)
  return response.arrayBuffer()
}

function startPythonWorker(): InterpreterWorker {
  const worker = startWorker(pythonScript, import.meta.url, 'hone-python')
  return {
    post(message) {
      worker.postMessage(message, typeof message === 'string' ? [] : [message.wasm, message.library])
    },
    listen(listener) {
      worker.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
        listener(data)
      })
      worker.addEventListener('error', (event) => {
        listener({ type: 'failed', text: event.message || 'its worker could not be loaded' })
      })
    },
    terminate() {
      worker.terminate()
    },
  }
}

export const openBrowserPython: OpenPython = (options) =>
  openOverWorker(
    {
      startWorker: startPythonWorker,
      files: async () => ({
        loader: addressOf(loaderUrl),
        module: addressOf(moduleUrl),
        wasm: await bytesOf(wasmUrl),
        library: await bytesOf(libraryUrl),
        prelude,
      }),
    },
    options,
  )
