/** The environments and benchmarks of the catalogues, each made when it is first asked for. */
import { environments } from '../../environments'
import type { Benchmark } from '../../environments/benchmark'
import type { Environment } from '../../environments/environment'
import { benchmarks } from '../../evaluation/benchmarks'
import type { Reply } from '../../worker/protocol'
import { DEFAULT_BENCHMARK, DEFAULT_ENVIRONMENT } from '../defaults'
import { accept, refuse } from '../failure'

export interface Worlds {
  /** Refuses a name that the catalogue does not have; when absent, the default. */
  environment(name?: string): Reply<Environment>
  /** @param seed draws its environment another way; when absent, the usual one. */
  benchmark(name?: string, seed?: number): Reply<Benchmark>
}

export function createWorlds(): Worlds {
  const environment = lazily<Environment>('environment', environments)
  const benchmark = lazily<Benchmark>('benchmark', benchmarks)
  return {
    environment: (name = DEFAULT_ENVIRONMENT) => environment(name),
    benchmark: (name = DEFAULT_BENCHMARK, seed) => benchmark(name, seed),
  }
}

function lazily<T>(
  kind: string,
  catalogue: Readonly<Record<string, { create(seed?: number): T }>>,
): (name: string, seed?: number) => Reply<T> {
  const made = new Map<string, T>()
  return (name, seed) => {
    const definition = Object.entries(catalogue).find(([known]) => known === name)?.[1]
    if (!definition) return refuse(`unknown-${kind}`, `There is no ${kind} ${name}; there is ${Object.keys(catalogue).join(', ')}.`)
    const key = JSON.stringify([name, seed])
    const known = made.get(key) ?? definition.create(seed)
    made.set(key, known)
    return accept(known)
  }
}
