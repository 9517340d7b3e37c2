/** A folder with SentencePiece's tokenizer.model and no tokenizer.json, as ToolLLaMA-2's: trained from the command line, and a model again. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { train } from '../../src/cli/commands/train'
import { openModel } from '../../src/cli/modelSpec'
import { sampleCsv } from '../../src/data/sampleCsv'
import { llamaFolder } from '../models/llamaFolder'
import { run, temporaryDirectory, testContext } from './commandContext'
import { gpu } from './trainedRun'

const outcome = z.object({ loss: z.array(z.number()), files: z.array(z.string()) })

test('trained whole and with an adapter; what is written opens again with the same tokenizer', async () => {
  const directory = temporaryDirectory()
  for (const [name, bytes] of await llamaFolder()) writeFileSync(join(directory, name), bytes)
  const data = join(temporaryDirectory(), 'sample.csv')
  writeFileSync(data, sampleCsv())
  const words = ['--algorithm', 'sft', '--data', data, '--tokens_per_batch', '512', '--learning_rate', '0.01', '--steps', '3']
  const trained = async (model: string, ...more: string[]): Promise<{ out: string } & z.output<typeof outcome>> => {
    const out = temporaryDirectory()
    return { out, ...outcome.parse(await run(train, ['--model', model, ...words, ...more, '--out', out], testContext(gpu()).context)) }
  }
  const whole = await trained(directory, '--trainable', 'all', '--warmup_steps', '0')
  expect(whole.loss[2]).toBeLessThan(whole.loss[0] ?? 0)
  const sideFiles = ['config.json', 'tokenizer.model', 'tokenizer_config.json', 'special_tokens_map.json']
  expect([...whole.files].sort()).toEqual(['model.safetensors', ...sideFiles].sort())
  for (const file of sideFiles) expect(readFileSync(join(whole.out, file))).toEqual(readFileSync(join(directory, file)))
  const [before, after] = [await openModel(directory, 1, testContext().context), await openModel(whole.out, 1, testContext().context)]
  expect(after.tokenizer.encode('the tool')).toEqual(before.tokenizer.encode('the tool'))
  expect(after.sha256).not.toBe(before.sha256)
  const adapter = await trained(directory, '--trainable', 'lora')
  expect(adapter.files).toContain('adapter_model.safetensors')
  // Its shape with random weights, too.
  expect((await trained(`random:${directory}`, '--trainable', 'lora')).loss).toHaveLength(3)
  for (const model of [before, after]) await model.close()
})
