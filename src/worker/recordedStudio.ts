/**
 * The studio over a recorded run: for machines without WebGPU and for "Watch a recorded run". Labels are kept in memory; what the recording does
 * not hold (imports, models, storage, tools) is asked of the live worker where there is one; training says why it cannot and what to do.
 */
import { opinionRows, OpinionValueError, undoRow } from '../annotation/opinions'
import { resolveRewards } from '../annotation/resolver'
import { sha256 } from '../base/sha256'
import type { Opinion } from '../records/annotation'
import { recording, starterManifest } from '../records/recording'
import type { Recording } from '../records/recording'
import type { Trajectory } from '../records/trajectory'
import type { LiveStudio, RecordedStudio } from './client'
import type { DatasetRow, LabelState, Reply, RunDetail, StudioApi, StudioDescription } from './protocol'

const FILE = 'recorded-run.json'

function refuse(code: string, message: string): { readonly ok: false; readonly code: string; readonly message: string } {
  return { ok: false, code, message }
}

async function expectedHash(base: string): Promise<string | null> {
  const response = await fetch(new URL('starter/manifest.json', base))
  if (!response.ok) return null
  const found = starterManifest.safeParse(await response.json().catch(() => null))
  return found.success ? (found.data.files[FILE]?.sha256 ?? null) : null
}

