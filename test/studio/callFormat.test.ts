import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { requireCallFormat } from '../../src/agents/callFormats/callFormatFor'
import { parseModelConfig } from '../../src/models/architectures/config'
import { chatRenderer } from '../../src/models/tokenizer/chatRenderer'
import { createHfTokenizer } from '../../src/models/tokenizer/hfTokenizer'
import { toolSpec } from '../../src/records/trajectory'
import { withCallFormat, type ModelText } from '../../src/studio/models/loadedModel'
import { readPromptPack } from '../../src/studio/models/readPromptPack'
import { limitsFor } from '../../src/studio/runs/episodeLimits'
import { formatConfig } from '../../src/studio/runs/formatConfig'
import { projectRoot } from '../support/sources'
import { openTestStudio } from './testStudio'

const read = (path: string): string => readFileSync(`${projectRoot}/${path}`, 'utf8')
const chatTemplate = read('test/golden/call_formats/qwen.jinja')
const config = parseModelConfig(JSON.parse(read('public/starter/config.json')))
const qwen: ModelText = {
  ...{ id: 'm', title: 'M', chatTemplate, renderChat: chatRenderer(chatTemplate, {}, () => 0) },
  config: { ...config, max_position_embeddings: 8192 },
  tokenizer: createHfTokenizer(JSON.parse(read('test/golden/call_formats/tokenizer.json')), {}),
}
const tools = [toolSpec.parse({ name: 'look_up', parameters: [{ name: 'word', type: 'string' }] })]
const asked = [{ role: 'user', content: 'What is it?' }] as const

describe('a prompt pack', () => {
  test('replaces our words: of all formats, and of one', () => {
    const promptPack = readPromptPack(
      'system: |-\n  Use them.\n  {tools}\nfinish: Say it.\nformats:\n  react:\n    finish: Finish it.\n',
      'mine.yaml',
    )
    const text = requireCallFormat(withCallFormat(qwen, { promptPack })).start(tools, asked)
    expect(text).toContain('<|im_start|>system\nUse them.\nSay it.\n\nTools, one a line:')
    const react = requireCallFormat(withCallFormat(qwen, { promptPack, callFormat: 'react' })).start(tools, asked)
    expect(react).toContain('Use them.\nYou have access to these APIs: [{"name": "look_up"')
    expect(react).toContain('\n\nFinish it.<|im_end|>')
  })

  test('may be JSON', () => {
    expect(readPromptPack('{"system": "A"}', 'p.json')).toEqual({ system: 'A', formats: {} })
  })

  test.each([
    ['sytem: A', /^p\.yaml: expected the texts system, how_to_call and finish, and formats with the same\. .*"sytem"/],
    ['system: 3', /^p\.yaml: system: expected the texts .*expected string, received number/],
    ['formats:\n  react:\n    ends: x', /^p\.yaml: formats\.react: expected .*"ends"/],
    ['- A', /^p\.yaml, line 1, column 1: expected a map of fields/],
    ['system: "A', /^p\.yaml, line 1, column 11: expected valid YAML/],
    [`system: ${'x'.repeat(300_000)}`, /expected a prompt pack of at most 200000 characters/],
  ])('that is wrong is refused with file and key', (text, sentence) => {
    expect(() => readPromptPack(text, 'p.yaml')).toThrow(sentence)
  })
})

test('what a run’s record says of the format', () => {
  expect(formatConfig(qwen)).toEqual({
    call_format: 'hermes',
    prompts: expect.stringContaining('The chat template lists the tools.') as string,
  })
  const promptPack = readPromptPack('title: Mine', 'p.yaml')
  expect(formatConfig(withCallFormat(qwen, { callFormat: 'react', promptPack }))).toMatchObject({
    call_format: 'react',
    prompt_pack: 'Mine',
  })
})

test('JSON has room: at least 4096 tokens, as far as the model reads', () => {
  const limits = { toolCalls: 6, maxContext: 512, maxNewTokens: 48 }
  expect(limitsFor(limits, qwen)).toEqual({ maxContext: 4096, maxNewTokens: 512 })
  expect(limitsFor({ ...limits, maxContext: 6000 }, qwen)).toEqual({ maxContext: 6000, maxNewTokens: 512 })
  expect(limitsFor(limits, { ...qwen, config: { ...config, max_position_embeddings: 800 } })).toEqual({
    maxContext: 800,
    maxNewTokens: 400,
  })
  expect(limitsFor(limits, null)).toEqual({ maxContext: 4096, maxNewTokens: 512 })
  // The compact format is what benchmarks count in; a model that no format fits acts nowhere.
  expect(limitsFor(limits, { ...qwen, chatTemplate: null, renderChat: null })).toEqual({ maxContext: 512, maxNewTokens: 48 })
})

test('a model that is opened says how it acts', async () => {
  const { studio, close } = await openTestStudio()
  expect(await studio.models.open('starter')).toEqual({
    ok: true,
    value: { title: expect.any(String) as string, callFormat: 'compact', how: expect.stringMatching(/^Compact calls\. /) as string },
  })
  close()
})

test('a request with a format that does not exist, or that the model cannot use, is refused in one sentence', async () => {
  const { studio, close } = await openTestStudio()
  const request = {
    ...{ kind: 'evaluate' as const, model: 'starter', adapterOf: null, benchmark: 'starter', split: 'dev', strategy: 'cot' },
    ...{ limit: 1, temperature: 0, seed: 1 },
  }
  expect(await studio.jobs.start({ ...request, callFormat: 'klingon' })).toMatchObject({
    ok: false,
    message: expect.stringContaining('There is no call format klingon; there is compact, hermes') as string,
  })
  // Its template writes every role by name: the calls of another family are taught in the system message.
  expect(await studio.jobs.start({ ...request, callFormat: 'hermes' })).toMatchObject({ ok: true })
  close()
})
