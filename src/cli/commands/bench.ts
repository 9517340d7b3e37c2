/** `hone bench gemm|train|decode`: speeds on this machine, and a peer's in the same run. */
import { z } from 'zod'
import { adapterReportOf } from '../adapterReport'
import { WEIGHT_FORMATS } from '../../engine/weightFormat'
import { benchDecode, type DecodeBenchReport } from '../bench/decodeBench'
import { benchGemm, type GemmBenchReport } from '../bench/gemmBench'
import { openJax, packageVersion } from '../bench/jaxPeer'
import type { BenchRow } from '../bench/paired'
import { benchTrain, type TrainBenchReport } from '../bench/trainBench'
import { problemSizes, trainProblem, type ProblemName } from '../bench/trainProblem'
import { defineCommand } from '../command'

const kinds = ['gemm', 'train', 'decode'] as const
const names = Object.keys(problemSizes) as ProblemName[]

export const bench = defineCommand({
  name: 'bench',
  summary: 'measures gemm, train or decode on this machine, the first two with a peer in the same run',
  options: z.object({
    kinds: z.array(z.enum(kinds)).min(1).meta({ help: 'what to measure: gemm, train, decode' }),
    peers: z.boolean().default(true).meta({ help: 'measure jax-js beside it (a development dependency); --no-peers leaves it out' }),
    pairs: z.int().positive().default(20).meta({ help: 'timings of each side, by turns' }),
    sizes: z.array(z.int().positive()).default([512, 1024]).meta({ help: 'gemm: matrix sizes' }),
    size: z.enum(names).default('small').meta({ help: 'train: the model, small (2 layers, hidden 128) or large (4 layers, hidden 256)' }),
    batches: z.array(z.int().positive()).default([1, 8, 32]).meta({ help: 'decode: sequences at once' }),
    dtypes: z.array(z.enum(WEIGHT_FORMATS)).default(['f16', 'int4']).meta({ help: 'decode: how weights are held' }),
    tokens: z.int().positive().default(32).meta({ help: 'decode: new tokens of each sequence' }),
    profile: z.boolean().default(false).meta({ help: 'train: time of every kernel' }),
    seed: z.int().nonnegative().default(1).meta({ help: 'of weights and tokens' }),
  }),
  positionals: 'kinds',
  run: async (context, options) => {
    const host = await context.openAdapter()
    const { limits: _limits, ...adapter } = adapterReportOf(host.adapter)
    const now = (): number => performance.now()
    const peer = options.peers ? await openJax(host, context.projectRoot, now) : null
    if (options.peers && peer === null) context.progress('jax-js is not installed (npm ci installs it): no peer is measured.')
    if (adapter.isSoftware) context.progress(`${adapter.description} computes on the CPU: its speed says nothing about a GPU's.`)
    const shared = {
      isSoftware: adapter.isSoftware,
      peer,
      pairs: options.pairs,
      now,
      progress: (line: string): void => context.progress(line),
    }
    const rows: BenchRow[] = []
    let gemm: GemmBenchReport | null = null
    let train: TrainBenchReport | null = null
    let decode: DecodeBenchReport | null = null
    try {
      // Each has a device of its own: what one leaves behind is not the other's.
      if (options.kinds.includes('train')) {
        train = await benchTrain({
          ...shared,
          device: await context.openDevice(),
          problem: trainProblem(problemSizes[options.size], options.seed),
          profile: options.profile,
        })
        rows.push(...train.rows)
      }
      if (options.kinds.includes('gemm')) {
        gemm = await benchGemm({ ...shared, device: await context.openDevice(), sizes: options.sizes })
        rows.push(...gemm.rows)
      }
      if (options.kinds.includes('decode')) {
        decode = await benchDecode({
          ...shared,
          openDevice: () => context.openDevice(),
          ...{ formats: options.dtypes, batches: options.batches, tokens: options.tokens },
        })
        rows.push(...decode.rows)
      }
    } finally {
      peer?.device.destroy()
    }
    context.print(textOf(rows, train))
    return {
      adapter: { name: context.adapterName, ...adapter },
      versions: { node: process.versions.node, webgpu: packageVersion(context.projectRoot, 'webgpu') },
      rows,
      ...(train ? { train: { ...train, rows: undefined } } : {}),
      ...(decode ? { decode: { bytes: decode.bytes } } : {}),
      ...(gemm ? { roofs: gemm.roofs } : {}),
    }
  },
  show: () => '',
})

function textOf(rows: readonly BenchRow[], train: TrainBenchReport | null): string {
  const lines = rows.map(({ name, peer, ours, theirs, ratio, unit, interval }) => {
    const beside =
      theirs === null || ratio === null
        ? ''
        : `   ${peer ?? ''} ${number(theirs)}   ratio ${ratio.toFixed(2)}${interval ? ` [${interval[0].toFixed(2)}, ${interval[1].toFixed(2)}]` : ''}`
    return `${name.padEnd(20)} ${number(ours).padStart(12)} ${unit}${beside}`
  })
  if (train) {
    const { counts, predictedBytes, peakBytes, stepMs } = train
    lines.push(
      `one step: ${stepMs.toFixed(1)} ms, ${counts.dispatches} dispatches, ${counts.submits} submits, ${counts.readbacksBetweenSubmits} readbacks between them, encoding ${counts.encodeMs.toFixed(1)} ms`,
      `${(100 * train.shareOfRoof).toFixed(0)} % of the multiply-add roof of ${train.roofs.gflops.toFixed(1)} GFLOP/s`,
      `buffers: ${number(peakBytes)} bytes at the peak, ${number(predictedBytes)} predicted`,
    )
    for (const { op, shader, count, ms, gflops, gigabytesPerSecond } of train.profile ?? [])
      lines.push(
        `${ms.toFixed(2).padStart(9)} ms  ×${String(count).padEnd(3)} ${gflops.toFixed(2).padStart(8)} GFLOP/s ${gigabytesPerSecond.toFixed(2).padStart(7)} GB/s  ${op} (${shader})`,
      )
  }
  return lines.join('\n')
}

const number = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 2 : 0 })
