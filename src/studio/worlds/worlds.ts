/** The environments and benchmarks of the catalogues, each made when it is first asked for. */
import type { FileTree } from '../../base/fileTree'
import { environments } from '../../environments'
import type { Benchmark, BenchmarkDefinition } from '../../environments/benchmark'
import { EnvironmentError, type Environment, type EnvironmentDefinition } from '../../environments/environment'
import type { Simulate, WorldParts } from '../../environments/worldParts'
import { benchmarks } from '../../evaluation/benchmarks'
import type { ServerModel, TrainRequest } from '../../records/requests'
import type { Reply } from '../../worker/protocol'
import { DEFAULT_BENCHMARK, DEFAULT_ENVIRONMENT } from '../defaults'
import { accept, attempt, refuse } from '../failure'

/** What a request says about a world besides its name. */
export interface AskedWorld {
  /** Draws it another way than the usual one. */
  readonly seed?: number | undefined
  /** Id or path of the user's data. */
  readonly data?: string | undefined
  readonly settings?: Readonly<Record<string, unknown>> | undefined
  /** The model that plays the tool server. */
  readonly simulator?: ServerModel | undefined
}

export interface Worlds {
  /** Refuses a name that the catalogue does not have, data that are missing or do not fit, and settings. When absent, the default. */
  environment(name?: string, asked?: AskedWorld): Promise<Reply<Environment>>
  benchmark(name?: string, asked?: AskedWorld): Promise<Reply<Benchmark>>
  /** What can change while Hone runs is made anew when it is asked for next. */
  forget(): void
}

/** What the host has for worlds. */
export interface HostParts extends Pick<WorldParts, 'fetch' | 'python' | 'now' | 'secret' | 'connectTools' | 'recordings'> {
  /** The user's data of that id or path; rejects with an Error of one sentence. */
  readonly files: (id: string) => Promise<FileTree>
  /** Opens the model that plays a tool server; refuses settings that do not fit. */
  readonly simulator: (settings: ServerModel) => Reply<Simulate>
}

type Asking = Partial<Pick<TrainRequest, 'worldSeed' | 'benchmarkData' | 'benchmarkSettings' | 'simulator'>>

export const worldOf = ({ worldSeed, benchmarkData, benchmarkSettings, simulator }: Asking): AskedWorld => ({
  seed: worldSeed,
  data: benchmarkData,
  settings: benchmarkSettings,
  simulator,
})

export function createWorlds(host: HostParts): Worlds {
  const environment = lazily<Environment, EnvironmentDefinition>('environment', environments, host)
  const benchmark = lazily<Benchmark, BenchmarkDefinition>('benchmark', benchmarks, host)
  return {
    environment: (name = DEFAULT_ENVIRONMENT, asked = {}) => environment.get(name, asked),
    benchmark: (name = DEFAULT_BENCHMARK, asked = {}) => benchmark.get(name, asked),
    forget: () => {
      environment.forget()
      benchmark.forget()
    },
  }
}

type Definition<T> = Pick<EnvironmentDefinition, 'title' | 'needs' | 'settings' | 'canChange'> & {
  create(parts: WorldParts): T | Promise<T>
}

function lazily<T, D extends Definition<T>>(
  kind: string,
  catalogue: Readonly<Record<string, D>>,
  host: HostParts,
): { get(name: string, asked: AskedWorld): Promise<Reply<T>>; forget(): void } {
  const made = new Map<string, { readonly value: T; readonly canChange: boolean }>()
  const get = async (name: string, asked: AskedWorld): Promise<Reply<T>> => {
    const definition = Object.entries(catalogue).find(([known]) => known === name)?.[1]
    if (!definition) return refuse(`unknown-${kind}`, `There is no ${kind} ${name}; there is ${Object.keys(catalogue).join(', ')}.`)
    const key = JSON.stringify([name, asked])
    const known = made.get(key)
    if (known !== undefined) return accept(known.value)
    const parts = await partsFor(definition, asked, host)
    if (!parts.ok) return parts
    return attempt(kind, async () => {
      try {
        const value = await definition.create(parts.value)
        made.set(key, { value, canChange: definition.canChange === true })
        return accept(value)
      } catch (error) {
        if (error instanceof EnvironmentError) return refuse(kind, error.message)
        throw error
      }
    })
  }
  const forget = (): void => {
    for (const [key, { canChange }] of made) if (canChange) made.delete(key)
  }
  return { get, forget }
}

/** Refuses settings that do not fit the definition's schema, and data that cannot be opened. */
async function partsFor<T>(
  definition: Definition<T>,
  { seed, data, settings, simulator }: AskedWorld,
  host: HostParts,
): Promise<Reply<WorldParts>> {
  const read = definition.settings?.safeParse(settings ?? {})
  if (read && !read.success) {
    const [issue] = read.error.issues
    return refuse('world-settings', `${definition.title}: setting ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it is not valid'}.`)
  }
  if (!read && settings && Object.keys(settings).length > 0)
    return refuse('world-settings', `${definition.title} has no settings, found ${Object.keys(settings).join(', ')}.`)
  const { files: openFiles, simulator: openSimulator, ...shared } = host
  const simulate = simulator ? openSimulator(simulator) : accept(null)
  if (!simulate.ok) return simulate
  const files = data === undefined ? accept(null) : await attempt<FileTree | null>('world-data', async () => accept(await openFiles(data)))
  if (!files.ok) return files
  return accept({
    ...shared,
    ...(seed === undefined ? {} : { seed }),
    ...(files.value ? { files: files.value } : {}),
    ...(simulate.value ? { simulate: simulate.value } : {}),
    ...(read ? { settings: read.data } : {}),
  })
}
