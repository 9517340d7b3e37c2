/** Studios made from the list of all methods: one forwards to another, which may be far away or not open yet. */
import type { StudioAreas } from './studioApi'

/** Every method of every area. TypeScript refuses a missing or an unknown name. */
const methods: { readonly [Area in keyof StudioAreas]: Readonly<Record<keyof StudioAreas[Area], true>> } = {
  gpu: { status: true },
  datasets: { list: true, sources: true, importFile: true, cancelImport: true, remove: true, sampleCsv: true },
  trajectories: { list: true, get: true, tokenPreview: true },
  labels: { get: true, add: true, undo: true, advantagePreview: true, exportCsv: true, annotate: true, exportFile: true },
  judges: { test: true, plan: true, outcome: true },
  jobs: { list: true, estimateMemory: true, estimateTime: true, preflight: true, start: true, pause: true, resume: true, cancel: true },
  recipes: { read: true, write: true },
  runs: {
    list: true,
    get: true,
    resume: true,
    remove: true,
    exportAdapter: true,
    adapterFiles: true,
    openFolder: true,
    mergedModel: true,
    sendToWandb: true,
  },
  evaluations: { list: true },
  models: {
    list: true,
    open: true,
    importFiles: true,
    cancelImport: true,
    planDownload: true,
    unfinishedDownloads: true,
    remove: true,
    testServer: true,
  },
  adapters: { list: true, importFiles: true, cancelImport: true, exportFiles: true, remove: true },
  environments: { callTool: true, openEnvironment: true, openBenchmark: true, listData: true, addData: true, removeData: true },
  toolServers: { nameToken: true, recordings: true, recordingText: true, addRecording: true, removeRecording: true },
  storage: { usage: true },
}

type AnyMethod = (...args: readonly unknown[]) => Promise<unknown>
type AnyAreas = Readonly<Record<string, Readonly<Record<string, AnyMethod>>>>

/**
 * @param target the studio to call, asked for at each call because it may open after the forwarder was made. It is handed over in a
 *   function because a Comlink proxy must not be awaited.
 */
export function forwardStudio(target: () => Promise<() => StudioAreas>): StudioAreas {
  return studioFrom(async (area, name, args) => {
    // Each name has its own arguments and result: TypeScript cannot follow a name through a union of methods.
    const studio = (await target())() as unknown as AnyAreas
    const method = studio[area]?.[name]
    if (!method) throw new Error(`The studio has no ${area}.${name}.`)
    return method(...args)
  })
}

/** A studio that answers every call by one function. */
export function studioFrom(answer: (area: string, name: string, args: readonly unknown[]) => Promise<unknown>): StudioAreas {
  const areas = Object.entries(methods).map(([area, names]) => [
    area,
    Object.fromEntries(Object.keys(names).map((name) => [name, (...args: readonly unknown[]) => answer(area, name, args)])),
  ])
  return Object.fromEntries(areas) as StudioAreas
}
