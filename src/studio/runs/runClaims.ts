/** Who works on a run: one studio at a time, among all that share the store. */
import type { Store } from '../../storage/store'
import type { Claim } from '../claim'
import type { StudioParts } from '../parts'

export interface RunClaims {
  claim(runId: string): Promise<Claim>
  /** Which other studio works on the run, as a claim's `owner`; null when none does. */
  ownerElsewhere(runId: string): Promise<string | null>
  /** Sentences for the record of a run that is opened: whose lock was taken over, and which of its files are damaged. */
  newsOf(runId: string): Promise<readonly string[]>
}

export function createRunClaims(claim: StudioParts['claim'], store: Pick<Store, 'folders'>): RunClaims {
  /** Looking whether a run is free takes over a stale lock too: what is to be said of that waits for the run's record. */
  const takenOver = new Map<string, string>()
  async function claimRun(runId: string): Promise<Claim> {
    const claimed = await claim(`hone-run-${runId}`)
    if (claimed.ok && claimed.takenOver !== null) takenOver.set(runId, claimed.takenOver)
    return claimed
  }
  return {
    claim: claimRun,
    async ownerElsewhere(runId) {
      const claimed = await claimRun(runId)
      if (!claimed.ok) return claimed.owner
      claimed.release()
      return null
    },
    async newsOf(runId) {
      const lock = takenOver.get(runId)
      const damage = (await store.folders?.damage(runId)) ?? []
      takenOver.delete(runId)
      return [...(lock === undefined ? [] : [lock]), ...damage]
    },
  }
}
