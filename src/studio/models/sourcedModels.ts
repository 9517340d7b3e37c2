/** Models that the host opens by name, each opened once. */
import type { FolderSource } from '../../models/weights/byteSource'
import type { Reply } from '../../worker/protocol'
import { accept, attempt } from '../failure'
import type { ModelSource, SourcedModel } from './modelSource'

export interface SourcedModels {
  /** @param seed of weights that are drawn at random. */
  open(spec: string, seed: number): Promise<Reply<SourcedModel>>
  /** The files of a model that is open, found by its id or by the name it was opened by; null when it is not open. */
  folder(id: string): Promise<FolderSource | null>
}

export function createSourcedModels(source: ModelSource): SourcedModels {
  const models = new Map<string, Promise<Reply<SourcedModel>>>()
  return {
    async open(spec, seed) {
      const key = JSON.stringify([spec, seed])
      const opened = models.get(key) ?? attempt('model', async () => accept(await source.open(spec, seed)))
      models.set(key, opened)
      const reply = await opened
      if (!reply.ok) models.delete(key)
      return reply
    },
    async folder(id) {
      for (const [key, opened] of models) {
        const reply = await opened
        if (reply.ok && (reply.value.id === id || key.startsWith(`[${JSON.stringify(id)},`))) return reply.value.folder
      }
      return null
    },
  }
}
