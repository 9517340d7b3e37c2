"""Tiny random Llama and Qwen3 models, and RoPE scalings, with the same golden values as tiny_qwen2.py makes.

Usage: python test/golden/tiny_decoders.py          (torch 2.13 CPU, transformers 5.23, peft 0.21, f32, one thread)

Writes NAME/, NAME_lora.safetensors, NAME_golden.json, NAME_grads.safetensors for each variant below, and rope_golden.json: frequencies
and attention factors of every scaling at sizes of real models.
"""

import json
import os

import torch
from tiny_qwen2 import HERE, build, fill
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

SHAPE = dict(
    vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=128,
    attention_dropout=0.0, bos_token_id=None, eos_token_id=0, pad_token_id=None,
)
LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)
LINEAR = dict(rope_type="linear", rope_theta=10000.0, factor=2.0)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=32)
PLAIN = dict(rope_type="default", rope_theta=10000.0)


def make(kind, config, seed):
    return fill(kind._from_config(config, attn_implementation="eager", dtype=torch.float32), seed)


def variants():
    # Llama 3.2: grouped heads, tied, llama3 scaling.
    config = LlamaConfig(**SHAPE, num_key_value_heads=2, rms_norm_eps=1e-5, tie_word_embeddings=True, rope_parameters=LLAMA3)
    yield "tiny_llama3", make(LlamaForCausalLM, config, 14), 14
    # Llama 2 as published: no scaling, no biases.
    config = LlamaConfig(**SHAPE, num_key_value_heads=4, rms_norm_eps=1e-5, tie_word_embeddings=False, rope_parameters=PLAIN)
    yield "tiny_llama", make(LlamaForCausalLM, config, 29), 29
    # Llama 2 with linear scaling, and every bias a fine-tune may have.
    config = LlamaConfig(**SHAPE, num_key_value_heads=4, rms_norm_eps=1e-5, tie_word_embeddings=False, attention_bias=True, mlp_bias=True,
                         rope_parameters=LINEAR)
    yield "tiny_llama_bias", make(LlamaForCausalLM, config, 17), 17
    # Qwen3: heads wider than hidden / heads, normalised by head.
    config = Qwen3Config(**SHAPE, num_key_value_heads=2, head_dim=16, rms_norm_eps=1e-6, tie_word_embeddings=True, use_sliding_window=False,
                         rope_parameters=PLAIN)
    yield "tiny_qwen3", make(Qwen3ForCausalLM, config, 19), 19
    config = Qwen2Config(**SHAPE, num_key_value_heads=2, rms_norm_eps=1e-6, tie_word_embeddings=True, use_sliding_window=False,
                         rope_parameters=YARN)
    yield "tiny_qwen2_yarn", make(Qwen2ForCausalLM, config, 23), 23


def rope_golden():
    rows = []
    for name, parameters, most in [
        ("llama-3.1", dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                           original_max_position_embeddings=8192), 131072),
        ("llama-3.2", dict(rope_type="llama3", rope_theta=500000.0, factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
                           original_max_position_embeddings=8192), 131072),
        ("linear", dict(rope_type="linear", rope_theta=10000.0, factor=2.0), 4096),
        ("qwen2.5-yarn", dict(rope_type="yarn", rope_theta=1000000.0, factor=4.0, original_max_position_embeddings=32768), 131072),
        ("yarn-mscale", dict(rope_type="yarn", rope_theta=10000.0, factor=40.0, original_max_position_embeddings=4096, mscale=1.0,
                             mscale_all_dim=0.707, beta_fast=32, beta_slow=1), 163840),
    ]:
        config = LlamaConfig(hidden_size=4096, num_attention_heads=32, max_position_embeddings=most, rope_parameters=parameters)
        inverse, factor = ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config, device="cpu")
        rows.append(dict(name=name, max_position_embeddings=most, head_dim=128, parameters=parameters, attention_factor=float(factor),
                         inverse=[float(x) for x in inverse]))
    with open(os.path.join(HERE, "rope_golden.json"), "w") as f:
        json.dump(rows, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    rope_golden()
    for name, model, seed in variants():
        build(name, model, seed)
