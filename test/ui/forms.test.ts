import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { RunRecord } from '../../src/records/run'
import { algorithms } from '../../src/training/algorithms'
import { commandLine, configOf, formOfRun, newRunUrl, trainRequest } from '../../src/ui/train/newRunForm'
import { startChoices, startOf, startText } from '../../src/ui/train/startChoices'
import { fieldGroups, fieldProblem, fieldsFromSchema, isChanged } from '../../src/ui/widgets/schemaFields'
import type { ModelRow } from '../../src/worker/protocol'
import { aRun } from '../support/builders'

const config = z.object({
  learning_rate: z.number().positive().max(1).default(1e-5).meta({ help: 'Size of one step.', essential: true }),
  target_kl: z.number().nonnegative().nullable().default(null).meta({ help: 'Stop early.' }),
  epochs: z.int().min(1).default(4),
  mode: z.enum(['paper', 'released']).default('paper'),
  whiten: z.boolean().default(true),
  modules: z.array(z.string()).default(['q_proj']),
})
const fields = fieldsFromSchema(z.toJSONSchema(config, { io: 'input' }))
const field = (name: string) => {
  const found = fields.find((one) => one.name === name)
  if (!found) throw new Error(`no field ${name}`)
  return found
}

describe('fields from JSON Schema', () => {
  it('carry kind, default, bounds, meaning and whether they come first', () => {
    expect(field('learning_rate')).toMatchObject({ kind: 'number', fallback: 1e-5, essential: true, help: 'Size of one step.' })
    expect(field('target_kl')).toMatchObject({ kind: 'number', nullable: true, fallback: null, rule: { bounds: '≥ 0' } })
    expect(fields.map((one) => one.kind)).toEqual(['number', 'number', 'integer', 'choice', 'boolean', 'list'])
    expect(field('mode').choices).toEqual(['paper', 'released'])
  })
  it('say what is wrong with a value', () => {
    expect(fieldProblem(field('learning_rate'), 0)).toContain('found 0')
    expect(fieldProblem(field('learning_rate'), 0.5)).toBeNull()
    expect(fieldProblem(field('epochs'), 1.5)).toBe('A whole number is needed; found 1.5.')
    expect(fieldProblem(field('target_kl'), null)).toBeNull()
  })
  it('know what was changed', () => {
    expect(isChanged(field('modules'), { modules: ['q_proj'] })).toBe(false)
    expect(isChanged(field('epochs'), { epochs: 5 })).toBe(true)
  })
})

describe('the new-run form', () => {
  it('reads its address, and broken settings are none', () => {
    const url = newRunUrl.parse({ algorithm: 'grpo', data: 'd1,d2', steps: '20', seed: 'x', config: '{"epochs":5}' })
    expect(trainRequest(url, 'grpo', 'starter')).toEqual({
      kind: 'train',
      algorithm: 'grpo',
      model: 'starter',
      data: ['d1', 'd2'],
      // One field for the length of a run: an address that names steps means the setting.
      config: { epochs: 5, max_steps: 20 },
      steps: null,
      seed: 1,
      rowLimit: null,
      checkpoints: { everySteps: 10, everyMinutes: 2, best: null },
    })
    expect(configOf({ config: '[1', steps: null })).toEqual({})
  })
  it('begins from what earlier runs left of an adapter, and from what was imported for the model', () => {
    const adapters = ['lora', 'all', 'best'].map((run_id) => ({ run_id, title: run_id, sha256: 'abcdef0123' }))
    const model = { model_id: 'm', adapters } as unknown as ModelRow
    const runs = [
      { run_id: 'lora', config: {} },
      { run_id: 'all', config: { trainable: 'all' } },
      { run_id: 'best', config: {}, best: { metric: 'reward', value: 1, step: 7 } },
    ] as unknown as RunRecord[]
    const brought = { title: 'brought', sha256: '', bytes: 1, created_at: '' }
    const imported = ['m', 'other'].map((model_id) => ({ ...brought, model_id, adapter_id: `of-${model_id}` }))
    const choices = startChoices(model, runs, imported).map(({ value }) => value)
    expect(choices).toEqual(['', 'best:best', 'run:best', 'run:lora', 'imported:of-m'])
    for (const choice of choices) expect(startText(startOf(choice))).toBe(choice)
    const request = trainRequest(newRunUrl.parse({ start: 'best:best' }), 'sft', 'm')
    expect(request.initAdapter).toEqual({ kind: 'run', run_id: 'best', which: 'best' })
    expect(commandLine(request, [])).toContain('--init-adapter best')
    expect(trainRequest(newRunUrl.parse({ start: 'nonsense' }), 'sft', 'm')).not.toHaveProperty('initAdapter')
  })
  it('writes the same run for the command line, quoted', () => {
    const request = {
      ...trainRequest(newRunUrl.parse({ rows: '4', kv: 'f16', format: 'hermes' }), 'ppo', 'starter'),
      config: { max_steps: 3, lora_targets: ['q_proj', 'o_proj'], use_rslora: false },
    }
    expect(commandLine(request, ["my 'file'.csv"]).replaceAll(/\\\n\s+/g, '')).toBe(
      `npm run -s hone -- train --algorithm ppo --model starter --data 'my '\\''file'\\''.csv' --rows 4 --kv-dtype f16 --call-format hermes --seed 1 --max_steps 3 --lora_targets q_proj o_proj --use_rslora=false`,
    )
  })
})

