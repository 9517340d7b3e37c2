"""One QLoRA step of two layers of Llama-3.1-8B, Qwen2.5-7B and ToolLLaMA-2-7b at full width and full vocabulary.

Usage: python test/golden/qlora_slices.py [toolllama-2-7b|llama-3.1-8b|qwen2.5-7b …]      (torch 2.13 CPU, transformers 5.23, peft 0.21, numpy, f32; 6 GB of memory)

No weights are kept: both sides draw them from the formula below, which src/parity/formulaWeights.ts has too. They are made so that int4
(embedding and head: int8) in groups of 32 has one right answer, well away from the middle between two codes, and transformers gets what the
codes stand for. Writes qlora_slices_NAME.json and qlora_slices_NAME.safetensors: losses, norms, and 512 entries of each tensor.
"""

import json
import math
import os
import sys

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = ["toolllama-2-7b", "llama-3.1-8b", "qwen2.5-7b"]
LAYERS, RANK, ALPHA, LR, EPS = 2, 8, 16, 2e-4, 1e-6
# Of the loss. AdamW's first step is lr g / (|g| + eps), whose slope in g, eps / (|g| + eps)^2, is 1 / eps at an entry near 0: there the rounding of
# the gradient is seen in full. f32, torch's too, has these gradients to some 1e-6 of a tensor's root mean square; unscaled, with gradients of 1e4
# eps, that is 0.03 lr in the worst entries. Scaled, |g| is 0 to 100 eps, steps are 0 to 0.99 lr, and no entry amplifies rounding beyond 1e-3 lr.
SCALE = 2.0**-10
LENGTHS = [20, 12]
ENTRIES = 512
PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
CHUNK = 1 << 22


def mix(x):
    """The avalanche of MurmurHash3 on uint32."""
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        return x ^ (x >> np.uint32(16))


def stream(name):
    """FNV-1a of the name, mixed."""
    value = 0x811C9DC5
    for letter in name.encode():
        value = ((value ^ letter) * 0x01000193) & 0xFFFFFFFF
    return mix(np.array([value], np.uint32))[0]


def nearest_power(x):
    return 2.0 ** math.floor(math.log2(x) + 0.5)


def is_byte(name):
    return "embed_tokens" in name or "lm_head" in name


