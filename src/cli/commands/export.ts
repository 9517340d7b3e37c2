/**
 * `hone export --to steptool-csv|hone-jsonl|converted IN… --out FILE`, `--to steptool-answers IN… --out DIR`, `--to peft DIR --out DIR`, `--to merged DIR --out DIR`,
 * `--to metrics-jsonl|metrics-csv DIR --out FILE`, `--to recording DIR --out FILE` (a run story for the page to show),
 * `--to tool-recording NAME --out FILE` (the recorded replies of a tool server), `--to wandb DIR [--project NAME] [--entity NAME]` and
 * `--recipe FILE --to hone|trl|verl [--out FILE]`:
 * hands work over to other programs.
 */
import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { WEIGHT_FORMATS } from '../../engine/weightFormat'
import { recordingText } from '../../records/recording'
import { metricFile, type MetricFormat } from '../../records/metricFiles'
import { WANDB_PROJECT } from '../../records/wandbRun'
import { exportMerged, exportPeft } from '../adapterExport'
import { exportAnswers } from '../answerExport'
import { defineCommand, UsageError, type CommandContext, type JsonObject } from '../command'
import { MODEL_HELP } from '../modelSpec'
import { must, withStudio } from '../openStudio'
import { RECIPE_TARGETS } from '../../training/recipes/renderRecipe'
import { exportRecipe } from '../recipeExport'
import { exportToWandb } from '../wandbExport'
import { runWithMetrics } from '../runMetrics'
import { exportRecording } from '../../studio/runs/recording'
import { openDataWords } from '../runSources'

export const exportFiles = defineCommand({
  name: 'export',
  summary:
    'writes trajectories as StepTool’s file, as its answer files or as Hone’s, a trained adapter as PEFT’s or merged into its model, a run’s metrics (to a file or to wandb), a run story as a recording for the page, the recorded replies of a tool server, or a recipe as TRL’s or verl’s',
  options: z.object({
    inputs: z
      .array(z.string())
      .default([])
      .meta({ help: 'files with trajectories, run:ID or run:DIRECTORY for a run’s practice, or the directory of a run' }),
    to: z
      .enum([
        'steptool-csv',
        'hone-jsonl',
        'steptool-answers',
        'converted',
        'peft',
        'merged',
        'metrics-jsonl',
        'metrics-csv',
        'recording',
        'tool-recording',
        'wandb',
        ...RECIPE_TARGETS,
      ])
      .meta({ help: 'what to write' }),
    recipe: z.string().optional().meta({ help: 'hone, trl, verl: Hone’s recipe, settings, StepTool_ppo.json or ArCHer’s YAML' }),
    out: z.string().optional().meta({ help: 'file, or directory for peft and steptool-answers; without it a recipe is printed' }),
    model: z
      .string()
      .optional()
      .meta({ help: `merged: ${MODEL_HELP}; by default the run’s` }),
    dtype: z
      .enum(WEIGHT_FORMATS)
      .optional()
      .meta({ help: 'merged: how the base’s weights were stored in training; by default as the run says' }),
    set: z
      .string()
      .default('answers')
      .meta({ help: 'steptool-answers: name of the set, which is the folder of its files, such as G1_instruction' }),
    baseModel: z.string().optional().meta({ help: 'peft: name of the base model to write into adapter_config.json' }),
    project: z
      .string()
      .default(WANDB_PROJECT)
      .meta({ help: 'wandb: project; the key is read from WANDB_API_KEY, the server from WANDB_BASE_URL' }),
    entity: z.string().optional().meta({ help: 'wandb: user or team; by default the key’s own' }),
  }),
  positionals: 'inputs',
  run: async (context, { inputs, to, recipe, out, set, baseModel, model, dtype, project, entity = null }): Promise<JsonObject> => {
    if (to === 'hone' || to === 'trl' || to === 'verl') {
      if (recipe === undefined || inputs.length > 0) throw new UsageError(`export --to ${to} takes --recipe FILE and nothing else.`)
      return exportRecipe(recipe, to, out, context)
    }
    if (recipe !== undefined) throw new UsageError(`A recipe is exported --to ${RECIPE_TARGETS.join(', ')}, not ${to}.`)
    if (inputs.length === 0) throw new UsageError('export needs at least one of inputs.')
    if (to === 'wandb') return exportToWandb(inputs, { project, entity }, context)
    if (out === undefined) throw new UsageError('--out is required.')
    switch (to) {
      case 'steptool-csv':
      case 'hone-jsonl':
        return writeTrajectories(inputs, to, out, context)
      case 'steptool-answers':
      case 'converted':
        return exportAnswers(inputs, { to, out, set }, context)
      case 'peft':
        return exportPeft(inputs, out, baseModel, context)
      case 'merged':
        return exportMerged(inputs, out, { model, dtype }, context)
      case 'metrics-jsonl':
      case 'metrics-csv':
        return writeMetrics(inputs, to === 'metrics-csv' ? 'csv' : 'jsonl', out, context)
      case 'recording':
        return writeRecording(inputs, out, context)
      case 'tool-recording':
        return writeToolRecording(inputs, out, context)
    }
  },
  // Without a file the recipe itself was printed.
  show: (result) => (Array.isArray(result.files) && result.files.length === 0 ? '' : JSON.stringify(result, null, 2)),
})

