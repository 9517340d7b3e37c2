/** StepTool_ppo.json: the LoRA arguments and the PPO arguments of a run, under peft's and TRL 0.10's names. */
import { excerpt } from '../../base/excerpt'
import { z } from 'zod'
import type { Problem } from '../../records/dataset'
import { readJsonRow } from '../jsonRow'
import { expectedBySchema, problemOf } from '../problem'
import type { DatasetFormat, FormatItem, FormatSource, ImportedSettings } from './format'

const count = z.int().positive()
const positive = z.number().positive()

/** peft's LoraConfig, as far as training here follows it. */
const peftFields = {
  r: count,
  lora_alpha: positive,
  lora_dropout: z.number().min(0).max(1),
  bias: z.literal('none'),
  target_modules: z.union([z.array(z.string()), z.string()]),
  task_type: z.literal('CAUSAL_LM'),
} satisfies Readonly<Record<string, z.ZodType>>

/** TRL 0.10's PPOConfig, as far as training here follows it. */
const ppoFields = {
  seed: z.int(),
  learning_rate: positive,
  batch_size: count,
  mini_batch_size: count,
  gradient_accumulation_steps: count,
  ppo_epochs: count,
  kl_penalty: z.enum(['kl', 'abs', 'mse', 'full']),
  adap_kl_ctrl: z.boolean(),
  init_kl_coef: z.number().nonnegative(),
  target: positive,
  horizon: positive,
  gamma: z.number().min(0).max(1),
  lam: z.number().min(0).max(1),
  cliprange: positive,
  cliprange_value: positive,
  vf_coef: z.number().nonnegative(),
  max_grad_norm: positive.nullable(),
  ratio_threshold: positive,
  whiten_rewards: z.boolean(),
  early_stopping: z.boolean(),
  target_kl: positive,
} satisfies Readonly<Record<string, z.ZodType>>

/** The rest of TRL 0.10's PPOConfig (the same in 0.11.4). */
const NO_EFFECT: Readonly<Record<string, string>> = {
  exp_name: 'Hone names runs itself.',
  task_name: 'Hone stores metrics itself.',
  log_with: 'Hone stores metrics itself. A run’s page and hone export --to wandb can send them to Weights & Biases.',
  tracker_project_name: 'Hone stores metrics itself.',
  tracker_kwargs: 'Hone stores metrics itself.',
  project_kwargs: 'Hone stores metrics itself.',
  push_to_hub_if_best_kwargs: 'Nothing is uploaded.',
  query_dataset: 'TRL only reports it.',
  reward_model: 'TRL only reports it.',
  remove_unused_columns: 'It steers a data loader Hone does not have.',
  dataset_num_proc: 'It steers a data loader Hone does not have.',
  accelerator_kwargs: 'There is one device.',
  world_size: 'There is one device.',
  global_batch_size: 'There is one device.',
  global_backward_batch_size: 'There is one device.',
  backward_batch_size: 'TRL computes it: mini_batch_size · gradient_accumulation_steps.',
  model_name: 'The model is chosen on its own.',
  is_encoder_decoder: 'The model is chosen on its own.',
  is_peft_model: 'An adapter is always trained.',
  optimize_device_cache: 'Buffers are planned before training.',
  optimize_cuda_cache: 'Buffers are planned before training.',
  gradient_checkpointing: 'Buffers are planned before training.',
  steps: 'TRL’s trainer never stops at it: a run’s length is max_steps.',
  compare_steps: 'TRL never reads it.',
  forward_batch_size: 'It is TRL’s old name of mini_batch_size: use that.',
  use_score_scaling: 'Rewards are taken as they are.',
  use_score_norm: 'Rewards are taken as they are.',
  score_clip: 'Rewards are taken as they are.',
}

