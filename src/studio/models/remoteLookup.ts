/** Looks a model up on the Hub or in a folder behind an address, and reads and checks the headers of its weights. */
import type { ModelConfig } from '../../models/architectures/config'
import { openWeightsFolder, SIDE_FILES } from '../../models/checkpointFolder'
import { missingFile, type FolderSource } from '../../models/weights/byteSource'
import type { HttpParts } from '../../models/weights/httpClient'
import { folderFromUrl } from '../../models/weights/httpSource'
import { openHubModel } from '../../models/weights/hub'
import { checkUsable, type ModelOrigin } from './modelCards'
import type { RemotePlace } from './remotePlace'

export interface RemoteCheckpoint {
  readonly title: string
  readonly origin: ModelOrigin
  readonly folder: FolderSource
  readonly config: ModelConfig
  readonly files: number
  readonly bytes: number
}

const INDEX_FILE = 'model.safetensors.index.json'
const TOKENIZERS = ['tokenizer.json', 'tokenizer.model']

export async function lookUp(place: RemotePlace, http: HttpParts): Promise<RemoteCheckpoint> {
  const opened = await openPlace(place, http)
  const { folder } = opened
  const weights = await openWeightsFolder(folder)
  checkUsable(weights)
  const { config, tensors } = weights
  const sizes = new Map<string, number>()
  for (const name of [...SIDE_FILES, ...(tensors.files.length > 1 ? [INDEX_FILE] : []), ...tensors.files]) {
    const source = await folder.open(name)
    if (source) sizes.set(name, source.size)
  }
  if (!TOKENIZERS.some((name) => sizes.has(name))) throw missingFile(folder, TOKENIZERS.join(' or '))
  return { ...opened, config, files: sizes.size, bytes: [...sizes.values()].reduce((sum, size) => sum + size, 0) }
}

async function openPlace(place: RemotePlace, http: HttpParts): Promise<Pick<RemoteCheckpoint, 'title' | 'origin' | 'folder'>> {
  const { host } = new URL(place.base)
  if (place.kind === 'folder') {
    const folder = folderFromUrl(place.base, http)
    return { folder, title: place.title, origin: { host, pinned: place.base, revision: null } }
  }
  const folder = await openHubModel(place, http, { endpoint: place.base })
  return { folder, title: place.title, origin: { host, pinned: `${folder.repo}@${folder.commit}`, revision: folder.commit } }
}
