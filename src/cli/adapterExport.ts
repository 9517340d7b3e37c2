/** `hone export --to peft DIR` and `--to merged DIR`: a trained adapter in PEFT's layout, or merged into its base. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WeightFormat } from '../engine/weightFormat'
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, VALUE_HEAD_WEIGHTS } from '../models/weights/peft'
import type { InitialAdapterRef } from '../records/requests'
import { adapterFilesIn, importAdapterFolder, runAdapterIn } from './adapterFolder'
import { UsageError, type CommandContext, type JsonObject } from './command'
import { must, withStudio, type CommandStudio } from './openStudio'

const PEFT_FILES = [ADAPTER_CONFIG, ADAPTER_WEIGHTS, 'README.md', VALUE_HEAD_WEIGHTS]

/** Throws one sentence when the directory holds no adapter. @param baseModel when absent, as the adapter says. */
export function exportPeft(
  inputs: readonly string[],
  out: string,
  baseModel: string | undefined,
  context: CommandContext,
): Promise<JsonObject> {
  const directory = onlyDirectory(inputs, 'peft')
  return withStudio(context, async (studio) => {
    const run = await runAdapterIn(studio, directory)
    const files = must(
      run
        ? await studio.runs.exportAdapter(run.run_id, run.which, baseModel)
        : await studio.adapters.exportFiles(directory, await adapterFilesIn(directory), baseModel),
    )
    if (!(ADAPTER_CONFIG in files))
      throw new UsageError(`The run in ${directory} trained all weights: what it left there is a model, not an adapter.`)
    mkdirSync(out, { recursive: true })
    const names = PEFT_FILES.filter((name) => name in files)
    for (const name of names) writeFileSync(join(out, name), files[name] ?? '')
    return { files: names.map((name) => join(out, name)) }
  })
}

export interface MergeOptions {
  /** As `hone train --model`; when absent, the run's. */
  readonly model: string | undefined
  /** How the base was stored in training; when absent, as the run says, else f32. */
  readonly dtype: WeightFormat | undefined
}

/** Throws one sentence when the directory holds no adapter, or one for another model. */
export function exportMerged(inputs: readonly string[], out: string, options: MergeOptions, context: CommandContext): Promise<JsonObject> {
  const directory = onlyDirectory(inputs, 'merged')
  const { model, dtype } = options
  return withStudio(context, async (studio) => {
    const adapter = await adapterToMerge(studio, directory, model)
    studio.onEvent = progressOf(context)
    const named = { ...(model === undefined ? {} : { model }), ...(dtype === undefined ? {} : { dtype }) }
    await studio.run({ kind: 'merge', adapter, folder: out, ...named })
    const id = adapter.kind === 'run' ? adapter.run_id : adapter.adapter_id
    const { names, bytes, dtype: written, base, note, kl } = must(await studio.runs.mergedModel(id))
    if (note !== null) context.progress(note)
    context.progress(
      `KL(adapter ‖ merged) on ${kl.tokens} tokens: ${kl.mean.toExponential(2)} nats on average, ${kl.max.toExponential(2)} at most; the same likeliest token in ${(100 * kl.sameTop).toFixed(1)} %`,
    )
    return { files: names.map((name) => join(out, name)), bytes, dtype: written, base, note, kl }
  })
}

/** Another program's adapter does not say which model here it belongs to. */
async function adapterToMerge(studio: CommandStudio, directory: string, model: string | undefined): Promise<InitialAdapterRef> {
  const run = await runAdapterIn(studio, directory)
  if (run) return run
  if (model === undefined) throw new UsageError(`${directory} does not say what it was trained on: name it with --model.`)
  must(await studio.models.open(model, 1))
  return importAdapterFolder(studio, model, directory)
}

/** A line for each file of weights that was written. */
function progressOf(context: CommandContext): CommandStudio['onEvent'] {
  let said = ''
  return (event) => {
    if (event.type !== 'job' || event.job.message === said || !event.job.message.startsWith('Wrote ')) return
    said = event.job.message
    context.progress(said)
  }
}

function onlyDirectory(inputs: readonly string[], to: string): string {
  const [directory, another] = inputs
  if (directory === undefined || another !== undefined) throw new UsageError(`export --to ${to} takes one directory.`)
  return directory
}
