/** Recipes: every format in, every configuration out, and no field without a word about what became of it. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { algorithms } from '../../src/training/algorithms'
import { exportRecipe, type RecipeExport } from '../../src/training/recipes/exportRecipe'
import { readRecipe } from '../../src/training/recipes/readRecipe'
import { completeRecipe, recipeText, type AlgorithmName, type CompleteRecipe } from '../../src/training/recipes/recipe'
import { parseYaml } from '../../src/training/recipes/yaml'

const toTrl = (recipe: CompleteRecipe): RecipeExport => exportRecipe(recipe, 'trl')
const toVerl = (recipe: CompleteRecipe): RecipeExport => exportRecipe(recipe, 'verl')

const golden = (name: string): unknown => JSON.parse(readFileSync(new URL(`../golden/${name}`, import.meta.url), 'utf8'))
const { versions: _trl, ...trlFields } = z
  .looseObject({ versions: z.array(z.string()) })
  .catchall(z.record(z.string(), z.array(z.string())))
  .parse(golden('trl_fields.json'))
const verlFields = new Set(z.looseObject({ 'verl==0.9.1': z.array(z.string()) }).parse(golden('verl_fields.json'))['verl==0.9.1'])

const complete = (algorithm: AlgorithmName, config: Readonly<Record<string, unknown>> = {}, more: object = {}): CompleteRecipe =>
  completeRecipe('r.json', readRecipe('r.json', JSON.stringify({ version: 1, algorithm, config, ...more })).recipe).recipe

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Dotted names down to the first that the other program has. */
function namesOf(value: Readonly<Record<string, unknown>>, known: ReadonlySet<string>, prefix = ''): string[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const name = prefix === '' ? key : `${prefix}.${key}`
    return known.has(name) || !isMap(inner) ? [name] : namesOf(inner, known, name)
  })
}

/** A value for every choice a setting leaves, the others at their defaults. */
function variants(algorithm: AlgorithmName): Record<string, unknown>[] {
  const properties = z
    .record(z.string(), z.looseObject({ enum: z.array(z.unknown()).optional(), type: z.string().optional() }))
    .parse(z.toJSONSchema(algorithms[algorithm].config, { io: 'input' }).properties)
  return [
    {},
    ...Object.entries(properties).flatMap(([name, { enum: choices, type }]) =>
      (choices ?? (type === 'boolean' ? [true, false] : [])).map((value) => ({ [name]: value })),
    ),
  ]
}
const extremes: Readonly<Record<string, readonly Record<string, unknown>[]>> = {
  grpo: [
    { generation_batch_size: 12, num_generations: 4, steps_per_generation: 5, warmup_steps: 3, lr_scheduler_type: 'cosine' },
    { beta: 0.04, delta: 4, epsilon_high: 0.28, dynamic_sampling_rounds: 2, max_grad_norm: 0, adam_epsilon: 1e-6 },
    { loss_type: 'cispo', importance_sampling_level: 'sequence', epsilon_high: 5 },
  ],
  'steptool-ppo': [{ batch_size: 8, mini_batch_size: 3, max_grad_norm: 1, adam_beta2: 0.95, adap_kl_ctrl: false }],
  dpo: [{ loss_type: 'sigmoid', label_smoothing: 0.1 }],
  ppo: [{ batch_size: 8, mini_batch_size: 3, max_grad_norm: 1 }],
}
const models = [
  { model: 'hf:Qwen/Qwen2.5-0.5B@main', seed: 3, data: ['a.csv'], world_seed: 7 },
  { model: 'starter' },
  { model: 'some/folder' },
  { model: 'some/folder', init_adapter: 'some/adapter' },
]

const targets: readonly (readonly [string, AlgorithmName, (recipe: CompleteRecipe) => RecipeExport])[] = [
  ['TRL', 'sft', toTrl],
  ['TRL', 'grpo', toTrl],
  ['TRL', 'dpo', toTrl],
  ['TRL', 'steptool-ppo', toTrl],
  ['TRL', 'ppo', toTrl],
  ['TRL', 'rft', toTrl],
  ['verl', 'grpo', toVerl],
  ['verl', 'steptool-ppo', toVerl],
  ['verl', 'ppo', toVerl],
]

