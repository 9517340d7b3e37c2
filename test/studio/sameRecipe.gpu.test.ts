/** One recipe by way of the page, whose worker asks the studio, and by `hone train`: the same losses and the same adapter, bit for bit. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { sha256 } from '../../src/base/sha256'
import { isSoftwareAdapter } from '../../src/cli/node/dawn'
import { train } from '../../src/cli/commands/train'
import type { OpenedDevice } from '../../src/studio/parts'
import type { TrainRequest } from '../../src/worker/protocol'
import { run, temporaryDirectory, testContext } from '../cli/commandContext'
import { testAdapter, testDevice } from '../support/gpu'
import { lastingDevice } from '../support/lastingDevice'
import { projectRoot } from '../support/sources'
import { openTestStudio, report } from './testStudio'

async function openDevice(): Promise<OpenedDevice> {
  const [{ adapter }, device] = await Promise.all([testAdapter(), testDevice()])
  const { maxStorageBufferBindingSize } = device.limits
  return { ok: true, device, report: { ...report, limits: { maxStorageBufferBindingSize }, isSoftware: isSoftwareAdapter(adapter.info) } }
}

async function readAsset(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return new Uint8Array(readFileSync(join(projectRoot, 'public', path)))
  } catch {
    return Promise.resolve(null)
  }
}

const config = {
  ...{ batch_size: 8, mini_batch_size: 4, gradient_accumulation_steps: 1, ppo_epochs: 1, learning_rate: 0.002, lora_r: 4 },
  ...{ max_context_len: 512, max_response_len: 64, center_step_rewards: true },
}
const request: TrainRequest = {
  ...{ kind: 'train', algorithm: 'steptool-ppo', model: 'starter', data: [], config, steps: 2, seed: 17, rowLimit: null },
}
const words = Object.entries(config).flatMap(([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, String(value)]))

/** As the worker gets it: copied. */
async function byThePage(): Promise<{ loss: readonly (number | null)[]; sha256: string }> {
  const page = await openTestStudio({ openDevice, readAsset }, undefined, 'gpu')
  try {
    const started = await page.studio.jobs.start(structuredClone(request))
    if (!started.ok) throw new Error(started.message)
    expect(await page.finished(started.value.job_id)).toMatchObject({ state: 'finished', error: null })
    const [detail, files] = [await page.studio.runs.get(started.value.run_id), await page.studio.runs.exportAdapter(started.value.run_id)]
    if (!detail.ok || !files.ok) throw new Error('the run is gone')
    return {
      loss: detail.value.metrics.columns['ppo/loss/total'] ?? [],
      sha256: sha256(files.value['adapter_model.safetensors'] ?? new Uint8Array()),
    }
  } finally {
    page.close()
  }
}

test('the page and the command line train the same adapter from one recipe', async () => {
  const directory = temporaryDirectory()
  const { context } = testContext({ openAdapter: () => testAdapter(), openDevice: async () => lastingDevice(await testDevice()) })
  const flags = ['--algorithm', 'steptool-ppo', '--model', 'starter', '--data', 'starter', '--steps', '2', '--seed', '17']
  const printed = z
    .object({ loss: z.array(z.number()), sha256: z.string(), notes: z.array(z.string()) })
    .parse(await run(train, [...flags, ...words, '--out', directory], context))
  const page = await byThePage()
  expect(printed.loss).toHaveLength(2)
  expect(page.loss).toEqual(printed.loss)
  expect(page.sha256).toBe(printed.sha256)
  expect(sha256(readFileSync(join(directory, 'adapter_model.safetensors')))).toBe(printed.sha256)
})
