/** `hone make-starter`: the starter model from random weights by the committed recipe; resumable. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { EngineDevice } from '../../engine/device/engineDevice'
import { createStarterWorld } from '../../environments/starter'
import { parseModelConfig } from '../../models/architectures/config'
import { createHfTokenizer } from '../../models/tokenizer/hfTokenizer'
import { writeSafetensors } from '../../models/weights/writeSafetensors'
import { runSft, sft } from '../../training/algorithms/sft'
import { randomWeights } from '../../training/initialize'
import { starterSamples } from '../../training/starterSamples'
import { defineCommand } from '../command'
import { fileCheckpoints } from '../node/fileCheckpoints'

const recipeSchema = z.object({
  algorithm: z.literal('sft'),
  seed: z.int(),
  world_seed: z.int(),
  samples: z.int().positive(),
  drills_share: z.number(),
  wrong_rate: z.number(),
  config: sft.config,
})

export const makeStarter = defineCommand({
  name: 'make-starter',
  summary: 'trains the starter model from random weights by its recipe (resumable)',
  options: z.object({
    recipe: z.string().meta({ help: 'The recipe file.' }),
    out: z.string().meta({ help: 'Directory of checkpoints, metrics and the finished weights.' }),
    steps: z.int().positive().optional().meta({ help: 'Stop early after this many updates (the schedule still follows the recipe).' }),
  }),
  run: async (context, options) => {
    const recipe = recipeSchema.parse(JSON.parse(readFileSync(options.recipe, 'utf8')))
    const starter = join(context.projectRoot, 'public/starter')
    const readJson = (file: string): unknown => JSON.parse(readFileSync(join(starter, file), 'utf8'))
    const model = parseModelConfig(readJson('config.json'))
    const tokenizer = createHfTokenizer(readJson('tokenizer.json'), readJson('tokenizer_config.json'))
    const world = createStarterWorld(recipe.world_seed)
    const data = starterSamples(world, tokenizer, {
      seed: recipe.seed,
      samples: recipe.samples,
      drillsShare: recipe.drills_share,
      wrongRate: recipe.wrong_rate,
    })
    const engine = new EngineDevice(await context.openDevice(), { isSoftware: true })
    const checkpoints = fileCheckpoints(options.out)
    const started = performance.now()
    let startTokens = -1
    const losses: number[] = []
    const result = await runSft(
      {
        engine,
        model,
        reader: randomWeights(model, recipe.seed),
        seed: recipe.seed,
        steps: null,
        gate: () => context.signal.throwIfAborted(),
        report: (step, metrics) => {
          losses.push(metrics.loss ?? Number.NaN)
          if (startTokens < 0) startTokens = metrics.num_tokens ?? 0
          if (step % 20 === 0) {
            const seconds = (performance.now() - started) / 1000
            const recent = losses.slice(-20)
            context.progress(
              `step ${step} loss ${(recent.reduce((a, b) => a + b, 0) / recent.length).toFixed(4)} grad ${(metrics.grad_norm ?? 0).toFixed(2)} lr ${(metrics.learning_rate ?? 0).toExponential(2)} tokens ${metrics.num_tokens} (${(((metrics.num_tokens ?? 0) - startTokens) / seconds).toFixed(0)}/s)`,
            )
          }
        },
        checkpoints,
        checkpointEvery: 100,
        now: () => performance.now(),
      },
      recipe.config,
      data,
    )
    const weights = result.policy.packed.unpack(await result.policy.packed.readWeights())
    const tensors = Object.fromEntries(
      [...weights].map(([name, values]) => [
        name,
        { shape: result.policy.packed.ranges.get(name)?.shape ?? [], data: values, dtype: 'F16' as const },
      ]),
    )
    writeFileSync(join(options.out, 'model.safetensors'), writeSafetensors(tensors, { format: 'pt' }))
    return { steps: result.steps, tokens: result.tokens, loss: losses.slice(-20).reduce((a, b) => a + b, 0) / Math.min(20, losses.length) }
  },
})
