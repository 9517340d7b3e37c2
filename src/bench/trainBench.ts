/**
 * `bench train`: tokens per second of a whole optimizer step, beside jax-js on the same adapter in the same process. A speed counts only
 * if both compute the same: same weights and tokens must give the same loss before and after an update.
 */
import { EngineDevice } from '../engine/device/engineDevice'
import { totalBytes, type MemoryPart } from '../training/preflight/memoryPlan'
import { meterDevice } from './deviceMeter'
import { createJaxTrainer, type BenchTrainer } from './baselines/jaxTrainer'
import type { JaxBaseline } from './baselines/jax'
import { profileStep, type KernelProfile } from './kernelProfile'
import { createOwnTrainer, type OwnTrainer } from './ownTrainer'
import { rateRow, timePairs, type BenchRow } from './paired'
import { measureRoofline, type Roofline } from './roofline'
import { countSteps, stopLatency, type StepCounts, type StopLatency } from './stepCounters'
import type { TrainProblem } from './trainProblem'

export interface TrainBenchOptions {
  readonly device: GPUDevice
  readonly isSoftware: boolean
  readonly baseline: JaxBaseline | null
  readonly problem: TrainProblem
  readonly pairs: number
  readonly now: () => number
  progress(line: string): void
}

export interface TrainBenchReport {
  readonly rows: readonly BenchRow[]
  /** Losses of the first steps by both; the gate of the speed numbers. */
  readonly parity: { readonly ours: readonly number[]; readonly theirs: readonly number[]; readonly largestDifference: number } | null
  readonly counts: StepCounts
  readonly stop: StopLatency
  /** From nothing to the end of the first step. */
  readonly coldMs: { readonly ours: number; readonly theirs: number | null }
  readonly gflopPerStep: number
  /** Its speed over the peak of multiply-adds that this run measured on this device. */
  readonly shareOfPeak: number
  readonly roofline: Roofline
  readonly predictedBytes: number
  /** As a wrapper of createBuffer and destroy saw them. */
  readonly peakBytes: number
  readonly memory: readonly MemoryPart[]
  /** Bytes that all kernels of a step read and write according to the plan, and the least that is possible: see `leastTraffic`. */
  readonly bytesMoved: number
  readonly leastBytes: number
  readonly profile: KernelProfile
}

/** Largest difference of losses at which two trainers still do the same. */
const PARITY = 1e-4
const PARITY_STEPS = 3
const COUNTED_STEPS = 7
const STOPS = 5
const PROFILES = 3

export async function benchTrain(options: TrainBenchOptions): Promise<TrainBenchReport> {
  const { device, problem, baseline, now } = options
  const roofline = await measureRoofline(device, now)
  const meter = meterDevice(device, now)
  const tokens = problem.sequences.flat().length
  options.progress(`bench train: ${problem.config.num_hidden_layers} layers, hidden ${problem.config.hidden_size}, ${tokens} tokens a step`)
  const engine = new EngineDevice(device, { isSoftware: options.isSoftware })
  // The first step compiles pipelines, so it is reported separately.
  const cold = async <T extends BenchTrainer>(make: () => Promise<T>): Promise<{ trainer: T; ms: number }> => {
    const started = now()
    const trainer = await make()
    await trainer.step()
    return { trainer, ms: now() - started }
  }
  const own = await cold(() => createOwnTrainer(engine, problem))
  const ours = own.trainer
  const other = baseline ? await cold(() => createJaxTrainer(baseline.jax, problem)) : null
  const theirs = other?.trainer ?? null
  const parity = await checkParity(ours, theirs, options)

  const { dispatches } = engine.counters
  const counts = await countSteps(ours, meter, now, COUNTED_STEPS)
  if (engine.counters.dispatches - dispatches !== counts.dispatches * COUNTED_STEPS)
    throw new Error('bench train: a step did not run its planned dispatches once')
  // What follows adds readbacks of its own.
  const peakBytes = meter.peakBytes
  const times = await timePairs(() => ours.step(), theirs ? () => theirs.step() : null, options.pairs, now)
  const speed = rateRow('train', 'tokens/s', tokens, baseline?.name ?? '', times)
  const rows: BenchRow[] = [speed]
  if (baseline)
    rows.push({
      name: 'train peak buffers',
      peer: baseline.name,
      ours: peakBytes,
      theirs: baseline.meter.peakBytes,
      ratio: baseline.meter.peakBytes / peakBytes,
      unit: 'bytes',
    })
  await theirs?.destroy()
  const profile = await profileStep(() => ours.step(), ours.executables, device, roofline, now, PROFILES)
  const stop = await stopLatency(ours, device, now, counts.stepMs, STOPS)

  const sum = (of: (plan: OwnTrainer['executables'][number]['plan']) => number): number =>
    ours.executables.reduce((total, { plan }) => total + of(plan), 0)
  const gflopPerStep = sum(({ flops }) => flops) / 1e9
  const report: TrainBenchReport = {
    ...{ rows, roofline, parity, counts, stop, gflopPerStep, peakBytes, profile },
    shareOfPeak: (gflopPerStep * speed.ours) / tokens / roofline.gflops,
    coldMs: { ours: own.ms, theirs: other?.ms ?? null },
    predictedBytes: totalBytes(ours.memory),
    memory: ours.memory,
    bytesMoved: sum(({ bytesMoved }) => bytesMoved),
    leastBytes: leastTraffic(ours.parameters),
  }
  await ours.destroy()
  return report
}

/**
 * Bytes a step cannot do without, with caches that hold every activation: f32 weights read forward and backward, gradients written, and
 * AdamW's 28 a parameter (weight, gradient and two moments read; weight and moments written).
 */
const leastTraffic = (parameters: number): number => parameters * (4 + 4 + 4 + 28)

/** Losses of the first steps, one of which each has taken; throws when they differ. */
async function checkParity(
  ours: BenchTrainer,
  theirs: BenchTrainer | null,
  options: TrainBenchOptions,
): Promise<TrainBenchReport['parity']> {
  const losses: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] }
  // These steps warm up too: pipelines are made, clocks rise.
  for (let step = 0; step < PARITY_STEPS; step++) {
    if (step > 0) await ours.step()
    losses.ours.push(await ours.loss())
    if (!theirs) continue
    if (step > 0) await theirs.step()
    losses.theirs.push(await theirs.loss())
  }
  if (!theirs) return null
  const largestDifference = Math.max(...losses.ours.map((loss, step) => Math.abs(loss - (losses.theirs[step] ?? Number.NaN))))
  options.progress(
    `bench train: losses ${losses.ours.map((loss) => loss.toFixed(6)).join(', ')}; the baseline's differ by at most ${largestDifference.toExponential(1)}`,
  )
  if (!(largestDifference <= PARITY))
    throw new Error(
      `bench train: the baseline's losses ${losses.theirs.join(', ')} are not ours ${losses.ours.join(', ')}: they do different work, so no speed is reported.`,
    )
  return { ...losses, largestDifference }
}
