/** What goes into the starter model's tokenizer files. The trainer of merges is handed in: environments know no models. */
import { createRng } from '../../base/random'
import { firstSyllables, laterSyllables } from './names'
import { expertTranscript } from './expert'
import type { StarterWorld } from './world'

export const specialTokens = ['<|pad|>', '<|end|>', '<|system|>', '<|user|>', '<|assistant|>', '<|tool|>'] as const

/**
 * Pieces that merges may not cross. Words and names stand alone, without the space before them, so that a word has the same
 * ids in a query, in a tool's name and in quotes; `_of(` and `'s ` are one piece; digits are single.
 */
const tokenPattern = "'s ?|_[a-z]+\\(?|[A-Z][a-z]*|[a-z]+|[0-9]| +|[^A-Za-z0-9 _]+|_+"

const chatTemplate =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}" +
  "{{ '<|end|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"

/** A multiple of 16 keeps GPU rows aligned. */
const MAX_VOCABULARY = 528

interface TrainerOptions {
  readonly vocabSize: number
  readonly pattern: string
  readonly specials: readonly string[]
  readonly atoms: readonly string[]
}

export function starterTokenizer<T>(world: StarterWorld, train: (texts: Iterable<string>, options: TrainerOptions) => T): T {
  return train(tokenizerTexts(world), {
    vocabSize: MAX_VOCABULARY,
    pattern: tokenPattern,
    specials: specialTokens,
    atoms: [...firstSyllables, ...laterSyllables],
  })
}

/** Every train query worked through, and every tool's name, so that the words of unseen tools are whole too. */
function* tokenizerTexts(world: StarterWorld): Generator<string> {
  for (const wrongRate of [0, 1]) {
    for (const query of world.queries('train')) {
      for (const message of expertTranscript(world, query, createRng(world.seed), { wrongRate }).messages) yield message.content
    }
  }
  for (let repeat = 0; repeat < 20; repeat++) {
    for (const tool of world.tools) yield `${tool.name}(${tool.parameters.map((parameter) => parameter.name).join(',')})\n`
  }
}

export function starterTokenizerConfig(maxPositions: number): Record<string, unknown> {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
    add_bos_token: false,
    bos_token: null,
    eos_token: '<|end|>',
    pad_token: '<|pad|>',
    unk_token: null,
    model_max_length: maxPositions,
    additional_special_tokens: specialTokens.filter((token) => token !== '<|pad|>' && token !== '<|end|>'),
    chat_template: chatTemplate,
  }
}

/** Qwen2 at about one million parameters. */
export function starterModelConfig(vocabSize: number): Record<string, unknown> {
  return {
    architectures: ['Qwen2ForCausalLM'],
    attention_dropout: 0,
    bos_token_id: null,
    eos_token_id: 1,
    pad_token_id: 0,
    hidden_act: 'silu',
    hidden_size: 128,
    initializer_range: 0.02,
    intermediate_size: 384,
    max_position_embeddings: 8192,
    max_window_layers: 4,
    model_type: 'qwen2',
    num_attention_heads: 4,
    num_hidden_layers: 4,
    num_key_value_heads: 2,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    sliding_window: null,
    tie_word_embeddings: true,
    torch_dtype: 'float16',
    use_cache: true,
    use_sliding_window: false,
    vocab_size: vocabSize,
  }
}

export function starterGenerationConfig(): Record<string, unknown> {
  return { do_sample: false, eos_token_id: 1, pad_token_id: 0, max_new_tokens: 48 }
}
