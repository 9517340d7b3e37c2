/** NaN: a model, an adapter or a training whose numbers are not finite ends with one sentence that names where they began, and no file holds them. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { evaluate } from '../../src/cli/commands/evaluate'
import { exportFiles } from '../../src/cli/commands/export'
import { rollout } from '../../src/cli/commands/rollout'
import { train } from '../../src/cli/commands/train'
import type { Command } from '../../src/cli/command'
import { projectionPath } from '../../src/models/architectures/decoder'
import { sourceFromBytes } from '../../src/models/weights/byteSource'
import { writeAdapter } from '../../src/models/weights/peft'
import { openSafetensors } from '../../src/models/weights/safetensors'
import { writeSafetensors, type TensorToWrite } from '../../src/models/weights/writeSafetensors'
import { metricTable, runRecord } from '../../src/records/run'
import { projectRoot } from '../support/sources'
import { run, temporaryDirectory, testContext } from './commandContext'
import { gpu } from './trainedRun'

const starter = join(projectRoot, 'public/starter')
const UP = `${projectionPath(1, 'up_proj')}.weight`
const DOWN = `${projectionPath(0, 'down_proj')}.weight`

/** The starter with other values in some of its tensors. */
async function starterWith(change: (name: string, values: Float32Array) => void): Promise<string> {
  const folder = join(temporaryDirectory(), 'model')
  mkdirSync(folder)
  for (const name of ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json'])
    cpSync(join(starter, name), join(folder, name))
  const source = await openSafetensors(
    sourceFromBytes(new Uint8Array(readFileSync(join(starter, 'model.safetensors')))),
    'model.safetensors',
  )
  const tensors: Record<string, TensorToWrite> = {}
  for (const [name, { shape }] of source.tensors) {
    const data = await source.float32(name)
    change(name, data)
    tensors[name] = { shape, data }
  }
  writeFileSync(join(folder, 'model.safetensors'), writeSafetensors(tensors))
  return folder
}

/** @param first every value of its matrix A. */
async function starterAdapter(value: number, first = 0.5): Promise<string> {
  const folder = join(temporaryDirectory(), 'adapter')
  mkdirSync(folder)
  const source = await openSafetensors(
    sourceFromBytes(new Uint8Array(readFileSync(join(starter, 'model.safetensors')))),
    'model.safetensors',
  )
  const [outFeatures = 0, inFeatures = 0] = source.info(DOWN).shape
  const matrices = { a: new Float32Array(inFeatures).fill(first), b: new Float32Array(outFeatures), inFeatures, outFeatures }
  matrices.b[3] = value
  const modules = new Map([[projectionPath(0, 'down_proj'), matrices]])
  for (const [name, bytes] of writeAdapter({ rank: 1, alpha: 1, dropout: 0, useRslora: false, baseModel: '', revision: null, modules }))
    writeFileSync(join(folder, name), bytes)
  return folder
}

const failureOf = (command: Command, words: readonly string[]): Promise<string> =>
  run(command, words, testContext(gpu()).context).then(
    () => 'it succeeded',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )

test('NaN in the weights: evaluate, rollout and train name the tensor', async () => {
  const model = await starterWith((name, values) => {
    if (name === UP) values[7] = Number.NaN
  })
  const out = join(temporaryDirectory(), 'rollout')
  for (const [command, words] of [
    [evaluate, ['--limit', '2', '--out', join(temporaryDirectory(), 'exam')]],
    [rollout, ['--limit', '2', '--out', out]],
    [train, ['--algorithm', 'sft', '--data', 'starter-corpus', '--steps', '1', '--tokens_per_batch', '256']],
  ] as const)
    expect(await failureOf(command, ['--model', model, ...words])).toMatch(`tensor "${UP}" holds NaN at value 7; expected finite numbers`)
  expect(existsSync(join(out, 'trajectories.jsonl')) ? readFileSync(join(out, 'trajectories.jsonl'), 'utf8') : '').not.toContain('null')
})

test('NaN in an adapter: what acts with it names the tensor', async () => {
  const adapter = await starterAdapter(Number.NaN)
  for (const [command, more] of [
    [evaluate, ['--lora', adapter, '--limit', '2']],
    [train, ['--init-adapter', adapter, '--algorithm', 'sft', '--data', 'starter-corpus', '--steps', '1']],
  ] as const)
    expect(await failureOf(command, ['--model', 'starter', ...more])).toMatch(
      'down_proj.lora_B.weight" holds NaN at value 3; expected finite',
    )
})

test('weights that are finite and a forward pass that is not: the layer is named, by its half as well', async () => {
  const model = await starterWith((name, values) => {
    if (/layers\.1\.mlp\.(up|gate)_proj/.test(name)) values.forEach((value, at) => (values[at] = 1e25 * value))
  })
  for (const command of [evaluate, rollout])
    expect(await failureOf(command, ['--model', model, '--limit', '2'])).toMatch(
      /^The log-probability of new token \d+ after \d+ tokens of context is .*: the model's values stop being finite in layer 1 \(of 0 to \d+\)/,
    )
})

test.each([
  ['4', /^At step [34] of 4 loss is (NaN|Infinity): the training diverged\. Lower the learning rate/],
  [
    '2',
    /^After the last of 2 steps: the log-probability of token \d+ of a fixed text is .* stop being finite in layer 0|^After step 2 of 2 value/,
  ],
])('SFT at a mad learning rate, %s steps: the run is recorded as failed, with the step and the metric', async (steps, message) => {
  const out = join(temporaryDirectory(), 'run')
  const words = ['--model', 'starter', '--algorithm', 'sft', '--data', 'starter-corpus', '--tokens_per_batch', '256', '--warmup_steps', '1']
  const mad = ['--learning_rate', '1e30', '--lr_scheduler_type', 'constant_with_warmup', '--steps', steps, '--out', out]
  expect(await failureOf(train, [...words, ...mad])).toMatch(message)
  const record = runRecord.parse(JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')))
  expect(record).toMatchObject({ status: 'failed', adapter_sha256: { after: null } })
  expect(record.error).toMatch(message)
  expect(existsSync(join(out, 'adapter_model.safetensors'))).toBe(false)
  // What was measured reads back.
  const rows = readFileSync(join(out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => z.record(z.string(), z.number().nullable()).parse(JSON.parse(line)))
  expect(() =>
    metricTable.parse({ step: rows.map(({ step }) => step), columns: { loss: rows.map(({ loss = null }) => loss) } }),
  ).not.toThrow()
  expect(
    z
      .object({ probe: z.object({ before: z.array(z.number()), after: z.array(z.number()).nullable() }) })
      .parse(JSON.parse(readFileSync(join(out, 'detail.json'), 'utf8'))).probe.after,
  ).toBeNull()
})

test('gradients that are not finite beside a finite loss: the notes say at which steps updates were skipped, and ten in a row end the run', async () => {
  // B is 0, so that the adapter changes no output; the square of its gradient is beyond f32.
  const adapter = await starterAdapter(0, 1e30)
  const out = join(temporaryDirectory(), 'run')
  const words = ['--model', 'starter', '--init-adapter', adapter, '--algorithm', 'sft', '--data', 'starter-corpus', '--no-preflight']
  expect(await failureOf(train, [...words, '--tokens_per_batch', '256', '--steps', '14', '--out', out])).toMatch(
    /^Since step 1 of 14, 10 updates in a row were skipped because a gradient was not finite, although the loss is/,
  )
  const record = runRecord.parse(JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')))
  expect(record).toMatchObject({ status: 'failed', error: expect.stringMatching(/^Since step 1 of 14/) as string })
  expect(record.notes.filter((note) => note.startsWith('Updates were skipped'))).toEqual([
    expect.stringMatching(
      // Metrics come back a few steps after they were computed, and those steps are skipped too.
      /^Updates were skipped because a gradient was not finite: 1 at step 1, 1 at step 2, .*1 at step 8, and ([2-6]) at \1 later steps\.$/,
    ),
  ])
})

test('PPO at a mad learning rate: the practice that could draw nothing is named by its step', async () => {
  const words = ['--model', 'starter', '--algorithm', 'steptool-ppo', '--data', 'starter', '--learning_rate', '1e30', '--steps', '3']
  expect(await failureOf(train, words)).toMatch(
    /^(Practice of step 2 of 3: the log-probability of new token \d+ .* stop being finite in layer \d|At step \d of 3 .*loss)/,
  )
})

test('a merge that float16 cannot hold is written in bfloat16, and its KL is a number', async () => {
  const adapter = await starterAdapter(2e5)
  const out = join(temporaryDirectory(), 'merged')
  const merged = z
    .object({ dtype: z.string(), note: z.string().nullable(), kl: z.object({ mean: z.number(), max: z.number() }) })
    .parse(await run(exportFiles, [adapter, '--to', 'merged', '--model', 'starter', '--out', out], testContext(gpu()).context))
  expect(merged.dtype).toBe('BF16')
  expect(merged.note).toMatch(
    /^The weights are written in bfloat16: model\.layers\.0\.mlp\.down_proj\.weight holds 1\.000e\+5, which float16 cannot hold\./,
  )
  const written = await openSafetensors(sourceFromBytes(new Uint8Array(readFileSync(join(out, 'model.safetensors')))), 'model.safetensors')
  expect((await written.float32(DOWN)).every((value) => Number.isFinite(value))).toBe(true)
  expect(z.looseObject({}).parse(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')))).toMatchObject({ torch_dtype: 'bfloat16' })
})
