/** What can be done with a run that is not running: resume it, export its adapter, merge the adapter into the base. */
import type { RunRecord } from '../../records/run'
import { downloadFile } from '../downloadFile'
import { useStartJob } from '../queries/jobs'
import { useExportAdapter, useResumeRun } from '../queries/runs'

export function useRunCommands({ run_id: runId }: Pick<RunRecord, 'run_id'>) {
  const resume = useResumeRun()
  const exportAdapter = useExportAdapter()
  const startJob = useStartJob()
  const forget = (): void => {
    for (const command of [resume, exportAdapter, startJob]) command.reset()
  }
  return {
    /** Why the last one was refused. */
    error: resume.error ?? exportAdapter.error ?? startJob.error,
    isResuming: resume.isPending,
    resume: () => {
      forget()
      resume.mutate(runId)
    },
    saveAdapter: (which: 'last' | 'best') => {
      forget()
      exportAdapter.mutate(
        { runId, which },
        {
          onSuccess: (files) => {
            for (const [name, bytes] of Object.entries(files)) downloadFile(name, bytes, 'application/octet-stream')
          },
        },
      )
    },
    merge: () => {
      forget()
      startJob.mutate({ kind: 'merge', adapter: { kind: 'run', run_id: runId, which: 'last' } })
    },
  }
}
export type RunCommands = ReturnType<typeof useRunCommands>
