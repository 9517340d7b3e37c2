/**
 * The studio over a recorded run: for machines without WebGPU and for "Watch a recorded run". Labels are kept in memory; what the recording does
 * not hold (imports, models, storage, tools) is asked of the live worker or, without one, of the closed studio; training says why it cannot and what to do.
 */
import { opinionRows, OpinionValueError, undoRow } from '../annotation/opinions'
import { resolveRewards } from '../annotation/resolver'
import { sha256 } from '../base/sha256'
import type { Opinion } from '../records/annotation'
import { runOfSource, type DataSourceRow } from '../records/dataSource'
import { recording, starterManifest } from '../records/recording'
import type { Recording } from '../records/recording'
import { stepsOf, withoutTokens, type Trajectory } from '../records/trajectory'
import { closedStudio } from './closedStudio'
import type { DatasetRow, LabelState, NewOpinion, Reply, StudioDescription } from './protocol'
import type { LiveStudio, RecordedStudio, StudioApi, StudioAreas } from './studioApi'

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
    benchmarks: data.evaluations.slice(0, 1).map((row) => ({
      name: row.benchmark,
      title: row.benchmark,
      environment: row.benchmark,
      needs: null,
      settingsSchema: null,
      usesSimulator: false,
      splits: { [row.split]: row.rows.length },
      heldOut: [row.split],
      practises: null,
      practiceQueries: 0,
      callBudget: row.call_budget,
    })),
    strategies: [...new Set(data.evaluations.map((row) => row.strategy))].map((name) => ({
      name,
      title: name,
      help: '',
      settingsSchema: null,
      modelCalls: null,
    })),
    defaults: {
      algorithm: data.run.run.algorithm ?? '',
      model: data.run.run.model.id,
      environment: data.evaluations[0]?.benchmark ?? '',
      benchmark: data.evaluations[0]?.benchmark ?? '',
      strategy: data.evaluations[0]?.strategy ?? '',
    },
    callFormats: [],
    ops: [],
  }
}

/** A recording as the areas of the studio read it, and the areas that answer for everything else. */
interface RecordedParts {
  readonly data: Recording
  readonly runId: string
  readonly datasetId: string
  readonly byId: ReadonlyMap<string, Trajectory>
  /** The trajectories that are offered for labelling. */
  readonly labelled: readonly Trajectory[]
  readonly base: StudioAreas
}

const cannotChange = refuse('recorded', 'The recorded run is part of this page and cannot be removed.')
const cannotTrain = refuse(
  'recorded',
  'This is a recorded run, so nothing can be computed with it. Go back to this computer to train; without WebGPU, Home says what to switch on.',
)

function studioOf(data: Recording, live: LiveStudio | null): StudioApi {
  const runId = data.run.run.run_id
  const practice = data.trajectories.filter((record) => record.task.split === 'practice')
  const base: StudioAreas = live?.studio ?? closedStudio
  const parts: RecordedParts = {
    ...{ data, runId, datasetId: `recording:${runId}`, base },
    byId: new Map(data.trajectories.map((record) => [record.trajectory_id, record])),
    labelled: practice.length > 0 ? practice : data.trajectories,
  }
  const { datasetId } = parts
  return {
    ...base,
    connect: () => Promise.resolve(refuse('recorded', 'A recorded run has no engine to connect to.')),
    datasets: {
      ...base.datasets,
      list: async () => [datasetRow(parts), ...(await base.datasets.list())],
      sources: async () => [sourceRow(parts), ...(await base.datasets.sources())],
      remove: async (id) => (id === datasetId ? cannotChange : base.datasets.remove(id)),
    },
    trajectories: recordedTrajectories(parts),
    labels: recordedLabels(parts),
    judges: {
      ...base.judges,
      plan: async (id, ids, settings) =>
        id === datasetId || id === runId
          ? refuse('recorded', 'A judge is asked about imported files and live runs, not about the recorded one.')
          : base.judges.plan(id, ids, settings),
    },
    jobs: { ...base.jobs, start: async (request) => (request.kind === 'download' ? base.jobs.start(request) : cannotTrain) },
    runs: recordedRuns(parts),
    evaluations: { list: async () => [...data.evaluations, ...(await base.evaluations.list())] },
  }
}

/** The labelled trajectories of the recording, listed as a data set. */
function datasetRow({ data, datasetId, labelled }: RecordedParts): DatasetRow {
  return {
    dataset_id: datasetId,
    name: 'Recorded run: practice',
    format: 'recording',
    sha256: '',
    bytes: 0,
    rows: labelled.length,
    trajectories: labelled.length,
    steps: labelled.reduce((sum, record) => sum + stepsOf(record).length, 0),
    problems: [],
    created_at: data.recorded_at,
  }
}

/** The same as a source of data. */
function sourceRow(parts: RecordedParts): DataSourceRow {
  const { dataset_id: id, name, trajectories, steps, created_at } = datasetRow(parts)
  return { id, kind: 'dataset', name, trajectories, steps, created_at }
}

/** Lists and shows the recorded trajectories; token previews exist where they were recorded. */
function recordedTrajectories({ data, runId, datasetId, byId, labelled, base }: RecordedParts): StudioAreas['trajectories'] {
  return {
    list: async (of) => {
      if ('dataset_id' in of) return of.dataset_id === datasetId ? labelled.map(withoutTokens) : base.trajectories.list(of)
      return of.run_id === runId ? data.trajectories.map(withoutTokens) : base.trajectories.list(of)
    },
    get: async (id) => {
      const found = byId.get(id)
      return found ? { ok: true, value: found } : base.trajectories.get(id)
    },
    tokenPreview: async (id, options) => {
      const recorded = data.advantages[id]
      if (recorded) return { ok: true, value: recorded.tokens }
      return byId.has(id)
        ? refuse('recorded', 'The tokens of this trajectory were not recorded.')
        : base.trajectories.tokenPreview(id, options)
    },
  }
}

