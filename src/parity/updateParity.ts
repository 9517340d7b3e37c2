/**
 * Three steps of every algorithm by its own training loop beside the reference trainer, on a tiny decoder with the same data in the same order:
 * what each step reports, and how far the adapter (and value head) moved. Goldens: test/golden/updates.py, classic_ppo_updates.py.
 */
import { z } from 'zod'
import { measureOf, worst, type Measure, type Quantity } from '../base/quantity'
import type { EngineDevice } from '../engine/device/engineDevice'
import { parities } from '../training/algorithms/parity'
import type { TokenizedTrajectory } from '../training/batches/tokenizedTrajectory'
import type { Goldens, Stats } from '../training/parity'
import type { PolicyModel } from '../training/policy/policyModel'
import { goldenTrajectories, LORA, tinyTraining, trajectorySchema } from './tinyTraining'
import type { TinyTraining } from './tinyTraining'

/** Of the optimizer and the adapter on both sides. */
const SHARED = { adam_epsilon: 1e-6, ...LORA } as const
const STEP = { bound: 'maxRel', tolerance: 1e-3 } as const
const UPDATE = { bound: 'relL2', tolerance: 1e-3 } as const

const goldenSchema = z.looseObject({
  source: z.string(),
  sequences: trajectorySchema,
  runs: z.record(z.string(), z.looseObject({ settings: z.record(z.string(), z.unknown()) })),
})

/** Sees each policy as training left it. */
export type PolicyObserver = (name: string, policy: PolicyModel, sequences: readonly TokenizedTrajectory[]) => Promise<void>

interface Parts {
  readonly tiny: TinyTraining
  readonly goldens: Goldens
  readonly adapter: string
  readonly wants: (name: string) => boolean
  readonly observe: PolicyObserver
}

/** @param wants whether to train the run of this name; all runs by default. */
export async function updateQuantities(
  engine: EngineDevice,
  goldens: Goldens,
  adapter: string,
  { wants = () => true, observe = () => Promise.resolve() }: { wants?: (name: string) => boolean; observe?: PolicyObserver } = {},
): Promise<Quantity[]> {
  const parts = { tiny: await tinyTraining(engine, goldens), goldens, adapter, wants, observe }
  const files = new Set(Object.values(parities).flatMap(({ updates }) => updates?.file ?? []))
  const found: Quantity[] = []
  for (const file of files) found.push(...(await runsOf(file, parts)))
  return found
}

/** Trains each run of one golden file by the algorithm that its name begins with. */
async function runsOf(file: string, { tiny, goldens, adapter, wants, observe }: Parts): Promise<Quantity[]> {
  const json = goldens.json(`${file}_golden.json`)
  const golden = goldenSchema.parse(json)
  const after = await goldens.tensors(`${file}.safetensors`)
  const measure = measureOf(golden.source, adapter)
  const sequences = goldenTrajectories(golden.sequences)
  const found: Quantity[] = []
  for (const [name, record] of Object.entries(golden.runs)) {
    if (!wants(name)) continue
    const updates = parities[name.split(',')[0] ?? '']?.updates
    if (!updates) throw new Error(`${file}_golden.json: no algorithm trains the run "${name}"`)
    const isContinued = name.endsWith(', continued')
    const { policy, reports, expected, others } = await updates.train({
      ...{ name, record, golden: json, sequences, settings: { ...record.settings, ...SHARED } },
      start: (state, head) => (isContinued ? tiny.startFromFiles() : tiny.start(state, head)),
    })
    found.push(...reported(measure, name, reports, expected, updates.incomparable?.(name) ?? []))
    for (const one of others ?? []) found.push(measure(`${name}: ${one.label}`, [one.found], [one.expected], STEP))
    await observe(name, policy, sequences)
    found.push(await update(measure, name, tiny, policy, (leaf) => after.float32(`${name}.${leaf}`)))
  }
  return found
}

/** Trains the algorithms that no library trains, and hands on their adapters as training leaves them. */
export async function observeUnmatched(engine: EngineDevice, goldens: Goldens, observe: PolicyObserver): Promise<void> {
  const sequences = goldenTrajectories(goldenSchema.parse(goldens.json('updates_golden.json')).sequences)
  for (const [name, { trainAlone }] of Object.entries(parities)) {
    if (!trainAlone) continue
    const tiny = await tinyTraining(engine, goldens)
    const policy = await trainAlone({ name, settings: SHARED, sequences, start: (state, head) => tiny.start(state, head) })
    await observe(name, policy, sequences)
    await policy.destroy()
  }
}

/** Every metric that both sides report and compute alike, over the three steps. */
function reported(
  measure: Measure,
  name: string,
  reports: readonly Stats[],
  expected: readonly Stats[],
  incomparable: readonly string[],
): Quantity[] {
  const shared = Object.keys(expected[0] ?? {}).filter((metric) => metric in (reports[0] ?? {}))
  const valuesOf = (stats: readonly Stats[], metric: string): number[] => stats.map((one) => one[metric] ?? Number.NaN)
  return shared
    .filter((metric) => !incomparable.includes(metric))
    .map((metric) => measure(`${name}: ${metric} of three steps`, valuesOf(reports, metric), valuesOf(expected, metric), STEP))
}

/** How far each trained tensor moved: the one that is farthest off. Ends the policy. */
async function update(
  measure: Measure,
  name: string,
  tiny: TinyTraining,
  policy: PolicyModel,
  after: (leaf: string) => Promise<Float32Array>,
): Promise<Quantity> {
  const tensors: Quantity[] = []
  for (const [leaf, values] of await tiny.movedBy(policy)) {
    const expected = tiny.moved(leaf, await after(leaf))
    tensors.push(measure(`${name}: update after three steps, worst is ${leaf}`, values, expected, UPDATE))
  }
  return worst(tensors)
}
