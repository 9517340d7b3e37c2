/** What the studio can do, for forms, help and legends. */
import { z } from 'zod'
import { callFormats } from '../agents/callFormats'
import { strategies } from '../agents/strategies'
import { formats } from '../data/formats'
import { ops } from '../engine/ops'
import { environments } from '../environments'
import type { BenchmarkDefinition } from '../environments/benchmark'
import type { EnvironmentDefinition } from '../environments/environment'
import { benchmarks } from '../evaluation/benchmarks'
import { architectures } from '../models/architectures'
import { architectureClaims } from '../models/claims'
import { algorithms, DEFAULT_ALGORITHM } from '../training/algorithms'
import type { StudioDescription } from '../worker/protocol'
import { DEFAULT_BENCHMARK, DEFAULT_ENVIRONMENT, DEFAULT_MODEL, DEFAULT_STRATEGY } from './defaults'
import { describeBenchmark, describeEnvironment } from './worlds/describeWorld'

export function describeStudio(): StudioDescription {
  return {
    algorithms: Object.values(algorithms).map(({ config, ...own }) => ({
      name: own.name,
      title: own.title,
      paper: own.paper,
      help: own.help,
      configSchema: z.toJSONSchema(config, { io: 'input' }),
      metrics: own.metrics,
      colour: own.colour,
      metricQuestions: own.metricQuestions,
      alarmsOff: own.alarmsOff,
      learnsFrom: own.learnsFrom,
    })),
    formats: Object.values(formats).map(({ name, title }) => ({ name, title })),
    architectures: Object.keys(architectures),
    claims: architectureClaims,
    environments: Object.values<EnvironmentDefinition>(environments).map((one) => describeEnvironment(one)),
    benchmarks: Object.values<BenchmarkDefinition>(benchmarks).map((one) => describeBenchmark(one)),
    strategies: Object.values(strategies).map(({ settings, ...one }) => ({
      ...{ name: one.name, title: one.title, help: one.help, modelCalls: one.modelCalls },
      settingsSchema: z.toJSONSchema(settings, { io: 'input' }),
    })),
    defaults: {
      algorithm: DEFAULT_ALGORITHM,
      model: DEFAULT_MODEL,
      environment: DEFAULT_ENVIRONMENT,
      benchmark: DEFAULT_BENCHMARK,
      strategy: DEFAULT_STRATEGY,
    },
    callFormats: Object.values(callFormats).map(({ name, title }) => ({ name, title })),
    ops: Object.keys(ops),
  }
}
