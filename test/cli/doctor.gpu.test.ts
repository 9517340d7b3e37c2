/** `hone doctor --model`: a checkpoint's own account, and its numbers beside a reference file's. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { doctor } from '../../src/cli/commands/doctor'
import { goldenFiles, goldenText } from '../models/files'
import { llamaFolder } from '../models/llamaFolder'
import { shardedFiles } from '../models/shards'
import { run, temporaryDirectory, testContext } from './commandContext'
import { gpu } from './trainedRun'

const distance = { relL2: z.number(), maxAbs: z.number(), maxRel: z.number() }
const report = z.object({
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
  memory: z.array(z.object({ weights: z.string(), bytes: z.number().nullable(), problem: z.string().nullable() })),
  agreement: z.array(z.object({ name: z.string(), source: z.string(), pass: z.boolean(), ...distance })),
})
type Report = z.output<typeof report>

async function examined(folder: ReadonlyMap<string, Uint8Array>, reference: unknown = null, ...words: string[]): Promise<Report> {
  const directory = temporaryDirectory()
  for (const [name, bytes] of folder) writeFileSync(join(directory, name), bytes)
  const file = join(temporaryDirectory(), 'reference.json')
  writeFileSync(file, JSON.stringify(reference))
  const flags = reference === null ? [] : ['--reference', file]
  return report.parse(await run(doctor, ['--model', directory, ...flags, ...words], testContext(gpu()).context))
}
const detailOf = ({ checks }: Report, name: string): string => {
  const found = checks.find((check) => check.name === name)
  return found ? `${found.ok ? '✓' : '✗'} ${found.detail}` : `no check ${name}`
}

const golden = z.object({
  ids: z.array(z.array(z.int())),
  base: z.object({ logprobs: z.array(z.array(z.number())), logits: z.array(z.array(z.array(z.number()))) }),
})
const goldenOf = (name: string): z.output<typeof golden> => golden.parse(JSON.parse(goldenText(`${name}_golden.json`)))

/** The tiny golden with a word for each of its 96 ids. */
function withTokenizer(files: Map<string, Uint8Array>): Map<string, Uint8Array> {
  const vocab = Object.fromEntries(Array.from({ length: 96 }, (_, id) => [String.fromCharCode(0x100 + id), id]))
  return files.set('tokenizer.json', new TextEncoder().encode(JSON.stringify({ model: { type: 'BPE', vocab, merges: [] } })))
}

test.each(['tiny_qwen2', 'tiny_llama3', 'tiny_llama_bias', 'tiny_qwen3', 'tiny_qwen2_yarn'])(
  '%s agrees with transformers',
  async (name) => {
    const { ids, base } = goldenOf(name)
    const reference = { source: 'transformers 5.23', ids, ...base }
    const found = await examined(withTokenizer(goldenFiles(name)), reference)
    expect(found.agreement.map((one) => [one.name, one.source, one.pass])).toEqual([
      ['log-probs', 'transformers 5.23', true],
      ['logits', 'transformers 5.23', true],
    ])
    for (const { maxAbs, relL2 } of found.agreement) {
      expect(maxAbs).toBeGreaterThan(0)
      expect(maxAbs).toBeLessThan(1e-4)
      expect(relL2).toBeLessThan(1e-5)
    }
    expect(detailOf(found, 'architecture')).toContain(`exact against transformers on tiny_`)
    expect(detailOf(found, 'log-probs beside transformers 5.23')).toMatch(
      /^✓ max \|Δ\| \d\.\de-\d+ .*; maxAbs at most 1\.0e-4; weights in f32$/,
    )
  },
)

test('the last rows of logits alone will do, shards too, and a wrong number is found', async () => {
  const { ids, base } = goldenOf('tiny_qwen2')
  const files = withTokenizer(await shardedFiles('tiny_qwen2'))
  const last = base.logits.map((rows) => rows.slice(-1))
  expect((await examined(files, { ids, logits: last })).agreement.map(({ name, pass }) => [name, pass])).toEqual([['logits', true]])
  const wrong = base.logprobs.map((row, s) => row.map((value, t) => (s === 1 && t === 2 ? value + 0.01 : value)))
  const found = await examined(files, { ids, logprobs: wrong })
  expect(found.agreement).toMatchObject([{ name: 'log-probs', pass: false, source: 'the reference' }])
  expect(found.agreement[0]?.maxAbs).toBeCloseTo(0.01, 4)
  expect(detailOf(found, 'log-probs beside the reference')).toMatch(/^✗ /)
  // Held in 16 bits the same reference shows what that costs.
  const half = await examined(files, { ids, logits: last }, '--dtype', 'f16')
  expect(half.agreement[0]?.relL2).toBeGreaterThan(1e-5)
  expect(half.agreement[0]?.relL2).toBeLessThan(1e-2)
})

test('a folder as ToolLLaMA-2’s is described: SentencePiece, 16 bits, and what training it takes', async () => {
  const found = await examined(await llamaFolder())
  expect(found.checks.filter(({ ok }) => !ok)).toEqual([])
  expect(detailOf(found, 'config.json')).toMatch(
    /^✓ llama, .* parameters · 1 layers of 16 · 2 heads of 8 on 2 .* plain scaling · untied embeddings · biases: none$/,
  )
  expect(detailOf(found, 'tokenizer')).toMatch(
    /^✓ tokenizer\.model, 600 tokens, 3 special · a test sentence has \d+ and is read back as written · no chat template$/,
  )
  expect(detailOf(found, 'weights')).toMatch(/^✓ 1 file, 12 tensors in F16, 0\.\d MB$/)
  expect(detailOf(found, 'architecture')).toBe('✓ Llama 2 and 3: exact against transformers on tiny_llama; not run with real weights')
  const bytes = Object.fromEntries(found.memory.map(({ weights, bytes: needed }) => [weights, needed ?? 0]))
  expect(bytes.f32).toBeGreaterThan(bytes.bf16 ?? 0)
  expect(bytes.bf16).toBe(bytes.f16)
})

