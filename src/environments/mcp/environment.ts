/**
 * Any server of the Model Context Protocol as an environment. Its replies can be recorded and replayed, so that practice repeats and works without the
 * server. Whatever the server does in an episode is a reply that the model reads; only a server whose tools are not known fails the environment.
 */
import { createSerialQueue } from '../../base/serialQueue'
import { sha256 } from '../../base/sha256'
import type { ToolSpec } from '../../records/trajectory'
import { EnvironmentError, type Environment } from '../environment'
import { openMcpEpisode } from './episode'
import { keepConnection, type KeptConnection } from './openConnection'
import { createRecording, type ToolRecording } from './recording'
import type { McpSettings } from './settings'
import { readToolList } from './toolList'
import { ToolConnectionError, type OpenToolConnection } from '../toolConnection'

export interface McpParts {
  readonly settings: McpSettings
  /** null: there is no server to ask. */
  readonly connect: OpenToolConnection | null
  /** null: nothing was recorded yet. */
  readonly recording: ToolRecording | null
  /** Keeps the recording; when absent, it lasts as long as the environment. */
  readonly save?: (recording: ToolRecording) => Promise<void>
  readonly now?: () => number
}

export interface McpEnvironment extends Environment {
  /** What is recorded so far; null in the mode `live`. */
  readonly recording: ToolRecording | null
  /** Saves what was recorded and ends the connection. */
  close(): Promise<void>
}

export const MCP_NAME = 'mcp'
export const MCP_TITLE = 'MCP server'

/** Throws EnvironmentError when the tools are not known: no server answers, or nothing was recorded. */
export async function createMcpEnvironment(parts: McpParts): Promise<McpEnvironment> {
  const { settings, connect, now } = parts
  const { mode } = settings
  if (mode === 'replay' && parts.recording === null)
    throw new EnvironmentError(
      'unavailable',
      'Nothing was recorded of this tool server: use the mode "record" first, or give the file of a recording.',
    )
  if (connect === null && mode !== 'replay')
    throw new EnvironmentError('unavailable', `The mode "${mode}" needs a tool server: name its address in the setting "server".`)
  const connection = connect === null || mode === 'replay' ? null : keepConnection(connect)
  const known = mode === 'replay' || mode === 'replay-else-live' ? parts.recording : null
  const { server, tools } = known ? fromRecording(known, settings) : await fromServer(connection, settings)
  const recording = mode === 'live' ? null : recordingFor(parts.recording, server, tools)
  const save = keepSaved(recording, parts.save)
  const budget = { live: settings.liveCalls }
  return {
    name: MCP_NAME,
    title: server.name === '' ? MCP_TITLE : server.name,
    description: descriptionOf(settings, server.name),
    tools,
    recording,
    hash: hashOf(settings, server, tools, recording),
    open: (query) =>
      Promise.resolve(
        openMcpEpisode(
          { query, tools, settings, connection, recording, budget, ended: save, ...(now ? { now } : {}) },
          { calls: 0, hasEnded: false },
        ),
      ),
    close: async () => {
      await save()
      await connection?.close()
    },
  }
}

interface Offered {
  readonly server: ToolRecording['server']
  readonly tools: readonly ToolSpec[]
}

function fromRecording({ server, tools }: ToolRecording, { tools: wanted }: McpSettings): Offered {
  const missing = (wanted ?? []).filter((name) => !tools.some((tool) => tool.name === name))
  if (missing.length > 0)
    throw new EnvironmentError('protocol', `The recording of ${server.name} has no tool ${missing.join(', ')}, which the settings name.`)
  return { server, tools: wanted === null ? tools : tools.filter(({ name }) => wanted.includes(name)) }
}

async function fromServer(connection: KeptConnection | null, { tools: wanted, timeoutSeconds }: McpSettings): Promise<Offered> {
  const limits = { timeoutMs: timeoutSeconds * 1000 }
  try {
    const opened = await connection?.get(limits)
    if (!opened) throw new EnvironmentError('unavailable', 'There is no tool server.')
    return { server: opened.server, tools: readToolList(await opened.list(limits), opened.server.name, wanted) }
  } catch (error) {
    await connection?.close()
    if (!(error instanceof ToolConnectionError)) throw error
    const code =
      error.problem === 'timeout' ? 'timeout' : error.problem === 'protocol' || error.problem === 'refused' ? 'protocol' : 'unavailable'
    throw new EnvironmentError(code, error.message)
  }
}

/** New replies are added to what an earlier session recorded of the same tools. */
function recordingFor(before: ToolRecording | null, server: Offered['server'], tools: readonly ToolSpec[]): ToolRecording {
  if (before && tools.every((tool) => before.tools.some((other) => JSON.stringify(other) === JSON.stringify(tool)))) return before
  if (before && before.size() > 0)
    throw new EnvironmentError(
      'protocol',
      `The tools of ${server.name} are others than those of the recording: give this recording another name in the setting "recording".`,
    )
  return createRecording(server, tools)
}

function descriptionOf({ mode, server: address }: McpSettings, name: string): string {
  const where = address === '' ? name : `${name} at ${address}`
  if (mode === 'replay') return `The recorded replies of ${where}; the server itself is not asked.`
  const kept = mode === 'live' ? 'nothing is recorded' : 'replies are recorded'
  return `${where}, live: what it replies may change from day to day; ${kept}.`
}

/** Of a live server, only what it says of itself is known; what is recorded of it grows while it is asked. */
function hashOf({ mode }: McpSettings, server: Offered['server'], tools: readonly ToolSpec[], recording: ToolRecording | null): string {
  return sha256(JSON.stringify({ version: 1, mode, server, tools, replies: mode === 'replay' ? recording?.sha256() : 'live' }))
}

/** Saves what is new, once for many that ask together. Rejects with EnvironmentError if it cannot be saved; the next call tries again. */
function keepSaved(recording: ToolRecording | null, keep: McpParts['save']): () => Promise<void> {
  if (recording === null || keep === undefined) return () => Promise.resolve()
  const queue = createSerialQueue()
  let saved = recording.revision()
  let waiting: Promise<void> | null = null
  const write = async (): Promise<void> => {
    waiting = null
    const revision = recording.revision()
    if (revision === saved) return
    try {
      await keep(recording)
      // What was merged from elsewhere is saved too; what came meanwhile is not.
      saved = revision
    } catch (error) {
      throw new EnvironmentError(
        'unavailable',
        `The recorded replies could not be saved: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }
  return () => (waiting ??= queue.run(write))
}
