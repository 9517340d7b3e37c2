import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseCommandLine } from '../../src/cli/args'
import { train } from '../../src/cli/commands/train'
import { algorithmOfConfigFile, knownSettings, readConfigFile } from '../../src/cli/trainingConfig'
import { steptoolPpo } from '../../src/training/algorithms/steptoolPpo'
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

test('StepTool’s file becomes settings of step-grained PPO; what changes nothing is listed', async () => {
  const { algorithm, seed, settings, ignored } = await readConfigFile(file(steptool))
  expect({ algorithm, seed }).toEqual({ algorithm: 'steptool-ppo', seed: 3 })
  expect(settings).toEqual({
    learning_rate: 1e-5,
    batch_size: 8,
    mini_batch_size: 2,
    init_kl_coef: 0.3,
    max_grad_norm: 0,
    lora_r: 4,
    lora_alpha: 32,
    lora_targets: ['q_proj', 'v_proj'],
  })
  expect(ignored.map(({ field }) => field)).toEqual([
    'ppo_kwargs.log_with',
    'ppo_kwargs.target_kl',
    'peft_kwargs.lora_dropout',
    'ppo_kwargs.whiten_rewards',
  ])
  expect(knownSettings(settings, 'steptool-ppo', steptoolPpo.config).ignored).toEqual([])
  expect(steptoolPpo.config.parse(settings)).toMatchObject({ lora_r: 4, max_grad_norm: 0 })
})

test('the starter’s recipe, a flat file, no file', async () => {
  const recipe = await readConfigFile(join(projectRoot, 'public/starter/recipe.json'))
  expect(recipe).toMatchObject({
    algorithm: 'sft',
    seed: 7,
    worldSeed: 7,
    corpus: { drillsShare: 0.1, wrongRate: 0.7 },
    settings: { trainable: 'all' },
    ignored: [],
  })
  expect(await readConfigFile(file({ lora_r: 2, unheard_of: true }))).toMatchObject({
    algorithm: null,
    settings: { lora_r: 2, unheard_of: true },
  })
  expect(await readConfigFile(undefined)).toMatchObject({ algorithm: null, settings: {}, corpus: { samples: 60_000 } })
})

test.each([
  ['[1]', 'expected a JSON object, found a list.'],
  ['{', 'expected JSON, found'],
  [{ config: {}, samples: -1 }, 'samples: Too small'],
  [{ ppo_kwargs: { learning_rate: 'fast' } }, 'column ppo_kwargs.learning_rate: expected'],
])('%j is refused in one sentence', async (value, sentence) => {
  await expect(readConfigFile(file(value))).rejects.toThrow(sentence)
})

test('a missing file is refused; the algorithm of one is null', async () => {
  await expect(readConfigFile('nowhere.json')).rejects.toThrow('There is no configuration file nowhere.json.')
  expect(algorithmOfConfigFile('nowhere.json')).toBeNull()
  expect(algorithmOfConfigFile(file(steptool))).toBe('steptool-ppo')
})

test('flags follow the algorithm, named by flag or file', () => {
  const words = ['--ppo_epochs', '2', '--lora-r', '3', '--max_context_len', '99']
  const parsed = parseCommandLine(train, ['--config', file(steptool), ...words])
  expect(parsed.extra).toEqual({ ppo_epochs: 2, lora_r: 3 })
  expect(parsed.options).toMatchObject({ max_context_len: 99, resume: false, model: 'starter', data: [] })
  expect(() => parseCommandLine(train, ['--algorithm', 'sft', ...words])).toThrow('--ppo_epochs is not a flag of train')
  expect(() => parseCommandLine(train, ['--algorithm', 'sarsa'])).toThrow('--algorithm takes one of sft, steptool-ppo, grpo, not "sarsa".')
})

const { context } = testContext()
test.each([
  [['--model', 'no/such/model'], 'There is no model folder no/such/model; a model is starter, a folder, or random:FOLDER.'],
  [['--config', 'nowhere.json'], 'There is no configuration file nowhere.json.'],
  [['--algorithm', 'sft', '--tokens_per_batch', '3'], 'tokens_per_batch: Too small'],
  [['--data', 'nowhere.csv'], 'There is no file nowhere.csv.'],
])('train %j fails in one sentence, before it opens a GPU', async (words, sentence) => {
  await expect(run(train, ['--model', `random:${tinyModelFolder()}`, ...words], context)).rejects.toThrow(sentence)
})
