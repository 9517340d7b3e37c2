import { useQueries, useQueryClient } from '@tanstack/react-query'
import type { Trajectory } from '../../records/trajectory'
import type { LabelState, TokenPreview } from '../../worker/protocol'
import type { StudioApi } from '../../worker/studioApi'
import { useStudioOrNull } from '../stores/studio'
import { studioKey, valueOf } from './client'
import { keys } from './keys'
import { labelQuery } from './labels'
import { useStudioQuery, type StudioQuery } from './useStudioQuery'

export interface TrajectorySource {
  readonly kind: 'dataset' | 'run'
  readonly id: string
}

const listOf = (studio: StudioApi, { kind, id }: TrajectorySource): Promise<readonly Trajectory[]> =>
  studio.trajectories.list(kind === 'dataset' ? { dataset_id: id } : { run_id: id })
const keyOf = ({ kind, id }: TrajectorySource) => keys.trajectories(`${kind}:${id}`)

/** The trajectories of a dataset or of a run, without token arrays; of nothing while `source` is null. */
export const useTrajectories = (source: TrajectorySource | null): StudioQuery<readonly Trajectory[]> =>
  useStudioQuery(source === null ? null : keyOf(source), (studio) => (source === null ? Promise.resolve([]) : listOf(studio, source)))

/** Those of several sources that have arrived, in the order of `sources`. */
export function useTrajectoriesOfMany(
  sources: readonly TrajectorySource[],
): readonly { readonly source: TrajectorySource; readonly trajectories: readonly Trajectory[] }[] {
  const studio = useStudioOrNull()
  const queries = useQueries({
    queries:
      studio === null
        ? []
        : sources.map((source) => ({
            queryKey: [...keyOf(source), studioKey(studio)],
            queryFn: () => listOf(studio, source),
            refetchOnMount: true as const,
          })),
  })
  return queries.flatMap(({ data }, index) => {
    const source = sources[index]
    return data && source ? [{ source, trajectories: data }] : []
  })
}

/** One trajectory with its tokens; nothing is asked while `trajectoryId` is null. */
export const useTrajectory = (trajectoryId: string | null): StudioQuery<Trajectory> =>
  useStudioQuery(trajectoryId === null ? null : keys.trajectory(trajectoryId), (studio) =>
    valueOf(studio.trajectories.get(trajectoryId ?? '')),
  )

export interface TokenLimits {
  readonly maxContextLen: number
  readonly maxResponseLen: number
}

/** These trajectories as a batch: the tokens the model would see. */
export const useTokenPreviews = (trajectoryIds: readonly string[], limits: TokenLimits): StudioQuery<readonly TokenPreview[]> =>
  useStudioQuery(trajectoryIds.length === 0 ? null : keys.tokens(trajectoryIds, limits), (studio) =>
    Promise.all(trajectoryIds.map((id) => valueOf(studio.trajectories.tokenPreview(id, limits)))),
  )

export interface Practice {
  readonly trajectories: readonly Trajectory[]
  /** Of the first trajectories only. */
  readonly labels: ReadonlyMap<string, LabelState>
}

/** The practice attempts of a run with the labels of the first `labelled`. The question is asked again when the run ends, not at every attempt. */
export function usePractice(runId: string, labelled: number): StudioQuery<Practice> {
  const client = useQueryClient()
  return useStudioQuery(keys.practice(runId), async (studio) => {
    const all = await listOf(studio, { kind: 'run', id: runId })
    const trajectories = all.filter((record) => record.task.split === 'practice')
    const entries = await Promise.all(
      trajectories
        .slice(0, labelled)
        .map(async ({ trajectory_id: id }) => [id, await client.query({ ...labelQuery(studio, id), staleTime: 0 })] as const),
    )
    return { trajectories, labels: new Map(entries) }
  })
}
