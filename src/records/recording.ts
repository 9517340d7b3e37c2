/** A run story as a file: what the page needs to show it again on a machine without WebGPU. The command line makes it from a real run; it is never written by hand. */
import { z } from 'zod'
import { opinion } from './annotation'
import { evaluationRecord } from './evaluation'
import { gpuInfo, metricTable, runRecord } from './run'
import { answerStatus, trajectoryNode } from './trajectory'
import { trajectoryOfAnyVersion } from './trajectoryV1'

const interval = z.tuple([z.number(), z.number()])
const examCell = z.object({
  query_id: z.string(),
  group: z.string(),
  text: z.string(),
  status: answerStatus.nullable(),
  calls: z.int().nonnegative(),
  trajectory_id: z.string().nullable(),
})
const rate = z.object({ n: z.int().nonnegative(), passed: z.int().nonnegative(), rate: z.number(), interval })
const storyResult = z.object({
  before: evaluationRecord,
  after: evaluationRecord.nullable(),
  beforeRate: rate,
  afterRate: rate.nullable(),
  difference: z.object({ difference: z.number(), interval, gained: z.int(), lost: z.int(), distinguishable: z.boolean() }).nullable(),
  win: z.object({ wins: z.int(), ties: z.int(), losses: z.int(), rate: z.number(), interval }).nullable(),
})

/** `RunDetail` of worker/protocol.ts; recordedStudio proves the two agree. */
const recordedRun = z.object({
  run: runRecord,
  metrics: metricTable,
  metricMeanings: z.record(z.string(), z.string()),
  exam: z.object({ before: z.array(examCell), after: z.array(examCell) }),
  story: storyResult.nullable(),
  probe: z.object({ before: z.array(z.number()), after: z.array(z.number()).nullable() }).nullable(),
})

/** `AdvantagePreview` of worker/protocol.ts, for trajectories whose tokens the recording can show. */
const recordedAdvantages = z.object({
  tokens: z.object({
    trajectory_id: z.string(),
    ids: z.array(z.int()),
    text: z.array(z.string()),
    mask: z.array(z.number()),
    step: z.array(z.int()),
    truncatedTokens: z.int(),
    truncatedSteps: z.array(z.int()),
    notTrainedSteps: z.array(z.int()),
  }),
  rewards: z.array(z.number().nullable()),
  advantages: z.array(z.number()),
  whitened: z.array(z.number()),
  loss: z.number().nullable(),
  step_reward_weighting: z.enum(['released', 'paper']).optional(),
  basis: z.object({ kind: z.enum(['recorded', 'run', 'default']), algorithm: z.string(), limits: z.string() }).optional(),
})

export const recording = z.object({
  version: z.literal(1),
  recorded_at: z.string(),
  adapter: gpuInfo,
  run: recordedRun,
  trajectories: z.array(trajectoryOfAnyVersion),
  opinions: z.array(opinion),
  evaluations: z.array(evaluationRecord),
  /** By trajectory id, as they stood when the run was recorded. A few are enough. */
  advantages: z.record(z.string(), recordedAdvantages).default({}),
})
export type Recording = z.infer<typeof recording>

const blankNode: Readonly<Record<string, unknown>> = trajectoryNode.parse({ parent: null, role: 'user' })

/** The recording as its file: fields of turns that hold their default are left out, because reading puts them back. */
export function recordingText(made: Recording): string {
  const shortNode = (node: object): object =>
    Object.fromEntries(
      Object.entries(node).filter(
        ([field, value]) => field === 'parent' || field === 'role' || JSON.stringify(value) !== JSON.stringify(blankNode[field]),
      ),
    )
  return JSON.stringify({ ...made, trajectories: made.trajectories.map((one) => ({ ...one, nodes: one.nodes.map(shortNode) })) })
}

/** `public/starter/manifest.json`: the SHA-256 of each file, by its path inside `starter/`. */
export const starterManifest = z.object({
  files: z.record(z.string(), z.object({ sha256: z.string(), bytes: z.int().nonnegative().optional() })),
})
