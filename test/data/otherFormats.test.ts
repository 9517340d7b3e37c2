import { describe, expect, it } from 'vitest'
import { honeJsonlLine } from '../../src/data/formats/honeJsonl'
import { formats } from '../../src/data/formats/index'
import { importDataset, recogniseFormat, type ImportedDataset } from '../../src/data/importDataset'
import { sampleCsv } from '../../src/data/sampleCsv'
import type { Opinion } from '../../src/records/annotation'

const now = (): string => '2026-01-02T03:04:05.000Z'
const load = (text: string, name: string): Promise<ImportedDataset> =>
  importDataset({ name, bytes: new TextEncoder().encode(text) }, { now })

function exported({ trajectories, opinions }: ImportedDataset, more: readonly Opinion[] = []): string {
  return trajectories
    .map((record) =>
      honeJsonlLine(
        record,
        [...opinions, ...more].filter((row) => row.trajectory_id === record.trajectory_id),
      ),
    )
    .join('')
}

/** Everything but the data set's id, which changes with the file. */
function bare({ trajectories, opinions, dataset }: ImportedDataset): unknown {
  return JSON.parse(JSON.stringify({ trajectories, opinions }).replaceAll(dataset.dataset_id, 'DS'))
}

describe('honeJsonl', () => {
  it('gives back every trajectory and every opinion, also those that replaced others', async () => {
    const original = await load(sampleCsv(), 'sample.csv')
    const first = original.opinions[0]
    if (!first) throw new Error('no opinion')
    const person: Opinion = {
      ...first,
      opinion_id: 'op-1',
      annotator_kind: 'HUMAN',
      annotator_id: 'Ada',
      value: 0,
      rationale: 'said "no"\nin two lines',
    }
    const later: Opinion = { ...person, opinion_id: 'op-2', value: null, supersedes: 'op-1' }
    const once = await load(exported(original, [person, later]), 'export.jsonl')
    expect(once.problems).toEqual([])
    expect(once.dataset).toMatchObject({ format: 'honeJsonl', rows: 8, trajectories: 8, steps: 24 })
    expect(once.opinions).toHaveLength(26)
    expect(once.opinions.find(({ value }) => value === null)?.supersedes).toBe(`${once.dataset.dataset_id}/op-1`)
    const twice = await load(exported(once), 'export.jsonl')
    expect(bare(twice)).toEqual(bare(once))
    expect(once.trajectories.map(({ nodes, task, status }) => [nodes, task.query, status])).toEqual(
      original.trajectories.map(({ nodes, task, status }) => [nodes, task.query, status]),
    )
  })

  it('tells two rows of one id apart', async () => {
    const line = exported(await load(sampleCsv(), 'sample.csv')).split('\n')[0] ?? ''
    const { trajectories, opinions, dataset } = await load(`${line}\n${line}\n`, 'twice.jsonl')
    expect(trajectories.map(({ trajectory_id }) => trajectory_id)).toEqual([`${dataset.dataset_id}/row-2`, `${dataset.dataset_id}/row-2~2`])
    expect(new Set(opinions.map(({ opinion_id }) => opinion_id)).size).toBe(6)
  })

  it.each<[string, (line: string) => string, RegExp]>([
    ['a cut line', (line) => line.slice(0, 80), /row 2: expected a JSON object on one line, found .*left out/],
    [
      'a turn without its role',
      (line) => line.replace('"role":', '"rolle":'),
      /row 2, column trajectory\.nodes\.0\.role: expected one of .*, found nothing/,
    ],
    [
      'a step of version 1 without its completion',
      () =>
        JSON.stringify({ trajectory: { version: 1, trajectory_id: 't', query_id: 'q', query: '', steps: [{ parent: null, prompt: '' }] } }),
      /row 2, column trajectory\.steps\.0\.completion: expected string, found nothing/,
    ],
    [
      'an opinion about a step that is not there',
      (line) => line.replace('"step":1,', '"step":9,'),
      /row 2, column opinions: expected opinions about the 4 steps of .*, found one about step 10 of/,
    ],
  ])('leaves out %s and keeps the rest', async (_, spoil, message) => {
    const [first = '', second = '', third = ''] = exported(await load(sampleCsv(), 'sample.csv')).split('\n')
    expect(spoil(second)).not.toBe(second)
    const read = await load(`${first}\n${spoil(second)}\n${third}\n`, 'export.jsonl')
    expect(read.trajectories.map(({ source }) => source)).toEqual(['file:sample.csv#2', 'file:sample.csv#4'])
    expect(read.problems.map(({ message: text }) => text)).toEqual([expect.stringMatching(message)])
    expect(read.dataset.rows).toBe(3)
  })
})

describe('steptoolConfig', () => {
  it('keeps what training follows and lists the rest, wrong values by name', async () => {
    const text = JSON.stringify({
      peft_kwargs: { r: 0, lora_alpha: 16, use_rslora: true },
      ppo_kwargs: { gamma: 0.99, target_kl: 6, early_stopping: true, log_with: 'wandb' },
      extra: 1,
    })
    const { settings, problems, trajectories, dataset } = await load(text, 'StepTool_ppo.json')
    expect(trajectories).toEqual([])
    expect(dataset).toMatchObject({ format: 'steptoolConfig', rows: 0 })
    expect(settings?.peft).toEqual({ lora_alpha: 16 })
    expect(settings?.ppo).toEqual({ gamma: 0.99, target_kl: 6, early_stopping: true })
    expect(settings?.ignored.map(({ field, reason }) => `${field}: ${reason}`)).toEqual([
      'peft_kwargs.use_rslora: Hone does not know this field.',
      'ppo_kwargs.log_with: Hone stores metrics itself. A run’s page and hone export --to wandb can send them to Weights & Biases.',
      'extra: Hone does not know this section.',
    ])
    expect(problems.map(({ message }) => message)).toEqual([
      'StepTool_ppo.json, column peft_kwargs.r: expected number to be >0, found "0". This field was left out.',
      expect.stringContaining('peft_kwargs.use_rslora: expected a field that training uses, found "true". It changes nothing here'),
      expect.stringContaining('log_with'),
      expect.stringContaining('extra'),
    ])
  })

  it('says what is wrong with broken JSON', async () => {
    const { settings, problems } = await load('{"ppo_kwargs": {', 'StepTool_ppo.json')
    expect(settings).toBeNull()
    expect(problems[0]?.message).toMatch(/^StepTool_ppo\.json: expected JSON, found .*Nothing was imported\.$/)
  })
})

describe('recogniseFormat', () => {
  it('goes by content first', () => {
    expect(recogniseFormat('data.txt', sampleCsv())).toBe(formats.steptoolCsv)
    expect(recogniseFormat('data.json', '{"trajectory": {')).toBe(formats.honeJsonl)
    expect(recogniseFormat('x.json', '{\n "peft_kwargs": {}')).toBe(formats.steptoolConfig)
    expect(recogniseFormat('x.bin', '\0\0')).toBeNull()
  })

  it('names every format by its key', () => {
    for (const [key, format] of Object.entries(formats)) expect(format.name).toBe(key)
  })
})
