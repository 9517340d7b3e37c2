/** Merges a run's adapter into its base, for download: files in memory the browser may put on disk, and the KL between the two. */
import type { EngineDevice } from '../../engine/device/engineDevice'
import type { Benchmark } from '../../environments/benchmark'
import { sourceFromBlob, folderFromMap, type FolderSource } from '../../models/weights/byteSource'
import { ADAPTER_CONFIG, readAdapter } from '../../models/weights/peft'
import { WEIGHT_FORMATS } from '../../engine/weightFormat'
import type { RunRecord } from '../../records/run'
import type { Store } from '../../storage/store'
import { mergedJobId, type MergedModel, type MergeRequest, type Reply } from '../../worker/protocol'
import { storedAdapterFiles } from './adapterFiles'
import { accept, refuse } from '../failure'
import type { JobContext } from '../jobs/jobContext'
import type { JobControl, JobWork } from '../jobs/jobControl'
import { mergedDivergence, mergedFiles } from './mergedModel'
import { withPrecision, type LoadedModel } from './models'

const MEASURING = 'Comparing it with base and adapter'

type MergeParts = Pick<JobContext, 'store' | 'models' | 'gpu' | 'worlds'>

export interface Merges {
  job(request: MergeRequest): Promise<Reply<JobWork>>
  /** What the last job of the run made; only the newest of all is kept. */
  merged(runId: string): Reply<MergedModel>
}

export function createMerges({ store, models, gpu, worlds }: MergeParts): Merges {
  let made: { readonly runId: string; readonly model: MergedModel } | null = null
  return {
    async job({ run_id: runId, which }) {
      const source = await sourceOf(runId, which, store, models)
      if (!source.ok) return source
      const known = worlds.benchmark()
      if (!known.ok) return known
      const opened = await gpu.open()
      if (!opened.ok) return opened
      const { engine } = opened.value
      return accept({
        ...{ kind: 'merge', title: `Merge ${source.value.run.title}`, runId: mergedJobId(runId), usesGpu: true },
        dispatches: () => engine.counters.dispatches,
        run: async (control) => {
          made = { runId, model: await merge(source.value, engine, known.value, control) }
          gpu.announce()
        },
      })
    },
    merged: (runId) =>
      made?.runId === runId ? accept(made.model) : refuse('not-merged', 'The merged model is not here any more: merge it again.'),
  }
}

/** The adapter's files and the base they belong to. */
interface MergeSource {
  readonly run: RunRecord
  readonly adapterFiles: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
  readonly model: LoadedModel & { readonly folder: FolderSource }
}

async function sourceOf(
  runId: string,
  which: MergeRequest['which'],
  store: Store,
  models: MergeParts['models'],
): Promise<Reply<MergeSource>> {
  const run = await store.runs.get(runId)
  if (!run) return refuse('unknown-run', `There is no run ${runId}; it may have been removed.`)
  const adapterFiles = await storedAdapterFiles(store, runId, which)
  if (adapterFiles.size === 0) return refuse('no-adapter', 'This run left no adapter, so there is nothing to merge.')
  if (!adapterFiles.has(ADAPTER_CONFIG))
    return refuse('no-adapter', 'This run trained all weights: what it exports is the model already, so there is nothing to merge.')
  const base = await models.load(run.model.id)
  if (!base.ok) return refuse(base.code, `The adapter cannot be merged without its base: ${base.message}`)
  if (base.value.sha256 !== run.model.sha256)
    return refuse(
      'changed',
      `${base.value.title} is not the model this run was trained on any more, so its adapter cannot be merged into it.`,
    )
  const dtype = WEIGHT_FORMATS.find((format) => format === run.config.dtype)
  const model = { ...withPrecision(base.value, dtype), folder: await models.folder(run.model.id) }
  return accept({ run, adapterFiles, model })
}

async function merge(
  { run, adapterFiles, model }: MergeSource,
  engine: EngineDevice,
  benchmark: Benchmark,
  control: JobControl,
): Promise<MergedModel> {
  const adapter = await readAdapter(folderFromMap(run.run_id, adapterFiles))
  control.phase('merging', 0, 'Looking for the largest weights')
  const { files: planned, bytes, dtype, note } = await mergedFiles(model, adapter, control.gate)
  control.phase('merging', bytes, `Merging into ${model.title}`)
  const files = await blobsOf(planned, bytes, control)
  control.phase('measuring', 0, MEASURING)
  const merged = folderFromMap(run.run_id, new Map([...files].map(([name, blob]) => [name, sourceFromBlob(blob, name)])))
  const onProgress = (row: number, of: number): void => {
    if (row === 1) control.phase('measuring', of, MEASURING)
    control.advance(row)
  }
  const kl = await mergedDivergence({ engine, model, adapter, merged, benchmark, gate: control.gate, onProgress })
  return { base: model.title, files: Object.fromEntries(files), bytes, dtype, note, kl }
}

type PlannedFiles = Awaited<ReturnType<typeof mergedFiles>>['files']

async function blobsOf(planned: PlannedFiles, bytes: number, control: JobControl): Promise<Map<string, Blob>> {
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
  return files
}
