/** Work on files that is done one piece after the other. */

export interface SerialQueue {
  /** Runs `work` once everything asked for before it has settled, also when that failed; settles as `work` does. */
  readonly run: <T>(work: () => Promise<T>) => Promise<T>
  /** Resolves when everything asked for so far has settled; never rejects. */
  readonly idle: () => Promise<void>
}

export function createSerialQueue(): SerialQueue {
  let last: Promise<unknown> = Promise.resolve()
  return {
    run: (work) => {
      const result = last.then(work, work)
      last = result.catch(() => undefined)
      return result
    },
    idle: () => last.then(() => undefined),
  }
}
