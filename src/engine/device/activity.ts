/** Reports what a device is doing, in parts that are small enough to report often. */
import type { Activity } from '../../base/activity'

/** Reports the device's activity to at most one listener: the job that uses the device. */
export class ActivityReport {
  listener: ((activity: Activity) => void) | null = null
  #current: Activity | null = null
  /** Kernels that were asked for and those of them that are compiled, since all were. */
  #kernels = { asked: 0, made: 0 }

  announce(activity: Activity): void {
    this.#current = activity
    this.listener?.(activity)
  }

  /** The finished fraction of the current part of a step, 0 to 1. */
  share(share: number): void {
    const current = this.#current
    if (!current || (current.kind !== 'score' && current.kind !== 'update')) return
    this.listener?.({ ...current, done: current.done + share })
  }

  /** Counts the compilation of a kernel. */
  async compiling<T>(work: Promise<T>): Promise<T> {
    this.#kernels.asked += 1
    this.#announceKernels()
    try {
      return await work
    } finally {
      this.#kernels.made += 1
      this.#announceKernels()
      if (this.#kernels.made === this.#kernels.asked) this.#kernels = { asked: 0, made: 0 }
    }
  }

  #announceKernels(): void {
    this.listener?.({ kind: 'compile', done: this.#kernels.made, total: this.#kernels.asked })
  }
}

/** Announces the parts of a training step one after another: call `next` before each. */
export function partProgress(
  { activity }: { readonly activity: ActivityReport },
  kind: 'score' | 'update',
  total: number,
): { next(): void } {
  let done = 0
  return {
    next: () => {
      activity.announce({ kind, done: done++, total })
    },
  }
}