describe.each(targets)('to %s: %s', (_, algorithm, write) => {
  const recipes = [
    ...[...variants(algorithm), ...(extremes[algorithm] ?? [])].map((config) => complete(algorithm, config)),
    ...models.map((more) => complete(algorithm, {}, more)),
  ]

  it('every name is one the other program has', () => {
    const known = new Set([
      ...verlFields,
      ...['trl==1.16.0', 'trl==0.11.4'].flatMap((release) =>
        Object.entries(trlFields[release] ?? {}).flatMap(([name, fields]) => fields.map((field) => `${name}.${field}`)),
      ),
    ])
    const names = new Set(recipes.flatMap((recipe) => namesOf(write(recipe).config, known)))
    expect([...names].filter((name) => !known.has(name))).toEqual([])
    expect(names.size).toBeGreaterThan(14)
  })

  it('belongs to the release that has its classes', () => {
    const { requires, config } = write(complete(algorithm))
    if (requires.startsWith('trl')) expect(Object.keys(trlFields[requires] ?? {})).toEqual(expect.arrayContaining(Object.keys(config)))
    else expect(requires).toBe('verl==0.9.1')
  })

  it('a setting that reaches nothing is listed, with a reason', () => {
    for (const recipe of recipes) {
      const { unmapped, implied } = write(recipe)
      for (const { reason } of [...unmapped, ...implied]) expect(reason).toMatch(/^.{10,}\.$/)
      const listed = new Set([...unmapped, ...implied].map(({ field }) => field))
      expect(unheard(recipe, write, listed)).toEqual([])
      expect(listed.has('data') || recipe.data.length === 0).toBe(true)
      // That it is a copy it is held to, or that its loading takes a word more.
      expect(listed.has('init_adapter')).toBe(recipe.init_adapter !== null)
      expect(listed.has('world_seed')).toBe(recipe.world_seed !== undefined)
      expect(listed.has('model')).toBe(
        recipe.model === 'starter' || (recipe.model?.includes('@') === true && !('ModelConfig' in write(recipe).config)),
      )
    }
  })
})

/** Settings that are not listed though another value of theirs writes the same. */
function unheard(recipe: CompleteRecipe, write: (recipe: CompleteRecipe) => RecipeExport, listed: ReadonlySet<string>): string[] {
  const before = JSON.stringify(write(recipe))
  return Object.entries(recipe.config).flatMap(([name, value]) => {
    const config = { ...recipe.config, [name]: otherValue(value) }
    const isComparable = config[name] !== undefined && algorithms[recipe.algorithm].config.safeParse(config).success
    if (listed.has(`config.${name}`) || !isComparable) return []
    return JSON.stringify(write({ ...recipe, config })) === before ? [name] : []
  })
}

/** Another value of the same kind. */
function otherValue(value: unknown): unknown {
  if (typeof value === 'boolean') return !value
  if (typeof value === 'number') return value === 0 ? 1 : value < 1 ? value / 2 : value * 2
  if (Array.isArray(value)) return value.slice(1)
  return undefined
}

