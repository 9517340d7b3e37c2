/** What the operating system counts as this process's memory, with the garbage collected first. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Node shows its collector only on request. */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect !== 'function') throw new Error('this Node has no garbage collector to call')
  return () => void Reflect.apply(collect, undefined, [])
}
let collect: (() => void) | null = null

/** Looks in a row that find no less: finalizers and drivers give memory back a few turns later. */
const STILL = 5
const LOOK_MS = 20

/** Resident bytes once they have stopped to fall. `turn` is done before each look. */
export async function settledResidentBytes(turn?: () => Promise<void>): Promise<number> {
  collect ??= collector()
  let least = Infinity
  for (let still = 0; still < STILL;) {
    collect()
    await turn?.()
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    const now = process.memoryUsage.rss()
    still = now < least ? 0 : still + 1
    least = Math.min(least, now)
  }
  return least
}
