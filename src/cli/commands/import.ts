/** `hone import FILE…`: recognises and reads data files, and says what is wrong with them. Nothing is kept. */
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { z } from 'zod'
import { importDataset, type ImportedDataset } from '../../data/importDataset'
import { defineCommand, UsageError } from '../command'
import { checkFiles } from '../importDataFiles'

const report = z.object({
  files: z.array(
    z.object({ file: z.string(), format: z.string(), rows: z.int(), trajectories: z.int(), steps: z.int(), warnings: z.array(z.string()) }),
  ),
})

export const importFiles = defineCommand({
  name: 'import',
  summary: 'recognises and reads data files, and says what is wrong with them',
  options: z.object({ files: z.array(z.string()).min(1).meta({ help: 'the files' }) }),
  positionals: 'files',
  run: async (context, { files }) => {
    checkFiles(files)
    const datasets: ImportedDataset[] = []
    for (const file of files) {
      const bytes: AsyncIterable<Uint8Array> = createReadStream(file)
      const now = (): string => new Date().toISOString()
      datasets.push(await importDataset({ name: basename(file), bytes }, { now, signal: context.signal }))
    }
    // One sentence when nothing could be used; else what was wrong stands beside what was read.
    if (datasets.every(({ dataset, settings }) => dataset.trajectories === 0 && settings === null))
      throw new UsageError(datasets[0]?.problems[0]?.message ?? 'Nothing was imported.')
    return {
      files: datasets.map(({ dataset, problems, settings }, index) => ({
        file: files[index] ?? dataset.name,
        format: dataset.format,
        rows: dataset.rows,
        trajectories: dataset.trajectories,
        steps: dataset.steps,
        warnings: problems.map(({ message }) => message),
        sha256: dataset.sha256,
        ...(settings ? { settings } : {}),
      })),
    }
  },
  show: (result) =>
    report
      .parse(result)
      .files.flatMap(({ file, format, rows, trajectories, steps, warnings }) => [
        `${file}: ${format}, ${rows} rows, ${trajectories} trajectories, ${steps} steps`,
        ...warnings.map((warning) => `  ${warning}`),
      ])
      .join('\n'),
})