describe('values', () => {
  it('GRPO: TRL counts updates, and derives steps_per_generation', () => {
    const { config } = toTrl(complete('grpo', { max_steps: 10, generation_batch_size: 32, steps_per_generation: 4, num_iterations: 2 }))
    expect(config.GRPOConfig).toMatchObject({
      max_steps: 80,
      generation_batch_size: 32,
      per_device_train_batch_size: 8,
      gradient_accumulation_steps: 1,
      num_iterations: 2,
      epsilon_high: null,
    })
    expect(config.GRPOConfig).not.toHaveProperty('steps_per_generation')
  })

  it('GRPO: verl counts prompts, and bounds the ratio by clip_ratio_c', () => {
    const settings = { generation_batch_size: 32, num_generations: 8, steps_per_generation: 2, delta: 4, beta: 0.04, loss_type: 'dr_grpo' }
    expect(toVerl(complete('grpo', settings, { model: 'hf:a/b', steps: 7 })).config).toMatchObject({
      data: { train_batch_size: 4 },
      trainer: { total_training_steps: 7 },
      actor_rollout_ref: {
        model: { path: 'a/b', lora_rank: 8 },
        rollout: { n: 8 },
        actor: {
          ppo_mini_batch_size: 2,
          clip_ratio_c: 4,
          use_kl_loss: true,
          kl_loss_coef: 0.04,
          kl_loss_type: 'low_var_kl',
          loss_agg_mode: 'seq-mean-token-sum-norm',
          loss_scale_factor: 256,
        },
      },
    })
    // verl averages over an update: with more than one a batch that is bnpo, and dapo not quite.
    const listed = (loss_type: string): boolean =>
      toVerl(complete('grpo', { ...settings, loss_type })).unmapped.some(({ field }) => field === 'config.loss_type')
    expect(['dapo', 'bnpo', 'cispo'].map(listed)).toEqual([true, false, true])
    const k3 = complete('ppo', { kl_penalty: 'low_var_kl' })
    expect(toVerl(k3).config).toMatchObject({ algorithm: { kl_penalty: 'low_var_kl' } })
    expect(toTrl(k3).unmapped.map(({ field }) => field)).toContain('config.kl_penalty')
  })

  it('PPO: what goes to TRL’s classic classes reads back as the same settings', () => {
    const recipe = complete('steptool-ppo', { batch_size: 16, lora_r: 4, max_grad_norm: 0.5, kl_penalty: 'abs', lam: 0.9 }, { seed: 5 })
    const { PPOConfig, LoraConfig } = toTrl(recipe).config
    const back = readRecipe('StepTool_ppo.json', JSON.stringify({ ppo_kwargs: PPOConfig, peft_kwargs: LoraConfig }))
    expect(back.recipe.seed).toBe(5)
    expect(back.assumed.filter(({ reason }) => !reason.startsWith('This is Hone’s default'))).toEqual([])
    expect(back.ignored.map(({ field }) => field)).toEqual(['ppo_kwargs.steps', 'peft_kwargs.lora_dropout'])
    expect(recipe.config).toMatchObject(back.recipe.config)
    expect(Object.keys(back.recipe.config)).toHaveLength(20)
  })

  it('SFT: all weights have no adapter', () => {
    expect(toTrl(complete('sft', { trainable: 'all' })).config.ModelConfig).toEqual({ use_peft: false })
  })
})

describe('our own file', () => {
  it('reads back as it was written', () => {
    const recipe = complete(
      'grpo',
      { beta: 0.04 },
      { seed: 3, steps: 9, model: 'starter', data: ['starter'], world_seed: 7, made: { loss: 1 } },
    )
    expect(recipe).toMatchObject({ steps: null, config: { max_steps: 9 } })
    const back = readRecipe('r.json', recipeText(recipe))
    expect(back).toEqual({ recipe, ignored: [], assumed: [] })
    expect(completeRecipe('r.json', back.recipe)).toEqual({ recipe, ignored: [] })
  })

  it('lists fields it does not have, also among the settings', () => {
    const { recipe, ignored } = readRecipe('r.json', JSON.stringify({ version: 1, algorithm: 'sft', sed: 3, config: { gama: 1 } }))
    expect(ignored).toEqual([{ field: 'sed', value: 3, reason: 'A recipe has no such field.' }])
    expect(completeRecipe('r.json', recipe).ignored).toEqual([{ field: 'gama', value: 1, reason: 'sft has no such setting.' }])
  })

  it.each<[unknown, string]>([
    [{ version: 2, config: {} }, 'r.json, field version: expected 1, found 2.'],
    [{ version: 1, seed: 'x' }, 'r.json, field seed: expected number, found "x".'],
    [{ version: 1, seed: 1.5 }, 'r.json, field seed: expected int, found 1.5.'],
    [{ version: 1, data: ['a', 3] }, 'r.json, field data.1: expected string, found 3.'],
    [{ version: 1, config: [1] }, 'r.json, field config: expected record, found [1].'],
    [{ version: 1 }, `r.json, field algorithm: expected one of ${Object.keys(algorithms).join(', ')}, found nothing.`],
    [{ version: 1, algorithm: 'sarsa' }, `r.json, field algorithm: expected one of ${Object.keys(algorithms).join(', ')}, found "sarsa".`],
    [{ algorithm: 'sft', learning_rate: 'fast' }, 'r.json, field config.learning_rate: expected number, found "fast".'],
    [{ algorithm: 'sft', config: { trainable: 'some' } }, 'r.json, field config.trainable: expected one of "lora", "all", found "some".'],
    [{ algorithm: 'sft', config: {}, steps: 0 }, 'r.json, field steps: expected number to be >0, found 0.'],
    [[1], 'r.json: expected a JSON object, found a list.'],
  ])('%j is refused', (value, sentence) => {
    const read = (): unknown => completeRecipe('r.json', readRecipe('r.json', JSON.stringify(value)).recipe)
    expect(read).toThrow(new Error(sentence))
  })
})