/** One trajectory's opinions, and the rewards that follow from them. */
function labelState(record: Trajectory, opinions: readonly Opinion[]): LabelState {
  const own = opinions.filter((row) => row.trajectory_id === record.trajectory_id)
  return { opinions: own, resolved: resolveRewards(record, own) }
}

/** Reads, adds and undoes labels, which last as long as the tab. */
function recordedLabels({ data, runId, datasetId, byId, labelled, base }: RecordedParts): StudioAreas['labels'] {
  let opinions: readonly Opinion[] = data.opinions
  let made = 0
  const parts = { newId: (prefix: string) => `${prefix}-tab-${(made += 1)}`, now: () => new Date().toISOString() }
  const stateOf = (record: Trajectory): LabelState => labelState(record, opinions)
  /** Adds opinions about one trajectory; refuses values and steps that do not fit it. */
  function addTo(found: Trajectory, rows: readonly NewOpinion[], annotator: string): Reply<LabelState> {
    const outside = rows.find((row) => row.trajectory_id !== found.trajectory_id || !stepsOf(found)[row.step])
    if (outside) return refuse('unknown-step', `The trajectory has no step ${outside.step + 1}.`)
    try {
      const news = rows.map(({ rationale, ...row }) => (rationale === undefined ? row : { ...row, rationale }))
      opinions = [...opinions, ...opinionRows(news, { kind: 'HUMAN', id: annotator.trim() || 'you' }, opinions, parts)]
    } catch (error) {
      if (error instanceof OpinionValueError) return refuse('value', error.message)
      throw error
    }
    return { ok: true, value: stateOf(found) }
  }
  return {
    ...base.labels,
    get: async (id) => {
      const found = byId.get(id)
      return found ? stateOf(found) : base.labels.get(id)
    },
    add: async (rows, annotator) => {
      const first = rows[0]
      if (!first) return refuse('empty', 'No opinion was given.')
      const found = byId.get(first.trajectory_id)
      return found ? addTo(found, rows, annotator) : base.labels.add(rows, annotator)
    },
    undo: async (opinionId) => {
      const row = opinions.find((old) => old.opinion_id === opinionId)
      const found = row ? byId.get(row.trajectory_id) : undefined
      if (!row || !found) return base.labels.undo(opinionId)
      if (row.annotator_kind !== 'HUMAN')
        return refuse('recorded', 'Recorded opinions of rules and judges cannot be taken back; give your own, it wins.')
      const undone = undoRow(opinionId, opinions, parts)
      if (!undone.ok) return undone
      opinions = [...opinions, undone.row]
      return { ok: true, value: stateOf(found) }
    },
    advantagePreview: async (id, override, options) => {
      const recorded = data.advantages[id]
      if (recorded && override === null) {
        const { step_reward_weighting, basis, ...numbers } = recorded
        return { ok: true, value: { ...numbers, ...(step_reward_weighting && { step_reward_weighting }), ...(basis && { basis }) } }
      }
      return byId.has(id)
        ? refuse('recorded', 'What a label does to the advantages is computed by the value head, which the recorded run does not hold.')
        : base.labels.advantagePreview(id, override, options)
    },
    exportFile: async (ids, format) => {
      if (!ids.every((id) => id === datasetId || runOfSource(id) === runId)) return base.labels.exportFile(ids, format)
      if (format === 'hone-jsonl') {
        const { honeJsonlLine } = await import('../data/formats/honeJsonl')
        const text = labelled.map((record) => honeJsonlLine(record, stateOf(record).opinions)).join('')
        const steps = labelled.reduce((sum, record) => sum + stepsOf(record).length, 0)
        return { ok: true, value: { text, trajectories: labelled.length, steps, skipped: [] } }
      }
      const { writeSteptoolCsv } = await import('../data/formats/steptoolCsv')
      const { csv, written, steps, skipped } = writeSteptoolCsv(labelled, (record) => stateOf(record).resolved)
      return { ok: true, value: { text: csv, trajectories: written, steps, skipped } }
    },
    exportCsv: async (id) => {
      if (id !== datasetId) return base.labels.exportCsv(id)
      const { writeSteptoolCsv } = await import('../data/formats/steptoolCsv')
      const { csv, written } = writeSteptoolCsv(labelled, (record) => stateOf(record).resolved)
      return written === 0 ? refuse('nothing-labelled', 'No trajectory has a reward on every step.') : { ok: true, value: csv }
    },
  }
}

/** Shows the recorded run beside the live ones; it cannot be resumed, removed, exported or sent. */
function recordedRuns({ data, runId, base }: RecordedParts): StudioAreas['runs'] {
  return {
    ...base.runs,
    list: async () => [data.run.run, ...(await base.runs.list())],
    get: async (id) => (id === runId ? { ok: true, value: data.run } : base.runs.get(id)),
    resume: async (id) =>
      id === runId ? refuse('recorded', 'The recorded run is finished, so there is nothing to resume.') : base.runs.resume(id),
    remove: async (id) => (id === runId ? cannotChange : base.runs.remove(id)),
    exportAdapter: async (id, which, baseModel) =>
      id === runId
        ? refuse('recorded', 'The recording holds results, not weights. Train the run here to export its adapter.')
        : base.runs.exportAdapter(id, which, baseModel),
    mergedModel: async (id) => (id === runId ? refuse('recorded', 'The recording holds results, not weights.') : base.runs.mergedModel(id)),
    sendToWandb: async (id, token) =>
      id === runId ? refuse('recorded', 'The recorded run is not yours to send: train it here first.') : base.runs.sendToWandb(id, token),
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
