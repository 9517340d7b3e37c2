/** `hone describe`: what there is of everything. */
import { z } from 'zod'
import { callFormats } from '../../agents/callFormats'
import { strategies } from '../../agents/strategies'
import { formats } from '../../data/formats'
import { ops } from '../../engine/ops'
import { environments } from '../../environments'
import { benchmarks } from '../../evaluation/benchmarks'
import { architectures } from '../../models/architectures'
import { algorithms } from '../../training/algorithms'
import { defineCommand } from '../command'

export const describe = defineCommand({
  name: 'describe',
  summary: 'lists algorithms, formats, architectures, environments, benchmarks, strategies, call formats and ops',
  options: z.object({}),
  run: () =>
    Promise.resolve({
      algorithms: Object.keys(algorithms),
      formats: Object.keys(formats),
      architectures: Object.keys(architectures),
      environments: Object.keys(environments),
      benchmarks: Object.keys(benchmarks),
      strategies: Object.keys(strategies),
      callFormats: Object.keys(callFormats),
      ops: Object.keys(ops),
    }),
  show: (lists) =>
    Object.entries(z.record(z.string(), z.array(z.string())).parse(lists))
      .map(([kind, names]) => `${kind.padEnd(14)}${names.join(' ')}`)
      .join('\n'),
})
