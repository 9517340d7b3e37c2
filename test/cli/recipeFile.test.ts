/** `--config` and `--recipe`: files as the command line takes them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseCommandLine } from '../../src/cli/args'
import { exportFiles } from '../../src/cli/commands/export'
import { train } from '../../src/cli/commands/train'
import { algorithmOfRecipeFile, readRecipeFile } from '../../src/cli/recipeFile'
import { benchmarks } from '../../src/evaluation/benchmarks'
import { algorithms } from '../../src/training/algorithms'
import { completeRecipe } from '../../src/training/recipes/recipe'
import { projectRoot } from '../support/sources'
import { run, temporaryDirectory, testContext, tinyModelFolder } from './commandContext'

function file(value: unknown): string {
  const path = join(temporaryDirectory(), 'config.json')
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}

const steptool = {
  peft_kwargs: { target_modules: ['q_proj', 'v_proj'], r: 4, lora_alpha: 32, lora_dropout: 0.05, bias: 'none', task_type: 'CAUSAL_LM' },
  ppo_kwargs: {
    learning_rate: 1e-5,
    log_with: 'wandb',
    batch_size: 8,
    mini_batch_size: 2,
    init_kl_coef: 0.3,
    target_kl: 6,
    max_grad_norm: null,
    seed: 3,
    whiten_rewards: true,
  },
}

test('StepTool’s file becomes settings of step-grained PPO; what changes nothing is listed', () => {
  const { recipe, ignored, assumed } = readRecipeFile(file(steptool))
  expect(recipe).toMatchObject({ algorithm: 'steptool-ppo', seed: 3 })
  expect(recipe.config).toEqual({
    learning_rate: 1e-5,
    batch_size: 8,
    mini_batch_size: 2,
    gradient_accumulation_steps: 1,
    init_kl_coef: 0.3,
    gamma: 1,
    max_grad_norm: 0,
    lora_r: 4,
    lora_alpha: 32,
    lora_targets: ['q_proj', 'v_proj'],
  })
  expect(assumed.map(({ field }) => field)).toEqual([
    ...['ppo_kwargs.gradient_accumulation_steps', 'ppo_kwargs.gamma'],
    ...['step_reward_weighting', 'gae_mask_mode', 'reward_dtype', 'value_head_init'],
  ])
  expect(ignored.map(({ field }) => field)).toEqual([
    'ppo_kwargs.log_with',
    'ppo_kwargs.target_kl',
    'peft_kwargs.lora_dropout',
    'ppo_kwargs.whiten_rewards',
  ])
  expect(completeRecipe('config.json', recipe)).toMatchObject({ ignored: [], recipe: { config: { lora_r: 4, max_grad_norm: 0 } } })
})

test('the starter’s recipes and a flat file', () => {
  const { recipe, ignored } = readRecipeFile(join(projectRoot, 'public/starter/recipe.json'))
  expect(recipe).toMatchObject({ version: 1, algorithm: 'sft', seed: 7, config: { trainable: 'all' } })
  expect(ignored).toEqual([])
  const { expert, environment } = benchmarks.starter.create(recipe.world_seed === undefined ? {} : { seed: recipe.world_seed })
  expect(environment.hash).toBe(benchmarks.starter.create({ seed: 7 }).environment.hash)
  expect(expert?.settings.parse(recipe)).toMatchObject({ drills_share: 0.1, wrong_rate: 0.7, samples: 42_000 })
  expect(readRecipeFile(file({ lora_r: 2, unheard_of: true })).recipe).toMatchObject({
    algorithm: null,
    config: { lora_r: 2, unheard_of: true },
  })
})

test.each([
  ['[1]', 'expected a JSON object, found a list.'],
  ['{', 'expected JSON, found'],
  [{ config: {}, samples: -1 }, 'config.json, field samples: expected number to be >0, found -1.'],
  [{ ppo_kwargs: { learning_rate: 'fast' } }, 'column ppo_kwargs.learning_rate: expected'],
])('%j is refused in one sentence', (value, sentence) => {
  expect(() => readRecipeFile(file(value))).toThrow(sentence)
})

test('a missing file is refused; the algorithm of one is null', () => {
  expect(() => readRecipeFile('nowhere.json')).toThrow('There is no configuration file nowhere.json.')
  expect(algorithmOfRecipeFile('nowhere.json')).toBeNull()
  expect(algorithmOfRecipeFile(file(steptool))).toBe('steptool-ppo')
})

test('flags follow the algorithm, named by flag or file', () => {
  const words = ['--ppo_epochs', '2', '--lora-r', '3', '--max_context_len', '99']
  const parsed = parseCommandLine(train, ['--config', file(steptool), ...words])
  expect(parsed.extra).toEqual({ ppo_epochs: 2, lora_r: 3 })
  expect(parsed.options).toMatchObject({ max_context_len: 99, resume: false, data: [] })
  expect(() => parseCommandLine(train, ['--algorithm', 'sft', ...words])).toThrow('--ppo_epochs is not a flag of train')
  expect(() => parseCommandLine(train, ['--algorithm', 'sarsa'])).toThrow(
    `--algorithm takes one of ${Object.keys(algorithms).join(', ')}, not "sarsa".`,
  )
})

const { context, said } = testContext()
test.each([
  [
    ['--model', 'no/such/model'],
    'There is no model folder no/such/model; a model is starter, a folder, hf:OWNER/NAME, the address of a folder, or random:FOLDER.',
  ],
  [['--config', 'nowhere.json'], 'There is no configuration file nowhere.json.'],
  [['--algorithm', 'sft', '--tokens_per_batch', '3'], 'tokens_per_batch: Too small'],
  [['--data', 'nowhere.csv'], 'There is no file nowhere.csv.'],
  [['--config', file({ algorithm: 'grpo', config: { beta: -1 } })], 'config.json, field config.beta: expected number to be >=0, found -1.'],
  [['--config', file({ algorithm: 'grpo', config: {}, data: ['nowhere.csv'] })], 'There is no file nowhere.csv.'],
])('train %j fails in one sentence, before it opens a GPU', async (words, sentence) => {
  await expect(run(train, ['--model', `random:${tinyModelFolder()}`, ...words], context)).rejects.toThrow(sentence)
})

test('a recipe’s model, data and steps are what flags leave open', async () => {
  const recipe = file({ version: 1, algorithm: 'sft', model: 'no/such/model', config: {} })
  await expect(run(train, ['--config', recipe], context)).rejects.toThrow('There is no model folder no/such/model')
})

test('export --to trl writes the classes’ arguments and what has no counterpart', async () => {
  const out = join(temporaryDirectory(), 'trl.json')
  const result = await run(exportFiles, ['--recipe', file(steptool), '--to', 'trl', '--out', out], context)
  expect(result).toMatchObject({
    files: [out],
    requires: 'trl==0.11.4',
    config: { PPOConfig: { learning_rate: 1e-5, batch_size: 8, init_kl_coef: 0.3, seed: 3 }, LoraConfig: { r: 4 } },
  })
  expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({ requires: 'trl==0.11.4', config: result.config, unmapped: result.unmapped })
  expect(said).toContain('config.gae_mask_mode: In TRL advantages decay over every token of a tool reply.')
  expect(said).toContain(
    'ppo_kwargs.log_with changes nothing: Hone stores metrics itself. A run’s page and hone export --to wandb can send them to Weights & Biases.',
  )
})

test('without --out a recipe is printed: verl’s as YAML, Hone’s as JSON that reads back', async () => {
  const printed: string[] = []
  const { context: printing } = testContext({ print: (text) => void printed.push(text) })
  await run(exportFiles, ['--recipe', file({ algorithm: 'grpo', learning_rate: 1e-7, beta: 0.04 }), '--to', 'verl'], printing)
  expect(printed[0]).toMatch(/^# verl==0\.9\.1, .*\n# Without an exact counterpart:\n/)
  expect(printed[0]).toContain('\n      lr: 1.0e-7\n')
  expect(printed[0]).toContain('\n    kl_loss_coef: 0.04\n')
  expect(await run(exportFiles, ['--recipe', file(steptool), '--to', 'hone'], printing)).toMatchObject({ files: [] })
  expect(readRecipeFile(file(printed[1]))).toEqual({ recipe: readRecipeFile(file(steptool)).recipe, ignored: [], assumed: [] })
})

test.each([
  [['--to', 'trl'], 'export --to trl takes --recipe FILE and nothing else.'],
  [['--to', 'trl', '--recipe', 'nowhere.json'], 'There is no configuration file nowhere.json.'],
  [['--to', 'peft', '--recipe', 'x.json'], 'A recipe is exported --to hone, trl, verl, not peft.'],
  [['--to', 'peft', 'dir'], '--out is required.'],
  [['--to', 'peft', '--out', 'x'], 'export needs at least one of inputs.'],
  [
    ['--to', 'verl', '--recipe', file({ version: 1, algorithm: 'sft' })],
    'A verl configuration is written for grpo, ppo and steptool-ppo, not for sft.',
  ],
])('export %j fails in one sentence', async (words, sentence) => {
  await expect(run(exportFiles, words, context)).rejects.toThrow(sentence)
})
