/** `hone parity`: our numbers beside those of the reference implementations, on the adapter at hand. */
import { z } from 'zod'
import { EngineDevice } from '../../engine/device/engineDevice'
import { adapterReportOf } from '../adapterReport'
import { defineCommand, type JsonObject } from '../command'
import { openExam } from '../benchmark'
import { openModel } from '../modelSpec'
import { adamWQuantities } from '../parity/adamWParity'
import { classicPpoQuantities } from '../parity/classicPpoParity'
import { decoderQuantities, decoders, packedFormats, packedQuantities } from '../parity/decoderParity'
import { dpoQuantities } from '../parity/dpoParity'
import { goldensOf } from '../parity/goldens'
import { grpoQuantities } from '../parity/grpoParity'
import { ppoQuantities } from '../parity/ppoParity'
import type { Quantity } from '../parity/quantity'
import { rolloutQuantities } from '../parity/rolloutParity'

const parts = ['models', 'optimizer', 'algorithms', 'rollout'] as const

export const parity = defineCommand({
  name: 'parity',
  summary: 'our numbers beside those of transformers, peft, torch, TRL and StepTool',
  options: z.object({
    only: z.enum(parts).optional().meta({ help: 'one part; else all' }),
    tokens: z.int().positive().default(10_000).meta({ help: 'sampled tokens that rollout and training are compared on' }),
  }),
  run: async (context, options) => {
    const report = adapterReportOf((await context.openAdapter()).adapter)
    const engine = new EngineDevice(await context.openDevice(), { isSoftware: report.isSoftware })
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
    if (wants('algorithms')) add(await grpoQuantities(engine, goldens, adapter))
    if (wants('algorithms')) add(await dpoQuantities(engine, goldens, adapter))
    if (wants('algorithms')) add(await ppoQuantities(engine, goldens, adapter))
    if (wants('algorithms')) add(await classicPpoQuantities(engine, goldens, adapter))
    if (wants('rollout')) {
      const model = await openModel('starter', 7, context)
      const { world, queries } = openExam('practice', null)
      add(
        await rolloutQuantities({
          engine,
          model,
          world,
          queries,
          tokens: options.tokens,
          adapter,
          signal: context.signal,
          progress: (text) => {
            context.progress(text)
          },
        }),
      )
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
