/** Environments and benchmarks as they are with the user's data, and these data. */
import type { BenchmarkDescription, EnvironmentDescription, GivenFile, GivenWorld, Reply, WorldDataRow } from '../../worker/protocol'
import type { StudioApi } from '../../worker/studioApi'
import { keys } from './keys'
import { useCommand, type Command } from './useCommand'
import { useStudioQuery, type StudioQuery } from './useStudioQuery'

export const useWorldData = (): StudioQuery<readonly WorldDataRow[]> =>
  useStudioQuery(keys.worldData, (studio) => studio.environments.listData())

export interface NewWorldData {
  readonly title: string
  readonly files: readonly GivenFile[]
}
export const useAddWorldData = (): Command<NewWorldData, WorldDataRow> =>
  useCommand((studio, { title, files }: NewWorldData) => studio.environments.addData(title, files), {
    invalidates: [keys.worldData, keys.storage],
  })

export const useRemoveWorldData = (): Command<string, null> =>
  useCommand((studio, dataId: string) => studio.environments.removeData(dataId), { invalidates: [keys.worldData, keys.storage] })

interface Known {
  readonly name: string
  readonly needs: string | null
}

/** Whether there is everything that it needs to be made. */
const isGiven = ({ needs }: Pick<Known, 'needs'>, given: GivenWorld): boolean => needs === null || given.data !== undefined

/** As it is with what was given; as it is described without, where nothing was. */
export function useEnvironment(known: EnvironmentDescription | undefined, given: GivenWorld): StudioQuery<EnvironmentDescription> {
  return useMade('environment', known, given, (studio, name) => studio.environments.openEnvironment(name, given))
}

export function useBenchmark(known: BenchmarkDescription | undefined, given: GivenWorld): StudioQuery<BenchmarkDescription> {
  return useMade('benchmark', known, given, (studio, name) => studio.environments.openBenchmark(name, given))
}

function useMade<T extends Known>(
  kind: 'environment' | 'benchmark',
  known: T | undefined,
  given: GivenWorld,
  open: (studio: StudioApi, name: string) => Promise<Reply<T>>,
): StudioQuery<T> {
  const isChanged = given.data !== undefined || Object.keys(given.settings ?? {}).length > 0
  const asked = known && isChanged && isGiven(known, given) ? known.name : null
  const made = useStudioQuery(asked === null ? null : keys.world(kind, asked, given), async (studio) => {
    const reply = await open(studio, asked ?? '')
    if (!reply.ok) throw new Error(reply.message)
    return reply.value
  })
  return asked === null ? { ...made, data: known, isLoading: false } : made
}
