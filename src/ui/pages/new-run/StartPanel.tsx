import { Text } from '@mantine/core'
import { visibleText } from '../../format'
import { hrefs } from '../../navigation/hrefs'
import { navigate } from '../../navigation/location'
import { useActiveJob, useStartJob } from '../../queries/jobs'
import { useRefusals } from '../../queries/training'
import { useGpu, useRecording } from '../../stores/studio'
import { useFieldProblems } from '../../widgets/fieldProblems'
import { PrimaryButton } from '../../widgets/Panel'
import type { NewRunForm } from './useNewRun'

/** What stands in the way, as sentences: fields that cannot be read, and what pre-flight refuses. */
function useBlockers({ request, hasData, sources }: NewRunForm): readonly string[] {
  const ofFields = useFieldProblems().map(({ name, problem }) => `${name}: ${problem}`)
  const refusals = useRefusals(request)
  const missing = sources && !hasData ? ['Leave out the data that is not stored here any more, or choose another.'] : []
  return [...missing, ...ofFields, ...refusals]
}

/** The button that starts the run, and why it cannot be pressed. */
export function StartPanel({ form }: { readonly form: NewRunForm }) {
  const { request } = form
  const gpu = useGpu()
  const recording = useRecording()
  const busy = useActiveJob() !== null
  const blockers = useBlockers(form)
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
        disabled={request === null || blockers.length > 0 || startJob.isPending || busy || recording !== null || gpu?.state !== 'ready'}
        data-testid="train-start"
        onClick={() => {
          start()
        }}
      >
        {startJob.isPending ? 'Starting…' : 'Start training'}
      </PrimaryButton>
      {blockers.length > 0 && (
        <div role="status" data-testid="blockers">
          <Text>Before it can start:</Text>
          <ul style={{ margin: 0, paddingLeft: 18 }}>
            {blockers.map((blocker) => (
              <li key={blocker}>{visibleText(blocker)}</li>
            ))}
          </ul>
        </div>
      )}
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