function writeTrajectories(
  inputs: readonly string[],
  format: 'steptool-csv' | 'hone-jsonl',
  out: string,
  context: CommandContext,
): Promise<JsonObject> {
  return withStudio(context, async (studio) => {
    const sources = await openDataWords(studio, inputs, context)
    const { text, trajectories, skipped } = must(await studio.labels.exportFile(sources, format))
    if (trajectories === 0)
      throw new UsageError(`No trajectory could be written: ${skipped[0]?.reason ?? 'there is none.'} hone annotate labels steps.`)
    for (const { trajectory_id, reason } of skipped) context.progress(`${trajectory_id} was left out: ${reason}`)
    writeFileSync(out, text)
    return { files: [out], trajectories, ...(format === 'steptool-csv' ? { skipped } : {}) }
  })
}

function writeRecording(inputs: readonly string[], out: string, context: CommandContext): Promise<JsonObject> {
  const [folder, ...others] = inputs
  if (folder === undefined || others.length > 0) throw new UsageError('export --to recording takes the directory of one run story.')
  return withStudio(context, async (studio) => {
    const { run } = must(await studio.runs.openFolder(folder))
    const made = must(await exportRecording(studio, run.run_id, new Date().toISOString()))
    writeFileSync(out, recordingText(made))
    return { files: [out], run: run.run_id, trajectories: made.trajectories.length }
  })
}

function writeToolRecording(inputs: readonly string[], out: string, context: CommandContext): Promise<JsonObject> {
  const [name, ...others] = inputs
  if (name === undefined || others.length > 0)
    throw new UsageError('export --to tool-recording takes the name of one recording of a tool server.')
  return withStudio(context, async (studio) => {
    const text = await studio.toolServers.recordingText(name)
    if (!text.ok) {
      const names = (await studio.toolServers.recordings()).map((row) => row.name)
      throw new UsageError(`${text.message} ${names.length === 0 ? 'None is stored.' : `Stored are ${names.join(', ')}.`}`)
    }
    writeFileSync(out, text.value)
    return { files: [out], recording: name }
  })
}

async function writeMetrics(inputs: readonly string[], format: MetricFormat, out: string, context: CommandContext): Promise<JsonObject> {
  const { step, columns } = (await runWithMetrics(inputs, context)).metrics
  writeFileSync(out, metricFile({ step, columns }, format))
  return { files: [out], steps: step.length, metrics: Object.keys(columns).length }
}