def matrix_chunk(name, width, first, count):
    """Entries first … first + count (whole groups) of a matrix: the values of the checkpoint, and what their codes stand for."""
    own = stream(name)
    top = 127 if is_byte(name) else 7
    deviation = 0.05 if "embed_tokens" in name else 1 / math.sqrt(width)
    # A uniform code of ±top has a deviation of (2 top + 1) / √12, a scale is 4 to 7 units.
    unit = nearest_power(deviation / (5.5 * (2 * top + 1) / math.sqrt(12)))
    index = np.arange(first, first + count, dtype=np.uint32)
    group = mix(np.arange(first // 32, (first + count) // 32, dtype=np.uint32) ^ mix(np.array([own ^ np.uint32(1)], np.uint32))[0])
    h = mix(index ^ own)
    code = (h % np.uint32(2 * top + 1)).astype(np.int32) - top
    # A quarter of a step up or down for every other value: rounding has something to do.
    shift = np.array([0, 0.25, -0.25, 0], np.float32)[(h >> np.uint32(8)) & np.uint32(3)]
    code = code.reshape(-1, 32)
    rows = np.arange(len(group))
    # One of each group is as large as codes get: it makes the scale.
    code[rows, (group >> np.uint32(8)) & np.uint32(31)] = np.where((group >> np.uint32(13)) & np.uint32(1), top, -top)
    shift = np.where(np.abs(code) == top, np.float32(0), shift.reshape(-1, 32))
    scale = ((4 + (group & np.uint32(3))).astype(np.float32) * np.float32(unit))[:, None]
    codes = code.astype(np.float32)
    return ((codes + shift) * scale).reshape(-1), (codes * scale).reshape(-1)


def vector(name, size):
    h = mix(np.arange(size, dtype=np.uint32) ^ stream(name))
    if name.endswith("norm.weight"):
        return (1 + ((h >> np.uint32(24)).astype(np.float64) - 128) / 512).astype(np.float32)
    return (((h >> np.uint32(20)).astype(np.float64) - 2048) / 2**14).astype(np.float32)


def lora(name, shape):
    """Uniform: A of ±1/√in, B a quarter of ±1/√r, to the nearest power of two."""
    bound = nearest_power(1 / math.sqrt(shape[1])) * (1 if ".lora_A." in name else 0.25)
    h = mix(np.arange(shape[0] * shape[1], dtype=np.uint32) ^ stream(name))
    return (((h >> np.uint32(8)).astype(np.float64) - 2**23) * (bound / 2**23)).astype(np.float32).reshape(shape)


def requantised(values, top):
    """As tiny_packed.py: scale max |w| / top of a group in f16, codes rounded half to even."""
    groups = values.astype(np.float64).reshape(-1, 32)
    scale = np.maximum(np.abs(groups).max(axis=1, keepdims=True) / top, 2.0**-14).astype(np.float16).astype(np.float64)
    return (np.clip(np.rint(groups / scale), -top, top) * scale).reshape(-1)


def fill(name, parameter, ids):
    out = parameter.data.numpy().reshape(-1)
    if parameter.ndim == 1:
        out[:] = vector(name, out.size)
        return
    width = parameter.shape[1]
    # Of the embedding only the rows that are looked up are read.
    pieces = [(row * width, width) for row in sorted(set(ids))] if "embed_tokens" in name else [
        (first, min(CHUNK, out.size - first)) for first in range(0, out.size, CHUNK)
    ]  # fmt: skip
    for first, count in pieces:
        values, held = matrix_chunk(name, width, first, count)
        if first == pieces[0][0]:
            assert np.array_equal(requantised(values, 127 if is_byte(name) else 7), held.astype(np.float64)), name
            assert not np.array_equal(values, held), name
        out[first : first + count] = held


def ids_of(vocabulary):
    drawn = [int(x) for x in mix(np.arange(sum(LENGTHS), dtype=np.uint32) ^ stream("ids")) % np.uint32(vocabulary)]
    # An id that comes twice.
    drawn[7] = drawn[3]
    return drawn


def plain(name):
    """Without what peft puts around and between."""
    return name.removeprefix("base_model.model.").replace(".base_layer", "").replace(".default", "")


def build(name):
    shape = json.load(open(os.path.join(HERE, "../../src/models/publishedShapes.json")))[name]
    config = AutoConfig.for_model(**{**shape, "num_hidden_layers": LAYERS, "torch_dtype": "float32"})
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager")
    model.to_empty(device="cpu")
    # Tables are not parameters: made again from the configuration.
    model.model.rotary_emb = type(model.model.rotary_emb)(config=config)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            fill(key, parameter, ids_of(config.vocab_size))
    model = get_peft_model(model, LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=PROJECTIONS, lora_dropout=0.0, bias="none"))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(torch.from_numpy(lora(plain(key), tuple(parameter.shape))))
    return model.eval(), config.vocab_size


def main(name):
    model, vocabulary = build(name)
    drawn = ids_of(vocabulary)
    ids = [drawn[: LENGTHS[0]], drawn[LENGTHS[0] :]]
    targets = sum(len(sequence) - 1 for sequence in ids)

    def loss():
        """−mean of log p of every token after the first of its sequence, each sequence alone; the step is taken on SCALE times this."""
        total = 0
        for sequence in ids:
            row = torch.tensor([sequence])
            logp = torch.log_softmax(model(input_ids=row).logits[0, :-1], -1)
            total = total - logp[torch.arange(len(sequence) - 1), row[0, 1:]].sum()
        return total / targets

    trained = {plain(key): p for key, p in model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(trained.values(), lr=LR, betas=(0.9, 0.999), eps=EPS, weight_decay=0.0)

    def gradients():
        optimizer.zero_grad()
        value = loss()
        (SCALE * value).backward()
        return value.detach(), [p.grad.clone() for p in trained.values()]

    # torch's first pass of a process was seen to be off by 1e-4 now and then, later ones never: what counts is said twice.
    gradients()
    before, again = gradients(), gradients()
    assert torch.equal(before[0], again[0]) and all(map(torch.equal, before[1], again[1])), "two passes differ"
    before = before[0]
    start = {key: p.detach().clone() for key, p in trained.items()}
    optimizer.step()
    with torch.no_grad():
        after = loss()

    tensors, norms = {}, {}
    for key, p in trained.items():
        size = p.numel()
        picked = torch.from_numpy((mix(np.arange(ENTRIES, dtype=np.uint32) ^ stream(key)) % np.uint32(size)).astype(np.int64))
        change = p.detach() - start[key]
        for kind, values in [("grad", p.grad), ("change", change)]:
            tensors[f"{kind}.{key}"] = values.reshape(-1)[picked].contiguous()
        norms[key] = [p.grad.double().norm().item(), change.double().norm().item()]
    out = os.path.join(HERE, f"qlora_slices_{name}")
    save_file(tensors, out + ".safetensors", {"format": "pt"})
    numbers = {
        "ids": ids, "layers": LAYERS, "rank": RANK, "alpha": ALPHA, "scale": SCALE, "lr": LR, "eps": EPS,
        "losses": [before.item(), after.item()],
        "grad_norm": math.sqrt(sum(grad**2 for grad, _ in norms.values())),
        # [gradient, change after one AdamW step] of each tensor, whole.
        "norms": norms,
    }  # fmt: skip
    json.dump(numbers, open(out + ".json", "w"))
    print(name, numbers["losses"], numbers["grad_norm"], max(norms.values()), min(norms.values()))


if __name__ == "__main__":
    torch.set_num_threads(2)
    for each in sys.argv[1:] or NAMES:
        main(each)
