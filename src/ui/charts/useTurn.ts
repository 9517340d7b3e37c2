/** Charts are made and redrawn one at a time, each in a task of its own: several at once would hold up the page. */
import { useEffect, useState } from 'react'

/** Long enough for the frame in which Recharts draws what it was given. */
const GAP_MS = 32

const waiting: (() => void)[] = []
let serving = false

function serve(): void {
  const next = waiting.shift()
  serving = next !== undefined
  if (!next) return
  next()
  setTimeout(serve, GAP_MS)
}

/** Calls `take` when it is its turn. Returns a function that gives the turn up. */
export function queueTurn(take: () => void): () => void {
  waiting.push(take)
  if (!serving) {
    serving = true
    setTimeout(serve, 0)
  }
  return () => {
    const at = waiting.indexOf(take)
    if (at >= 0) waiting.splice(at, 1)
  }
}

/** True once it is this chart's turn, which it waits for from when it can be drawn. */
export function useTurn(canBeDrawn: boolean): boolean {
  const [mine, setMine] = useState(false)
  useEffect(() => {
    if (!canBeDrawn) return
    return queueTurn(() => {
      setMine(true)
    })
  }, [canBeDrawn])
  return mine
}
