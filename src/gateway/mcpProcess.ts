/** A command on this computer that speaks the Model Context Protocol on its standard input and output. */
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'

/** A longer message of one line is refused, and the process ended. */
const MAX_LINE_BYTES = 64 * 2 ** 20

/**
 * Not started yet: starting it starts the process, closing it ends it. The process gets the variables a program needs to run (PATH, HOME and the like)
 * and none of the others, among which are keys.
 * @param log gets what the process writes to its standard error, line by line.
 */
export function processTransport([command = '', ...args]: readonly string[], log: (line: string) => void): Transport {
  const transport = new StdioClientTransport({ command, args, stderr: 'pipe', maxBufferSize: MAX_LINE_BYTES })
  const { stderr } = transport
  if (stderr instanceof Readable) createInterface({ input: stderr }).on('line', log)
  return transport
}
