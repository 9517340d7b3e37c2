/** Models as a list shows them, with the adapters that runs trained on each. */
import { ropeTypeOf } from '../../models/claims'
import { parameterCount } from '../../models/languageModel'
import type { RunRecord } from '../../records/run'
import type { Store } from '../../storage/store'
import type { ModelRow } from '../../worker/protocol'
import type { ModelText } from './loadedModel'
import { rowOf, type Card } from './modelCards'

export async function listedModel(store: Store, card: Card): Promise<ModelRow> {
  return withAdapters(rowOf(card), (await store.runs.list()).records)
}

export function withAdapters(row: ModelRow, runs: readonly RunRecord[]): ModelRow {
  const adapters = runs.flatMap((run) => {
    const sha256 = run.adapter_sha256?.after ?? null
    return sha256 === null || run.model.id !== row.model_id ? [] : [{ run_id: run.run_id, title: run.title, sha256 }]
  })
  return { ...row, adapters }
}

/** The row of the starter model, which has no card: it comes with the page. */
export function starterRow({ id, title, config }: ModelText): ModelRow {
  const parameters = parameterCount(config)
  return {
    ...{ model_id: id, title, architecture: config.model_type, rope: ropeTypeOf(config), parameters, bytes: parameters * 2 },
    ...{ contextLength: config.max_position_embeddings, vocabulary: config.vocab_size, origin: null, revision: null, adapters: [] },
  }
}
