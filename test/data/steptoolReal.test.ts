/** StepTool's own files, when ../shared is there: they are never copied into the project. */
import { stepsOf } from '../../src/records/trajectory'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { dialectOf } from '../../src/data/formats/steptoolDialect'
import { writeSteptoolCsv } from '../../src/data/formats/steptoolCsv'
import { importDataset } from '../../src/data/importDataset'

const root = new URL('../../../shared/data/steptool/', import.meta.url)
const present = existsSync(root)
const now = (): string => '2026-01-02T03:04:05.000Z'

describe.skipIf(!present)(`StepTool's files${present ? '' : ' (skipped: ../shared/data/steptool is not there)'}`, () => {
  it.each(['toolllama', 'qwen2', 'llama3-1'])('reads the %s example and writes it back byte for byte', async (dialect) => {
    const bytes = readFileSync(new URL(`data_train/${dialect}/step_grained_for_ppo_example.csv`, root))
    const { dataset, trajectories, opinions, problems } = await importDataset({ name: 'step_grained_for_ppo_example.csv', bytes }, { now })
    expect(problems).toEqual([])
    expect(dataset).toMatchObject({ format: 'steptoolCsv', rows: 10, trajectories: 10 })
    for (const record of trajectories) {
      const steps = stepsOf(record)
      const { tools, query } = record.task
      expect(dialectOf(steps[0]?.prompt ?? '')?.name).toBe(dialect)
      expect(steps.length).toBeGreaterThanOrEqual(2)
      expect(tools.at(-1)?.name).toBe('Finish')
      expect(query).not.toMatch(/Begin!|<\||^\s|\s$/)
      expect(query.length).toBeGreaterThan(20)
      expect(steps.at(-1)?.call?.name).toBe('Finish')
      for (const { call, observation, is_final } of steps) {
        expect(call?.error).toBeUndefined()
        expect(tools.map(({ name }) => name)).toContain(call?.name)
        if (is_final) expect(observation).toBeNull()
        else expect(observation).toMatch(/^\{"error": /)
      }
    }
    const rewards = new Map(
      trajectories.map(({ trajectory_id }) => [trajectory_id, opinions.filter((row) => row.trajectory_id === trajectory_id)]),
    )
    expect(writeSteptoolCsv(trajectories, ({ trajectory_id }) => rewards.get(trajectory_id) ?? []).csv).toBe(bytes.toString('utf8'))
  })

  it('reads the values of a known row', async () => {
    const bytes = readFileSync(new URL('data_train/toolllama/step_grained_for_ppo_example.csv', root))
    const { trajectories, opinions } = await importDataset({ name: 'x.csv', bytes }, { now })
    const [first] = trajectories
    expect(first?.task.tools.map(({ name }) => name)).toEqual([
      'image_search_for_bing_image_search',
      'trending_for_bing_image_search',
      'Finish',
    ])
    expect(first?.task.query.startsWith("I'm a teacher and I need some educational images")).toBe(true)
    expect(stepsOf(first!)[0]?.call).toEqual({
      name: 'image_search_for_bing_image_search',
      arguments: { q: 'educational images', count: 5 },
    })
    expect(first?.status).toBe('unsolved')
    expect(first?.answer?.startsWith('I have found relevant educational images')).toBe(true)
    expect(opinions.slice(0, 2).map(({ value }) => value)).toEqual([1, 0])
  })

  it.each<[string, object, string[]]>([
    ['toolllama', { r: 16, lora_alpha: 16, bias: 'none', task_type: 'CAUSAL_LM' }, []],
    ['qwen2', { r: 8, lora_alpha: 16, target_modules: ['gate_proj', 'o_proj', 'k_proj', 'q_proj', 'up_proj', 'down_proj', 'v_proj'] }, []],
    ['llama3-1', { r: 8, lora_alpha: 16 }, []],
  ])('reads the %s configuration', async (dialect, peft) => {
    const bytes = readFileSync(new URL(`config/${dialect}/StepTool_ppo.json`, root))
    const { settings, dataset } = await importDataset({ name: 'StepTool_ppo.json', bytes }, { now })
    expect(dataset.format).toBe('steptoolConfig')
    expect(settings?.peft).toMatchObject(peft)
    expect(settings?.ppo).toMatchObject({ learning_rate: 1e-5, batch_size: 8, mini_batch_size: 2, init_kl_coef: 0.3, gamma: 0.99 })
    expect(settings?.ignored.map(({ field }) => field)).toEqual([
      'ppo_kwargs.log_with',
      'ppo_kwargs.remove_unused_columns',
      'ppo_kwargs.target_kl',
    ])
  })
})

if (!present)
  it('says that ../shared/data/steptool is not there', ({ skip }) => {
    skip('StepTool files not found; only our own sample was read.')
  })
