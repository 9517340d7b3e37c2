import { Alert } from '@mantine/core'
import type { Trajectory } from '../../../records/trajectory'
import { useDescription } from '../../stores/studio'

/** A note that the open trajectory answers a question of an evaluation. */
export function HeldOutNote({ trajectory: { task } }: { readonly trajectory: Pick<Trajectory, 'task'> }) {
  const { benchmarks } = useDescription()
  if (!benchmarks.some(({ heldOut }) => heldOut.includes(task.split))) return null
  return (
    <Alert
      variant="outline"
      color="gray"
      mb={12}
      style={{ borderColor: 'var(--hone-line-strong)' }}
      data-testid="held-out-note"
      title="An evaluation asks this question."
    >
      Labels on this trajectory can be compared with a judge’s or a rule’s. A model that is trained on it has seen the answer, so its result
      in that evaluation says nothing about new questions. Train on practice instead.
    </Alert>
  )
}
