/** Pre-flight as the page asks for it. */
import { expect, test } from 'vitest'
import type { TrainRequest } from '../../src/worker/protocol'
import { honeJsonlLine } from '../../src/data/formats/honeJsonl'
import { openTestStudio } from './testStudio'
import { trajectoryOf } from '../support/builders'

const request: TrainRequest = {
  kind: 'train',
  algorithm: 'steptool-ppo',
  model: 'starter',
  data: [],
  config: {},
  steps: 1,
  seed: 1,
  rowLimit: null,
}

test('practice and data sets are held to the settings, a method that cannot practise is refused', async () => {
  const { studio, close } = await openTestStudio()
  try {
    const practice = await studio.jobs.preflight(request)
    if (!practice.ok) throw new Error(practice.message)
    const levels = (found: typeof practice.value) => Object.fromEntries(found.map(({ check, level }) => [check, level]))
    expect(levels(practice.value)).toEqual({
      batch: 'fine',
      context: 'fine',
      sampler: 'fine',
      'chat template': 'fine',
      export: 'fine',
      memory: 'fine',
    })
    expect(await studio.jobs.preflight({ ...request, algorithm: 'dpo' })).toMatchObject({ ok: false, code: 'needs-data' })
    expect(await studio.jobs.preflight({ ...request, config: { batch_size: 0 } })).toMatchObject({ ok: false, code: 'config' })

    const imported = await studio.datasets.importFile(new File([await studio.datasets.sampleCsv()], 'sample.csv'))
    if (!imported.ok) throw new Error(imported.message)
    const data = [imported.value.dataset_id]
    const config = { batch_size: 64, mini_batch_size: 4, max_context_len: 40 }
    const onFile = await studio.jobs.preflight({ ...request, data, config })
    if (!onFile.ok) throw new Error(onFile.message)
    expect(levels(onFile.value)).toMatchObject({ batch: 'refusal', truncation: 'warning' })
    expect(onFile.value.find(({ check }) => check === 'batch')?.message).toMatch(/trajectories do not fill one batch of 64/)
    const pairs = await studio.jobs.preflight({ ...request, algorithm: 'grpo', data })
    expect(pairs.ok && levels(pairs.value).data).toBe('refusal')
  } finally {
    close()
  }
})

test('a mask that leaves nothing to learn is refused, and says which', async () => {
  const { studio, close } = await openTestStudio()
  try {
    // The last turn says nothing.
    const row = trajectoryOf(
      ['one two', ''].map((completion) => ({ prompt: 'ask', completion })),
      { status: 'solved' },
    )
    const imported = await studio.datasets.importFile(new File([honeJsonlLine(row, [])], 'rows.jsonl'))
    if (!imported.ok) throw new Error(imported.message)
    const maskOf = async (mask_history: boolean) => {
      const found = await studio.jobs.preflight({
        ...request,
        algorithm: 'sft',
        data: [imported.value.dataset_id],
        config: { mask_history },
      })
      if (!found.ok) throw new Error(found.message)
      return found.value.find(({ check }) => check === 'loss mask')
    }
    expect(await maskOf(false)).toMatchObject({ level: 'fine' })
    expect(await maskOf(true)).toMatchObject({
      level: 'refusal',
      message: 'No token of the 1 rows carries loss: mask_history leaves only the last turn, and in every row it is empty.',
    })
  } finally {
    close()
  }
})

test('a smaller setting that the data does not fit is no error of the memory estimate', async () => {
  const { studio, close } = await openTestStudio()
  try {
    const prompt = Array.from({ length: 900 }, (_, index) => `word${index % 7} `).join('')
    const rows = (['solved', 'unsolved'] as const).flatMap((status) =>
      Array.from({ length: 4 }, (_, index) =>
        trajectoryOf([{ prompt, completion: `answer ${index}` }], { trajectory_id: `${status}-${index}`, status }),
      ),
    )
    const lines = rows.map((row) => honeJsonlLine(row, [])).join('\n')
    const imported = await studio.datasets.importFile(new File([lines], 'rows.jsonl'))
    if (!imported.ok) throw new Error(imported.message)
    const data = [imported.value.dataset_id]
    for (const algorithm of ['steptool-ppo', 'ppo']) {
      const checked = await studio.jobs.preflight({ ...request, algorithm, data })
      const context = checked.ok ? (checked.value.find(({ check }) => check === 'context')?.message ?? '') : checked.message
      const longest = Number(/The longest trajectory has (\d+) tokens/.exec(context)?.[1])
      // It fits what is processed at once, and not half of it.
      expect([algorithm, longest > 2560 && longest <= 5120, context]).toEqual([algorithm, true, context])
      expect(await studio.jobs.estimateMemory({ ...request, algorithm, data })).toMatchObject({ ok: true })
    }
  } finally {
    close()
  }
})
