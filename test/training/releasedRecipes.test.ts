/** StepTool's released configuration files as recipes, where ../shared has them. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { exportRecipe, type RecipeExport } from '../../src/training/recipes/exportRecipe'
import { readRecipe } from '../../src/training/recipes/readRecipe'

const toTrl = (recipe: CompleteRecipe): RecipeExport => exportRecipe(recipe, 'trl')
import { parseYaml } from '../../src/training/recipes/yaml'
import { completeRecipe, type CompleteRecipe } from '../../src/training/recipes/recipe'

const shared = new URL('../../../shared/data/steptool/config/', import.meta.url)
const present = existsSync(shared)

describe.skipIf(!present)(`StepTool’s own files${present ? '' : ' (skipped: ../shared/data/steptool/config is not there)'}`, () => {
  const open = (path: string): ReturnType<typeof readRecipe> =>
    readRecipe(path.split('/').at(-1) ?? '', readFileSync(new URL(path, shared), 'utf8'))

  it.each<[string, object, string[]]>([
    ['toolllama', { lora_r: 16, lora_targets: ['q_proj', 'v_proj'] }, ['peft_kwargs.target_modules']],
    ['qwen2', { lora_r: 8, lora_alpha: 16 }, []],
    ['llama3-1', { lora_r: 8, lora_targets: ['q_proj', 'v_proj'] }, ['peft_kwargs.target_modules']],
  ])('%s/StepTool_ppo.json', (name, lora, unsaid) => {
    const { recipe, ignored, assumed } = open(`${name}/StepTool_ppo.json`)
    const whole = completeRecipe('x', recipe)
    expect(whole.ignored).toEqual([])
    expect(whole.recipe.seed).toBe(name === 'toolllama' ? 2024 : null)
    expect(whole.recipe.config).toMatchObject({
      ...lora,
      init_kl_coef: 0.3,
      gamma: 0.99,
      batch_size: 8,
      mini_batch_size: 2,
      horizon: 10_000,
    })
    const departures = ['step_reward_weighting', 'gae_mask_mode', 'reward_dtype', 'value_head_init']
    expect(assumed.map(({ field }) => field)).toEqual([...unsaid, ...departures])
    expect(ignored.map(({ field }) => field)).toEqual(['ppo_kwargs.log_with', 'ppo_kwargs.remove_unused_columns', 'ppo_kwargs.target_kl'])
    expect(toTrl(whole.recipe).config.PPOConfig).toMatchObject({ batch_size: 8, init_kl_coef: 0.3, target: 6, gamma: 0.99 })
  })

  it.each(['archer_config.yaml', 'default.yaml'])('archer/%s', (name) => {
    const { recipe, ignored, assumed } = open(`archer/${name}`)
    const fields = Object.keys(parseYaml(name, readFileSync(new URL(`archer/${name}`, shared), 'utf8')).fields)
    const placed = Object.keys(recipe.config).length - assumed.length + (recipe.model === null ? 0 : 1) + recipe.data.length
    expect(placed + ignored.length).toBe(fields.length)
    expect(ignored.filter(({ reason }) => reason.includes('does not know'))).toEqual([])
    expect(recipe).toMatchObject({ algorithm: 'archer', config: { critic_lr: 1e-5, gamma: 0.95, tau: 0.1, temperature: 1 } })
    const whole = completeRecipe('x', recipe)
    expect(whole.ignored).toEqual([])
    expect(whole.recipe.config).toMatchObject({ capacity: 100_000, lora_r: 8 })
  })
})

if (!present)
  it('says that ../shared/data/steptool/config is not there', ({ skip }) => {
    skip('StepTool’s files were not found; only our own fixtures were read.')
  })
