/**
 * `bench train` on a software adapter: its buffers are this process's memory, so the operating system's count can be compared with the
 * plan's. A second trainer on an engine whose pipelines exist adds buffers and little else.
 */
import { EngineDevice } from '../engine/device/engineDevice'
import { totalBytes } from '../training/preflight/memoryPlan'
import { meterDevice } from './deviceMeter'
import { createOwnTrainer } from './ownTrainer'
import { settledResidentBytes } from './processMemory'
import type { TrainProblem } from './trainProblem'

export interface ProcessMemoryReport {
  readonly parameters: number
  readonly predictedBytes: number
  /** Of buffers alive after a step. */
  readonly bufferBytes: number
  /** By which the resident memory grew, and that over the buffers' bytes. */
  readonly residentGrowth: number
  readonly ratio: number
}

export async function measureProcessMemory(
  device: GPUDevice,
  problem: TrainProblem,
  now: () => number,
  progress: (line: string) => void,
): Promise<ProcessMemoryReport> {
  const meter = meterDevice(device, now)
  const engine = new EngineDevice(device, { isSoftware: true })
  const step = async (): Promise<Awaited<ReturnType<typeof createOwnTrainer>>> => {
    const trainer = await createOwnTrainer(engine, problem)
    await trainer.step()
    return trainer
  }
  await (await step()).destroy()
  // Dawn frees a destroyed buffer's memory when later submits are done.
  const submit = async (): Promise<void> => {
    device.queue.submit([device.createCommandEncoder().finish()])
    await device.queue.onSubmittedWorkDone()
  }
  const [residentBefore, buffersBefore] = [await settledResidentBytes(submit), meter.liveBytes]
  const trainer = await step()
  const [residentGrowth, bufferBytes] = [(await settledResidentBytes()) - residentBefore, meter.liveBytes - buffersBefore]
  const report = {
    ...{ parameters: trainer.parameters, predictedBytes: totalBytes(trainer.memory), bufferBytes, residentGrowth },
    ratio: residentGrowth / bufferBytes,
  }
  progress(`bench train: with ${trainer.parameters} parameters the process grew by ${residentGrowth} bytes for buffers of ${bufferBytes}`)
  await trainer.destroy()
  return report
}
