/** `hone bench gemm|train|decode|loss|load|soak`: speeds and memory on this machine, and other libraries' speeds in the same run. */
import { z } from 'zod'
import { gpuInfoOf } from '../gpuInfo'
import { WEIGHT_FORMATS } from '../../engine/weightFormat'
import { benchDecode, smolLm2 } from '../../bench/decodeBench'
import { benchGemm } from '../../bench/gemmBench'
import { openJax, packageVersion, type JaxBaseline } from '../../bench/baselines/jax'
import { benchLoad } from '../../bench/loadBench'
import { benchLoss } from '../../bench/lossBench'
import { measureProcessMemory } from '../../bench/memoryBench'
import type { BenchRow } from '../../bench/paired'
import { installBaselines } from '../../bench/baselines/install'
import { openTfjs } from '../../bench/baselines/tfjs'
import { openTransformers } from '../../bench/baselines/transformers'
import { machineNow, writeResult } from '../../bench/resultFile'
import { benchSoak } from '../../bench/soakBench'
import { lossText, rowText, soakText, trainText } from '../../bench/text'
import { benchTrain } from '../../bench/trainBench'
import { memoryProblemSize, problemSizes, trainProblem, type ProblemName } from '../../bench/trainProblem'
import { defineCommand, type JsonObject } from '../command'

const kinds = ['gemm', 'train', 'decode', 'loss', 'load', 'soak'] as const
const names = Object.keys(problemSizes) as ProblemName[]
const INSTALL = '--install-peers'

