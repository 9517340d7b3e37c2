/** A connection that is opened when it is needed, and opened again after the server ended it. */
import { cancellable } from '../environment'
import { ToolConnectionError, type CallOptions, type OpenToolConnection, type ToolConnection } from '../toolConnection'

export interface KeptConnection {
  /** The open connection. Rejects with ToolConnectionError. */
  get(options: CallOptions): Promise<ToolConnection>
  close(): Promise<void>
}

/** After so many failures in a row, only one call in twenty tries again: each may wait for the whole time limit. */
const FAILURES = 3
const RETRY_EVERY = 20

export function keepConnection(open: OpenToolConnection): KeptConnection {
  let current: Promise<ToolConnection> | null = null
  let failures = 0
  let skipped = 0
  const begin = (timeoutMs: number): Promise<ToolConnection> => {
    // Several episodes wait for it, so that no one's signal may end it.
    const begun = open({ timeoutMs }).catch((error: unknown) => {
      if (error instanceof ToolConnectionError) throw error
      throw new ToolConnectionError('unreachable', error instanceof Error ? error.message : String(error))
    })
    begun.then(
      () => {
        failures = 0
      },
      () => {
        failures += 1
        current = null
      },
    )
    return begun
  }
  return {
    async get({ signal, timeoutMs }) {
      const known = current === null ? null : await cancellable(current, signal)
      if (known?.isOpen() === true) return known
      if (failures >= FAILURES && ++skipped % RETRY_EVERY !== 0)
        throw new ToolConnectionError('unreachable', `The tool server could not be reached ${failures} times in a row.`)
      // Whoever comes first opens it for all who wait.
      if (current === null || (known !== null && (await current) === known)) current = begin(timeoutMs)
      return cancellable(current, signal)
    },
    async close() {
      const opened = await current?.catch(() => null)
      current = null
      await opened?.close()
    },
  }
}
