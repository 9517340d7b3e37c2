/** Merges a run's adapter into its base, for download: files in memory the browser may put on disk, and the KL between the two. */
import { sourceFromBlob, folderFromMap } from '../../models/weights/byteSource'
import { ADAPTER_CONFIG, readAdapter } from '../../models/weights/peft'
import { WEIGHT_FORMATS } from '../../engine/weightFormat'
import { mergedJobId, type MergedModel, type MergeRequest, type Reply } from '../../worker/protocol'
import { storedAdapterFiles } from './adapterFiles'
import { accept, refuse } from '../failure'
import type { JobContext } from '../jobs/jobContext'
import type { JobWork } from '../jobs/jobQueue'
import { mergedDivergence, mergedFiles } from './mergedModel'
import { withPrecision } from './models'

export interface Merges {
  job(request: MergeRequest): Promise<Reply<JobWork>>
  /** What the last job of the run made; only the newest of all is kept. */
  merged(runId: string): Reply<MergedModel>
}

export function createMerges({ store, models, gpu, worlds }: Pick<JobContext, 'store' | 'models' | 'gpu' | 'worlds'>): Merges {
  let made: { readonly runId: string; readonly model: MergedModel } | null = null
  return {
    async job({ run_id: runId, which }) {
      const run = await store.runs.get(runId)
      if (!run) return refuse('unknown-run', `There is no run ${runId}; it may have been removed.`)
      const kept = await storedAdapterFiles(store, runId, which)
      if (kept.size === 0) return refuse('no-adapter', 'This run left no adapter, so there is nothing to merge.')
      if (!kept.has(ADAPTER_CONFIG))
        return refuse('no-adapter', 'This run trained all weights: what it exports is the model already, so there is nothing to merge.')
      const stored = await models.load(run.model.id)
      if (!stored.ok) return refuse(stored.code, `The adapter cannot be merged without its base: ${stored.message}`)
      if (stored.value.sha256 !== run.model.sha256)
        return refuse(
          'changed',
          `${stored.value.title} is not the model this run was trained on any more, so its adapter cannot be merged into it.`,
        )
      const known = worlds.benchmark()
      if (!known.ok) return known
      const benchmark = known.value
      const opened = await gpu.open()
      if (!opened.ok) return opened
      const dtype = WEIGHT_FORMATS.find((format) => format === run.config.dtype)
      const model = { ...withPrecision(stored.value, dtype), folder: await models.folder(run.model.id) }
      const { engine } = opened.value
      return accept({
        ...{ kind: 'merge', title: `Merge ${run.title}`, runId: mergedJobId(runId), usesGpu: true },
        dispatches: () => engine.counters.dispatches,
        run: async (control) => {
          const adapter = await readAdapter(folderFromMap(runId, kept))
          const { files: planned, bytes, dtype: as, note } = await mergedFiles(model, adapter)
          control.phase('merging', bytes, `Merging into ${model.title}`)
          let done = 0
          const files = new Map<string, Blob>()
          for (const { name, pieces } of planned) {
            // Each piece becomes the browser's at once: it keeps large ones on disk.
            const parts: Blob[] = []
            for await (const piece of pieces()) {
              await control.gate()
              parts.push(new Blob([new Uint8Array(piece)]))
              done += piece.byteLength
              if (name.endsWith('.safetensors')) control.advance(Math.min(done, bytes))
            }
            files.set(name, new Blob(parts))
          }
          control.phase('measuring', 0, 'Comparing it with base and adapter')
          const merged = folderFromMap(runId, new Map([...files].map(([name, blob]) => [name, sourceFromBlob(blob, name)])))
          const onProgress = (row: number, of: number): void => {
            if (row === 1) control.phase('measuring', of, 'Comparing it with base and adapter')
            control.advance(row)
          }
          const kl = await mergedDivergence({ engine, model, adapter, merged, benchmark, gate: control.gate, onProgress })
          gpu.announce()
          made = { runId, model: { base: model.title, files: Object.fromEntries(files), bytes, dtype: as, note, kl } }
        },
      })
    },
    merged: (runId) =>
      made?.runId === runId ? accept(made.model) : refuse('not-merged', 'The merged model is not here any more: merge it again.'),
  }
}
