/** `studio.environments`: tools called by hand, environments and benchmarks made from the user's data, and these data. */
import { environments } from '../../environments'
import { benchmarks } from '../../evaluation/benchmarks'
import type { Reply } from '../../worker/protocol'
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
    return described(name, environments, await worlds.environment(name, given), describeEnvironment)
  },
  openBenchmark: async (name, given) => described(name, benchmarks, await worlds.benchmark(name, given), describeBenchmark),
  listData: () => data.list(),
  addData: (title, files) => data.add(title, files),
  removeData: (id) => data.remove(id),
})

/** What was made, beside its entry of the catalogue. */
function described<D, T, R>(
  name: string,
  catalogue: Readonly<Record<string, D>>,
  made: Reply<T>,
  describe: (definition: D, made: T) => R,
): Reply<R> {
  if (!made.ok) return made
  const definition = Object.entries(catalogue).find(([known]) => known === name)?.[1]
  return definition ? accept(describe(definition, made.value)) : refuse('unknown', `There is no ${name}.`)
}
