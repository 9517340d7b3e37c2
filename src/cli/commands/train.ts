/** `hone train`: the studio trains a model, or an adapter on it; the run and its PEFT adapter or whole model are in one directory. */
import { z } from 'zod'
import { alarmsOf } from '../../records/alarms'
import type { TrainRequest } from '../../records/requests'
import type { FieldRemark } from '../../records/fieldRemark'
import type { Algorithm } from '../../training/algorithm'
import { defineCommand, UsageError, type CommandContext, type JsonObject } from '../command'
import { must, withStudio, type CommandStudio } from '../openStudio'
import { algorithmOfRecipeFile, readRecipeFile } from '../recipeFile'
import { DEFAULT_TRAIN_ALGORITHM } from '../../training/algorithms'
import { algorithmOf, noRecipe, settingsOf, trainOptions, trainRequestOf } from '../trainRequest'
import { lossOf, rowsOf, trainProgress } from '../trainProgress'

export const train = defineCommand({
  name: 'train',
  summary: 'trains a model, or a LoRA adapter on it; a stopped run can be resumed',
  options: trainOptions,
  extraOptions: ({ algorithm, config }) => {
    try {
      return algorithmOf(typeof algorithm === 'string' ? algorithm : (algorithmOfRecipeFile(config) ?? DEFAULT_TRAIN_ALGORITHM)).config
    } catch {
      return null
    }
  },
  run: (context, given, extra) => {
    const file = given.config === undefined ? noRecipe : readRecipeFile(given.config)
    const algorithm = algorithmOf(given.algorithm ?? file.recipe.algorithm ?? DEFAULT_TRAIN_ALGORITHM)
    const { config, ignored } = settingsOf(algorithm, given, file, extra)
    for (const { field, reason } of ignored) context.progress(`${field} changes nothing: ${reason}`)
    for (const { field, value, reason } of file.assumed) context.progress(`${field} is ${JSON.stringify(value)}: ${reason}`)
    // Before anything is opened.
    algorithm.configure(config)
    return withStudio(context, async (studio) => {
      const request = await trainRequestOf(studio, given, file.recipe, { algorithm, config }, context)
      const predictedBytes = await predicted(studio, request, algorithm.title, context)
      if (given.preflight && !given.resume) await passPreflight(studio, request, context)
      return trainAndReport(studio, request, { predictedBytes, ignored, algorithm }, context)
    })
  },
  show: (result) => {
    // A loss that is not finite is NaN here, and null where the result went through JSON.
    const { algorithm, steps, loss, adapter } = z
      .object({ algorithm: z.string(), steps: z.int(), loss: z.array(z.number().or(z.nan()).nullable()), adapter: z.string() })
      .parse(result)
    const shown = (value: number | null | undefined): string =>
      value === undefined ? '' : value !== null && Number.isFinite(value) ? value.toFixed(4) : 'not finite'
    return `${algorithm}: ${steps} steps, loss ${shown(loss[0])} → ${shown(loss.at(-1))}; written to ${adapter}`
  },
})

/** The GPU is opened first: what a run needs depends on its limits. */
async function predicted(studio: CommandStudio, request: TrainRequest, title: string, context: CommandContext): Promise<number> {
  const gpu = await studio.gpu.status()
  if (gpu.state === 'unavailable') throw new UsageError(`There is no GPU to compute on: ${gpu.message}`)
  const { bytes } = must(await studio.jobs.estimateMemory(request))
  context.progress(`${title}: ${(bytes / 1e6).toFixed(1)} MB on the GPU`)
  return bytes
}

/** Warnings are printed; throws the refusals as one. */
async function passPreflight(studio: CommandStudio, request: TrainRequest, context: CommandContext): Promise<void> {
  const found = must(await studio.jobs.preflight(request))
  const refused = found.filter(({ level }) => level === 'refusal')
  if (refused.length > 0) throw new UsageError(refused.map(({ message }) => message).join(' '))
  for (const { check, level, message } of found) if (level === 'warning') context.progress(`pre-flight, ${check}: ${message}`)
  const fine = found.filter(({ level }) => level === 'fine').map(({ check }) => check)
  context.progress(`pre-flight: ${fine.join(', ')} ${fine.length === 1 ? 'is' : 'are'} fine`)
}

interface Known {
  readonly algorithm: Algorithm
  readonly predictedBytes: number
  readonly ignored: readonly FieldRemark[]
}

async function trainAndReport(studio: CommandStudio, request: TrainRequest, known: Known, context: CommandContext): Promise<JsonObject> {
  const { algorithm, predictedBytes, ignored } = known
  const progress = trainProgress(algorithm.alarmsOff, context)
  const before = request.resume ? await studio.runs.openFolder(request.folder ?? '') : null
  if (before?.ok) progress.earlier(before.value.metrics)
  studio.onEvent = progress.hear
  const job = await studio.run(request)
  const { run, metrics } = must(await studio.runs.get(job.run_id))
  const rows = rowsOf(metrics)
  const adapter = request.folder ?? ''
  return {
    algorithm: algorithm.name,
    steps: rows.length,
    metrics: rows.at(-1)?.metrics ?? {},
    loss: rows.map((row) => lossOf(row.metrics)),
    adapter,
    tokensPerSecond: progress.tokensPerSecond(),
    peakBytes: job.peakBytes ?? 0,
    predictedBytes,
    files: must(await studio.runs.adapterFiles(run.run_id)),
    sha256: run.adapter_sha256?.after ?? '',
    best: run.best ? { ...run.best, adapter: `${adapter}/best` } : null,
    ignored,
    notes: run.notes,
    alarms: alarmsOf(metrics, algorithm.alarmsOff),
  }
}
