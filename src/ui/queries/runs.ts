import { useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { RunRecord } from '../../records/run'
import type { WandbSent } from '../../records/wandbRun'
import type { JobSnapshot, MergedModel, RunDetail } from '../../worker/protocol'
import { distinctNames } from '../distinctNames'
import { gatewayToken } from '../stores/gatewayToken'
import { valueOf } from './client'
import { rememberJob } from './jobs'
import { keys } from './keys'
import { useCommand, type Command } from './useCommand'
import { useStudioQuery, type StudioQuery } from './useStudioQuery'

export const useRuns = (): StudioQuery<readonly RunRecord[]> => useStudioQuery(keys.runs, (studio) => studio.runs.list())

/** The name each run goes by: of several with one title, which was started when. */
export function useRunNames(): ReadonlyMap<string, string> {
  const runs = useRuns().data
  return useMemo(() => {
    const names = distinctNames((runs ?? []).map(({ title, created_at: when }) => ({ name: title, when })))
    return new Map((runs ?? []).map(({ run_id: id }, at) => [id, names[at] ?? id]))
  }, [runs])
}

export const useRun = (runId: string): StudioQuery<RunDetail> =>
  useStudioQuery(keys.run(runId), (studio) => valueOf(studio.runs.get(runId)))

/** The records of several runs. Those that cannot be read are left out. */
export const useRunDetails = (runIds: readonly string[]): StudioQuery<readonly RunDetail[]> =>
  useStudioQuery(['runs', 'several', runIds], async (studio) => {
    const replies = await Promise.all(runIds.map((id) => studio.runs.get(id)))
    return replies.flatMap((reply) => (reply.ok ? [reply.value] : []))
  })

/** What a finished merge job made. */
export const useMergedModel = (runId: string, jobId: string): StudioQuery<MergedModel> =>
  useStudioQuery(keys.mergedModel(jobId), (studio) => valueOf(studio.runs.mergedModel(runId)))

/** Asks for a run's whole record once, to write it into a file. */
export const useReadRun = (): Command<string, RunDetail> => useCommand((studio, runId: string) => studio.runs.get(runId))

export function useResumeRun(): Command<string, JobSnapshot> {
  const client = useQueryClient()
  return useCommand((studio, runId: string) => studio.runs.resume(runId), {
    onValue: (job) => {
      rememberJob(client, job)
    },
  })
}

export const useRemoveRun = (): Command<string, null> =>
  useCommand((studio, runId: string) => studio.runs.remove(runId), { invalidates: [keys.runs, keys.storage, keys.models] })

export type AdapterFiles = Readonly<Record<string, Uint8Array<ArrayBuffer>>>
export const useExportAdapter = (): Command<{ readonly runId: string; readonly which?: 'last' | 'best' }, AdapterFiles> =>
  useCommand((studio, { runId, which }: { readonly runId: string; readonly which?: 'last' | 'best' }) =>
    studio.runs.exportAdapter(runId, which),
  )

export const useSendToWandb = (): Command<string, WandbSent> =>
  useCommand((studio, runId: string) => studio.runs.sendToWandb(runId, gatewayToken()))
