/**
 * `bench train`: tokens per second of a whole optimizer step, beside jax-js on the same adapter in the same process. A speed counts only
 * if both compute the same: same weights and tokens must give the same loss before and after an update.
 */
import { EngineDevice } from '../../engine/device/engineDevice'
import type { Executable } from '../../engine/plan/executable'
import { nll } from '../../training/algorithms/sft'
import { policyMemory, totalBytes, type MemoryPart } from '../../training/memoryPlan'
import { packSequences, uploadBatch } from '../../training/packing'
import { PolicyModel } from '../../training/policyModel'
import { policyPlans, type TrainableSet } from '../../training/policyPlans'
import { meterDevice, type DeviceCounts } from './deviceMeter'
import { createJaxTrainer, type BenchTrainer } from './jaxTrainer'
import type { JaxPeer } from './jaxPeer'
import { rateRow, timePairs, type BenchRow } from './paired'
import { measureRoofs, type Roofs } from './roofs'
import type { TrainProblem } from './trainProblem'

export interface TrainBenchOptions {
  readonly device: GPUDevice
  readonly isSoftware: boolean
  readonly peer: JaxPeer | null
  readonly problem: TrainProblem
  readonly pairs: number
  readonly profile: boolean
  readonly now: () => number
  progress(line: string): void
}

export interface ProfileRow {
  readonly op: string
  readonly shader: string
  readonly count: number
  readonly ms: number
  readonly gflops: number
  readonly gigabytesPerSecond: number
}

export interface TrainBenchReport {
  readonly rows: readonly BenchRow[]
  /** Losses of the first steps by both; the gate of the speed numbers. */
  readonly parity: { readonly ours: readonly number[]; readonly theirs: readonly number[]; readonly largestDifference: number } | null
  /** Of one step after warm-up. */
  readonly counts: DeviceCounts & { readonly dispatches: number; readonly encodeShare: number }
  readonly stepMs: number
  /** From nothing to the end of the first step. */
  readonly coldMs: { readonly ours: number; readonly theirs: number | null }
  readonly gflopPerStep: number
  /** Of the multiply-add roof measured on this device in this run. */
  readonly shareOfRoof: number
  readonly roofs: Roofs
  readonly predictedBytes: number
  readonly peakBytes: number
  readonly memory: readonly MemoryPart[]
  readonly profile: readonly ProfileRow[] | null
}

/** Largest difference of losses at which two trainers still do the same. */
const PARITY = 1e-4
const PARITY_STEPS = 3

