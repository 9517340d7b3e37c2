/** The commands that compute, on a model small enough for seconds. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { annotate } from '../../src/cli/commands/annotate'
import { evaluate } from '../../src/cli/commands/evaluate'
import { exportFiles } from '../../src/cli/commands/export'
import { rollout } from '../../src/cli/commands/rollout'
import { sampleCsv } from '../../src/data/sampleCsv'
import { createStarterWorld } from '../../src/environments/starter/world'
import { runRecord } from '../../src/records/run'
import { trajectory, stepsOf } from '../../src/records/trajectory'
import { run, temporaryDirectory, testContext } from './commandContext'
import { gpu, model, stopAfter, trained } from './trainedRun'

const starterWorld = createStarterWorld()

test('sft from random weights makes a model; a run killed on the way ends as the whole one', async () => {
  const words = [
    '--algorithm',
    'sft',
    '--data',
    'starter-corpus',
    '--trainable',
    'all',
    '--tokens_per_batch',
    '256',
    '--learning_rate',
    '0.01',
    '--warmup_steps',
    '1',
    '--steps',
    '6',
    '--checkpoint-every',
    '2',
  ]
  const whole = temporaryDirectory()
  const first = await trained([...words, '--out', whole])
  expect(first).toMatchObject({ algorithm: 'sft', steps: 6, adapter: whole, ignored: [] })
  expect(first.loss).toHaveLength(6)
  expect(first.loss[5]).toBeLessThan(first.loss[0] ?? 0)
  expect(first.metrics.loss).toBe(first.loss[5])
  expect(first.tokensPerSecond).toBeGreaterThan(0)
  expect(first.files).toEqual(['model.safetensors', 'config.json', 'tokenizer.json', 'tokenizer_config.json'])
  // The plan knew.
  expect(Math.abs(first.peakBytes - first.predictedBytes)).toBeLessThan(0.02 * first.peakBytes)
  expect(runRecord.parse(JSON.parse(readFileSync(join(whole, 'run.json'), 'utf8')))).toMatchObject({
    status: 'finished',
    steps_done: 6,
    algorithm: 'sft',
  })

  const killed = temporaryDirectory()
  await expect(trained([...words, '--out', killed], { signal: stopAfter(3, killed) })).rejects.toThrow('killed')
  expect(existsSync(join(killed, 'model.safetensors'))).toBe(false)
  expect(runRecord.parse(JSON.parse(readFileSync(join(killed, 'run.json'), 'utf8'))).status).toBe('cancelled')
  const second = await trained([...words, '--out', killed, '--resume'])
  expect(second.loss).toEqual(first.loss)
  expect(second.sha256).toBe(first.sha256)

  // What it wrote is a model.
  const result = await run(
    evaluate,
    ['--model', whole, '--limit', '4', '--max-calls', '1', '--out', temporaryDirectory()],
    testContext(gpu()).context,
  )
  expect(result).toMatchObject({ n: 4, judge: 'world' })
})

test('step-grained PPO practises online; slots change nothing, shuffled rewards do; the adapter acts', async () => {
  const words = [
    '--algorithm',
    'steptool-ppo',
    '--data',
    'starter',
    '--steps',
    '2',
    '--batch_size',
    '4',
    '--mini_batch_size',
    '2',
    '--gradient_accumulation_steps',
    '1',
    '--ppo_epochs',
    '1',
  ]
  const settings = [...words, '--learning_rate', '0.01', '--max-calls', '1', '--seed', '3']
  const out = temporaryDirectory()
  const few = await trained([...settings, '--slots', '2', '--out', out])
  expect(few).toMatchObject({ algorithm: 'steptool-ppo', steps: 2 })
  expect(few.loss).toHaveLength(2)
  expect(Object.keys(few.metrics)).toEqual(
    expect.arrayContaining(['objective/kl', 'ppo/policy/clipfrac', 'pass_rate', 'practice/left_out', 'reward']),
  )
  expect(few.files).toEqual(expect.arrayContaining(['adapter_config.json', 'adapter_model.safetensors', 'README.md']))
  expect(few.predictedBytes).toBeGreaterThan(few.peakBytes / 3)
  expect(few.predictedBytes).toBeLessThan(few.peakBytes * 3)

  // What it practised is kept, with the labels it was trained on; nothing of it is the exam's.
  for (const name of ['step-0001.jsonl', 'step-0002.jsonl']) {
    const lines = readFileSync(join(out, 'practice', name), 'utf8')
      .trimEnd()
      .split('\n')
    expect(lines).toHaveLength(4)
    for (const line of lines) expect(line).toMatch(/"split":\s*"practice"/)
    const foreign = new Set(starterWorld.database.names('exam'))
    expect(
      lines
        .join(' ')
        .match(/[A-Z][a-z]+/g)
        ?.filter((word) => foreign.has(word)),
    ).toEqual([])
  }

  const many = await trained([...settings, '--slots', '3', '--out', temporaryDirectory()])
  expect(many.loss).toEqual(few.loss)
  expect(many.sha256).toBe(few.sha256)
  const shuffled = await trained([...settings, '--slots', '3', '--shuffle-rewards', '--out', temporaryDirectory()])
  expect(shuffled.notes.join(' ')).toContain('null experiment')

  const peft = join(temporaryDirectory(), 'peft')
  await run(exportFiles, ['--to', 'peft', out, '--out', peft], testContext().context)
  const exam = ['--model', model, '--seed', '3', '--limit', '4', '--max-calls', '1', '--out']
  const base = temporaryDirectory()
  await run(evaluate, [...exam, base], testContext(gpu()).context)
  const result = await run(evaluate, [...exam, temporaryDirectory(), '--lora', peft, '--against', base], testContext(gpu()).context)
  const shape = z.object({
    ...{
      benchmark: z.literal('starter'),
      split: z.literal('exam'),
      strategy: z.literal('cot'),
      n: z.literal(4),
      passRate: z.number(),
      interval: z.tuple([z.number(), z.number()]),
    },
    ...{ recall: z.number(), callHistogram: z.record(z.string(), z.int()), copyExact: z.number().nullable() },
    ...{ winRate: z.number(), wins: z.int(), ties: z.int(), losses: z.int(), winInterval: z.tuple([z.number(), z.number()]) },
    difference: z.object({ difference: z.number(), interval: z.tuple([z.number(), z.number()]) }),
  })
  const { wins, ties, losses } = shape.parse(result)
  expect(wins + ties + losses).toBe(4)
})

test('GRPO practises in groups; slots change nothing, a run killed on the way ends as the whole one', async () => {
  const words = ['--algorithm', 'grpo', '--data', 'starter', '--steps', '3', '--seed', '3', '--max-calls', '1', '--learning_rate', '0.01']
  const groups = ['--generation_batch_size', '8', '--num_generations', '4', '--steps_per_generation', '2', '--beta', '0.05']
  const settings = [...words, ...groups, '--reward', 'step_mean', '--checkpoint-every', '1']
  const whole = temporaryDirectory()
  const first = await trained([...settings, '--slots', '2', '--out', whole])
  expect(first).toMatchObject({ algorithm: 'grpo', steps: 3 })
  expect(Object.keys(first.metrics)).toEqual(
    expect.arrayContaining(['kl', 'clip_ratio/region_mean', 'frac_reward_zero_std', 'completions/clipped_ratio', 'reward_std']),
  )
  // What is trained on is scored as it was sampled: generation and training are one model.
  expect(first.metrics['sampling/sampling_logp_difference/max']).toBeLessThan(2e-5)
  expect(first.predictedBytes).toBeGreaterThan(first.peakBytes / 3)
  expect(first.predictedBytes).toBeLessThan(first.peakBytes * 3)
  const queries = readFileSync(join(whole, 'practice/step-0001.jsonl'), 'utf8').match(/"query_id":\s*"[^"]+"/g)
  expect(queries).toHaveLength(8)
  expect(new Set(queries).size).toBe(2)

  const killed = temporaryDirectory()
  await expect(trained([...settings, '--slots', '3', '--out', killed], { signal: stopAfter(2, killed) })).rejects.toThrow('killed')
  const second = await trained([...settings, '--slots', '3', '--out', killed, '--resume'])
  expect(second.loss).toEqual(first.loss)
  expect(second.sha256).toBe(first.sha256)
})

test('of the likeliest token alone the draw is greedy at any temperature; a penalty changes it; results say how they were drawn', async () => {
  const words = ['--model', model, '--split', 'exam', '--limit', '3', '--max-calls', '1']
  const completions = async (...more: string[]): Promise<{ notes: unknown; texts: unknown[] }> => {
    const { file, notes } = await run(rollout, [...words, ...more, '--out', temporaryDirectory()], testContext(gpu()).context)
    const lines = readFileSync(String(file), 'utf8').trimEnd().split('\n')
    return {
      notes,
      texts: lines.map((line) => stepsOf(z.looseObject({ trajectory }).parse(JSON.parse(line)).trajectory).map((step) => step.completion)),
    }
  }
  const greedy = await completions('--temperature', '0')
  const likeliest = await completions('--temperature', '1.5', '--top_k', '1')
  expect(likeliest.texts).toEqual(greedy.texts)
  expect(likeliest.notes).toEqual([expect.stringContaining('temperature 1.5, top_k 1') as string])
  const free = await completions()
  expect(free.texts).not.toEqual(greedy.texts)
  expect(free.notes).toEqual([])
  expect((await completions('--temperature', '0', '--repetition_penalty', '1.5')).texts).not.toEqual(greedy.texts)
  expect(await run(evaluate, [...words, '--top_p', '0.5', '--out', temporaryDirectory()], testContext(gpu()).context)).toMatchObject({
    sampling: { top_p: 0.5, top_k: 0, min_p: 0, repetition_penalty: 1 },
  })
  await expect(run(evaluate, [...words, '--top_p', '0', '--out', temporaryDirectory()], testContext(gpu()).context)).rejects.toThrow(
    'top_p',
  )
})

test('rollouts are labelled and trained on as files', async () => {
  const directory = temporaryDirectory()
  const rolled = z
    .object({ trajectories: z.int(), steps: z.int(), tokens: z.int(), file: z.string() })
    .parse(
      await run(
        rollout,
        ['--model', model, '--limit', '3', '--samples', '2', '--max-calls', '1', '--out', directory],
        testContext(gpu()).context,
      ),
    )
  expect(rolled.trajectories).toBe(6)
  const labelledFile = join(directory, 'labelled.jsonl')
  expect(await run(annotate, ['--by', 'world', rolled.file, '--out', labelledFile], testContext().context)).toMatchObject({
    trajectories: 6,
    steps: rolled.steps,
  })
  const words = [
    '--algorithm',
    'steptool-ppo',
    '--data',
    labelledFile,
    '--steps',
    '1',
    '--batch_size',
    '6',
    '--mini_batch_size',
    '3',
    '--gradient_accumulation_steps',
    '2',
    '--ppo_epochs',
    '1',
  ]
  const result = await trained([...words, '--out', temporaryDirectory()])
  expect(result.steps).toBe(1)
  // Sampled by this very policy: what the trainer computes is what the sampler said.
  expect(Math.abs(result.metrics['objective/kl'] ?? 1)).toBeLessThan(1e-4)
})

test('StepTool’s file and StepTool’s configuration train', async () => {
  const directory = temporaryDirectory()
  const [data, config] = [join(directory, 'sample.csv'), join(directory, 'StepTool_ppo.json')]
  writeFileSync(data, sampleCsv())
  writeFileSync(
    config,
    JSON.stringify({
      peft_kwargs: { r: 2, lora_alpha: 4, bias: 'none' },
      ppo_kwargs: { learning_rate: 1e-3, batch_size: 2, mini_batch_size: 1, gradient_accumulation_steps: 2, log_with: 'wandb' },
    }),
  )
  const words = [
    '--data',
    data,
    '--config',
    config,
    '--steps',
    '1',
    '--ppo_epochs',
    '1',
    '--max_context_len',
    '300',
    '--max_response_len',
    '60',
    '--out',
    join(directory, 'run'),
  ]
  const result = await trained(words)
  expect(result).toMatchObject({ algorithm: 'steptool-ppo', steps: 1 })
  expect(result.ignored.map(({ field }) => field)).toEqual(['ppo_kwargs.log_with'])
  expect(result.notes.join('\n')).toMatch(/max_context_len 300 and max_response_len 60 cut \d+ tokens/)
  expect(JSON.parse(readFileSync(join(directory, 'run/adapter_config.json'), 'utf8'))).toMatchObject({
    r: 2,
    lora_alpha: 4,
    peft_type: 'LORA',
  })
})

test('a file of preference pairs trains DPO', async () => {
  const data = fileURLToPath(new URL('../fixtures/eto_pairs.csv', import.meta.url))
  const small = ['--lora_r', '2', '--max_context_len', '120', '--max_response_len', '40', '--per_device_train_batch_size', '3']
  const result = await trained(['--algorithm', 'dpo', '--data', data, '--steps', '1', ...small, '--out', join(temporaryDirectory(), 'run')])
  expect(result).toMatchObject({ algorithm: 'dpo', steps: 1, ignored: [] })
  expect(result.notes.join('\n')).toContain('3 pairs from 2 of 2 queries: 3 successes, 3 failures, 0 undecided or without an outcome.')
  expect(result.loss[0]).toBeCloseTo(Math.LN2, 5)
  expect(result.metrics).toMatchObject({ 'rewards/margins': 0, mean_token_accuracy: expect.any(Number) as number })
})