async function fetchRecording(base: string): Promise<Reply<{ recording: Recording; verified: boolean }>> {
  try {
    const [response, expected] = await Promise.all([fetch(new URL(`starter/${FILE}`, base)), expectedHash(base)])
    if (!response.ok) return refuse('no-recording', 'This build has no recorded run.')
    const bytes = new Uint8Array(await response.arrayBuffer())
    const hash = expected === null ? null : sha256(bytes)
    if (expected !== null && hash !== expected) {
      return refuse(
        'hash',
        `starter/${FILE} is not the file this build was made with: expected SHA-256 ${expected}, found ${hash ?? ''}. Reload the page, or install the build again.`,
      )
    }
    const parsed = recording.safeParse(JSON.parse(new TextDecoder().decode(bytes)))
    if (!parsed.success) {
      const issue = parsed.error.issues[0]
      return refuse(
        'recording',
        `starter/${FILE} could not be read: ${issue ? `${issue.path.join('.')}: ${issue.message}` : 'unknown shape'}`,
      )
    }
    return { ok: true, value: { recording: parsed.data, verified: hash !== null } }
  } catch (error) {
    return refuse('no-recording', `The recorded run could not be loaded: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function describeRecording(data: Recording): StudioDescription {
  return {
    algorithms: [],
    formats: [],
    architectures: [],
    claims: [],
    environments: [],
    benchmarks: data.evaluations.slice(0, 1).map((row) => ({ name: row.benchmark, splits: { [row.split]: row.rows.length } })),
    strategies: [...new Set(data.evaluations.map((row) => row.strategy))],
    ops: [],
  }
}

function withoutTokens(record: Trajectory): Trajectory {
  return { ...record, steps: record.steps.map((step) => ({ ...step, tokens: null })) }
}

function studioOf(data: Recording, live: LiveStudio | null): StudioApi {
  const runId = data.run.run.run_id
  const datasetId = `recording:${runId}`
  const detail: RunDetail = data.run
  const byId = new Map(data.trajectories.map((record) => [record.trajectory_id, record]))
  const practice = data.trajectories.filter((record) => record.split === 'practice')
  const labelled = practice.length > 0 ? practice : data.trajectories
  let opinions: Opinion[] = [...data.opinions]
  let made = 0
  const parts = {
    newId: (prefix: string) => `${prefix}-tab-${(made += 1)}`,
    now: () => new Date().toISOString(),
  }
  const dataset: DatasetRow = {
    dataset_id: datasetId,
    name: 'Recorded run: practice',
    format: 'recording',
    sha256: '',
    bytes: 0,
    rows: labelled.length,
    trajectories: labelled.length,
    steps: labelled.reduce((sum, record) => sum + record.steps.length, 0),
    problems: [],
    created_at: data.recorded_at,
  }
  const other = live?.studio ?? null
  const elsewhere = refuse('recorded', 'The recorded run does not hold this, and the engine did not start.')
  const cannotTrain = refuse(
    'recorded',
    'This is a recorded run, so nothing can be computed with it. Go back to this computer to train; without WebGPU, Home says what to switch on.',
  )

  function labelState(record: Trajectory): LabelState {
    const own = opinions.filter((row) => row.trajectory_id === record.trajectory_id)
    return { opinions: own, resolved: resolveRewards(record, own) }
  }

  return {
    connect: () => Promise.resolve(refuse('recorded', 'A recorded run has no engine to connect to.')),
    gpu: async () => (other ? other.gpu() : { state: 'unavailable', cause: 'worker', message: '' }),

    importFile: async (file) => (other ? other.importFile(file) : elsewhere),
    datasets: async () => [dataset, ...(other ? await other.datasets() : [])],
    removeDataset: async (id) =>
      id === datasetId
        ? refuse('recorded', 'The recorded run is part of this page and cannot be removed.')
        : other
          ? other.removeDataset(id)
          : elsewhere,
    sampleCsv: async () => (other ? other.sampleCsv() : ''),
    tokenPreview: async (id, options) => {
      const held = data.advantages[id]
      if (held) return { ok: true, value: held.tokens }
      return other && !byId.has(id)
        ? other.tokenPreview(id, options)
        : refuse('recorded', 'The tokens of this trajectory were not recorded.')
    },

    trajectories: async (of) => {
      if ('dataset_id' in of) return of.dataset_id === datasetId ? labelled.map(withoutTokens) : other ? other.trajectories(of) : []
      return of.run_id === runId ? data.trajectories.map(withoutTokens) : other ? other.trajectories(of) : []
    },
    trajectory: async (id) => {
      const held = byId.get(id)
      if (held) return { ok: true, value: held }
      return other ? other.trajectory(id) : refuse('unknown-trajectory', `The recorded run has no trajectory ${id}.`)
    },
    labels: async (id) => {
      const held = byId.get(id)
      return held ? labelState(held) : other ? other.labels(id) : { opinions: [], resolved: [] }
    },
    addOpinions: async (rows, annotator) => {
      const first = rows[0]
      if (!first) return refuse('empty', 'No opinion was given.')
      const held = byId.get(first.trajectory_id)
      if (!held) return other ? other.addOpinions(rows, annotator) : elsewhere
      const outside = rows.find((row) => row.trajectory_id !== held.trajectory_id || !held.steps[row.step])
      if (outside) return refuse('unknown-step', `The trajectory has no step ${outside.step + 1}.`)
      try {
        const news = rows.map(({ rationale, ...row }) => (rationale === undefined ? row : { ...row, rationale }))
        opinions = [...opinions, ...opinionRows(news, { kind: 'HUMAN', id: annotator.trim() || 'you' }, opinions, parts)]
      } catch (error) {
        if (error instanceof OpinionValueError) return refuse('value', error.message)
        throw error
      }
      return { ok: true, value: labelState(held) }
    },
    undoOpinion: async (opinionId) => {
      const row = opinions.find((old) => old.opinion_id === opinionId)
      const held = row ? byId.get(row.trajectory_id) : undefined
      if (!row || !held) return other ? other.undoOpinion(opinionId) : refuse('unknown-opinion', 'That opinion is not here any more.')
      if (row.annotator_kind !== 'HUMAN')
        return refuse('recorded', 'Recorded opinions of rules and judges cannot be taken back; give your own, it wins.')
      const undone = undoRow(opinionId, opinions, parts)
      if (!undone.ok) return undone
      opinions = [...opinions, undone.row]
      return { ok: true, value: labelState(held) }
    },
    advantagePreview: async (id, override, options) => {
      const held = data.advantages[id]
      if (held && override === null) return { ok: true, value: held }
      if (!byId.has(id) && other) return other.advantagePreview(id, override, options)
      return refuse('recorded', 'What a label does to the advantages is computed by the value head, which the recorded run does not hold.')
    },

    testJudge: async (settings) => (other ? other.testJudge(settings) : elsewhere),
    planJudge: async (id, ids, settings) =>
      id !== datasetId && other
        ? other.planJudge(id, ids, settings)
        : refuse('recorded', 'A judge is asked about imported files and live runs, not about the recorded one.'),

    estimateMemory: async (request, memoryBytes) => (other ? other.estimateMemory(request, memoryBytes) : elsewhere),
    preflight: async (request, memoryBytes) => (other ? other.preflight(request, memoryBytes) : elsewhere),
    readRecipe: async (file, text, fallback) => (other ? other.readRecipe(file, text, fallback) : elsewhere),
    writeRecipe: async (source, to) => (other ? other.writeRecipe(source, to) : elsewhere),
    start: async (request) => (other && request.kind === 'download' ? other.start(request) : cannotTrain),
    pause: async (id) => (other ? other.pause(id) : cannotTrain),
    resume: async (id) => (other ? other.resume(id) : cannotTrain),
    cancel: async (id) => (other ? other.cancel(id) : cannotTrain),
    jobs: async () => (other ? other.jobs() : []),

    runs: async () => [data.run.run, ...(other ? await other.runs() : [])],
    run: async (id) =>
      id === runId
        ? { ok: true, value: detail }
        : other
          ? other.run(id)
          : refuse('unknown-run', `The recording holds run ${runId}, not ${id}.`),
    resumeRun: async (id) =>
      id !== runId && other ? other.resumeRun(id) : refuse('recorded', 'The recorded run is finished: there is nothing to go on with.'),
    removeRun: async (id) =>
      id === runId
        ? refuse('recorded', 'The recorded run is part of this page and cannot be removed.')
        : other
          ? other.removeRun(id)
          : elsewhere,
    evaluations: async () => [...data.evaluations, ...(other ? await other.evaluations() : [])],
    exportAdapter: async (id, which) =>
      id !== runId && other
        ? other.exportAdapter(id, which)
        : refuse('recorded', 'The recording holds results, not weights. Train the run here to export its adapter.'),
    mergedModel: async (id) => (id !== runId && other ? other.mergedModel(id) : elsewhere),
    exportAnnotations: async (id) => {
      if (id !== datasetId) return other ? other.exportAnnotations(id) : elsewhere
      const { writeSteptoolCsv } = await import('../data/formats/steptoolCsv')
      const { csv, written } = writeSteptoolCsv(labelled, (record) => labelState(record).resolved)
      return written === 0 ? refuse('nothing-labelled', 'No trajectory has a reward on every step.') : { ok: true, value: csv }
    },

    sendToWandb: async (id) =>
      id !== runId && other ? other.sendToWandb(id) : refuse('recorded', 'The recorded run is not yours to send: train it here first.'),

    models: async () => (other ? other.models() : []),
    importModel: async (name, files) => (other ? other.importModel(name, files) : elsewhere),
    importedAdapters: async () => (other ? other.importedAdapters() : []),
    importAdapter: async (modelId, name, files) => (other ? other.importAdapter(modelId, name, files) : elsewhere),
    removeAdapter: async (id) => (other ? other.removeAdapter(id) : elsewhere),
    planDownload: async (model) => (other ? other.planDownload(model) : elsewhere),
    unfinishedDownloads: async () => (other ? other.unfinishedDownloads() : []),
    removeModel: async (id) => (other ? other.removeModel(id) : elsewhere),
    callTool: async (tool, args) => (other ? other.callTool(tool, args) : elsewhere),
    storage: async () => (other ? other.storage() : { items: [], usage: null, quota: null }),
  }
}

export async function recordedStudio(base: string, live: LiveStudio | null): Promise<Reply<RecordedStudio>> {
  const reply = await fetchRecording(base)
  if (!reply.ok) return reply
  const { recording: data, verified } = reply.value
  const { vendor, architecture, device, description } = data.adapter
  const plain = description || device || `${vendor} ${architecture}`.trim()
  return {
    ok: true,
    value: {
      studio: studioOf(data, live),
      description: live?.description ?? describeRecording(data),
      gpu: { state: 'ready', adapter: data.adapter, plannedBytes: 0, largestBufferBytes: data.adapter.limits.maxBufferSize ?? 0 },
      runId: data.run.run.run_id,
      title: data.run.run.title,
      recordedAt: data.recorded_at,
      adapterName: plain === '' ? 'unnamed adapter' : plain,
      verified,
    },
  }
}
