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

/** Resident bytes once they have stopped to fall: finalizers and freed drivers' memory take a few turns. */
export async function settledResidentBytes(): Promise<number> {
  collect ??= collector()
  let least = Infinity
  for (let turn = 0; turn < 5; turn++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 50))
    least = Math.min(least, process.memoryUsage.rss())
  }
  return least
}
