/** `hone bench gemm|train|decode|loss|load|soak`: speeds and memory on this machine, and other libraries' speeds in the same run. */
import { benchKinds, benchOptions } from '../../bench/benchOptions'
import { BenchSession } from '../../bench/benchSession'
import { installBaselines } from '../../bench/baselines/install'
import { packageVersion } from '../../bench/baselines/jax'
import { measurements, type Measured } from '../../bench/measurements'
import { machineNow, writeResult } from '../../bench/resultFile'
import { defineCommand } from '../command'

export const bench = defineCommand({
  name: 'bench',
  summary: `measures ${benchKinds.join(', ')} on this machine, with other libraries in the same run`,
  options: benchOptions,
  positionals: 'kinds',
  run: async (context, options) => {
    if (options.installPeers) installBaselines(context.projectRoot, (line) => context.progress(line))
    const before = machineNow()
    const session = new BenchSession(context, await context.openAdapter(), options)
    const { adapter } = session
    if (adapter.isSoftware) context.progress(`${adapter.description} computes on the CPU: its speed says nothing about a GPU's.`)
    const measured: Measured[] = []
    try {
      for (const kind of benchKinds) if (options.kinds.includes(kind)) measured.push(await measurements[kind](session))
    } finally {
      session.close()
    }
    context.print(measured.flatMap(({ text }) => text).join('\n'))
    const result = {
      adapter: { name: context.adapterName, ...adapter },
      versions: { node: process.versions.node, webgpu: packageVersion(context.projectRoot, 'webgpu') },
      machine: { before, after: machineNow() },
      rows: measured.flatMap(({ rows }) => rows),
      ...Object.fromEntries(measured.flatMap(({ part }) => Object.entries(part))),
    }
    if (options.out !== undefined) writeResult(options.out, { kinds: options.kinds, ...result })
    return result
  },
  show: () => '',
})