export async function benchTrain(options: TrainBenchOptions): Promise<TrainBenchReport> {
  const { device, problem, peer, now } = options
  const roofs = await measureRoofs(device, now)
  const meter = meterDevice(device, now)
  const tokens = problem.sequences.flat().length
  options.progress(`bench train: ${problem.config.num_hidden_layers} layers, hidden ${problem.config.hidden_size}, ${tokens} tokens a step`)
  const engine = new EngineDevice(device, { isSoftware: options.isSoftware })
  // The first step makes pipelines: it is told apart.
  const cold = async <T>(make: () => Promise<T>, trainerOf: (made: T) => BenchTrainer): Promise<{ made: T; ms: number }> => {
    const started = now()
    const made = await make()
    await trainerOf(made).step()
    return { made, ms: now() - started }
  }
  const own = await cold(
    () => createOwnTrainer(engine, problem),
    ({ trainer }) => trainer,
  )
  const { trainer: ours, executables, memory } = own.made
  const other = peer
    ? await cold(
        () => createJaxTrainer(peer.jax, problem),
        (trainer) => trainer,
      )
    : null
  const theirs = other?.made ?? null

  const parity = await checkParity(ours, theirs, options)

  meter.take()
  const { dispatches } = engine.counters
  const started = now()
  await ours.step()
  const stepMs = now() - started
  const counts = meter.take()
  const peakBytes = meter.peakBytes

  const times = await timePairs(() => ours.step(), theirs ? () => theirs.step() : null, options.pairs, now)
  const rows: [BenchRow, ...BenchRow[]] = [rateRow('train', 'tokens/s', tokens, peer?.name ?? '', times)]
  if (peer)
    rows.push({
      name: 'train peak buffers',
      peer: peer.name,
      ours: peakBytes,
      theirs: peer.meter.peakBytes,
      ratio: peer.meter.peakBytes / peakBytes,
      unit: 'bytes',
    })

  const gflopPerStep = executables.reduce((sum, { plan }) => sum + plan.flops, 0) / 1e9
  const report: TrainBenchReport = {
    rows,
    roofs,
    shareOfRoof: (gflopPerStep * rows[0].ours) / tokens / roofs.gflops,
    parity,
    counts: {
      dispatches: executables.reduce((sum, { plan }) => sum + plan.dispatches.length, 0),
      ...counts,
      encodeShare: counts.encodeMs / stepMs,
    },
    stepMs,
    coldMs: { ours: own.ms, theirs: other?.ms ?? null },
    gflopPerStep,
    predictedBytes: totalBytes(memory),
    peakBytes,
    memory,
    profile: options.profile ? await profileOf(executables) : null,
  }
  if (engine.counters.dispatches - dispatches !== report.counts.dispatches * (options.pairs + 1))
    throw new Error('bench train: a step did not run its planned dispatches once')
  await theirs?.destroy()
  await ours.destroy()
  return report
}

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
    `bench train: losses ${losses.ours.map((loss) => loss.toFixed(6)).join(', ')}; the peer's differ by at most ${largestDifference.toExponential(1)}`,
  )
  if (!(largestDifference <= PARITY))
    throw new Error(
      `bench train: the peer's losses ${losses.theirs.join(', ')} are not ours ${losses.ours.join(', ')}: they do different work, so no speed is reported.`,
    )
  return { ...losses, largestDifference }
}

async function createOwnTrainer(
  engine: EngineDevice,
  problem: TrainProblem,
): Promise<{ trainer: BenchTrainer; executables: readonly Executable[]; memory: readonly MemoryPart[] }> {
  const { config, sequences } = problem
  const trainable: TrainableSet = { kind: 'all', valueHead: false }
  const batch = packSequences(
    sequences.map((ids) => ({ ids, targets: ids.slice(1).map((_, index) => index + 1) })),
    config.vocab_size,
  )
  const plans = policyPlans(config, trainable, engine)
  const memory = policyMemory(config, trainable, [plans.gradient(batch.tokenBucket, batch.targetBucket, nll), plans.update()])

  const policy = await PolicyModel.create(engine, config, problem.weights, trainable)
  const gradient = await policy.gradient('bench', batch.tokenBucket, batch.targetBucket, nll)
  const update = await policy.update()
  policy.packed.setHyper(problem.hyper)
  const weight = new Float32Array(batch.targetCount).fill(1 / batch.targetCount)
  return {
    memory,
    executables: [gradient, update],
    trainer: {
      async step() {
        policy.beginStep()
        uploadBatch(gradient, batch)
        gradient.write('weight', weight)
        await gradient.run()
        await update.run()
        await update.finish()
      },
      loss: async () => (await engine.readF32(policy.metricsBuffer, 0, 1))[0] ?? Number.NaN,
      destroy: () => policy.destroy(),
    },
  }
}

/** Every dispatch alone, summed by kernel, slowest first. */
async function profileOf(executables: readonly Executable[]): Promise<ProfileRow[]> {
  const found = new Map<string, { op: string; shader: string; count: number; ms: number; flops: number; bytes: number }>()
  for (const executable of executables)
    for (const { op, shader, ms, flops, bytes } of await executable.profile()) {
      const key = `${op} ${shader}`
      const row = found.get(key) ?? { op, shader, count: 0, ms: 0, flops: 0, bytes: 0 }
      found.set(key, { ...row, count: row.count + 1, ms: row.ms + ms, flops: row.flops + flops, bytes: row.bytes + bytes })
    }
  return [...found.values()]
    .sort((a, b) => b.ms - a.ms)
    .map(({ op, shader, count, ms, flops, bytes }) => ({
      op,
      shader,
      count,
      ms,
      gflops: flops / ms / 1e6,
      gigabytesPerSecond: bytes / ms / 1e6,
    }))
}
