/** `studio.toolServers`: secrets of tool servers, and what is recorded of them. */
import type { ToolServersApi } from '../../worker/studioApi'
import { accept, attempt, refuse } from '../failure'
import type { ToolRecordings } from './toolRecordings'
import type { ToolServers } from './toolServers'

export const createToolServersApi = (servers: ToolServers, recordings: ToolRecordings): ToolServersApi => ({
  nameToken: async (address, token) => {
    if (!URL.canParse(address)) return refuse('address', `${address} is no address of a server.`)
    servers.nameToken(address, token)
    return accept(null)
  },
  recordings: () => recordings.list(),
  recordingText: (name) => attempt('recording', () => recordings.text(name)),
  addRecording: (name, text) => attempt('recording', () => recordings.add(name, text)),
  removeRecording: (name) => attempt('recording', () => recordings.remove(name)),
})
