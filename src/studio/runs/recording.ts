/** A run story as one file: what a page needs to show it again on a machine without WebGPU. */
import { recording, recordingText, type Recording } from '../../records/recording'
import type { Opinion } from '../../records/annotation'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { AdvantagePreview, Reply } from '../../worker/protocol'
import type { StudioApi } from '../../worker/studioApi'
import { accept, refuse } from '../failure'

/** The file is fetched by everybody who has no GPU. */
const LIMIT_BYTES = 1_900_000
const PRACTICE_KEPT = 64
const ADVANTAGES_KEPT = 8

/** Asks the studio for everything about a finished story; practice is left out from the end until it fits. */
export async function exportRecording(studio: StudioApi, runId: string, recordedAt: string): Promise<Reply<Recording>> {
  const detail = await studio.runs.get(runId)
  if (!detail.ok) return detail
  const { run } = detail.value
  if (run.kind !== 'story' || run.status !== 'finished') return refuse('not-finished', `Run ${runId} is no finished run story.`)
  if (!run.adapter) return refuse('no-adapter', `Run ${runId} does not say on which adapter it ran.`)
  const all = await studio.trajectories.list({ run_id: runId })
  const evaluations = (await studio.evaluations.list()).filter(({ evaluation_id }) => run.evaluations.includes(evaluation_id))
  const exam = all.filter(({ task }) => task.split !== 'practice').map(compact)
  const practice = all.filter(({ task }) => task.split === 'practice').map(compact)

  for (let kept = Math.min(PRACTICE_KEPT, practice.length); ; kept = Math.floor(kept / 2)) {
    const chosen = practice.slice(0, kept)
    const opinions: Opinion[] = []
    for (const { trajectory_id } of chosen) opinions.push(...(await studio.labels.get(trajectory_id)).opinions)
    const advantages: Record<string, AdvantagePreview> = {}
    for (const { trajectory_id } of mostTelling(chosen).slice(0, ADVANTAGES_KEPT)) {
      const preview = await studio.labels.advantagePreview(trajectory_id, null, {})
      if (preview.ok) advantages[trajectory_id] = rounded(preview.value)
    }
    const made = recording.parse({
      version: 1,
      recorded_at: recordedAt,
      adapter: run.adapter,
      run: detail.value,
      trajectories: [...exam, ...chosen],
      opinions,
      evaluations,
      advantages,
    })
    const bytes = new TextEncoder().encode(recordingText(made)).length
    if (bytes <= LIMIT_BYTES) return accept(made)
    if (kept === 0) return refuse('too-large', `The exam of run ${runId} alone takes ${bytes} bytes, more than ${LIMIT_BYTES}.`)
  }
}

/** What tools say of themselves is in the world's catalogue. */
const compact = (record: Trajectory): Trajectory => ({
  ...record,
  task: {
    ...record.task,
    tools: record.task.tools.map((tool) => ({
      ...tool,
      description: '',
      parameters: tool.parameters.map((parameter) => ({ ...parameter, description: '' })),
    })),
  },
})

/** Attempts whose steps differ in worth come first: there is more to see. */
function mostTelling(trajectories: readonly Trajectory[]): Trajectory[] {
  const spread = (record: Trajectory): number =>
    new Set(stepsOf(record).map(({ truth }) => `${String(truth?.succeeded)} ${String(truth?.needed)}`)).size * 10 + stepsOf(record).length
  return [...trajectories].sort((a, b) => spread(b) - spread(a))
}

function rounded(preview: AdvantagePreview): AdvantagePreview {
  const short = (values: readonly number[]): number[] => values.map((value) => Math.round(value * 1e4) / 1e4)
  return { ...preview, advantages: short(preview.advantages), whitened: short(preview.whitened) }
}