describe('practice on a benchmark', () => {
  const written = {
    ...{ benchmark: 'bfcl', benchmarkData: 'data-1', benchmarkSettings: '{"version":3}', strategy: 'trial', maxCalls: '9' },
    format: 'hermes',
  }
  const simulator = { baseUrl: 'http://localhost:1/v1', model: 's', apiKey: 'secret' }

  it('is in the request, and in the form of a run that is trained further', () => {
    const request = trainRequest(newRunUrl.parse(written), 'grpo', 'm', simulator)
    expect(request).toMatchObject({
      ...{ benchmark: 'bfcl', benchmarkData: 'data-1', benchmarkSettings: { version: 3 }, callFormat: 'hermes', simulator },
      practice: { strategy: 'trial', maxCalls: 9 },
    })
    const form = formOfRun({ ...aRun('r'), began: { version: 1, request, data: null } }, {})
    expect(newRunUrl.parse(form)).toMatchObject({ ...written, maxCalls: 9 })
    expect(JSON.stringify(form)).not.toContain('secret')
    const line = commandLine(request, []).replaceAll(/\\\n\s+/g, '')
    expect(line).toContain(
      `--data bfcl --benchmark-data PATH --benchmark-settings '{"version":3}' --strategy trial --max-calls 9 --call-format hermes`,
    )
    expect(line).not.toContain('secret')
  })

  it('is left out where the run learns from data', () => {
    const request = trainRequest(newRunUrl.parse({ ...written, data: 'd1' }), 'sft', 'm', simulator)
    for (const name of ['benchmark', 'benchmarkData', 'benchmarkSettings', 'simulator', 'practice'])
      expect(request).not.toHaveProperty(name)
  })
})

describe('a run that is trained further', () => {
  it('keeps the settings, the data, the precision and the checkpoints it had', () => {
    const given = { learning_rate: 0.5, epochs: 7, max_steps: 12, modules: ['o_proj'] }
    const request = {
      ...trainRequest(newRunUrl.parse({ data: 'd1,d2', rows: '5', saveSteps: '3', bestMetric: 'reward' }), 'ppo', 'm'),
      config: given,
      steps: 12,
    }
    const run: RunRecord = {
      ...aRun('r'),
      algorithm: 'ppo',
      model: { id: 'm', sha256: 'x' },
      seed: 9,
      status: 'finished',
      steps_done: 12,
      // As it is recorded: with the defaults filled in, and what is no setting of the method beside them.
      config: { target_kl: null, mode: 'paper', whiten: true, ...given, dtype: 'int8', init_adapter: 'earlier' },
      began: { version: 1, request, data: null },
    }
    const schema = z.toJSONSchema(config.extend({ max_steps: z.int().default(100) }), { io: 'input' })
    const form = newRunUrl.parse({ ...formOfRun(run, schema), start: 'run:r' })
    expect(form).toMatchObject({
      algorithm: 'ppo',
      model: 'm',
      data: 'd1,d2',
      seed: 9,
      rows: 5,
      dtype: 'int8',
      saveSteps: 3,
      bestMetric: 'reward',
    })
    expect(configOf(form)).toEqual(given)
    // A run story has no such request: its settings are in its record.
    expect(configOf(newRunUrl.parse(formOfRun({ ...run, began: { version: 1, request: { kind: 'story' }, data: null } }, schema)))).toEqual(
      given,
    )
  })
})

describe('the settings of every method', () => {
  it.each(Object.values(algorithms).map(({ name, config: schema }) => [name, schema] as const))(
    'of %s stand under headings',
    (_name, schema) => {
      const groups = fieldGroups(fieldsFromSchema(z.toJSONSchema(schema, { io: 'input' })))
      expect(groups.map(({ title }) => title)).not.toContain('')
      for (const { title, fields: own } of groups) expect([title, own.length <= 14]).toEqual([title, true])
      expect(groups.length).toBeGreaterThanOrEqual(5)
    },
  )
})
