"""A tiny Qwen2 whose frozen matrices are stored as bf16, f16, int8 or int4, with the golden values tiny_qwen2.py makes.

Usage: python test/golden/tiny_packed.py          (torch 2.13 CPU, transformers 5.23, peft 0.21, f32, one thread)

Writes tiny_packed/ (the weights as they were), tiny_packed_lora.safetensors, and for each format tiny_packed_FORMAT_golden.json and
tiny_packed_FORMAT_grads.safetensors: what transformers and peft compute from the values that the stored weights stand for.
"""

import os
import shutil

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tiny_qwen2 import HERE, build, fill
from transformers import Qwen2Config, Qwen2ForCausalLM

SEED = 31
GROUP = 32
CONFIG = dict(
    vocab_size=96, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=128, rms_norm_eps=1e-6, rope_theta=10000.0, tie_word_embeddings=False, use_sliding_window=False,
    attention_dropout=0.0, bos_token_id=None, eos_token_id=0, pad_token_id=None,
)


def make():
    model = fill(Qwen2ForCausalLM._from_config(Qwen2Config(**CONFIG), attn_implementation="eager", dtype=torch.float32), SEED)
    # Wider than tiny_qwen2, so smaller weights: ten steps of AdamW must not amplify rounding.
    with torch.no_grad():
        for p in model.parameters():
            if p.ndim == 2:
                p.mul_(0.3)
    # No code may hang on the last bit of a division: weights close to the middle between two codes are moved away.
    with torch.no_grad():
        for p in model.parameters():
            while p.ndim == 2 and (near := torch.from_numpy(close(p, 127) | close(p, 7)).reshape(p.shape)).any():
                p.copy_(torch.where(near, p * 1.01, p))
    return model


def in_scales(weight, top):
    """Weights as multiples of the scale of their group of 32 along the row, max |w| / top rounded to f16; and the scales."""
    groups = weight.detach().double().numpy().reshape(-1, GROUP)
    scale = np.maximum(np.abs(groups).max(axis=1, keepdims=True) / top, 2.0**-14).astype(np.float16).astype(np.float64)
    return groups / scale, scale


def close(weight, top):
    exact, _ = in_scales(weight, top)
    return np.abs(np.abs(exact - np.floor(exact)) - 0.5) < 1e-4


def integers(weight, top):
    exact, scale = in_scales(weight, top)
    codes = np.clip(np.rint(exact), -top, top)
    return torch.from_numpy((codes * scale).reshape(weight.shape)).float()


def stored(name, weight, format):
    if weight.ndim != 2:
        return weight
    if format == "bf16":
        return weight.bfloat16().float()
    if format == "f16":
        return weight.half().float()
    # Embedding and head take 8 bits when the rest takes 4.
    return integers(weight, 127 if format == "int8" or "embed_tokens" in name or "lm_head" in name else 7)


def keep_adapter_only(name):
    path = os.path.join(HERE, name + "_grads.safetensors")
    save_file({k: v for k, v in load_file(path).items() if not k.startswith("base_grad.")}, path, {"format": "pt"})


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for format in ["bf16", "f16", "int8", "int4"]:
        model = make()
        with torch.no_grad():
            for key, p in model.named_parameters():
                p.copy_(stored(key, p.detach().clone(), format))
        name = "tiny_packed_" + format
        build(name, model, SEED)
        keep_adapter_only(name)
        shutil.rmtree(os.path.join(HERE, name))
        os.replace(os.path.join(HERE, name + "_lora.safetensors"), os.path.join(HERE, "tiny_packed_lora.safetensors"))
    original = make()
    folder = os.path.join(HERE, "tiny_packed")
    original.save_pretrained(folder)
    os.remove(os.path.join(folder, "generation_config.json"))
