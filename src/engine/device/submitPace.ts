/** Sizes each submit to about 100 ms from the throughput measured so far. */

/** The length a submit aims at: the page, a pause and other tabs wait for the GPU about this long at most. */
const TARGET_SUBMIT_MS = 100
/** A submit counts as at most this many times slower than expected. */
const MOST_SLOWDOWN = 4
/** Submits shorter than this are not measured: the clock is too coarse for them. */
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
