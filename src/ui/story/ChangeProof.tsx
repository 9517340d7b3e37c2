/** What shows that the policy really changed: the adapter's hash, the shift of a fixed text's log-probs, the work the GPU did. */
import { counted } from '../format'
import { Text } from '@mantine/core'
import type { JobSnapshot, RunDetail } from '../../worker/protocol'

/** Largest |Δ log π| over the probe's tokens, in nats; null before the second measurement. */
function probeShift(probe: RunDetail['probe']): number | null {
  if (!probe?.after) return null
  const { before, after } = probe
  return Math.max(0, ...before.map((value, index) => Math.abs(value - (after[index] ?? value))))
}

const short = (hash: string): string => hash.slice(0, 8)

export function ChangeProof({ detail, job }: { readonly detail: RunDetail; readonly job: JobSnapshot | null }) {
  const hashes = detail.run.adapter_sha256
  const shift = probeShift(detail.probe)
  if (!hashes?.after || shift === null) return null
  return (
    <Text size="xs" c="dimmed" data-testid="change-proof">
      Adapter {short(hashes.before)} → {short(hashes.after)}; log-probs of a fixed text moved by up to {shift.toPrecision(3)} nats
      {job && job.dispatches > 0 ? `; ${counted(job.dispatches, 'dispatch', 'dispatches')} on the GPU` : ''}.
    </Text>
  )
}
