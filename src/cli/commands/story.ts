/** `hone story`: the run story without a page: exam, practice, training, exam; what happened can be kept as a recording for the page. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { createMemoryStore } from '../../storage/memoryStore'
import { exportRecording } from '../../studio/runs/recording'
import { createStudio } from '../../studio/studio'
import type { JobSnapshot, Reply } from '../../worker/protocol'
import { gpuInfoOf } from '../gpuInfo'
import { defineCommand, UsageError } from '../command'

export const story = defineCommand({
  name: 'story',
  summary: 'the run story: exam, practice with every step scored, training, the same exam again',
  options: z.object({
    seed: z.int().default(7).meta({ help: 'Seed of practice, sampling and initialisation.' }),
    size: z.enum(['gpu', 'software']).optional().meta({ help: 'How much to practise; by default as the adapter allows.' }),
    record: z
      .string()
      .optional()
      .meta({ help: 'Writes the run as a recording the page can show, such as public/starter/recorded-run.json.' }),
  }),
  run: async (context, options) => {
    const { adapter } = await context.openAdapter()
    const studio = createStudio({
      openDevice: async () => ({ ok: true, device: await context.openDevice(), report: gpuInfoOf(adapter) }),
      openStore: () => Promise.resolve(createMemoryStore()),
      fetch: context.fetch,
      readAsset: (path) => {
        try {
          return Promise.resolve(new Uint8Array(readFileSync(join(context.projectRoot, 'public', path))))
        } catch {
          // The studio asks for files that need not be there.
          return Promise.resolve(null)
        }
      },
      now: () => Date.now(),
      clock: () => performance.now(),
      random: () => Math.random(),
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      storageEstimate: () => Promise.resolve({ usage: null, quota: null }),
      claim: () => Promise.resolve(() => undefined),
    })
    const channel = new MessageChannel()
    const connected = await studio.connect('http://localhost/', channel.port1)
    must(connected)
    const started = must(await studio.jobs.start({ kind: 'story', seed: options.seed, size: options.size ?? null }))
    const done = await finished(
      () => studio.jobs.list(),
      started.job_id,
      (line) => {
        context.progress(line)
      },
    )
    channel.port1.close()
    channel.port2.close()
    if (done.state !== 'finished') throw new UsageError(done.error ?? `The story ended ${done.state}.`)
    const detail = must(await studio.runs.get(started.run_id))
    if (options.record !== undefined) {
      const recording = must(await exportRecording(studio, started.run_id, new Date().toISOString()))
      writeFileSync(options.record, JSON.stringify(recording))
    }
    const { beforeRate, afterRate, difference, win } = detail.story ?? {}
    return {
      run: started.run_id,
      steps: detail.run.steps_done,
      dispatches: done.dispatches,
      adapter: detail.run.adapter_sha256,
      before: beforeRate,
      after: afterRate,
      difference,
      win,
      notes: detail.run.notes,
    }
  },
})

function must<T>(reply: Reply<T>): T {
  if (!reply.ok) throw new UsageError(reply.message)
  return reply.value
}

async function finished(
  jobs: () => Promise<readonly JobSnapshot[]>,
  jobId: string,
  progress: (line: string) => void,
): Promise<JobSnapshot> {
  let last = ''
  for (;;) {
    const job = (await jobs()).find(({ job_id }) => job_id === jobId)
    if (!job) throw new UsageError('The story is gone.')
    const line = `${job.phase}: ${job.done} of ${job.total}`
    if (line !== last) progress(line)
    last = line
    if (job.state !== 'running' && job.state !== 'paused') return job
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}
