/** Charts are made one at a time, each in a task of its own: mounting several at once would hold up the page. */
import { useEffect, useState } from 'react'

const waiting: (() => void)[] = []
let serving = false

function serve(): void {
  const next = waiting.shift()
  serving = next !== undefined
  if (!next) return
  next()
  setTimeout(serve, 16)
}

/** True once it is this chart's turn. */
export function useTurn(): boolean {
  const [mine, setMine] = useState(false)
  useEffect(() => {
    const take = (): void => {
      setMine(true)
    }
    waiting.push(take)
    if (!serving) {
      serving = true
      setTimeout(serve, 0)
    }
    return () => {
      const at = waiting.indexOf(take)
      if (at >= 0) waiting.splice(at, 1)
    }
  }, [])
  return mine
}
