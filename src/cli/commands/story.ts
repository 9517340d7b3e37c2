/** `hone story`: the run story without a page: exam, practice, training, exam; what happened can be kept as a recording for the page. */
import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { recordingText } from '../../records/recording'
import { exportRecording } from '../../studio/runs/recording'
import { defineCommand } from '../command'
import { must, withStudio } from '../openStudio'

export const story = defineCommand({
  name: 'story',
  summary: 'runs the story: exam, practice with every step scored, training, the same exam again',
  options: z.object({
    seed: z.int().default(7).meta({ help: 'Seed of practice, sampling and initialisation.' }),
    out: z.string().optional().meta({
      help: 'Directory in which the run is stored, which Hone lists with the others whatever its place; without it nothing is kept.',
    }),
    size: z.enum(['gpu', 'software']).optional().meta({ help: 'How long the story is; by default as the GPU allows.' }),
    exam_queries: z.int().positive().optional().meta({ help: 'How many exam questions; by default as many as the size has.' }),
    record: z
      .string()
      .optional()
      .meta({ help: 'Writes the run as a recording the page can show, such as public/starter/recorded-run.json.' }),
  }),
  run: (context, options) =>
    withStudio(context, async (studio) => {
      let last = ''
      studio.onEvent = (event) => {
        if (event.type !== 'job') return
        const line = `${event.job.phase}: ${event.job.done} of ${event.job.total}`
        if (line !== last) context.progress(line)
        last = line
      }
      const folder = options.out === undefined ? {} : { folder: options.out }
      const exam = options.exam_queries === undefined ? {} : { examQueries: options.exam_queries }
      const job = await studio.run({ kind: 'story', seed: options.seed, size: options.size ?? null, ...exam, ...folder })
      const { run, story: result } = must(await studio.runs.get(job.run_id))
      if (options.record !== undefined) {
        const recording = must(await exportRecording(studio, run.run_id, new Date().toISOString()))
        writeFileSync(options.record, recordingText(recording))
      }
      const { beforeRate, afterRate, difference, win } = result ?? {}
      return {
        run: run.run_id,
        steps: run.steps_done,
        dispatches: job.dispatches,
        adapter: run.adapter_sha256,
        before: beforeRate,
        after: afterRate,
        difference,
        win,
        notes: run.notes,
      }
    }),
})
