/**
 * `bench soak`: a thousand training steps. Memory may not grow and speed may not fall; a fixed kernel timed beside the steps tells what the
 * machine itself did meanwhile.
 */
import { EngineDevice } from '../engine/device/engineDevice'
import { meterDevice } from './deviceMeter'
import { createOwnTrainer } from './ownTrainer'
import { median } from './paired'
import { settledResidentBytes } from './processMemory'
import { fixedWork } from './roofline'
import type { TrainProblem } from './trainProblem'

export interface SoakBenchOptions {
  readonly device: GPUDevice
  readonly isSoftware: boolean
  readonly problem: TrainProblem
  readonly steps: number
  readonly now: () => number
  progress(line: string): void
}

export interface SoakMark {
  readonly step: number
  readonly bufferBytes: number
  readonly residentBytes: number
}
/** Medians over a window of steps. */
export interface SoakWindow {
  readonly tokensPerSecond: number
  /** Of the fixed kernel. */
  readonly kernelMs: number
}
export interface SoakBenchReport {
  readonly marks: readonly SoakMark[]
  readonly first: SoakWindow
  readonly last: SoakWindow
  /** Change of tokens per second from the first window to the last, 0.01 is one percent more; and of steps against the kernel beside them. */
  readonly drift: number
  readonly driftBesideKernel: number
}

/** The fixed kernel runs once in so many steps. */
const EVERY = 5

export async function benchSoak(options: SoakBenchOptions): Promise<SoakBenchReport> {
  const { device, problem, steps, now } = options
  const kernel = await fixedWork(device, now)
  const meter = meterDevice(device, now)
  const engine = new EngineDevice(device, { isSoftware: options.isSoftware })
  const trainer = await createOwnTrainer(engine, problem)
  const tokens = problem.sequences.flat().length
  const window = Math.max(1, Math.floor(steps / 10))
  const stepMs: number[] = []
  const kernelMs: { readonly step: number; readonly ms: number }[] = []
  const marks: SoakMark[] = []
  const timed = async (work: () => Promise<void>): Promise<number> => {
    const started = now()
    await work()
    return now() - started
  }
  // Pipelines, and the clocks of the machine.
  for (let step = 0; step < 5; step++) await trainer.step()
  for (let step = 1; step <= steps; step++) {
    stepMs.push(await timed(() => trainer.step()))
    if (step % EVERY === 0) kernelMs.push({ step, ms: await timed(kernel.run) })
    if (step === window || step === Math.floor(steps / 2) || step === steps) {
      marks.push({ step, bufferBytes: meter.liveBytes, residentBytes: await settledResidentBytes() })
      options.progress(
        `bench soak: step ${step}: ${meter.liveBytes} bytes of buffers, ${marks.at(-1)?.residentBytes ?? 0} resident, ${((1000 * tokens) / median(stepMs.slice(-window))).toFixed(0)} tokens/s`,
      )
    }
  }
  const windowOf = (from: number, to: number): SoakWindow => ({
    tokensPerSecond: (1000 * tokens) / median(stepMs.slice(from, to)),
    kernelMs: median(kernelMs.filter(({ step }) => step > from && step <= to).map(({ ms }) => ms)),
  })
  const [first, last] = [windowOf(0, window), windowOf(steps - window, steps)]
  await trainer.destroy()
  kernel.destroy()
  return {
    ...{ marks, first, last },
    drift: last.tokensPerSecond / first.tokensPerSecond - 1,
    driftBesideKernel: (last.tokensPerSecond * last.kernelMs) / (first.tokensPerSecond * first.kernelMs) - 1,
  }
}
