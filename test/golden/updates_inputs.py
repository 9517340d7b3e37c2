"""What updates.py and classic_ppo_updates.py train: `tiny_qwen2` with an adapter that is not zero, on fixed trajectories.

Works with transformers 4.45 as with 5.23. Imported, not run.
"""

import os

import numpy as np
import torch
from peft import LoraConfig, set_peft_model_state_dict
from safetensors.torch import load_file
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LORA = LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, target_modules=TARGETS, task_type="CAUSAL_LM")
GROUP = 4


def base_model():
    dtype = {"torch_dtype": torch.float32}
    return Qwen2ForCausalLM.from_pretrained(os.path.join(HERE, "tiny_qwen2"), attn_implementation="eager", **dtype)


def load_start(model):
    """A third of the golden adapter: near enough to the base that clipping is not everywhere."""
    adapter = load_file(os.path.join(HERE, "tiny_qwen2_lora.safetensors"))
    set_peft_model_state_dict(model, {k: v / 3 for k, v in adapter.items()})


def tokenizer():
    words = {f"t{i}": i for i in range(96)}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="t1")), unk_token="t1", pad_token="t0", eos_token="t0")


def make_sequences():
    """24 trajectories of 17 … 21 tokens: prompt, call, reply of a tool, answer; some with a second call. Attempts 4g … 4g + 3 begin alike."""
    rng = np.random.default_rng(31)
    sequences = []
    for index in range(24):
        if index % GROUP == 0:
            prompt = rng.integers(2, 96, 3 + index // GROUP % 3).tolist()
        parts = [len(prompt), 4, 3, 2, 3, 2] if index % 3 == 0 else [len(prompt), int(rng.integers(3, 6)), int(rng.integers(4, 6)), 5]
        parts[-1] += max(0, 17 - sum(parts))
        step_of = []
        for part, length in enumerate(parts):
            step_of += [part // 2 if part % 2 else -1] * length
        ids = prompt + rng.integers(2, 96, sum(parts) - len(prompt)).tolist()
        assert 17 <= len(ids) <= 21
        sequences.append({"ids": ids, "stepOf": step_of, "rewards": [float(x) / 4 for x in rng.integers(0, 5, len(parts) // 2)]})
    return sequences


def own(sequence):
    """1 where the token is the agent's own."""
    return [int(step >= 0) for step in sequence["stepOf"]]


def of_last_turn(sequence):
    """1 where the token is of the agent's last turn."""
    return [int(step == len(sequence["rewards"]) - 1) for step in sequence["stepOf"]]


def prompt_length(sequence):
    return sequence["stepOf"].index(0)


def bare(name):
    return name.replace(".default.", ".").removeprefix("base_model.model.")
