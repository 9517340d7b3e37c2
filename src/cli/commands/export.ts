/** `hone export --to steptool-csv|hone-jsonl IN… --out FILE` and `--to peft DIR --out DIR`: hands work over to other programs. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { resolveRewards } from '../../annotation/resolver'
import { honeJsonlLine } from '../../data/formats/honeJsonl'
import { writeSteptoolCsv } from '../../data/formats/steptoolCsv'
import { readAdapter, VALUE_HEAD_WEIGHTS, writeAdapter } from '../../models/weights/peft'
import { defineCommand, UsageError, type CommandContext, type JsonObject } from '../command'
import { readTrajectories, type AnnotatedTrajectory } from '../datasetFiles'
import { nodeFolder } from '../node/folder'

export const exportFiles = defineCommand({
  name: 'export',
  summary: 'writes trajectories as StepTool’s file or Hone’s, or a trained adapter as PEFT’s',
  options: z.object({
    inputs: z.array(z.string()).min(1).meta({ help: 'files with trajectories, or the directory of a trained adapter' }),
    to: z.enum(['steptool-csv', 'hone-jsonl', 'peft']).meta({ help: 'what to write' }),
    out: z.string().meta({ help: 'file, or directory for peft' }),
    baseModel: z.string().optional().meta({ help: 'peft: name of the base model to write into adapter_config.json' }),
  }),
  positionals: 'inputs',
  run: async (context, { inputs, to, out, baseModel }): Promise<JsonObject> => {
    switch (to) {
      case 'steptool-csv':
        return writeCsv((await readTrajectories(inputs, context)).annotated, out, context)
      case 'hone-jsonl': {
        const { annotated } = await readTrajectories(inputs, context)
        writeFileSync(out, annotated.map(({ trajectory, opinions }) => honeJsonlLine(trajectory, opinions)).join(''))
        return { files: [out], trajectories: annotated.length }
      }
      case 'peft':
        return { files: await writePeft(inputs, out, baseModel) }
    }
  },
})

function writeCsv(annotated: readonly AnnotatedTrajectory[], out: string, context: Pick<CommandContext, 'progress'>): JsonObject {
  const opinions = new Map(annotated.map((one) => [one.trajectory.trajectory_id, one.opinions]))
  const { csv, written, skipped } = writeSteptoolCsv(
    annotated.map(({ trajectory }) => trajectory),
    (trajectory) => resolveRewards(trajectory, opinions.get(trajectory.trajectory_id) ?? []),
  )
  if (written === 0)
    throw new UsageError(`No trajectory could be written: ${skipped[0]?.reason ?? 'there is none.'} hone annotate labels steps.`)
  for (const { trajectory_id, reason } of skipped) context.progress(`${trajectory_id} was left out: ${reason}`)
  writeFileSync(out, csv)
  return { files: [out], trajectories: written, skipped }
}

/** Read and written again, not copied: what is handed over is known to be whole. */
async function writePeft(inputs: readonly string[], out: string, baseModel: string | undefined): Promise<string[]> {
  const [directory, another] = inputs
  if (directory === undefined || another !== undefined) throw new UsageError('export --to peft takes one directory.')
  const folder = nodeFolder(directory)
  try {
    const adapter = await readAdapter(folder)
    const files: Map<string, Uint8Array> = writeAdapter(baseModel === undefined ? adapter : { ...adapter, baseModel })
    const head = await folder.open(VALUE_HEAD_WEIGHTS)
    if (head) files.set(VALUE_HEAD_WEIGHTS, await head.read(0, head.size))
    mkdirSync(out, { recursive: true })
    return [...files].map(([name, bytes]) => {
      writeFileSync(join(out, name), bytes)
      return join(out, name)
    })
  } finally {
    await folder.close()
  }
}