export const steptoolConfig: DatasetFormat = {
  name: 'steptoolConfig',
  title: 'StepTool training configuration (StepTool_ppo.json)',
  recognise(name, head) {
    if (!head.trimStart().startsWith('{')) return 0
    if (/"(?:peft_kwargs|ppo_kwargs)"\s*:/.test(head)) return 1
    return /ppo.*\.json$/i.test(name) ? 0.3 : 0
  },
  async *read({ name: file, text }: FormatSource): AsyncGenerator<FormatItem> {
    let whole = ''
    for await (const chunk of text) whole += chunk
    const { settings, wrong } = readSteptoolConfig(file, whole)
    for (const problem of wrong) yield { kind: 'problem', rejects: true, problem }
    if (settings === null) return
    yield { kind: 'settings', settings }
    for (const { field, value, reason } of settings.ignored)
      yield {
        kind: 'problem',
        rejects: false,
        problem: problemOf({
          file,
          column: field,
          expected: 'a field that training uses',
          found: excerpt(JSON.stringify(value)),
          outcome: `It changes nothing here: ${reason}`,
        }),
      }
  },
}

/** What the file says; `settings` is null when nothing could be read. Fields with a value that cannot be meant are in `wrong` alone. */
export function readSteptoolConfig(file: string, text: string): { settings: ImportedSettings | null; wrong: readonly Problem[] } {
  const reject = (expected: string, found: string, column: string | null = null): Problem =>
    problemOf({ file, column, expected, found, outcome: column === null ? 'Nothing was imported.' : 'This field was left out.' })
  const json = readJsonRow(text, 'JSON')
  if (json.expected !== undefined) return { settings: null, wrong: [reject(json.expected, json.found)] }
  const parsed = json.value
  const shape = z
    .object({ peft_kwargs: z.record(z.string(), z.unknown()).default({}), ppo_kwargs: z.record(z.string(), z.unknown()).default({}) })
    .loose()
    .safeParse(parsed)
  if (!shape.success) return { settings: null, wrong: [reject('an object with peft_kwargs and ppo_kwargs', excerpt(text))] }
  const { peft_kwargs, ppo_kwargs, ...rest } = shape.data
  const peft = readFields('peft_kwargs', peft_kwargs, peftFields)
  const ppo = readFields('ppo_kwargs', ppo_kwargs, ppoFields)
  const unknown = Object.entries(rest).map(([field, value]) => ({ field, value, reason: 'Hone does not know this section.' }))
  return {
    settings: { peft: peft.known, ppo: ppo.known, ignored: [...peft.ignored, ...ppo.ignored, ...unknown] },
    wrong: [...peft.wrong, ...ppo.wrong].map(({ expected, found, field }) => reject(expected, found, field)),
  }
}

interface ReadFields {
  readonly known: Record<string, unknown>
  readonly ignored: { field: string; value: unknown; reason: string }[]
  readonly wrong: { field: string; expected: string; found: string }[]
}

function readFields(section: string, values: Readonly<Record<string, unknown>>, fields: Readonly<Record<string, z.ZodType>>): ReadFields {
  const result: ReadFields = { known: {}, ignored: [], wrong: [] }
  for (const [name, value] of Object.entries(values)) {
    const field = `${section}.${name}`
    const schema = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (!schema) {
      result.ignored.push({
        field,
        value,
        reason: (Object.hasOwn(NO_EFFECT, name) ? NO_EFFECT[name] : undefined) ?? 'Hone does not know this field.',
      })
      continue
    }
    const read = schema.safeParse(value)
    if (read.success) result.known[name] = read.data
    else
      result.wrong.push({
        field,
        expected: expectedBySchema(read.error.issues[0]?.message) ?? 'another value',
        found: excerpt(JSON.stringify(value)),
      })
  }
  // In TRL 0.10 target_kl is looked at only with early_stopping, which is off unless set.
  if ('target_kl' in result.known && result.known['early_stopping'] !== true)
    result.ignored.push({
      field: `${section}.target_kl`,
      value: result.known['target_kl'],
      reason: 'TRL reads it only with early_stopping, which is off.',
    })
  return result
}
