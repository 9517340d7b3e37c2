/** What a finished run leaves, as files: its adapter, the one that did best, or the base with it merged in. */
import { counted } from '../format'
import { Button } from '@mantine/core'
import { Link } from 'wouter'
import type { RunRecord } from '../../records/run'
import { hrefs } from '../navigation/hrefs'
import { useActiveJob } from '../queries/jobs'
import { useAlgorithm, useGpu, useRecording } from '../stores/studio'
import { formOfRun } from './newRunForm'
import type { RunCommands } from './useRunCommands'

export function RunExports({ run, commands }: { readonly run: RunRecord; readonly commands: RunCommands }) {
  const busy = useActiveJob() !== null
  const gpu = useGpu()
  const recording = useRecording()
  const algorithm = useAlgorithm()(run.algorithm)
  const isFinished = run.status === 'finished' && run.algorithm !== null
  return (
    <>
      {isFinished && (
        <Button
          onClick={() => {
            commands.saveAdapter('last')
          }}
        >
          Export the adapter
        </Button>
      )}
      {run.best && (
        <Button
          title={`${run.best.metric} ${run.best.value}, after ${counted(run.best.step, 'step')}`}
          onClick={() => {
            commands.saveAdapter('best')
          }}
        >
          Export the best
        </Button>
      )}
      {isFinished && recording === null && run.config.trainable !== 'all' && (
        <Button
          component={Link}
          href={hrefs.newRun({ ...formOfRun(run, algorithm?.configSchema ?? {}), start: `run:${run.run_id}` })}
          title="A new run with the same settings that starts from this adapter"
        >
          Train it further
        </Button>
      )}
      {isFinished && recording === null && (
        <Button
          data-testid="run-merge"
          title="The base model with this adapter in its weights, in 16 bits, for programs that cannot load adapters"
          disabled={busy || gpu?.state !== 'ready'}
          onClick={commands.merge}
        >
          Export merged
        </Button>
      )}
    </>
  )
}