describe('StepTool’s file', () => {
  const read = (ppo_kwargs: object, peft_kwargs: object = {}): ReturnType<typeof readRecipe> =>
    readRecipe('StepTool_ppo.json', JSON.stringify({ peft_kwargs, ppo_kwargs }))

  it('has TRL’s and peft’s defaults where it names nothing, and says so', () => {
    const { recipe, assumed } = read({})
    expect(completeRecipe('x', recipe).recipe.config).toMatchObject({
      batch_size: 128,
      gamma: 1,
      lora_alpha: 8,
      lora_targets: ['q_proj', 'v_proj'],
    })
    expect(assumed).toHaveLength(13)
    const ours = assumed.filter(({ reason }) => reason.startsWith('This is Hone’s default'))
    expect(Object.fromEntries(ours.map(({ field, value }) => [field, value]))).toEqual({
      ...{ step_reward_weighting: 'paper', gae_mask_mode: 'skip', reward_dtype: 'float32', value_head_init: 'zero' },
    })
    expect(completeRecipe('x', recipe).recipe.config).toMatchObject(Object.fromEntries(ours.map(({ field, value }) => [field, value])))
    expect(assumed).toContainEqual({
      field: 'ppo_kwargs.gamma',
      value: 1,
      reason: 'This is TRL’s default, because the file does not set the field.',
    })
  })

  it('every field of TRL’s PPOConfig becomes a setting or is listed with its own reason', () => {
    const fields = trlFields['trl==0.11.4']?.PPOConfig ?? []
    expect(fields).toHaveLength(49)
    const { recipe, ignored } = read(Object.fromEntries(fields.map((field) => [field, valueFor(field)])))
    const listed = new Map(ignored.map(({ field, reason }) => [field.replace('ppo_kwargs.', ''), reason]))
    expect(fields.filter((field) => field !== 'seed' && !(field in recipe.config) && !listed.has(field))).toEqual([])
    expect([...listed.values()].filter((reason) => reason.includes('does not know'))).toEqual([])
  })

  it.each<[object, object, string]>([
    [
      { learning_rate: 'fast' },
      {},
      'StepTool_ppo.json, column ppo_kwargs.learning_rate: expected number, found "\\"fast\\"". This field was left out.',
    ],
    [{ seed: -1 }, {}, 'StepTool_ppo.json, field seed: expected number to be >=0, found -1.'],
  ])('%j %j is refused', (ppo, peft, sentence) => {
    expect(() => read(ppo, peft)).toThrow(new Error(sentence))
  })

  it('what only TRL can do is refused when the recipe is completed', () => {
    expect(() => completeRecipe('x', read({ kl_penalty: 'full' }).recipe)).toThrow(
      new Error('x, field config.kl_penalty: expected one of "kl", "abs", "mse", "low_var_kl", found "full".'),
    )
    expect(() => completeRecipe('x', read({}, { target_modules: ['c_attn'] }).recipe)).toThrow(
      /^x, field config\.lora_targets\.0: expected one of "q_proj", /,
    )
    expect(completeRecipe('x', read({}, { target_modules: 'all-linear' }).recipe).recipe.config.lora_targets).toHaveLength(7)
  })
})

