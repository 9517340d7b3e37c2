/** The seam to a Python interpreter without network, files or access to the page: one for a browser worker, one for Node. */

export type PythonResult =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false
      /** `raised`: Python's own exception; `timeout` and `memory`: the interpreter was stopped, and its state is lost. */
      readonly kind: 'raised' | 'timeout' | 'memory'
      readonly message: string
    }

export interface PythonCallOptions {
  /** When absent, 10 seconds. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface PythonSandbox {
  /** Runs statements in the interpreter's global namespace. */
  run(code: string, options?: PythonCallOptions): Promise<PythonResult>
  /** Calls a global function with JSON values and returns its result as a JSON value. */
  call(name: string, args: readonly unknown[], options?: PythonCallOptions): Promise<PythonResult>
  /** Forgets everything that ran. */
  reset(): Promise<void>
  close(): Promise<void>
}

/** Rejects with an Error of one sentence if the interpreter cannot be started here. */
export type OpenPython = () => Promise<PythonSandbox>
