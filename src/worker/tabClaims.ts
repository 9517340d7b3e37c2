/** What one tab at a time may do, claimed by the browser's locks, which end with their tab. */
import { utcText } from '../base/utcText'
import type { StudioParts } from '../studio/parts'

/** A second lock, held as long as the first, has in its name since when: locks hold no other text that the next tab could read. */
const SINCE = ', since '

export function tabClaims(locks: LockManager | undefined, now: () => number): StudioParts['claim'] {
  return (name) => {
    if (!locks) return Promise.resolve({ ok: true, release: () => undefined, takenOver: null })
    return new Promise((resolve, reject) => {
      locks
        .request(name, { ifAvailable: true }, async (lock) => {
          if (!lock) {
            resolve({ ok: false, owner: `in another tab${await sinceOf(name, locks)}` })
            return
          }
          // Held until it is released, or until the tab is closed.
          await locks.request(
            `${name}${SINCE}${utcText(new Date(now()).toISOString())}`,
            () =>
              new Promise<void>((release) => {
                resolve({ ok: true, release, takenOver: null })
              }),
          )
        })
        .catch(reject)
    })
  }
}

async function sinceOf(claimed: string, locks: LockManager): Promise<string> {
  const { held = [] } = await locks.query()
  const name = held.map((lock) => lock.name ?? '').find((one) => one.startsWith(`${claimed}${SINCE}`))
  return name === undefined ? '' : name.slice(claimed.length)
}
