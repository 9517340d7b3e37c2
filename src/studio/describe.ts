/** What the studio can do, for forms, help and legends. */
import { z } from 'zod'
import { strategies } from '../agents/strategies'
import { formats } from '../data/formats'
import { ops } from '../engine/ops'
import type { StarterWorld } from '../environments/starter'
import { architectures } from '../models/architectures'
import { architectureClaims } from '../models/claims'
import { algorithms } from '../training/algorithms'
import type { StudioDescription } from '../worker/protocol'

/** The exam first: it is what one is asked about. */
const SPLIT_ORDER = ['exam', 'dev', 'practice', 'train']

export function describeStudio(world: StarterWorld): StudioDescription {
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
    environments: [{ name: world.id, title: 'Starter world', hash: world.hash, tools: world.tools }],
    benchmarks: [
      {
        name: world.id,
        splits: Object.fromEntries(
          SPLIT_ORDER.filter((split) => world.splits.some((own) => own === split)).map((split) => [split, world.queries(split).length]),
        ),
      },
    ],
    strategies: Object.keys(strategies),
    ops: Object.keys(ops),
  }
}
