/**
 * Models that are not on this computer: `hf:OWNER/NAME[@REVISION]` and `https://…/folder/`. What was fetched is kept under
 * `downloads/` in the home directory, so that an interrupted download continues and a second use fetches nothing.
 * `HF_TOKEN` is sent to the Hub alone, or to the mirror that `HF_ENDPOINT` names.
 */
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { FolderSource } from '../models/weights/byteSource'
import type { HttpParts } from '../models/weights/httpClient'
import { folderAddress, folderFromUrl } from '../models/weights/httpSource'
import { openHubModel, parseHubModel } from '../models/weights/hub'
import { openNodeBlobs } from '../storage/nodeStore'
import type { CommandContext } from './command'

const HUB = 'hf:'

export type RemoteContext = Pick<CommandContext, 'fetch' | 'signal' | 'homeDirectory' | 'progress'>

export const isRemote = (spec: string): boolean => spec.startsWith(HUB) || /^https?:/i.test(spec)

/** Rejects with CheckpointError: a sentence on the name, the server or the token. */
export async function openRemoteFolder(
  spec: string,
  { fetch, signal, homeDirectory }: RemoteContext,
): Promise<{ id: string; title: string; folder: FolderSource; close: () => Promise<void> }> {
  const parts: HttpParts = { fetch, signal, sleep: (ms, aborted) => wait(ms, undefined, aborted ? { signal: aborted } : {}) }
  const piecesFor = (name: string): ReturnType<typeof openNodeBlobs> =>
    openNodeBlobs(join(homeDirectory, 'downloads', name.replaceAll(/[^\w.-]+/g, '--')))
  const close = (): Promise<void> => Promise.resolve()
  if (!spec.startsWith(HUB)) {
    const address = folderAddress(spec)
    return { id: address, title: address, folder: folderFromUrl(address, parts, await piecesFor(address)), close }
  }
  const model = parseHubModel(spec.slice(HUB.length))
  const token = process.env.HF_TOKEN?.trim()
  const folder = await openHubModel(model, token ? { ...parts, token } : parts, {
    endpoint: process.env.HF_ENDPOINT || undefined,
    pieces: await piecesFor(model.repo),
  })
  // The commit, not the branch: the same name means the same weights on another day.
  return { id: `${HUB}${folder.repo}@${folder.commit}`, title: folder.repo, folder, close }
}
