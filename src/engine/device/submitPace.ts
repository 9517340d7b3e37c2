/** How fast work is done: how much of it goes into one submit follows from what submits took. */

/** A submit is to take about this long: the page, a pause and other tabs wait no longer for the GPU. */
const TARGET_SUBMIT_MS = 100
/** Most that one submit may seem slower than expected. */
const MOST_SLOWDOWN = 4
/** Shorter submits say little. */
const LEAST_MS = 5

export class SubmitPace {
  #msPerGflop: number

  constructor(msPerGflop: number) {
    this.#msPerGflop = msPerGflop
  }

  get msPerGflop(): number {
    return this.#msPerGflop
  }

  /** FLOP of one submit. */
  get budget(): number {
    return (TARGET_SUBMIT_MS / this.#msPerGflop) * 1e9
  }

  /** From a finished submit. One that took minutes shows that the machine slept or was taken away, and may not make all later submits tiny. */
  learn(flops: number, ms: number): void {
    if (ms < LEAST_MS) return
    const seen = ms / (flops / 1e9)
    this.#msPerGflop += 0.2 * (Math.min(seen, MOST_SLOWDOWN * this.#msPerGflop) - this.#msPerGflop)
  }
}
