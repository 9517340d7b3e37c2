/** Merges an adapter into its base, and measures the KL between the two: the files lie in a folder that was named, or in memory for download. */
import type { EngineDevice } from '../../engine/device/engineDevice'
import { WEIGHT_FORMATS } from '../../engine/weightFormat'
import type { Benchmark } from '../../environments/benchmark'
import { folderFromMap, type FolderSource } from '../../models/weights/byteSource'
import { ADAPTER_CONFIG, readAdapter, type LoraAdapter } from '../../models/weights/peft'
import { mergedJobId, type MergedModel, type MergeRequest, type Reply, type StartFrom } from '../../worker/protocol'
import { storedAdapterFiles } from './adapterFiles'
import { accept, refuse } from '../failure'
import type { JobContext } from '../jobs/jobContext'
import type { JobControl, JobWork } from '../jobs/jobControl'
import { mergedDivergence, mergedFiles } from './mergedModel'
import { withPrecision, type LoadedModel } from './models'
import { createBlobFolder, type OutputFolder } from './outputFolder'
import type { StudioParts } from '../parts'

const MEASURING = 'Comparing it with base and adapter'

type MergeParts = Pick<JobContext, 'store' | 'models' | 'gpu' | 'worlds' | 'initialAdapters'>

export interface Merges {
  job(request: MergeRequest): Promise<Reply<JobWork>>
  /** What the last job made, by the id of the run or of the imported adapter; only the newest of all is kept. */
  merged(adapterOf: string): Reply<MergedModel>
}

/** @param openOutput when absent, the host has no directories. */
export function createMerges(parts: MergeParts, openOutput: StudioParts['openOutput']): Merges {
  const { gpu, worlds } = parts
  let made: { readonly id: string; readonly model: MergedModel } | null = null
  return {
    async job(request) {
      const id = idOf(request.adapter)
      if (request.folder !== undefined && !openOutput) return refuse('no-folders', 'Files are downloaded here, not written into folders.')
      const source = await sourceOf(request, parts)
      if (!source.ok) return source
      const known = await worlds.benchmark()
      if (!known.ok) return known
      const opened = await gpu.open()
      if (!opened.ok) return opened
      const { engine } = opened.value
      const output = (): Promise<OutputFolder> =>
        request.folder !== undefined && openOutput ? openOutput(request.folder) : Promise.resolve(createBlobFolder(id))
      return accept({
        ...{ kind: 'merge', title: `Merge ${source.value.title}`, runId: mergedJobId(id), usesGpu: true },
        dispatches: () => engine.counters.dispatches,
        run: async (control) => {
          const folder = await output()
          try {
            made = { id, model: await merge(source.value, folder, { engine, benchmark: known.value }, control) }
          } finally {
            await folder.close()
          }
          gpu.announce()
        },
      })
    },
    merged: (id) =>
      made?.id === id ? accept(made.model) : refuse('not-merged', 'The merged model is no longer in memory: merge it again.'),
  }
}

const idOf = (adapter: StartFrom): string => (adapter.kind === 'run' ? adapter.run_id : adapter.adapter_id)

/** The adapter and the base it is merged into. */
interface MergeSource {
  readonly title: string
  readonly adapter: LoraAdapter
  readonly model: LoadedModel & { readonly folder: FolderSource }
}

function sourceOf(request: MergeRequest, parts: MergeParts): Promise<Reply<MergeSource>> {
  const { adapter } = request
  return adapter.kind === 'run' ? sourceOfRun(request, adapter, parts) : sourceOfImported(request, adapter, parts)
}

async function sourceOfRun(
  request: MergeRequest,
  { run_id: runId, which }: Extract<StartFrom, { kind: 'run' }>,
  { store, models }: MergeParts,
): Promise<Reply<MergeSource>> {
  const run = await store.runs.get(runId)
  if (!run) return refuse('unknown-run', `There is no run ${runId}; it may have been removed.`)
  const files = await storedAdapterFiles(store, runId, which)
  if (files.size === 0) return refuse('no-adapter', 'This run left no adapter, so there is nothing to merge.')
  if (!files.has(ADAPTER_CONFIG))
    return refuse('no-adapter', 'This run trained all weights: what it exports is the model already, so there is nothing to merge.')
  const name = request.model ?? run.model.id
  const base = await models.load(name, run.seed)
  if (!base.ok) return refuse(base.code, `The adapter cannot be merged without its base: ${base.message}`)
  // A person who names another base wants that one.
  if (request.model === undefined && base.value.sha256 !== run.model.sha256)
    return refuse(
      'changed',
      `${base.value.title} is not the model this run was trained on any more, so its adapter cannot be merged into it.`,
    )
  const dtype = request.dtype ?? WEIGHT_FORMATS.find((format) => format === run.config.dtype)
  const model = { ...withPrecision(base.value, dtype), folder: await models.folder(name) }
  return accept({ title: run.title, adapter: await readAdapter(folderFromMap(runId, files)), model })
}

async function sourceOfImported(
  request: MergeRequest,
  from: Extract<StartFrom, { kind: 'imported' }>,
  { models, initialAdapters }: MergeParts,
): Promise<Reply<MergeSource>> {
  const name = request.model ?? (await initialAdapters.modelOf(from))
  if (name === null) return refuse('unknown-adapter', 'The imported adapter is not stored here any more.')
  const base = await models.load(name)
  if (!base.ok) return refuse(base.code, `The adapter cannot be merged without its base: ${base.message}`)
  const opened = await initialAdapters.openToAct(from, base.value)
  if (!opened.ok) return opened
  if (!opened.value) return refuse('unknown-adapter', 'The imported adapter is not stored here any more.')
  const model = { ...withPrecision(base.value, request.dtype), folder: await models.folder(name) }
  return accept({ title: opened.value.from, adapter: opened.value.adapter.whole, model })
}

interface Measured {
  readonly engine: EngineDevice
  readonly benchmark: Benchmark
}

async function merge({ adapter, model }: MergeSource, folder: OutputFolder, measured: Measured, control: JobControl): Promise<MergedModel> {
  control.phase('merging', 0, 'Looking for the largest weights')
  const { files: planned, bytes, dtype, note } = await mergedFiles(model, adapter, control.gate)
  control.phase('merging', bytes, `Merging into ${model.title}`)
  await writeAll(planned, bytes, folder, control)
  control.phase('measuring', 0, MEASURING)
  const onProgress = (row: number, of: number): void => {
    if (row === 1) control.phase('measuring', of, MEASURING)
    control.advance(row)
  }
  const kl = await mergedDivergence({ ...measured, model, adapter, merged: folder.written, gate: control.gate, onProgress })
  const names = planned.map(({ name }) => name)
  return { base: model.title, names, files: Object.fromEntries(folder.blobs), bytes, dtype, note, kl }
}

type PlannedFiles = Awaited<ReturnType<typeof mergedFiles>>['files']

async function writeAll(planned: PlannedFiles, bytes: number, folder: OutputFolder, control: JobControl): Promise<void> {
  let done = 0
  for (const { name, pieces } of planned) {
    const isWeights = name.endsWith('.safetensors')
    const counted = async function* (): AsyncIterable<Uint8Array> {
      for await (const piece of pieces()) {
        await control.gate()
        yield piece
        done += piece.byteLength
        if (isWeights) control.advance(Math.min(done, bytes))
      }
    }
    await folder.write(name, counted())
    if (isWeights) control.say(`Wrote ${name}`)
  }
}
