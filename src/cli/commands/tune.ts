/** `hone tune`: times the variants of matrix products on this adapter for a model's shapes, and keeps which is fastest. */
import { z } from 'zod'
import { EngineDevice } from '../../engine/device/engineDevice'
import { tuneProducts } from '../../engine/products/tuneProducts'
import { WEIGHT_FORMATS } from '../../engine/weightFormat'
import { PROJECTIONS } from '../../models/architectures/decoder'
import { productShapes } from '../../models/productShapes'
import { DEFAULT_MODEL } from '../../studio/defaults'
import { gpuInfoOf } from '../gpuInfo'
import { defineCommand } from '../command'
import { keepKernels, tableOf } from '../kernelChoice'
import { DTYPE_HELP, MODEL_HELP, openModel } from '../modelSpec'

export const tune = defineCommand({
  name: 'tune',
  summary: 'times the matrix kernels on this adapter for a model’s shapes; train uses the fastest',
  options: z.object({
    model: z.string().default(DEFAULT_MODEL).meta({ help: MODEL_HELP }),
    dtype: z.enum(WEIGHT_FORMATS).default('f32').meta({ help: DTYPE_HELP }),
    rank: z.int().positive().default(16).meta({ help: 'rank of the LoRA adapter' }),
    rows: z.int().positive().default(512).meta({ help: 'tokens of a micro-batch; the choice holds for any number' }),
    runs: z.int().positive().default(5).meta({ help: 'how often each variant is timed' }),
    half: z.boolean().default(false).meta({
      help: 'let products of packed weights round activations to f16 on subgroup matrices; this is faster where the GPU has them, and less exact',
    }),
  }),
  run: async (context, { model: spec, dtype, rank, rows, runs, half }) => {
    const report = gpuInfoOf((await context.openAdapter()).adapter)
    if (report.isSoftware) context.progress(`${report.description} computes on the CPU: its choices say nothing about a GPU's.`)
    const engine = new EngineDevice(await context.openDevice(), { isSoftware: report.isSoftware })
    engine.products = engine.productKernels({}, half)
    const model = await openModel(spec, 1, context, { weights: dtype, kv: 'f32' })
    try {
      const lora = rank % 4 === 0 ? { rank, alpha: rank, targets: PROJECTIONS } : null
      const tuned = await tuneProducts(engine, productShapes(model.config, lora), {
        ...{ now: () => performance.now(), rows, runs, gate: () => context.signal.throwIfAborted() },
        report: (done, total, { name, choice, timings }) => {
          const figures = timings.map(({ variant, gflops }) => `${variant} ${gflops.toFixed(gflops < 100 ? 2 : 0)}`).join(', ')
          context.progress(`${done} of ${total}: ${name}: ${choice} (GFLOP/s: ${figures})`)
        },
      })
      const table = tableOf(report, half, tuned)
      const kept = await keepKernels(context, table)
      return { adapter: table.adapter, classes: tuned, kept: Object.keys(kept.choices).length, half }
    } finally {
      await model.close()
    }
  },
  show: (result) => {
    const { classes } = z.object({ classes: z.array(z.object({ name: z.string(), choice: z.string() })) }).parse(result)
    return classes.map(({ name, choice }) => `${name.padEnd(28)} ${choice}`).join('\n')
  },
})
