/** A checkpoint with a chat template of its own acts through it on the GPU: prompts, token ids and loss masks of what is recorded. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { rollout } from '../../src/cli/commands/rollout'
import { functionTool } from '../../src/environments/toolSchema'
import { chatRenderer } from '../../src/models/tokenizer/chatRenderer'
import { createHfTokenizer } from '../../src/models/tokenizer/hfTokenizer'
import { maskOf, stepsOf, trajectory, type Trajectory } from '../../src/records/trajectory'
import { projectRoot } from '../support/sources'
import { run, temporaryDirectory, testContext } from './commandContext'
import { gpu } from './trainedRun'

const golden = join(projectRoot, 'test/golden/call_formats')
const shared = fileURLToPath(new URL('../../../shared/data/faults/models/acting/', import.meta.url))
const isThere = existsSync(shared)

const sizes = {
  llama: { architectures: ['LlamaForCausalLM'], model_type: 'llama', num_key_value_heads: 2 },
  qwen2: { architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2', num_key_value_heads: 2 },
} as const

/** A model of two layers in Hugging Face's layout; its weights are drawn. */
function tinyChatModel(layout: keyof typeof sizes, template: string): string {
  const folder = join(temporaryDirectory(), layout)
  mkdirSync(folder)
  cpSync(join(golden, 'tokenizer.json'), join(folder, 'tokenizer.json'))
  cpSync(join(golden, `${template}.jinja`), join(folder, 'chat_template.jinja'))
  const config = {
    ...sizes[layout],
    ...{ hidden_size: 32, intermediate_size: 48, num_hidden_layers: 2, num_attention_heads: 4, vocab_size: 640 },
    ...{
      max_position_embeddings: 1536,
      rms_norm_eps: 1e-6,
      rope_theta: 10_000,
      tie_word_embeddings: true,
      hidden_act: 'silu',
      eos_token_id: 4,
    },
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ bos_token: '<s>', eos_token: '<|im_end|>' }))
  return `random:${folder}`
}

async function rolled(...words: string[]): Promise<Trajectory[]> {
  const asked = ['--benchmark', 'starter', '--split', 'dev', '--limit', '2', '--max-calls', '2', '--seed', '3']
  const { file } = await run(rollout, [...asked, ...words, '--out', temporaryDirectory()], testContext(gpu()).context)
  const lines = readFileSync(z.string().parse(file), 'utf8').trimEnd().split('\n')
  return lines.map((line) => z.looseObject({ trajectory }).parse(JSON.parse(line)).trajectory)
}

/** Every token of a record belongs to its text, and the loss counts those that the model drew. */
function checkTokens(record: Trajectory, decode: (ids: readonly number[]) => string): void {
  for (const node of record.nodes) {
    if (node.text === null) continue
    expect(decode(node.tokens?.ids ?? [])).toBe(node.text)
    expect(new Set(maskOf(node))).toEqual(new Set([node.sampled ? 1 : 0]))
    if (node.sampled) expect(node.tokens?.logprobs).toHaveLength(node.tokens?.ids.length ?? 0)
  }
}

test.each([
  ['llama', 'qwen', 'hermes'],
  ['qwen2', 'xlam', 'json'],
] as const)('a checkpoint of %s layout acts through its %s template', async (layout, template, format) => {
  const tokenizer = createHfTokenizer(JSON.parse(readFileSync(join(golden, 'tokenizer.json'), 'utf8')), {})
  const render = chatRenderer(readFileSync(join(golden, `${template}.jinja`), 'utf8'), {}, () => 0)
  for (const record of await rolled('--model', tinyChatModel(layout, template), '--call-format', format)) {
    checkTokens(record, (ids) => tokenizer.decode(ids))
    const [system, user] = record.nodes
    const messages = [system, user].map((node) => ({ role: node?.role ?? '', content: node?.content ?? '' }))
    const tools = record.task.tools.map(functionTool)
    expect(stepsOf(record)[0]?.prompt).toBe(render?.({ messages, tools, addGenerationPrompt: true }))
    expect(record.budgets.context_tokens).toBe(1536)
  }
})

test('a format that the template does not teach is refused by no one, a name that is none is', async () => {
  const model = tinyChatModel('llama', 'qwen')
  const [record] = await rolled('--model', model, '--call-format', 'react')
  expect(stepsOf(record!)[0]?.prompt).toContain('You have access to these APIs: [')
  await expect(rolled('--model', model, '--call-format', 'klingon')).rejects.toThrow(/call-format/)
})

describe.skipIf(!isThere)(`a checkpoint of ../shared/data${isThere ? '' : ' (skipped: it is not there)'}`, () => {
  test('acts through its template in a format that was chosen', async () => {
    const tokenizer = createHfTokenizer(JSON.parse(readFileSync(join(shared, 'tokenizer.json'), 'utf8')), {})
    for (const record of await rolled('--model', shared, '--call-format', 'hermes')) {
      checkTokens(record, (ids) => tokenizer.decode(ids))
      expect(stepsOf(record)[0]?.prompt).toMatch(
        /^<\|system\|>Answer the user.*<tool_call>.*<\|end\|><\|user\|>.*<\|end\|><\|assistant\|>$/s,
      )
    }
  })
})
