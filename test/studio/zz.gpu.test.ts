import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'vitest'
import { fullDeviceDescriptor, openNodeAdapter } from '../../src/cli/node/dawn'
import { adapterUnderTest } from '../support/gpu'
import { projectRoot } from '../support/sources'
import { openTestStudio, report } from './testStudio'
test('profile', async () => {
  let pipelines = 0, ms = 0
  let device: GPUDevice | null = null
  const configs = JSON.parse(process.env.PROFILE ?? '[]') as { name: string; config: Record<string, unknown>; steps: number }[]
  for (const { name, config, steps } of configs) {
    const t = await openTestStudio({
      readAsset: async (p) => { try { return new Uint8Array(readFileSync(join(projectRoot, 'public', p))) } catch { return null } },
      openDevice: async () => {
        const { adapter } = await openNodeAdapter(adapterUnderTest())
        device = await adapter.requestDevice(fullDeviceDescriptor(adapter))
        const real = device.createComputePipelineAsync.bind(device)
        device.createComputePipelineAsync = async (d) => { const a = performance.now(); pipelines++; const r = await real(d); ms += performance.now() - a; return r }
        return { ok: true, device, report: { ...report, limits: {} } }
      } }, undefined, 'gpu')
    const t0 = performance.now()
    const reply = await t.studio.start({ kind: 'train', algorithm: 'steptool-ppo', model: 'starter', data: [], config, steps, seed: 1, rowLimit: null })
    if (!reply.ok) throw new Error(reply.message)
    let seen = ''
    const log = setInterval(() => { for (const j of [t.events.flatMap((e) => e.type === 'job' ? [e.job] : []).at(-1)]) { const s = `${j?.phase} ${j?.phase === 'training' ? j.done : ''} ${j?.message.replace(/\d+ of \d+$/, '')}`; if (s !== seen) { seen = s; process.stderr.write(`${name} ${((performance.now() - t0) / 1000).toFixed(1)} ${s} pipelines ${pipelines} (sum ${(ms / 1000).toFixed(0)} s) dispatches ${j?.dispatches}\n`) } } }, 200)
    const last = await t.finished(reply.value.job_id)
    clearInterval(log)
    const run = await t.studio.run(reply.value.run_id)
    process.stderr.write(`${name} ${last.state} ${last.error} ${((performance.now() - t0) / 1000).toFixed(1)} s ${JSON.stringify(run.ok ? { reward: run.value.metrics.columns.reward, kl: run.value.metrics.columns['objective/kl'], grad: run.value.metrics.columns.grad_norm } : 0)}\n`)
    t.close()
    ;(device as GPUDevice | null)?.destroy()
  }
})