test('what is wrong with a checkpoint is named, part by part', async () => {
  const files = await llamaFolder()
  files.delete('tokenizer.model')
  files.delete('model.safetensors')
  files.set('pytorch_model.bin', new Uint8Array(8))
  const found = await examined(files, { ids: [[1, 2]], logprobs: [[-1]] })
  expect(detailOf(found, 'tokenizer')).toMatch(/^✗ .*file missing: tokenizer\.json or tokenizer\.model$/)
  expect(detailOf(found, 'weights')).toMatch(/^✗ .*found pytorch_model\.bin\. Pickled weights can run code/)
  expect(detailOf(found, 'config.json')).toMatch(/^✓ llama/)
  expect(found.memory.every(({ bytes }) => bytes !== null && bytes > 0)).toBe(true)
  expect(found.agreement).toEqual([])
})

const { ids } = goldenOf('tiny_qwen2')
test.each([
  [{}, /reference\.json: ids: /],
  [{ ids }, /reference\.json: the file: expected logprobs, logits, or both/],
  [{ ids, logprobs: [[-1]] }, /reference\.json: logprobs: expected 2 entries, found 1/],
  [{ ids: [[1, 96]], logprobs: [[-1]] }, /ids\.0: expected ids below the vocabulary of 96, found 96/],
  [{ ids: [[1, 2]], logits: [[[0.5]]] }, /logits\.0\.0: expected 96 entries, found 1/],
  [{ ids: [[1]], logits: [[[], []]] }, /logits\.0: expected at most 1 rows, found 2/],
])('a reference %j is refused', async (reference, sentence) => {
  await expect(examined(withTokenizer(goldenFiles('tiny_qwen2')), reference)).rejects.toThrow(sentence)
})

test('a reference needs a model', async () => {
  await expect(run(doctor, ['--reference', 'x.json'], testContext(gpu()).context)).rejects.toThrow('--reference goes with --model.')
})

const planned = z.object({
  plan: z.object({
    predictedBytes: z.number(),
    largestBinding: z.number(),
    allocated: z.object({ peakBytes: z.number(), buffers: z.number(), leftBytes: z.number() }).nullable(),
  }),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
})

test('the plan of a published shape is what is allocated for it, and all of it is given back', async () => {
  const words = ['--plan', 'qwen2.5-0.5b', '--tokens', '32']
  const { plan } = planned.parse(await run(doctor, words, testContext(gpu()).context))
  expect(plan.allocated).toBeNull()
  const found = planned.parse(await run(doctor, [...words, '--allocate'], testContext(gpu()).context))
  expect(found.plan).toMatchObject({ predictedBytes: plan.predictedBytes, allocated: { leftBytes: 0 } })
  const { peakBytes = 0, buffers = 0 } = found.plan.allocated ?? {}
  expect(Math.abs(peakBytes / plan.predictedBytes - 1)).toBeLessThan(0.01)
  expect(buffers).toBeGreaterThan(24 * 7)
  expect(found.checks.filter(({ ok }) => !ok)).toEqual([])
})

const answered = report.extend({
  answer: z.object({
    ids: z.array(z.int()),
    promptTokens: z.int(),
    memory: z.object({ peakRss: z.number(), gpuBytes: z.number(), beyondGpu: z.number() }),
  }),
})

test('a checkpoint is asked something in 4 bits, and again from what was kept of it', async () => {
  const directory = temporaryDirectory()
  for (const [name, bytes] of withTokenizer(goldenFiles('tiny_packed'))) writeFileSync(join(directory, name), bytes)
  const words = ['--model', directory, '--dtype', 'int4', '--prompt', 'āĂă', '--new-tokens', '5']
  // What other tests have left in this process is not the model's.
  const before = process.memoryUsage.rss()
  const { context } = testContext({ ...gpu(), residentBytes: () => process.memoryUsage.rss() - before })
  const first = answered.parse(await run(doctor, words, context))
  expect(first.answer).toMatchObject({ promptTokens: 3 })
  expect(first.answer.ids.length).toBeGreaterThan(0)
  const { peakRss, gpuBytes, beyondGpu } = first.answer.memory
  expect(gpuBytes).toBeGreaterThan(10_000)
  expect(beyondGpu).toBeLessThanOrEqual(peakRss)
  expect(detailOf(first, 'memory while loading')).toMatch(/^✓ buffers .* beyond its buffers/)
  expect(answered.parse(await run(doctor, words, context)).answer.ids).toEqual(first.answer.ids)
  // The likeliest alone is what a greedy answer has, however hot; a text that it holds ends it.
  const { ids } = first.answer
  expect(ids.length).toBeGreaterThan(2)
  const hot = ['--temperature', '2', '--top_k', '1', '--top_p', '0.5', '--min_p', '0.1', '--seed', '9']
  expect(answered.parse(await run(doctor, [...words, ...hot], context)).answer.ids).toEqual(ids)
  const stop = ['--stop', String.fromCharCode(0x100 + (ids[1] ?? 0)), '--repetition_penalty', '1']
  expect(answered.parse(await run(doctor, [...words, ...stop], context)).answer.ids.length).toBeLessThanOrEqual(2)
  await expect(run(doctor, [...words, '--top_p', '2'], context)).rejects.toThrow('--top_p')
})
