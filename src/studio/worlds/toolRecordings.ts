/** Recorded replies of tool servers in the store, each in a file of its own under its name. */
import { createSerialQueue } from '../../base/serialQueue'
import { EnvironmentError } from '../../environments/environment'
import { isRecording, readRecording, type ToolRecording } from '../../environments/mcp/recording'
import type { Recordings } from '../../environments/worldParts'
import type { Store } from '../../storage/store'
import type { Reply } from '../../worker/protocol'
import type { ToolRecordingRow } from '../../worker/studioApi'
import { accept, refuse } from '../failure'

export interface ToolRecordings extends Recordings {
  list(): Promise<readonly ToolRecordingRow[]>
  /** Refuses a name that there is none of. */
  text(name: string): Promise<Reply<string>>
  /** Replaces one of the same name; refuses a text that is no recording. */
  add(name: string, text: string): Promise<Reply<ToolRecordingRow>>
  remove(name: string): Promise<Reply<null>>
}

export const RECORDINGS = 'tool-recordings/'
const NAME = /^[\w.-]{1,100}$/

/** @param changed hears that what is recorded is no longer what it was. */
export function createToolRecordings(store: Store, changed: () => void): ToolRecordings {
  const read = async (name: string): Promise<string | null> => {
    const bytes = await store.readBlob(RECORDINGS + name)
    return bytes && new TextDecoder().decode(bytes)
  }
  const queue = createSerialQueue()
  const update = (name: string, change: (before: string | null) => string): Promise<void> =>
    queue.run(async () => {
      await store.writeBlob(RECORDINGS + name, new TextEncoder().encode(change(await read(name))))
      changed()
    })
  const text = async (name: string): Promise<Reply<string>> => {
    const stored = await read(name)
    return stored === null ? refuse('unknown-recording', `There is no recording ${name} of a tool server.`) : accept(stored)
  }
  return {
    read,
    update,
    text,
    list: async () => {
      const found = await store.listBlobs((name) => name.startsWith(RECORDINGS))
      const rows = await Promise.all(
        found.map(async ({ name: blob, bytes }) => {
          const name = blob.slice(RECORDINGS.length)
          try {
            const stored = (await read(name)) ?? ''
            // Other environments keep their own forms of recordings here.
            return isRecording(stored) ? [rowOf(name, bytes, readRecording(stored, name))] : []
          } catch (error) {
            return [{ name, bytes, server: '', tools: 0, replies: 0, problem: error instanceof Error ? error.message : String(error) }]
          }
        }),
      )
      return rows.flat()
    },
    add: async (name, given) => {
      if (!NAME.test(name))
        return refuse('recording-name', 'The name of a recording has 1 to 100 letters, digits, dots, hyphens or underscores.')
      try {
        const recording = readRecording(given, name)
        await update(name, () => recording.text())
        return accept(rowOf(name, given.length, recording))
      } catch (error) {
        if (error instanceof EnvironmentError) return refuse('recording', error.message)
        throw error
      }
    },
    remove: async (name) => {
      const known = await text(name)
      if (!known.ok) return known
      await store.removeBlob(RECORDINGS + name)
      changed()
      return accept(null)
    },
  }
}

const rowOf = (name: string, bytes: number, recording: ToolRecording): ToolRecordingRow => ({
  ...{ name, bytes, server: recording.server.name, tools: recording.tools.length, replies: recording.size(), problem: null },
})
