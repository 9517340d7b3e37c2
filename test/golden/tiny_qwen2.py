"""Tiny random Qwen2 models with golden outputs, losses, gradients and AdamW steps for the engine's tests.

Usage: python test/golden/tiny_qwen2.py          (torch 2.13 CPU, transformers 5.23, peft 0.21, f32, one thread)

Two variants, `tiny_qwen2` (tied embeddings) and `tiny_qwen2_untied`; both have random q/k/v biases. Outputs, NAME = variant:
NAME/{config.json,model.safetensors}, NAME_lora.safetensors, NAME_golden.json, NAME_grads.safetensors. Fields: README.md here.
"""

import json
import os
import shutil

import numpy as np
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import save_file
from transformers import Qwen2Config, Qwen2ForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = 10  # of AdamW
FIRST_TARGET = 3  # targets are ids[t] for t >= 3, predicted by logits[t - 1]
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def plain(tensor):
    """Nested lists of the shortest decimals that read back as the same float32."""
    array = tensor.detach().cpu().numpy()
    return [plain(row) for row in tensor] if array.ndim > 1 else [float(str(np.float32(x))) for x in array]


def make_model(tied, seed):
    config = Qwen2Config(
        vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-6, rope_theta=10000.0,
        tie_word_embeddings=tied, use_sliding_window=False, attention_dropout=0.0, bos_token_id=None, eos_token_id=0,
        pad_token_id=None,
    )
    return fill(Qwen2ForCausalLM._from_config(config, attn_implementation="eager", dtype=torch.float32), seed)


def fill(model, seed):
    """Random weights, gains around 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            p.copy_(1.0 + 0.3 * noise if "norm" in name else 0.3 * noise)
    return model.eval()


def make_ids(seed):
    rng = np.random.default_rng(seed)
    ids = [rng.integers(0, 96, 11).tolist(), rng.integers(0, 96, 7).tolist()]
    ids[0][8] = ids[0][2]  # a repeated id: its embedding gradient is a sum
    ids[1][5] = ids[0][2]
    return ids


def run(model, ids):
    """Per sequence: logits [T, V] and hidden state after the final norm [T, D]. No padding, no mask."""
    logits, hidden = [], []
    for sequence in ids:
        out = model(input_ids=torch.tensor([sequence]), output_hidden_states=True, use_cache=False)
        logits.append(out.logits[0])
        hidden.append(out.hidden_states[-1][0])  # transformers: the last one is after the final norm
        assert torch.allclose(model.get_output_embeddings()(hidden[-1]), logits[-1], atol=1e-5)
    return logits, hidden


def logprobs(logits, ids):
    """log p(ids[t] | ids[:t]) for t = 1 … T-1."""
    return [torch.log_softmax(l[:-1], -1).gather(-1, torch.tensor(s[1:])[:, None])[:, 0] for l, s in zip(logits, ids)]


def loss_of(model, ids):
    logits, _ = run(model, ids)
    return -torch.cat([lp[FIRST_TARGET - 1 :] for lp in logprobs(logits, ids)]).mean()


def record(model, ids):
    with torch.no_grad():
        logits, hidden = run(model, ids)
        return {
            "loss": plain(loss_of(model, ids)[None])[0],
            "logprobs": [plain(x) for x in logprobs(logits, ids)],
            "logits": [plain(x) for x in logits],
            "hidden": [plain(x) for x in hidden],
        }


def build(name, model, seed):
    ids = make_ids(seed)
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "generation_config.json"))

    golden = {"first_target": FIRST_TARGET, "ids": ids, "base": record(model, ids)}
    grads = {}
    model.zero_grad()
    loss_of(model, ids).backward()
    for key, p in model.named_parameters():
        grads["base_grad." + key] = p.grad.clone()
    model.zero_grad()

    config = LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, target_modules=TARGETS, task_type="CAUSAL_LM")
    model = get_peft_model(model, config).eval()
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for key, p in model.named_parameters():
            if "lora_" in key:
                p.copy_(0.3 * torch.randn(p.shape, generator=generator))
    adapter = {k: v.clone().contiguous() for k, v in get_peft_model_state_dict(model).items()}
    save_file(adapter, os.path.join(HERE, name + "_lora.safetensors"), {"format": "pt"})
    golden["lora"] = {"r": 4, "lora_alpha": 8, "scaling": 2.0, **record(model, ids)}

    trained = [(k, p) for k, p in model.named_parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW([p for _, p in trained], lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0)
    golden["adamw"] = {"lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-6, "weight_decay": 0.0, "losses": [], "grad_norms": []}
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, ids)
        loss.backward()
        golden["adamw"]["losses"].append(plain(loss[None])[0])
        norm = torch.sqrt(sum((p.grad.double() ** 2).sum() for _, p in trained))
        golden["adamw"]["grad_norms"].append(float(norm))
        if step == 0:
            for key, p in trained:
                grads["lora_grad." + key.replace(".default.", ".")] = p.grad.clone()
        optimizer.step()
    golden["adamw"]["losses"].append(plain(loss_of(model, ids)[None])[0])
    for key, p in trained:
        grads["adamw10." + key.replace(".default.", ".")] = p.detach().clone()

    # The adapter file must give the same model back.
    set_peft_model_state_dict(model, adapter)
    assert record(model, ids)["loss"] == golden["lora"]["loss"]
    save_file({k: v.contiguous() for k, v in grads.items()}, os.path.join(HERE, name + "_grads.safetensors"), {"format": "pt"})
    with open(os.path.join(HERE, name + "_golden.json"), "w") as f:
        json.dump(golden, f, separators=(",", ":"))
        f.write("\n")
    print(name, golden["base"]["loss"], golden["lora"]["loss"], golden["adamw"]["losses"], golden["adamw"]["grad_norms"])


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    build("tiny_qwen2", make_model(True, 7), 7)
    build("tiny_qwen2_untied", make_model(False, 11), 11)
