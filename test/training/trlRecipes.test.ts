/** TRL's configurations read as recipes: what is written reads back, and every field becomes a setting or is listed. */
import { describe, expect, it } from 'vitest'
import { algorithms } from '../../src/training/algorithms'
import { exportRecipe, type RecipeExport } from '../../src/training/recipes/exportRecipe'
import { readRecipe } from '../../src/training/recipes/readRecipe'
import { completeRecipe, type AlgorithmName, type CompleteRecipe } from '../../src/training/recipes/recipe'

const toTrl = (recipe: CompleteRecipe): RecipeExport => exportRecipe(recipe, 'trl')

const complete = (algorithm: AlgorithmName, config: Readonly<Record<string, unknown>> = {}, more: object = {}): CompleteRecipe =>
  completeRecipe('r.json', readRecipe('r.json', JSON.stringify({ version: 1, algorithm, config, ...more })).recipe).recipe

describe('TRL’s configuration', () => {
  const read = (value: unknown, file = 'trl.json') => readRecipe(file, typeof value === 'string' ? value : JSON.stringify(value))

  it.each(Object.keys(algorithms) as AlgorithmName[])('%s: what toTrl writes reads back as the same recipe', (algorithm) => {
    let written: ReturnType<typeof toTrl>
    try {
      written = toTrl(complete(algorithm, {}, { seed: 4, model: 'hf:Qwen/Qwen2.5-0.5B' }))
    } catch {
      // No counterpart, no round trip: said by toTrl itself.
      return
    }
    const { recipe } = read(written)
    const back = completeRecipe('trl.json', recipe).recipe
    // RFT’s settings are SFTConfig’s there, and only the lists beside them say which it was.
    if (algorithm !== 'rft') expect(back.algorithm).toBe(algorithm)
    const own: Record<string, unknown> = complete(algorithm).config
    for (const [name, value] of Object.entries(back.config)) if (name in own) expect([name, value]).toEqual([name, own[name]])
    expect(back).toMatchObject({ seed: 4, model: 'hf:Qwen/Qwen2.5-0.5B' })
  })

  it('a trl command’s YAML becomes a recipe; fields of its own are listed with a reason', () => {
    const yaml = [
      'model_name_or_path: Qwen/Qwen2.5-0.5B-Instruct',
      'model_revision: abc',
      'dataset_name: trl-lib/tldr',
      'output_dir: out',
      'learning_rate: 1e-5',
      'num_generations: 4',
      'per_device_train_batch_size: 4',
      'gradient_accumulation_steps: 2',
      'steps_per_generation: 2',
      'max_steps: 10',
      'num_iterations: 1',
      'use_peft: true',
      'lora_target_modules: all-linear',
      'lora_dropout: 0.05',
      'temperature: 0.7',
      'use_vllm: true',
      'no_such_field: 1',
    ].join('\n')
    const { recipe, ignored, assumed } = read(yaml, 'grpo.yaml')
    expect(recipe).toMatchObject({ algorithm: 'grpo', model: 'hf:Qwen/Qwen2.5-0.5B-Instruct@abc' })
    // Two passes of 4 attempts make an update, and a batch: 10 updates are 10 batches of 8.
    expect(recipe.config).toMatchObject({
      learning_rate: 1e-5,
      num_generations: 4,
      generation_batch_size: 8,
      steps_per_generation: 1,
      max_steps: 10,
      lora_r: 16,
      lora_alpha: 32,
    })
    expect(recipe.config.lora_targets).toHaveLength(7)
    const reasons = Object.fromEntries(ignored.map(({ field, reason }) => [field, reason]))
    expect(Object.keys(reasons).sort()).toEqual(
      ['dataset_name', 'lora_dropout', 'no_such_field', 'output_dir', 'temperature', 'use_peft', 'use_vllm'].sort(),
    )
    expect(reasons.no_such_field).toBe('grpo has no such setting.')
    expect(reasons.temperature).toBe('Hone supports only 1.')
    expect(assumed.map(({ field }) => field)).toEqual(['max_completion_length', 'lora_r', 'lora_alpha'])
    expect(completeRecipe('grpo.yaml', recipe).recipe.config).toMatchObject({ generation_batch_size: 8 })
  })

  it('GRPO: a batch is TRL’s where the file names none, and follows from what it names', () => {
    const { recipe, assumed } = read({ GRPOConfig: { gradient_accumulation_steps: 4, num_generations: 4 } })
    // Four passes of eight attempts make one update.
    expect(recipe.config).toMatchObject({ generation_batch_size: 32, steps_per_generation: 1 })
    expect(assumed).toContainEqual({
      field: 'per_device_train_batch_size',
      value: 8,
      reason: 'This is TRL’s default, because the file does not set the field.',
    })
    // Sixteen attempts in passes of eight, each an update.
    expect(read({ GRPOConfig: { generation_batch_size: 16 } }).recipe.config).toMatchObject({
      generation_batch_size: 16,
      steps_per_generation: 2,
    })
    expect(read({ GRPOConfig: {} }).recipe.config).toMatchObject({ generation_batch_size: 8, steps_per_generation: 1 })
    expect(read({ GRPOConfig: { scale_rewards: false } }).recipe.config).toMatchObject({ scale_rewards: 'none' })
    expect(read({ GRPOConfig: { scale_rewards: true } }).recipe.config).toMatchObject({ scale_rewards: 'group' })
  })

  it('a warm-up told as a share is that share of the updates', () => {
    expect(read({ SFTConfig: { max_steps: 90, warmup_ratio: 0.04 } }).recipe.config).toMatchObject({ warmup_steps: 4 })
    expect(read({ DPOConfig: { max_steps: 90, warmup_steps: 0.1 } }).recipe.config).toMatchObject({ warmup_steps: 9 })
    // Updates, of which a batch makes two.
    const grpo = { max_steps: 40, num_iterations: 2, per_device_train_batch_size: 8, warmup_ratio: 0.1 }
    expect(read({ GRPOConfig: grpo }).recipe.config).toMatchObject({ max_steps: 20, warmup_steps: 4 })
    const { recipe, ignored } = read({ SFTConfig: { warmup_ratio: 0.1 } })
    expect(recipe.config.warmup_steps).toBe(0)
    expect(ignored.map(({ field }) => field)).toEqual(['SFTConfig.warmup_ratio'])
    expect(read({ SFTConfig: { warmup_steps: 7 } }).recipe.config).toMatchObject({ warmup_steps: 7 })
  })

  it('SFT: packing length, all weights, and TRL’s own defaults', () => {
    const { recipe, assumed } = read({ SFTConfig: { max_length: 512, packing: true }, ModelConfig: { use_peft: false } })
    expect(recipe).toMatchObject({ algorithm: 'sft', config: { tokens_per_batch: 512, trainable: 'all', learning_rate: 2e-5 } })
    expect(assumed.map(({ field }) => field)).toContain('lr_scheduler_type')
  })

  it('the last turn alone: TRL’s completion of a row, written and read', () => {
    const written = toTrl(complete('sft', { mask_history: true }))
    expect(written.config).toMatchObject({ SFTConfig: { assistant_only_loss: true, completion_only_loss: true } })
    expect(written.unmapped.map(({ field }) => field)).toContain('config.mask_history')
    expect(read(written).recipe.config).toMatchObject({ mask_history: true })
    expect(read({ SFTConfig: { completion_only_loss: true } }).recipe).toMatchObject({ algorithm: 'sft', config: { mask_history: true } })
    const { recipe, ignored } = read({ SFTConfig: { completion_only_loss: false } })
    expect(recipe.config).not.toHaveProperty('mask_history')
    expect(ignored.map(({ field }) => field)).toEqual(['SFTConfig.completion_only_loss'])
    expect(toTrl(complete('rft', { mask_history: false })).config).not.toHaveProperty('SFTConfig.completion_only_loss')
  })

  it('losses that add up, and epochs instead of steps, are told', () => {
    const { recipe, ignored } = read({ DPOConfig: { loss_type: ['sigmoid', 'sft'], max_steps: -1, beta: 0.2 } })
    expect(recipe.config).toMatchObject({ beta: 0.2 })
    expect(recipe.config).not.toHaveProperty('loss_type')
    expect(ignored.map(({ field }) => field)).toEqual(['DPOConfig.max_steps', 'loss_type'])
  })
})
