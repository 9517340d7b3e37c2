/** What a person says about a tool server: where it is, and whether it is asked or its recording. */
import { z } from 'zod'

/**
 * `live`: every call is sent, and nothing is kept. `record`: every call is sent, and its reply is kept. `replay`: only recorded replies, without the server.
 * `replay-else-live`: recorded replies, and calls that were not recorded yet are sent and kept.
 */
const MODES = ['live', 'record', 'replay', 'replay-else-live'] as const

export const mcpSettings = z.object({
  server: z
    .string()
    .default('')
    .meta({ help: 'the address of the server’s streamable HTTP, such as http://localhost:4180/mcp/NAME; empty for a replay' }),
  mode: z.enum(MODES).default('live').meta({ help: 'live, record, replay, or replay-else-live' }),
  recording: z
    .string()
    .regex(/^[\w.-]*$/)
    .default('')
    .meta({ help: 'the name under which replies are kept; by default one made from the server’s address' }),
  tools: z.array(z.string()).nullable().default(null).meta({ help: 'the tools that are offered; by default all of the server’s' }),
  timeoutSeconds: z.number().positive().max(3600).default(60).meta({ help: 'how long the server may take to answer' }),
  callsPerEpisode: z.int().positive().default(100).meta({ help: 'the most calls of an episode' }),
  liveCalls: z.int().positive().default(10_000).meta({ help: 'the most calls that are sent to the server, by all episodes together' }),
  stateless: z
    .boolean()
    .default(false)
    .meta({ help: 'true if calls change nothing on the server, so that a search may try several continuations of one state' }),
})
export type McpSettings = z.output<typeof mcpSettings>

/** The name under which replies are kept: the one that the settings give, else the server's address in letters that a file's name may have. */
export const recordingName = ({ recording, server }: McpSettings): string =>
  recording === ''
    ? server
        .replace(/^\w+:(\/\/)?/, '')
        .replaceAll(/[^\w.-]+/g, '_')
        .slice(-100) || 'recording'
    : recording
