/** A train job on a real device, end to end: rollouts, labels, updates, an adapter that acts. */
import { stepsOf } from '../../src/records/trajectory'
import { expect, test } from 'vitest'
import { isSoftwareAdapter } from '../../src/cli/node/dawn'
import type { OpenedDevice } from '../../src/studio/parts'
import { testAdapter, testDevice } from '../support/gpu'
import { openTestStudio, report } from './testStudio'
import { tinyAsset } from './tinyStarter'

/** That of the other tests: a software adapter compiles every kernel of a new one anew. */
async function openDevice(): Promise<OpenedDevice> {
  const [{ adapter }, device] = await Promise.all([testAdapter(), testDevice()])
  return {
    ok: true,
    device,
    report: {
      ...report,
      limits: { maxStorageBufferBindingSize: device.limits.maxStorageBufferBindingSize },
      isSoftware: isSoftwareAdapter(adapter.info),
    },
  }
}

test('step-grained PPO online, then an evaluation with its adapter', async () => {
  const opened = await openTestStudio({ openDevice, readAsset: tinyAsset }, undefined, 'gpu')
  const { studio, events, finished } = opened
  try {
    const train = await studio.jobs.start({
      kind: 'train',
      algorithm: 'steptool-ppo',
      model: 'starter',
      data: [],
      // Untrained, it earns 0 everywhere: only values that differ give it something to learn.
      config: {
        value_head_init: 'torch',
        batch_size: 2,
        mini_batch_size: 2,
        gradient_accumulation_steps: 1,
        ppo_epochs: 1,
        learning_rate: 0.01,
        lora_r: 2,
        lora_targets: ['q_proj', 'v_proj'],
      },
      steps: 2,
      seed: 5,
      rowLimit: null,
    })
    if (!train.ok) throw new Error(train.message)
    expect(await finished(train.value.job_id)).toMatchObject({ state: 'finished', error: null })
    const reply = await studio.runs.get(train.value.run_id)
    if (!reply.ok) throw new Error(reply.message)
    const { run, metrics, probe } = reply.value
    expect(metrics.step).toEqual([0, 1])
    for (const name of ['reward', 'objective/kl', 'ppo/loss/total', 'grad_norm', 'perf/throughput'])
      expect(
        metrics.columns[name]?.every((value) => value !== null && Number.isFinite(value)),
        name,
      ).toBe(true)
    // Before the first update the policy is the reference.
    expect(metrics.columns['objective/kl']?.[0]).toBeCloseTo(0, 4)
    expect(run.adapter_sha256?.after).not.toBe(run.adapter_sha256?.before)
    expect(probe?.before.every((value) => value < 0)).toBe(true)
    expect(Math.max(...(probe?.after ?? []).map((value, index) => Math.abs(value - (probe?.before[index] ?? 0))))).toBeGreaterThan(1e-4)
    const [first] = await studio.trajectories.list({ run_id: run.run_id })
    const whole = await studio.trajectories.get(first?.trajectory_id ?? '')
    const tokens = whole.ok ? stepsOf(whole.value)[0]?.tokens : null
    expect(tokens?.completion_ids.length).toBe(tokens?.completion_logprobs.length)
    expect(tokens?.completion_logprobs.every((value) => value < 0)).toBe(true)

    // The page shows the advantages that the update used: over the batch of the first step they are whitened.
    const practice = (await studio.trajectories.list({ run_id: run.run_id })).filter(({ trajectory_id }) => trajectory_id.includes('0001'))
    const used: number[] = []
    for (const { trajectory_id } of practice) {
      const shown = await studio.labels.advantagePreview(trajectory_id, null, {})
      if (!shown.ok) throw new Error(shown.message)
      expect(shown.value).toMatchObject({ loss: null, basis: { kind: 'recorded', algorithm: 'Step-grained PPO (StepTool)' } })
      used.push(...shown.value.advantages.filter((_, at) => shown.value.tokens.mask[at] === 1))
    }
    const mean = used.reduce((sum, value) => sum + value, 0) / used.length
    expect(practice).toHaveLength(2)
    expect(mean).toBeCloseTo(0, 4)
    expect(used.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (used.length - 1)).toBeCloseTo(1, 3)

    const exam = await studio.jobs.start({
      kind: 'evaluate',
      model: 'starter',
      adapterOf: run.run_id,
      benchmark: 'starter',
      split: 'exam',
      strategy: 'cot',
      maxCalls: 1,
      limit: 1,
      temperature: 0,
      seed: 1,
    })
    if (!exam.ok) throw new Error(exam.message)
    const last = await finished(exam.value.job_id)
    expect(last).toMatchObject({ state: 'finished', error: null, done: 1 })
    expect(last.dispatches).toBeGreaterThan(100)
    expect((await studio.evaluations.list())[0]?.model.adapter_sha256).toBe(run.adapter_sha256?.after)
    expect(events.some((event) => event.type === 'gpu' && event.status.state === 'ready' && event.status.plannedBytes > 0)).toBe(true)
  } finally {
    opened.close()
  }
})
