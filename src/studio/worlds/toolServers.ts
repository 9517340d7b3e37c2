/** Connections to tool servers that the user named: over HTTP through the ledger, and to programs where the host can start them. */
import { ToolConnectionError, type CallOptions, type ConnectTools, type ToolConnection } from '../../environments/toolConnection'
import type { FetchLedger } from '../../network/fetchLedger'

export interface ToolServers {
  readonly connect: ConnectTools
  /** Keeps a secret for a server in memory: it is sent to that server alone, and is not stored. */
  nameToken(address: string, token: string): void
}

interface ToolServerParts {
  readonly ledger: FetchLedger
  /** Starts a program that speaks the protocol; absent: the host starts none. */
  readonly openToolProcess?: ((command: string, options: CallOptions) => Promise<ToolConnection>) | undefined
  /** A variable of the host's environment; null when it is not set. */
  readonly secret?: ((name: string) => string | null) | undefined
}

const PROCESS = 'stdio:'

export function createToolServers({ ledger, openToolProcess, secret }: ToolServerParts): ToolServers {
  const tokens = new Map<string, string>()
  return {
    nameToken: (address, token) => {
      tokens.set(new URL(address).origin, token)
    },
    connect: async (address, options) => {
      if (address.startsWith(PROCESS)) {
        if (openToolProcess) return openToolProcess(address.slice(PROCESS.length), options)
        throw new ToolConnectionError(
          'unreachable',
          'A page starts no programs: start the server with hone serve --mcp "COMMAND", and give the address that it prints.',
        )
      }
      if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol))
        throw new ToolConnectionError(
          'unreachable',
          `${address} is no address of a tool server; expected one such as http://localhost:4180/mcp/NAME.`,
        )
      // A server that the settings name is allowed by that.
      ledger.allow(address)
      const { openHttpConnection } = await import('../../environments/mcp/httpConnection')
      const token = tokens.get(new URL(address).origin) ?? gatewayToken(address, secret)
      return openHttpConnection(address, { fetch: ledger.fetch, token }, options)
    },
  }
}

/** The token that `hone serve` printed, for addresses of this computer alone: it is no secret of other servers. */
export function gatewayToken(address: string, secret: ToolServerParts['secret']): string | null {
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(new URL(address).hostname)
  return isHere ? (secret?.('HONE_GATEWAY_TOKEN') ?? null) : null
}
