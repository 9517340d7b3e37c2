/**
 * What a LoRA step of a published shape would need, from its plan; and, when asked, all of it really allocated and touched, counted by a
 * wrapper of the device that knows nothing of the plan.
 */
import { EngineDevice } from '../../engine/device/engineDevice'
import type { WeightFormat } from '../../engine/weightFormat'
import { PROJECTIONS } from '../../models/architectures/decoder'
import { publishedConfig, type PublishedName } from '../../models/publishedShapes'
import { nll } from '../../training/policy/nllObjective'
import { policyMemory, totalBytes, type MemoryPart } from '../../training/preflight/memoryPlan'
import { bucketFor } from '../../training/batches/packing'
import { PolicyModel } from '../../training/policy/policyModel'
import { policyPlans, type TrainableSet } from '../../training/policy/policyPlans'
import { meterDevice } from '../../bench/deviceMeter'
import { megabytes } from './bytesText'
import type { Check } from './check'

export interface PlanRequest {
  readonly name: PublishedName
  readonly tokens: number
  readonly rank: number
  readonly dtype: WeightFormat
}

export interface PlanReport {
  readonly model: PublishedName
  readonly tokens: number
  readonly rank: number
  readonly dtype: WeightFormat
  readonly predictedBytes: number
  readonly parts: readonly MemoryPart[]
  readonly largestBinding: number
  readonly dispatches: number
  /** What was really there; null when nothing was allocated. */
  readonly allocated: {
    /** As the wrapped createBuffer and destroy saw them. */
    readonly peakBytes: number
    readonly buffers: number
    /** Growth of the process's resident memory once every buffer was written: on a software adapter buffers are its memory. */
    readonly residentBytes: number
    /** Still there after everything was destroyed. */
    readonly leftBytes: number
  } | null
}

/** Of predicted bytes. */
const TOLERANCE = 0.01

const trainableOf = (rank: number): TrainableSet => ({
  kind: 'lora',
  lora: { rank, alpha: 2 * rank, targets: PROJECTIONS },
  valueHead: false,
  gradientCheckpointing: true,
})

export interface PlanHost {
  readonly device: GPUDevice
  readonly isSoftware: boolean
  readonly now: () => number
  /** Resident bytes of this process. */
  readonly residentBytes: () => number
}

export async function planReport({ name, tokens, rank, dtype }: PlanRequest, host: PlanHost, allocate: boolean): Promise<PlanReport> {
  // Before the engine makes a buffer.
  const meter = meterDevice(host.device, host.now)
  const engine = new EngineDevice(host.device, { isSoftware: host.isSoftware })
  const config = { ...publishedConfig(name), weight_format: dtype }
  const trainable = trainableOf(rank)
  const rows = bucketFor(tokens)
  const plans = policyPlans(config, trainable, engine)
  const [gradient, update] = [plans.gradient(rows, rows, nll), plans.update()]
  const parts = policyMemory(config, trainable, [gradient, update])
  const report = {
    ...{ model: name, tokens, rank, dtype, parts, predictedBytes: totalBytes(parts) },
    largestBinding: Math.max(...gradient.dispatches.flatMap(({ bindings }) => bindings.map(({ size }) => size))),
    dispatches: gradient.dispatches.length + update.dispatches.length,
  }
  if (!allocate) return { ...report, allocated: null }

  const before = host.residentBytes()
  const policy = await PolicyModel.allocate(engine, config, trainable)
  await policy.gradient('nll', rows, rows, nll)
  await policy.update()
  await engine.settled()
  await touch(host.device, meter.liveBuffers())
  const allocated = {
    peakBytes: meter.peakBytes,
    buffers: meter.liveBuffers().length,
    residentBytes: host.residentBytes() - before,
  }
  await policy.destroy()
  return { ...report, allocated: { ...allocated, leftBytes: meter.liveBytes } }
}

/** Memory that was never written may not exist yet. */
async function touch(device: GPUDevice, buffers: readonly GPUBuffer[]): Promise<void> {
  for (const buffer of buffers) {
    const encoder = device.createCommandEncoder()
    encoder.clearBuffer(buffer)
    device.queue.submit([encoder.finish()])
    await device.queue.onSubmittedWorkDone()
  }
}

export function planChecks({ model, tokens, rank, dtype, predictedBytes, largestBinding, allocated }: PlanReport, limit: number): Check[] {
  const checks: Check[] = [
    {
      name: `plan of ${model}`,
      ok: largestBinding <= limit,
      detail: `LoRA of rank ${rank} on ${tokens} tokens over ${dtype} with gradient_checkpointing: ${megabytes(predictedBytes)}, largest binding ${megabytes(largestBinding)} of ${megabytes(limit)}`,
    },
  ]
  if (allocated) {
    const off = Math.abs(allocated.peakBytes - predictedBytes) / predictedBytes
    checks.push(
      {
        name: 'allocated',
        ok: off <= TOLERANCE,
        detail: `${megabytes(allocated.peakBytes)} in ${allocated.buffers} buffers, ${(100 * off).toFixed(3)} % from the plan; resident memory grew by ${megabytes(allocated.residentBytes)}`,
      },
      { name: 'given back', ok: allocated.leftBytes === 0, detail: `${allocated.leftBytes} bytes left` },
    )
  }
  return checks
}
