/** What a training step does to the device, seen from outside: submits, readbacks, encoding, and how soon it stops when asked. */
import type { DeviceCounts, DeviceMeter } from './deviceMeter'
import type { OwnTrainer } from './ownTrainer'
import { median } from './paired'

export interface StepCounts extends Omit<DeviceCounts, 'encodeMs'> {
  readonly dispatches: number
  /** ⌈step time / 100 ms⌉ + 2 */
  readonly submitBound: number
  /** Medians over the steps looked at. */
  readonly stepMs: number
  readonly encodeMs: number
  readonly encodeShare: number
}

export interface StopLatency {
  /** From the request until the device has nothing to do, milliseconds: the longest of the tries. */
  readonly pauseMs: number
  readonly cancelMs: number
  readonly tries: number
}

/** Submits belong to the step of median length; of readbacks, the most that any step made. */
export async function countSteps(trainer: OwnTrainer, meter: DeviceMeter, now: () => number, steps: number): Promise<StepCounts> {
  const seen: (DeviceCounts & { readonly ms: number })[] = []
  for (let step = 0; step < steps; step++) {
    meter.take()
    const started = now()
    await trainer.step()
    seen.push({ ms: now() - started, ...meter.take() })
  }
  const byLength = [...seen].sort((a, b) => a.ms - b.ms)
  const middle = byLength[(byLength.length - 1) >> 1]
  if (!middle) throw new Error('no step was measured')
  const encodeMs = median(seen.map((one) => one.encodeMs))
  return {
    dispatches: trainer.executables.reduce((sum, { plan }) => sum + plan.dispatches.length, 0),
    submits: middle.submits,
    submitBound: Math.ceil(middle.ms / 100) + 2,
    readbacks: Math.max(...seen.map(({ readbacks }) => readbacks)),
    readbacksBetweenSubmits: Math.max(...seen.map(({ readbacksBetweenSubmits }) => readbacksBetweenSubmits)),
    stepMs: middle.ms,
    encodeMs,
    encodeShare: encodeMs / middle.ms,
  }
}

class Cancelled extends Error {}

/** Asks a step to pause, and another to end, at several points of its course; both are the gate's doing, as in the studio. */
export async function stopLatency(
  trainer: OwnTrainer,
  device: GPUDevice,
  now: () => number,
  stepMs: number,
  tries: number,
): Promise<StopLatency> {
  const times = { pause: [] as number[], cancel: [] as number[] }
  for (let index = 0; index < tries; index++)
    for (const kind of ['pause', 'cancel'] as const) {
      let asked: number | null = null
      let resume = (): void => undefined
      let seen = (): void => undefined
      const reached = new Promise<void>((resolve) => (seen = resolve))
      const step = trainer
        .step(async () => {
          if (asked === null) return
          seen()
          if (kind === 'cancel') throw new Cancelled()
          await new Promise<void>((resolve) => (resume = resolve))
        })
        .catch((error: unknown) => {
          if (!(error instanceof Cancelled)) throw error
        })
      await new Promise((resolve) => setTimeout(resolve, (stepMs * (index + 0.5)) / tries))
      asked = now()
      // A step that is over before it asks again has stopped as well.
      await Promise.race([reached, step])
      await device.queue.onSubmittedWorkDone()
      times[kind].push(now() - asked)
      asked = null
      resume()
      await step
    }
  return { pauseMs: Math.max(...times.pause), cancelMs: Math.max(...times.cancel), tries }
}