export const bench = defineCommand({
  name: 'bench',
  summary: `measures ${kinds.join(', ')} on this machine, with other libraries in the same run`,
  options: z.object({
    kinds: z
      .array(z.enum(kinds))
      .min(1)
      .meta({ help: `what to measure: ${kinds.join(', ')}` }),
    peers: z
      .boolean()
      .default(true)
      .meta({ help: 'train, gemm, decode: measure those of jax-js, tfjs and transformers.js that are installed beside it' }),
    installPeers: z.boolean().default(false).meta({ help: 'install tfjs and transformers.js into .cache/peers first (550 MB)' }),
    peerDevice: z
      .enum(['cpu', 'webgpu'])
      .optional()
      .meta({ help: 'decode: where transformers.js computes; cpu beside a software adapter, else webgpu' }),
    pairs: z.int().positive().optional().meta({ help: 'timings of each side, by turns; 20, decode, loss and load 5' }),
    sizes: z.array(z.int().positive()).default([512, 768, 1024]).meta({ help: 'gemm: matrix sizes' }),
    size: z
      .enum(names)
      .default('small')
      .meta({ help: 'train, soak: the model, small (2 layers, hidden 128) or large (4 layers, hidden 256)' }),
    batches: z.array(z.int().positive()).default([1, 8, 32]).meta({ help: 'decode: sequences at once' }),
    dtypes: z.array(z.enum(WEIGHT_FORMATS)).default(['f16', 'int4']).meta({ help: 'decode, loss, load: how weights are held' }),
    tokens: z.int().min(2).default(32).meta({ help: 'decode: new tokens of each sequence' }),
    vocabulary: z.int().multipleOf(4).positive().default(128_256).meta({ help: 'loss: entries' }),
    hidden: z.int().multipleOf(32).positive().default(512).meta({ help: 'loss: width of the hidden states' }),
    rows: z.int().positive().default(1024).meta({ help: 'loss: tokens' }),
    steps: z.int().min(50).default(1000).meta({ help: 'soak: training steps' }),
    profile: z.boolean().default(false).meta({ help: 'train: time of every kernel' }),
    seed: z.int().nonnegative().default(1).meta({ help: 'train, soak: of weights and tokens' }),
    out: z.string().optional().meta({ help: 'also write the JSON to this file' }),
  }),
  positionals: 'kinds',
  run: async (context, options) => {
    if (options.installPeers) installBaselines(context.projectRoot, (line) => context.progress(line))
    const before = machineNow()
    const host = await context.openAdapter()
    const { limits: _limits, ...adapter } = gpuInfoOf(host.adapter)
    const now = (): number => performance.now()
    const openDevice = (): Promise<GPUDevice> => context.openDevice()
    const missing = (what: string, how: string): null => {
      context.progress(`${what} is not installed (${how} installs it): it is not measured.`)
      return null
    }
    if (adapter.isSoftware) context.progress(`${adapter.description} computes on the CPU: its speed says nothing about a GPU's.`)
    const shared = { isSoftware: adapter.isSoftware, now, progress: (line: string): void => context.progress(line) }
    const { size, seed, dtypes: formats, pairs } = options
    const few = pairs ?? 5
    const problem = trainProblem(problemSizes[size], seed)
    let jax: JaxBaseline | null = null
    const openedJax = async (): Promise<JaxBaseline | null> => {
      if (options.peers) jax ??= (await openJax(host, context.projectRoot, now)) ?? missing('jax-js', 'npm ci')
      return jax
    }

    const rows: BenchRow[] = []
    const text: string[] = []
    let parts: JsonObject = {}
    const add = (found: readonly BenchRow[], part: JsonObject, lines: readonly string[]): void => {
      rows.push(...found)
      parts = { ...parts, ...part }
      text.push(...lines)
    }
    // Each has a device of its own: what one leaves behind is not the other's.
    const measure: Record<(typeof kinds)[number], () => Promise<void>> = {
      async train() {
        const baseline = await openedJax()
        const { rows: found, ...train } = await benchTrain({ ...shared, baseline, device: await openDevice(), problem, pairs: pairs ?? 20 })
        const memory = adapter.isSoftware
          ? await measureProcessMemory(await openDevice(), trainProblem(memoryProblemSize, seed), now, shared.progress)
          : null
        const profile = options.profile ? train.profile : { ...train.profile, rows: undefined }
        add(found, { train: { ...train, profile, processMemory: memory } }, [
          ...found.map(rowText),
          ...trainText(train, memory, options.profile),
        ])
      },
      async gemm() {
        const baseline = await openedJax()
        const tfjs = options.peers
          ? ((await openTfjs(context.projectRoot, await openDevice(), host.adapter.info)) ?? missing('tfjs', INSTALL))
          : null
        const gemm = await benchGemm({
          ...shared,
          jax: baseline,
          tfjs,
          device: await openDevice(),
          sizes: options.sizes,
          pairs: pairs ?? 20,
        })
        add(gemm.rows, { roofs: gemm.roofs }, gemm.rows.map(rowText))
      },
      async decode() {
        const device = options.peerDevice ?? (adapter.isSoftware ? 'cpu' : 'webgpu')
        const { rows: found, ...decode } = await benchDecode({
          ...shared,
          ...{ config: smolLm2, formats, batches: options.batches, tokens: options.tokens, pairs: few, openDevice },
          openBaseline: async (config, weights) =>
            options.peers
              ? ((await openTransformers(context.projectRoot, config, weights, device)) ?? missing('transformers.js', INSTALL))
              : null,
          // In between it has f16 there, of 11 bits.
          tolerance: device === 'cpu' ? 2e-3 : 5e-2,
        })
        add(found, { decode }, found.map(rowText))
      },
      async loss() {
        const { vocabulary, hidden, rows: count } = options
        const loss = await benchLoss({ ...shared, formats, vocabulary, hidden, rows: count, repeats: few, device: await openDevice() })
        add(loss.rows, { loss: { vocabulary, hidden, rows: count, roofs: loss.roofs } }, loss.rows.flatMap(lossText))
      },
      async load() {
        const { rows: found, ...load } = await benchLoad({ ...shared, config: smolLm2, formats, repeats: few, openDevice })
        add(found, { load }, [
          ...found.map(rowText),
          ...(load.hasCold ? [] : ['The file cache could not be emptied here: no load was cold.']),
        ])
      },
      async soak() {
        const soak = await benchSoak({ ...shared, device: await openDevice(), problem, steps: options.steps })
        add([], { soak }, soakText(soak, options.steps))
      },
    }
    try {
      for (const kind of kinds) if (options.kinds.includes(kind)) await measure[kind]()
    } finally {
      const opened = jax as JaxBaseline | null
      opened?.device.destroy()
    }
    context.print(text.join('\n'))
    const result = {
      adapter: { name: context.adapterName, ...adapter },
      versions: { node: process.versions.node, webgpu: packageVersion(context.projectRoot, 'webgpu') },
      machine: { before, after: machineNow() },
      rows,
      ...parts,
    }
    if (options.out !== undefined) writeResult(options.out, { kinds: options.kinds, ...result })
    return result
  },
  show: () => '',
})
