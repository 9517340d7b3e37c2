/** `hone parity`: our numbers beside those of the reference implementations, on the adapter at hand. */
import { z } from 'zod'
import { EngineDevice } from '../../engine/device/engineDevice'
import { KV_DTYPES } from '../../engine/ops/kvCache'
import { gpuInfoOf } from '../gpuInfo'
import { defineCommand, type JsonObject } from '../command'
import { EMBEDDED_MODEL } from '../../models/embeddedModel'
import { DEFAULT_BENCHMARK } from '../../studio/defaults'
import { openExam } from '../benchmark'
import { openModel } from '../modelSpec'
import { adamWQuantities } from '../../parity/adamWParity'
import { decoderQuantities, decoders, packedFormats, packedQuantities } from '../../parity/decoderParity'
import { goldensOf } from '../../parity/goldens'
import { leaveAdapter } from '../../parity/leftAdapters'
import { parities } from '../../training/algorithms/parity'
import { qloraQuantities, slices } from '../../parity/qloraParity'
import type { Quantity } from '../../base/quantity'
import { rolloutQuantities } from '../../parity/rolloutParity'
import { rolloutShapes, shapeRolloutQuantities } from '../../parity/shapeRollout'
import { observeUnmatched, updateQuantities } from '../../parity/updateParity'
import type { PolicyObserver } from '../../parity/updateParity'

const parts = ['models', 'optimizer', 'algorithms', 'rollout', 'qlora'] as const

export const parity = defineCommand({
  name: 'parity',
  summary: 'compares our numbers with those of transformers, peft, torch, TRL and StepTool',
  options: z.object({
    only: z.enum(parts).optional().meta({ help: 'compare one part only; by default all but qlora' }),
    qloraModel: z.enum(slices).optional().meta({ help: 'the model whose two layers --only qlora trains; by default each in turn' }),
    rolloutModel: z
      .enum([EMBEDDED_MODEL, ...(Object.keys(rolloutShapes) as (keyof typeof rolloutShapes)[])])
      .default(EMBEDDED_MODEL)
      .meta({
        help: 'the model whose rollout is compared with training: the embedded model, or random weights in the shape of another (minutes to an hour)',
      }),
    kvDtype: z
      .enum(KV_DTYPES)
      .optional()
      .meta({ help: 'format of keys and values in the rollout, cached and in training; by default each in turn' }),
    kernels: z
      .enum(['adapter', 'hardware'])
      .default('adapter')
      .meta({ help: 'the kernels of this adapter, or those that graphics hardware gets, computed on this adapter' }),
    adapters: z.string().optional().meta({ help: 'folder for the adapters of the algorithms, which peft can load' }),
    tokens: z.int().positive().default(10_000).meta({ help: 'how many sampled tokens rollout and training are compared on' }),
  }),
  run: async (context, options) => {
    const report = gpuInfoOf((await context.openAdapter()).adapter)
    const engine = new EngineDevice(await context.openDevice(), { isSoftware: report.isSoftware && options.kernels === 'adapter' })
    const goldens = goldensOf(context.projectRoot)
    const adapter = context.adapterName
    const quantities: Quantity[] = []
    const add = (found: readonly Quantity[]): void => {
      quantities.push(...found)
      for (const one of found) context.progress(line(one))
      context.signal.throwIfAborted()
    }
    const wants = (part: (typeof parts)[number]): boolean => options.only === undefined || options.only === part
    if (wants('models')) for (const name of decoders) add(await decoderQuantities(name, engine, goldens, adapter))
    if (wants('models')) for (const format of packedFormats) add(await packedQuantities(format, engine, goldens, adapter))
    if (wants('optimizer')) add(await adamWQuantities(engine, goldens, adapter))
    if (wants('algorithms'))
      for (const { vectors } of Object.values(parities)) for (const compare of vectors) add(await compare(engine, goldens, adapter))
    // Takes minutes and gigabytes: only when asked for.
    if (options.only === 'qlora')
      for (const name of slices)
        if (options.qloraModel === undefined || options.qloraModel === name) add(await qloraQuantities(name, engine, goldens, adapter))
    if (wants('algorithms')) {
      const folder = options.adapters
      const observe: PolicyObserver = (...trained) => (folder === undefined ? Promise.resolve() : leaveAdapter(folder, ...trained))
      add(await updateQuantities(engine, goldens, adapter, { observe }))
      if (folder !== undefined) await observeUnmatched(engine, goldens, observe)
    }
    for (const kvDtype of wants('rollout') ? KV_DTYPES : []) {
      if (options.kvDtype !== undefined && options.kvDtype !== kvDtype) continue
      const shared = {
        ...{ engine, tokens: options.tokens, adapter, signal: context.signal },
        progress: (text: string) => {
          context.progress(text)
        },
      }
      if (options.rolloutModel !== EMBEDDED_MODEL) {
        const name = options.rolloutModel
        add(await shapeRolloutQuantities({ ...shared, name, config: { ...rolloutShapes[name], kv_dtype: kvDtype } }))
        continue
      }
      const model = await openModel(EMBEDDED_MODEL, 7, context, { weights: 'f32', kv: kvDtype })
      add(await rolloutQuantities({ ...shared, ...openExam(DEFAULT_BENCHMARK, 'practice', null), model }))
      await model.close()
    }
    return { quantities, passed: quantities.filter(({ pass }) => pass).length, failed: quantities.filter(({ pass }) => !pass).length }
  },
  show: (result: JsonObject) => {
    const { passed, failed } = z.object({ passed: z.int(), failed: z.int() }).parse(result)
    return `${passed} of ${passed + failed} quantities within their bounds`
  },
})

const line = ({ name, source, pass, bound, tolerance, ...distance }: Quantity): string =>
  `${pass ? '✓' : '✗'} ${name} (${source}): ${bound} ${distance[bound].toExponential(1)}, at most ${tolerance}`
