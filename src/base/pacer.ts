/** Long work in short pieces: whoever shares the thread, such as a run that trains, gets a turn between them. */
export interface PacerParts {
  readonly clock: () => number
  readonly sleep: (ms: number) => Promise<void>
  /** The longest piece, in milliseconds; without it, 20. */
  readonly pieceMs?: number
}

/** To be awaited often: it costs nothing until a piece has lasted long enough, and then lets the other work go first. */
export function createPacer({ clock, sleep, pieceMs = 20 }: PacerParts): () => Promise<void> | undefined {
  let began = clock()
  return () => {
    if (clock() - began < pieceMs) return undefined
    return sleep(0).then(() => {
      began = clock()
    })
  }
}
