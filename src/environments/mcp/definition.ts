/** MCP servers in the catalogue: the environment is made from a server's address, or from a recording of one. */
import type { FileTree } from '../../base/fileTree'
import type { EnvironmentDefinition } from '../environment'
import type { WorldParts } from '../worldParts'
import { createMcpEnvironment, MCP_NAME, MCP_TITLE } from './environment'
import { isRecording, readRecording, type ToolRecording } from './recording'
import { mcpSettings, recordingName } from './settings'

export const mcpEnvironment: EnvironmentDefinition = {
  name: MCP_NAME,
  title: MCP_TITLE,
  description: 'The tools of any server of the Model Context Protocol, live or from a recording of its replies.',
  needs: 'the address of an MCP server in the settings, or a recording of one',
  settings: mcpSettings,
  canChange: true,
  create: async ({ settings: given, files, connectTools, recordings, now }: WorldParts) => {
    const settings = mcpSettings.parse(given ?? {})
    const name = recordingName(settings)
    const { server } = settings
    const save =
      recordings &&
      ((recording: ToolRecording) =>
        recordings.update(name, (before) => {
          // Another attempt may have recorded calls meanwhile.
          if (before !== null) recording.addMissing(readRecording(before, `The recording ${name}`))
          return recording.text()
        }))
    return createMcpEnvironment({
      settings,
      connect: server === '' || !connectTools ? null : (options) => connectTools(server, options),
      recording: (files && (await recordingIn(files))) ?? (await storedRecording(name, recordings)),
      ...(save ? { save } : {}),
      ...(now ? { now } : {}),
    })
  },
}

async function storedRecording(name: string, recordings: WorldParts['recordings']): Promise<ToolRecording | null> {
  const text = (await recordings?.read(name)) ?? null
  return text === null ? null : readRecording(text, `The recording ${name}`)
}

/** The recording that the user gave, by itself or beside the queries that are asked with it. */
async function recordingIn(files: FileTree): Promise<ToolRecording | null> {
  for (const path of (await files.paths()).filter((each) => each.endsWith('.json'))) {
    const blob = await files.blob(path)
    if (blob && isRecording(await blob.slice(0, 1000).text())) return readRecording(await blob.text(), path)
  }
  return null
}
