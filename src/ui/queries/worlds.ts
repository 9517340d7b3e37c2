/** Environments and benchmarks as they are with the user's data, and these data. */
import { useDebouncedValue } from '@mantine/hooks'
import type { BenchmarkDescription, EnvironmentDescription, GivenFile, GivenWorld, Reply, WorldDataRow } from '../../worker/protocol'
import type { StudioApi } from '../../worker/studioApi'
import { useMemo } from 'react'
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

/** As it is with what was given; as it is described without, where nothing was. */
export function useEnvironment(known: EnvironmentDescription | undefined, given: GivenWorld): StudioQuery<EnvironmentDescription> {
  return useMade('environment', known, given, (studio, name, all) => studio.environments.openEnvironment(name, all))
}

export function useBenchmark(known: BenchmarkDescription | undefined, given: GivenWorld): StudioQuery<BenchmarkDescription> {
  return useMade('benchmark', known, given, (studio, name, all) => studio.environments.openBenchmark(name, all))
}

/**
 * What it needs may be among the settings, so it is made as soon as anything is given; it says itself what is missing. Its tools and its queries do
 * not depend on the simulator.
 */
function useMade<T extends { readonly name: string }>(
  kind: 'environment' | 'benchmark',
  known: T | undefined,
  all: GivenWorld,
  open: (studio: StudioApi, name: string, given: GivenWorld) => Promise<Reply<T>>,
): StudioQuery<T> {
  // An address or a number is typed letter by letter: what is not complete yet is not connected to.
  const [settled] = useDebouncedValue(JSON.stringify([known?.name, all]), SETTLED_MS)
  const given = useMemo(() => givenIn(settled, known?.name), [settled, known?.name])
  const isChanged = given.data !== undefined || Object.keys(given.settings ?? {}).length > 0
  const asked = known && isChanged ? known.name : null
  const made = useStudioQuery(asked === null ? null : keys.world(kind, asked, given), async (studio) => {
    const reply = await open(studio, asked ?? '', given)
    if (!reply.ok) throw new Error(reply.message)
    return reply.value
  })
  return asked === null ? { ...made, data: known, isLoading: false } : made
}

const SETTLED_MS = 400

/** What was given last to the world that is chosen now. */
function givenIn(settled: string, name: string | undefined): GivenWorld {
  const [of, { simulator: _, ...given }] = JSON.parse(settled) as [string | null, GivenWorld]
  return of === name ? given : {}
}
