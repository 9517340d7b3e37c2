/** `studio.environments`: tools called by hand, environments and benchmarks made from the user's data, and these data. */
import { environments } from '../../environments'
import type { BenchmarkDefinition } from '../../environments/benchmark'
import type { EnvironmentDefinition } from '../../environments/environment'
import { benchmarks } from '../../evaluation/benchmarks'
import type { EnvironmentsApi } from '../../worker/studioApi'
import { accept, refuse } from '../failure'
import { callTool } from './callTool'
import { describeBenchmark, describeEnvironment } from './describeWorld'
import type { WorldData } from './worldData'
import type { Worlds } from './worlds'

export const createEnvironmentsApi = (worlds: Worlds, data: WorldData): EnvironmentsApi => ({
  callTool: async (environment, tool, args, given = {}) => {
    const known = await worlds.environment(environment ?? undefined, given)
    return known.ok ? callTool(known.value, tool, args) : known
  },
  openEnvironment: async (name, given) => {
    // A server that was reached before may be gone, or have other tools.
    worlds.forget()
    const made = await worlds.environment(name, given)
    const definition = named<EnvironmentDefinition>(environments, name)
    return made.ok && definition
      ? accept(describeEnvironment(definition, made.value))
      : made.ok
        ? refuse('unknown', `There is no ${name}.`)
        : made
  },
  openBenchmark: async (name, given) => {
    const made = await worlds.benchmark(name, given)
    const definition = named<BenchmarkDefinition>(benchmarks, name)
    return made.ok && definition
      ? accept(describeBenchmark(definition, made.value))
      : made.ok
        ? refuse('unknown', `There is no ${name}.`)
        : made
  },
  listData: () => data.list(),
  addData: (title, files) => data.add(title, files),
  removeData: (id) => data.remove(id),
})

const named = <D>(catalogue: Readonly<Record<string, D>>, name: string): D | undefined =>
  Object.entries(catalogue).find(([known]) => known === name)?.[1]
