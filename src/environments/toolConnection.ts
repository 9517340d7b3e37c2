/** A connection to a server of tools. The environment knows only this; which protocol carries it is decided where it is opened. */
/** What a server says of itself. */
export interface ToolServer {
  readonly name: string
  readonly version: string
  /** How a model should use the tools, in the server's words. */
  readonly instructions?: string
}

/** A limit of time, and a signal that ends the waiting. */
export interface CallOptions {
  readonly signal?: AbortSignal
  readonly timeoutMs: number
}

export interface ToolConnection {
  readonly server: ToolServer
  /** False once the server closed the connection. */
  isOpen(): boolean
  /** The tools as the server describes them, of all its pages; they are not checked. Rejects with ToolConnectionError. */
  list(options: CallOptions): Promise<readonly unknown[]>
  /** The result as the server gave it; it is not checked. Rejects with ToolConnectionError. */
  call(name: string, args: Readonly<Record<string, unknown>>, options: CallOptions): Promise<unknown>
  /** Closing it twice is no error. */
  close(): Promise<void>
}

/** Rejects with ToolConnectionError. */
export type OpenToolConnection = (options: CallOptions) => Promise<ToolConnection>

/** A connection to the server at an address that the user gave. Rejects with ToolConnectionError. */
export type ConnectTools = (address: string, options: CallOptions) => Promise<ToolConnection>

/**
 * `timeout`: nothing came in time. `closed`: the connection ended. `session-over`: the server did nothing, because it has forgotten the session. `unreachable`: there was none. `protocol`: something other than the
 * protocol came. `arguments`: the server refused the arguments. `refused`: the server answered with another error.
 */
export type ToolConnectionProblem = 'timeout' | 'closed' | 'session-over' | 'unreachable' | 'protocol' | 'arguments' | 'refused'

export class ToolConnectionError extends Error {
  override readonly name = 'ToolConnectionError'
  readonly problem: ToolConnectionProblem
  /** @param message says in whole sentences what happened; it may quote the server. */
  constructor(problem: ToolConnectionProblem, message: string) {
    super(message)
    this.problem = problem
  }
}
