/** Recipes in YAML as people write it, and YAML as other programs read it. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readRecipe } from '../../src/training/recipes/readRecipe'
import { completeRecipe } from '../../src/training/recipes/recipe'
import { parseYaml, yamlText } from '../../src/training/recipes/yaml'

describe('YAML as people write it', () => {
  // Comments, a document's mark, nested maps in both styles, lists in flow style, escapes, an anchor, and a document after the first.
  const grpoYaml = `# a trl command's file
---
model_name_or_path: "Qwen/Qwen2.5\\x2d0.5B"
torch_dtype: bfloat16   # a comment
dataset_name: 'someone''s/questions'
reward_funcs: [accuracy, "format"]
lora_target_modules: [q_proj, v_proj]
use_peft: true
num_generations: &n 8
per_device_train_batch_size: *n
learning_rate: 1.0e-06
lr_scheduler_type: cosine
max_steps: 40
gradient_checkpointing: true
gradient_checkpointing_kwargs:
  use_reentrant: false
model_init_kwargs: {attn_implementation: flash, trust: {remote: [no, 'y']}}
---
second: 1
`
  it('loads with every field a setting or listed', () => {
    const { recipe, ignored } = readRecipe('grpo.yaml', grpoYaml)
    expect(recipe).toMatchObject({
      algorithm: 'grpo',
      model: 'hf:Qwen/Qwen2.5-0.5B',
      config: { num_generations: 8, learning_rate: 1e-6, lr_scheduler_type: 'cosine', max_steps: 40, gradient_checkpointing: true },
    })
    expect(ignored.map(({ field }) => field).sort()).toEqual([
      'dataset_name',
      'documents after the first',
      'gradient_checkpointing_kwargs',
      'model_init_kwargs',
      'reward_funcs',
      'torch_dtype',
      'use_peft',
    ])
    expect(ignored.find(({ field }) => field === 'dataset_name')?.value).toBe("someone's/questions")
    expect(ignored.find(({ field }) => field === 'gradient_checkpointing_kwargs')?.value).toEqual({ use_reentrant: false })
    expect(completeRecipe('grpo.yaml', recipe).ignored).toEqual([])
  })

  it('aliases cannot make a small file huge, and no key reaches a prototype', () => {
    const bomb = [
      'a: &a [1, 1, 1, 1, 1, 1, 1, 1]',
      ...'bcdefgh'.split('').map((name, i) => {
        const above = `*${'abcdefg'[i] ?? ''}`
        return `${name}: &${name} [${Array.from({ length: 8 }, () => above).join(', ')}]`
      }),
    ].join('\n')
    expect(() => parseYaml('x.yaml', bomb)).toThrow(/^x\.yaml, line 2, column \d+: expected aliases that repeat at most 100 values/)
    const { fields } = parseYaml('x.yaml', 'a: {__proto__: {polluted: 1}}\nconstructor: 1')
    expect({}).not.toHaveProperty('polluted')
    expect(Object.keys(fields)).toEqual(['a', 'constructor'])
    const { recipe, ignored } = readRecipe('x.json', '{"GRPOConfig": {"__proto__": {"polluted": 1}, "constructor": 2}}')
    expect(recipe.config).not.toHaveProperty('polluted')
    expect(ignored.map(({ field }) => field)).toEqual(['GRPOConfig.__proto__', 'GRPOConfig.constructor'])
  })

  it('nesting without end is refused in a sentence', () => {
    expect(() => parseYaml('x.yaml', `a: ${'['.repeat(200_000)}`)).toThrow(/^x\.yaml, line 1, column \d+: expected /)
  })
})

it('YAML 1.1 reads the numbers, words and lists that are written', () => {
  expect(yamlText({ a: { lr: 1e-7, big: 1e21, small: 2.5e-9, whole: 3 }, b: [0.9, 'x'], c: null, d: 'no', e: true })).toBe(
    'a:\n  lr: 1.0e-7\n  big: 1.0e+21\n  small: 2.5e-9\n  whole: 3\nb: [0.9, "x"]\nc: null\nd: "no"\ne: true\n',
  )
})

const scalars = z
  .object({ scalars: z.array(z.tuple([z.string(), z.string(), z.string().nullable()])) })
  .parse(JSON.parse(readFileSync(new URL('../golden/yaml_scalars_golden.json', import.meta.url), 'utf8')))
  .scalars.map(([text, kind, value]) => ({ text, kind, value: value ?? '' }))

describe('a scalar of a recipe', () => {
  const expected = (kind: string, value: string): unknown => {
    if (kind === 'NoneType') return null
    if (kind === 'bool') return value === 'True'
    if (kind === 'int' || kind === 'float' || kind === 'number') return Number(value.replace('inf', 'Infinity').replace('nan', 'NaN'))
    return value
  }
  it.each(scalars)('has PyYAML’s value: $text', ({ text, kind, value }) => {
    const read = (): unknown => parseYaml('x.yaml', `a: ${text}`).fields['a']
    if (kind === 'error') expect(read).toThrow('x.yaml, line 1')
    // Dates stay as they are written.
    else expect(read()).toEqual(kind.startsWith('date') ? text : expected(kind, value))
  })

  it('that says yes trains an adapter', () => {
    const { ignored } = readRecipe('grpo.yaml', 'model_name_or_path: m\nnum_generations: 8\nuse_peft: yes\nlearning_rate: 1e-5\n')
    expect(ignored.find(({ field }) => field === 'use_peft')).toMatchObject({
      value: true,
      reason: 'This algorithm always trains an adapter.',
    })
  })
})
