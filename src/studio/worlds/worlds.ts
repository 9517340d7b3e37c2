/** The environments and benchmarks of the catalogues, each made when it is first asked for. */
import { environments } from '../../environments'
import type { Benchmark } from '../../environments/benchmark'
import type { Environment } from '../../environments/environment'
import { benchmarks } from '../../evaluation/benchmarks'
import type { Reply } from '../../worker/protocol'
import { DEFAULT_BENCHMARK, DEFAULT_ENVIRONMENT } from '../defaults'
import { accept, refuse } from '../failure'

export interface Worlds {
  /** Refuses a name that the catalogue does not have; left out: the default. */
  environment(name?: string): Reply<Environment>
  benchmark(name?: string): Reply<Benchmark>
}

export function createWorlds(): Worlds {
  const environment = lazily<Environment>('environment', environments)
  const benchmark = lazily<Benchmark>('benchmark', benchmarks)
  return {
    environment: (name = DEFAULT_ENVIRONMENT) => environment(name),
    benchmark: (name = DEFAULT_BENCHMARK) => benchmark(name),
  }
}

function lazily<T>(kind: string, catalogue: Readonly<Record<string, { create(seed?: number): T }>>): (name: string) => Reply<T> {
  const made = new Map<string, T>()
  return (name) => {
    const definition = Object.entries(catalogue).find(([known]) => known === name)?.[1]
    if (!definition) return refuse(`unknown-${kind}`, `There is no ${kind} ${name}; there is ${Object.keys(catalogue).join(', ')}.`)
    const known = made.get(name) ?? definition.create()
    made.set(name, known)
    return accept(known)
  }
}
