/** Models that are not stored here but opened where they lie, by a name that the host understands: a folder, a place on the Hub. */
import type { FolderSource } from '../../models/weights/byteSource'
import type { LoadedModel } from './loadedModel'

export interface SourcedModel extends LoadedModel {
  /** Its small files, which a model that is trained whole is written beside. */
  readonly folder: FolderSource
}

export interface ModelSource {
  /**
   * Throws one sentence for a name that is none, and for a model that cannot be used.
   * @param seed of weights that are drawn at random.
   */
  open(spec: string, seed: number): Promise<SourcedModel>
}