function valueFor(field: string): unknown {
  if (field === 'kl_penalty') return 'kl'
  return /^(adap_kl_ctrl|whiten_rewards|early_stopping)$/.test(field) ? true : 1
}

const archerText = `defaults:
  - default
  - _self_

# model
policy_lm: 'org/model'   # a comment
agent_type: "archer_toolllama"
checkpoint_path: null
iterations: 100 #total number of iterations
batch_size: 4
critic_lr: 1e-5
lm_lr: 2e-6
use_lora: True
project_name: 'it''s'
surprise: a b`

describe('ArCHer’s YAML', () => {
  it('becomes a recipe for an algorithm, with every other field listed', () => {
    const { recipe, ignored, assumed } = readRecipe('archer_config.yaml', archerText)
    expect(recipe).toMatchObject({
      algorithm: 'archer',
      model: 'org/model',
      config: { max_steps: 100, batch_size: 4, critic_lr: 1e-5, learning_rate: 2e-6, fresh_actions: 'every_draw' },
    })
    expect(ignored.map(({ field, value }) => [field, value])).toEqual([
      ['defaults', ['default', '_self_']],
      ['agent_type', 'archer_toolllama'],
      ['checkpoint_path', null],
      ['use_lora', true],
      ['project_name', 'it’s'.replace('’', "'")],
      ['surprise', 'a b'],
    ])
    expect(ignored.at(-1)?.reason).toBe('Hone does not know this field.')
    expect(assumed.map(({ field, value }) => [field, value])).toEqual([
      ['fresh_actions', 'every_draw'],
      ['accumulation_reduction', 'sum'],
    ])
    expect(readRecipe('r.json', recipeText(recipe)).recipe).toEqual(recipe)
  })

  it.each([
    ['a: 1\n  b: 2', 'x.yaml, line 1, column 4: expected valid YAML (Nested mappings are not allowed in compact mappings), found "a: 1".'],
    ['lm_lr: 1\nlm_lr: 2', 'x.yaml, line 2, column 1: expected every key of a map once, found "lm_lr: 2".'],
    ['- 1', 'x.yaml, line 1, column 1: expected a map of fields (key: value), found "- 1".'],
    ['lm_lr: "open', 'x.yaml, line 1, column 13: expected valid YAML (Missing closing "quote), found "lm_lr: \\"open".'],
    [
      'lm_lr: [1, 2',
      'x.yaml, line 1, column 13: expected valid YAML (Flow sequence in block collection must be sufficiently indented and end with a ]), found "lm_lr: [1, 2".',
    ],
    ['lm_lr: *gone', 'x.yaml, line 1, column 8: expected an alias of an anchor above it, found "lm_lr: *gone".'],
    ['__proto__: {a: 1}', 'x.yaml, line 1, column 1: expected the name of a field, found __proto__.'],
    ['name: gpt2', 'x.yaml: expected ArCHer’s settings (lm_lr, critic_lr, …), found name.'],
    ['lm_lr: 1\niterations: none\npolicy_lm: 3', 'x.yaml, field model: expected string, found 3.'],
  ])('%j is refused', (text, sentence) => {
    expect(() => readRecipe('x.yaml', text)).toThrow(new Error(sentence))
  })

  it('reads scalars as OmegaConf does', () => {
    expect(parseYaml('x', "a: -1.5\nb: .5\nc: 1E+3\nd: ~\ne:\nf: 'no # comment'\ng: 1.2.3\nh: false # no\ni: ''").fields).toEqual({
      ...{ a: -1.5, b: 0.5, c: 1000, d: null, e: null, f: 'no # comment', g: '1.2.3', h: false, i: '' },
    })
  })
})
