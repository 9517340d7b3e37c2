/**
 * Which keys of config.json are allowed. A key that is not used may change what the model computes, so every key is read, known to change
 * nothing, or refused by name. transformers' configuration classes keep keys they do not know and its models of these architectures ignore
 * them; other architectures compute with many of them (`logits_scaling`, `clip_qkv`, `residual_multiplier` …), and so do repositories with code
 * of their own, which means that weights beside such a key may have been trained for another model.
 */
import { excerpt } from '../../base/excerpt'
import type { JsonObject } from '../weights/byteSource'
import { configFileSchema } from './modelConfig'

/** Fields of transformers' base class and of its older versions, and names that trainers and exporters write: none is read by a forward pass. */
const WITHOUT_EFFECT = [
  ...['transformers_version', 'name_or_path', 'auto_map', 'tokenizer_class', 'processor_class', 'initializer_range', 'use_cache'],
  ...['output_hidden_states', 'output_attentions', 'return_dict', 'return_dict_in_generate', 'output_scores', 'chunk_size_feed_forward'],
  ...[
    'id2label',
    'label2id',
    'num_labels',
    'problem_type',
    'task_specific_params',
    'finetuning_task',
    'prefix',
    'torchscript',
    'is_decoder',
  ],
  ...['use_bfloat16', 'tf_legacy_loss', 'tie_encoder_decoder', 'cross_attention_hidden_size', 'sep_token_id', 'decoder_start_token_id'],
  ...['keys_to_ignore_at_inference', 'attn_implementation', 'experts_implementation', 'pretraining_tp', 'tie_last_hidden_states'],
  ...['use_flash_attn', 'use_flash_attention', 'use_flash_attention_2', 'model_max_length', 'tokenizer_model_max_length'],
  ...['max_sequence_length', 'max_seq_len', 'unsloth_fixed', 'unsloth_version', 'is_llama_config', 'transformers.js_config'],
  ...['gradient_checkpointing', 'base_model_tp_plan', 'base_model_pp_plan', 'license', 'model_name', 'bos_token', 'eos_token', 'pad_token'],
  ...['unk_token_id', 'mask_token_id', 'image_token_id', 'chat_template', 'trust_remote_code'],
  // Parameters of generation, which transformers drops from config.json.
  ...['max_length', 'min_length', 'max_new_tokens', 'min_new_tokens', 'do_sample', 'early_stopping', 'num_beams', 'num_beam_groups'],
  ...['diversity_penalty', 'temperature', 'top_k', 'top_p', 'min_p', 'typical_p', 'epsilon_cutoff', 'eta_cutoff', 'repetition_penalty'],
  ...['length_penalty', 'no_repeat_ngram_size', 'encoder_no_repeat_ngram_size', 'encoder_repetition_penalty', 'bad_words_ids'],
  ...['num_return_sequences', 'forced_bos_token_id', 'forced_eos_token_id', 'remove_invalid_values', 'suppress_tokens'],
  ...['begin_suppress_tokens', 'exponential_decay_length_penalty', 'assistant_confidence_threshold', 'assistant_lookbehind'],
  ...['num_assistant_tokens', 'num_assistant_tokens_schedule', 'target_lookbehind'],
]

/** Keys by which transformers changes these models, with the one value at which nothing changes. */
const ONLY: Readonly<Record<string, unknown>> = { is_causal: true, is_encoder_decoder: false }

const KNOWN: ReadonlySet<string> = new Set([...Object.keys(configFileSchema.shape), ...WITHOUT_EFFECT])

/** A sentence for the first key that may change the model and is not used; null when there is none. */
export function unusedKey(json: JsonObject, architecture: string): string | null {
  for (const [key, value] of Object.entries(json)) {
    if (Object.hasOwn(ONLY, key)) {
      if (value !== ONLY[key]) return `${key} ${shown(value)} is not supported; expected ${shown(ONLY[key])}`
    } else if (!KNOWN.has(key) && !key.startsWith('_') && !saysNothing(key, value))
      return `the key ${shown(key)} (${shown(value)}) is not one that Hone knows of ${architecture} models, and the model may compute something else by it; remove it from config.json if it changes nothing`
  }
  return null
}

/** What switches nothing on: an empty value, a share of 0 that is dropped or a bound of 0, a factor of 1. */
function saysNothing(key: string, value: unknown): boolean {
  if (value === null || value === false || value === '') return true
  if (typeof value === 'object') return Object.keys(value).length === 0
  if (/drop|capping|softcap/.test(key)) return value === 0
  return /(?:scale|scaling|multiplier|factor)$/.test(key) && value === 1
}

const MOST_SHOWN = 60

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return 'a value nested too deep'
  }
}

function shown(value: unknown): string {
  if (typeof value === 'string') return excerpt(value, MOST_SHOWN)
  const text = jsonOf(value)
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text
}
