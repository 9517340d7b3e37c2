/** The seam to a Python interpreter without network, files or access to the page: one for a browser worker, one for Node. */

export type PythonResult =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false
      /** `raised`: Python's own exception; the others: the interpreter was stopped or ended by itself, and its state is lost. */
      readonly kind: 'raised' | 'timeout' | 'memory' | 'stopped'
      /** Of an exception `NameError: name 'x' is not defined`; else a sentence, which says that the state is lost. */
      readonly message: string
    }

export interface PythonCallOptions {
  /** When absent, 10 seconds. */
  readonly timeoutMs?: number
  /** Aborting it stops the interpreter, whose state is lost, and rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

export interface PythonSandbox {
  /** Runs statements in the interpreter's global namespace; the value is null. */
  run(code: string, options?: PythonCallOptions): Promise<PythonResult>
  /** Calls a global function with JSON values and returns its result as a JSON value. */
  call(name: string, args: readonly unknown[], options?: PythonCallOptions): Promise<PythonResult>
  /** Forgets everything that ran: a fresh interpreter, in which only `setup` has run. */
  reset(): Promise<void>
  close(): Promise<void>
}

export interface OpenPythonOptions {
  /** Code that runs before all other, and again whenever the interpreter was replaced. */
  readonly setup?: string
}

/** Rejects with an Error of one sentence if the interpreter cannot be started here, or if `setup` raises an exception. */
export type OpenPython = (options?: OpenPythonOptions) => Promise<PythonSandbox>
