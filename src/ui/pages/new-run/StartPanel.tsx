import { Text } from '@mantine/core'
import { hrefs } from '../../navigation/hrefs'
import { navigate } from '../../navigation/location'
import { useActiveJob, useStartJob } from '../../queries/jobs'
import { useGpu, useRecording } from '../../stores/studio'
import { PrimaryButton } from '../../widgets/Panel'
import type { NewRunForm } from './useNewRun'

/** The button that starts the run, and why it cannot be pressed. */
export function StartPanel({ form: { request } }: { readonly form: NewRunForm }) {
  const gpu = useGpu()
  const recording = useRecording()
  const busy = useActiveJob() !== null
  const startJob = useStartJob()
  const start = (): void => {
    if (!request) return
    startJob.mutate(request, {
      onSuccess: (job) => {
        navigate(hrefs.run(job.run_id))
      },
    })
  }
  return (
    <>
      <PrimaryButton
        size="sm"
        disabled={request === null || startJob.isPending || busy || recording !== null || gpu?.state !== 'ready'}
        data-testid="train-start"
        onClick={() => {
          start()
        }}
      >
        {startJob.isPending ? 'Starting…' : 'Start training'}
      </PrimaryButton>
      {busy && <Text c="dimmed">One run at a time: the bar above shows the one that is running.</Text>}
      {recording && <Text c="dimmed">You are watching a recorded run. Go back to this computer to train.</Text>}
      {startJob.error !== null && (
        <Text c="var(--hone-unsolved)" role="alert">
          {startJob.error}
        </Text>
      )}
    </>
  )
}
