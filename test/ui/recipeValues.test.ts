/** A recipe on a run's page names what it began from and shortens hashes; settings of several parts can be written in the form. */
import { MantineProvider } from '@mantine/core'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { namedSentence, settingValue } from '../../src/ui/train/shownSettings'
import { jsonReader, readWords } from '../../src/ui/widgets/jsonText'
import { SchemaForm } from '../../src/ui/widgets/SchemaForm'
import { fieldsFromSchema } from '../../src/ui/widgets/schemaFields'
import { aRun } from '../support/builders'

const hash = '0123456789abcdef'.repeat(4)
const adapter = { adapter_id: 'adapter-9', model_id: 'tiny', title: 'my adapter', sha256: hash, bytes: 1, created_at: '' }
const known = {
  runs: [aRun('run-7', 'GRPO on practice'), { ...aRun('run-8', 'Starter on exam'), kind: 'evaluate' as const }],
  runNames: new Map([['run-7', 'GRPO on practice · today']]),
  adapters: [adapter],
}

describe('a recipe’s values', () => {
  it.each([
    ['init_adapter', 'run-7', { kind: 'record', text: 'GRPO on practice · today', href: '/train/run/run-7', id: 'run-7' }],
    [
      'init_adapter',
      'run-7/best',
      { kind: 'record', text: 'GRPO on practice · today, best weights', href: '/train/run/run-7', id: 'run-7/best' },
    ],
    ['adapter_of', 'run-8', { kind: 'record', text: 'Starter on exam', href: '/evaluate?run=run-8', id: 'run-8' }],
    ['init_adapter', 'my adapter', { kind: 'record', text: 'my adapter', href: '/models?model=tiny', id: 'adapter-9' }],
    ['init_adapter', 'run-gone', { kind: 'text', text: 'run-gone' }],
    ['split', 'my adapter', { kind: 'text', text: 'my adapter' }],
    ['init_adapter_sha256', hash, { kind: 'hash', text: '0123456789ab…', whole: hash }],
    ['lora_r', 8, { kind: 'text', text: '8' }],
  ])('%s %s', (name, value, shown) => {
    expect(settingValue(name, value, known)).toEqual(shown)
  })
  it('call runs by their names in the notes too', () => {
    expect(namedSentence('It started from run-7 (SHA-256 0123).', known)).toBe('It started from “GRPO on practice · today” (SHA-256 0123).')
  })
})

describe('a setting of several parts', () => {
  const schema = z.object({
    weights: z.record(z.string(), z.number().min(0)).default({ reward: 1 }).meta({ help: 'How much each part counts.' }),
    pairs: z.array(z.array(z.number())).default([]),
    targets: z.array(z.enum(['q_proj', 'v_proj'])).default(['q_proj']),
  })
  const json = z.toJSONSchema(schema, { io: 'input' })
  const [weights, pairs, targets] = fieldsFromSchema(json)

  it('is a field that holds JSON and says so, not a word about the command line', () => {
    const form = createElement(SchemaForm, { schema: json, value: { weights: { reward: 0.5 } }, onChange: () => undefined })
    const text = renderToString(createElement(MantineProvider, null, form))
    expect(text).toContain('value="{&quot;reward&quot;:0.5}"')
    expect(text).toContain('It is written as JSON.')
    expect(text).not.toContain('command line')
  })
  it('is checked by its schema when it is left', () => {
    const read = jsonReader(weights?.shape ?? {}, weights?.fallback)
    expect(read('{"reward": 2}')).toEqual({ value: { reward: 2 }, problem: null })
    expect(read('  ')).toEqual({ value: { reward: 1 }, problem: null })
    expect(read('{reward: 2}').problem).toBe('JSON is needed, such as {"reward":1}; found {reward: 2}.')
    expect(read('{"reward": -2}').problem).toMatch(/^reward: .*>=0/)
    expect(read('[1]').problem).toMatch(/expected record|expected object/)
    expect(jsonReader(pairs?.shape ?? {}, [])('[[1, "x"]]').problem).toMatch(/^0\.1: /)
  })
  it('of words is checked against the words there are', () => {
    const read = (text: string) => readWords(text, targets?.choices ?? [], ['q_proj'])
    expect(read('v_proj, q_proj')).toEqual({ value: ['v_proj', 'q_proj'], problem: null })
    expect(read('')).toEqual({ value: ['q_proj'], problem: null })
    expect(read('v_proj w_proj').problem).toBe('There is no w_proj; there is q_proj, v_proj.')
    expect(read('v_proj v_proj').problem).toBe('v_proj is written twice.')
    expect(readWords('a a', [], []).problem).toBeNull()
  })
})
