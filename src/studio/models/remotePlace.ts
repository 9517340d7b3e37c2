/** What people type for a model that is elsewhere: a name on the Hub, the address of its page there, or that of any folder. */
import { CheckpointError } from '../../models/weights/byteSource'
import { folderAddress } from '../../models/weights/httpSource'
import { HUB_ENDPOINT, parseHubModel, type HubModel } from '../../models/weights/hub'
import type { RemoteModel } from '../../worker/protocol'

export type RemotePlace =
  /** `base` is the Hub's address. */
  | ({ readonly kind: 'hub'; readonly base: string; readonly title: string } & HubModel)
  /** `base` is the folder's. */
  | { readonly kind: 'folder'; readonly base: string; readonly title: string }

/** Throws CheckpointError: what was expected in its place. */
export function placeOf({ where, hub }: Pick<RemoteModel, 'where' | 'hub'>): RemotePlace {
  const text = where.trim().replace(/^hf:/, '')
  if (text === '') throw new CheckpointError('Expected owner/name of a model on the Hub, or the address of a folder.')
  const base = folderAddress(hub.trim() === '' ? HUB_ENDPOINT : hub.trim())
  const onHub = (name: string, at: string): RemotePlace => {
    const model = parseHubModel(name)
    return { kind: 'hub', base: at, title: model.repo, ...model }
  }
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return onHub(text, base)
  for (const at of [base, folderAddress(HUB_ENDPOINT)]) {
    const page = text.startsWith(at) ? /^([^/?#]+\/[^/?#]+)(?:\/(?:tree|blob|resolve)\/([^/?#]+))?/.exec(text.slice(at.length)) : null
    const [, repo, revision] = page ?? []
    if (repo !== undefined) return onHub(revision === undefined ? repo : `${repo}@${decodeURIComponent(revision)}`, at)
  }
  const address = folderAddress(text)
  return { kind: 'folder', base: address, title: decodeURIComponent(/([^/]+)\/$/.exec(address)?.[1] ?? address) }
}
