"""What transformers makes of config.json in many spellings: `python test/golden/model_configs.py` (torch 2.13, transformers 5.24).

Writes model_configs_golden.json: cases of {name, json, expected}. `expected` is {error: true} where transformers refuses the file, else what
its configuration and its rotary embedding hold. Fields: README.md here.
"""
import json
import tempfile
from pathlib import Path

import numpy as np
import transformers
from transformers import AutoConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.qwen2.modeling_qwen2 import Qwen2RotaryEmbedding
from transformers.models.qwen3.modeling_qwen3 import Qwen3RotaryEmbedding

ROTARY = {"llama": LlamaRotaryEmbedding, "qwen2": Qwen2RotaryEmbedding, "qwen3": Qwen3RotaryEmbedding}
SIZES = {"vocab_size": 96, "hidden_size": 64, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 256}  # fmt: skip
HEADS = {"llama": {}, "qwen2": {}, "qwen3": {"head_dim": 16}}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
PLAIN = {"rope_type": "default", "rope_theta": 1e6}

ROPES = {
    "none": {},
    "theta beside": {"rope_theta": 5e5},
    "parameters": {"rope_parameters": PLAIN},
    "both, scaling yarn with theta": {"rope_parameters": PLAIN, "rope_scaling": {**YARN, "rope_theta": 1e6}},
    "both, scaling yarn without theta": {"rope_parameters": PLAIN, "rope_scaling": YARN},
    "both, scaling yarn, theta beside": {"rope_parameters": PLAIN, "rope_scaling": YARN, "rope_theta": 2e5},
    "both, scaling linear by its old name": {"rope_parameters": {**YARN, "rope_theta": 1e6}, "rope_scaling": {"type": "linear", "factor": 2.0}},
    "both, scaling empty": {"rope_parameters": {**YARN, "rope_theta": 1e6}, "rope_scaling": {}},
    "both, scaling null": {"rope_parameters": {**YARN, "rope_theta": 1e6}, "rope_scaling": None},
    "both, scaling default": {"rope_parameters": {**YARN, "rope_theta": 1e6}, "rope_scaling": {"rope_type": "default"}},
    "both, scaling llama3 without the original length": {"rope_parameters": PLAIN, "rope_scaling": LLAMA3},
    "scaling llama3, the original length beside": {"rope_scaling": {**LLAMA3, "original_max_position_embeddings": 128}, "original_max_position_embeddings": 32},
    "scaling yarn, the original length beside": {"rope_scaling": YARN, "original_max_position_embeddings": 32},
    "scaling yarn without the original length": {"rope_scaling": {"rope_type": "yarn", "factor": 2.0}},
    "scaling yarn with factor null": {"rope_scaling": {**YARN, "factor": None}},
    "scaling yarn, mscale": {"rope_scaling": {**YARN, "mscale": 0.8, "mscale_all_dim": 0.4, "truncate": False, "beta_fast": 16, "beta_slow": 2}},
    "scaling with both names": {"rope_scaling": {"type": "yarn", "rope_type": "linear", "factor": 3.0}},
    "parameters linear, theta beside": {"rope_parameters": {"rope_type": "linear", "factor": 2.0}, "rope_theta": 3e4},
    "dynamic": {"rope_scaling": {"type": "dynamic", "factor": 2.0}},
}
OTHER = {
    "no key heads": {"num_key_value_heads": None},
    "ends null": {"eos_token_id": None, "bos_token_id": None},
    "several ends": {"eos_token_id": [5, 7], "bos_token_id": 3, "pad_token_id": 4},
    "tied": {"tie_word_embeddings": True},
    "head_dim": {"head_dim": 32},
    "pretraining_tp": {"pretraining_tp": 4},
    "dropout of attention": {"attention_dropout": 0.1},
    "window off": {"use_sliding_window": False, "sliding_window": 8, "max_window_layers": 1},
    "window on": {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1},
    "window on above all layers": {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 2},
    "full layers": {"layer_types": ["full_attention", "full_attention"]},
    "layers of two kinds": {"layer_types": ["full_attention", "sliding_attention"], "use_sliding_window": True, "sliding_window": 8},
    "one layer type of two": {"layer_types": ["full_attention"]},
    "biases": {"attention_bias": True},
    "generation in the configuration": {"temperature": 0.2, "max_length": 20, "do_sample": True},
    "not causal": {"is_causal": False},
    "a layer of its own": {"per_layer_config": {"1": {"rms_norm_eps": 0.5}}},
    "another activation": {"hidden_act": "gelu"},
    "granite's multipliers": {"residual_multiplier": 0.22, "logits_scaling": 8.0, "embedding_multiplier": 12.0, "attention_multiplier": 0.015},
    "multipliers of 1": {"residual_multiplier": 1.0, "logits_scaling": 1.0},
    "olmo's clipping": {"clip_qkv": 8.0},
    "no clipping": {"clip_qkv": None},
    "gemma's scale": {"query_pre_attn_scalar": 256, "final_logit_softcapping": 30.0},
    "cohere's scale": {"logit_scale": 0.0625},
    "half of the head rotated": {"partial_rotary_factor": 0.5},
}


def expected(json_config: dict) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(json_config))
        try:
            config = AutoConfig.from_pretrained(folder)
            rotary = ROTARY[config.model_type](config)
        except Exception:  # noqa: BLE001: any refusal counts as one
            return {"error": True}
    return {
        "rope_theta": config.rope_parameters["rope_theta"],
        "inv_freq": [float(str(np.float32(x))) for x in rotary.inv_freq.tolist()],
        "attention_scaling": rotary.attention_scaling,
        "num_key_value_heads": config.num_key_value_heads,
        "head_dim": getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads,
        "tie_word_embeddings": config.tie_word_embeddings,
        "bos_token_id": config.bos_token_id,
        "eos_token_id": config.eos_token_id,
        "pad_token_id": config.pad_token_id,
        "slides": any(kind != "full_attention" for kind in getattr(config, "layer_types", None) or []) and config.model_type != "llama",
    }


cases = []
for model_type in ROTARY:
    for name, change in {**ROPES, **OTHER}.items():
        config = {"model_type": model_type, **SIZES, **HEADS[model_type], **change}
        cases.append({"name": f"{model_type}: {name}", "json": config, "expected": expected(config)})
out = {"source": f"transformers {transformers.__version__}", "cases": cases}
(Path(__file__).parent / "model_configs_golden.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(len(cases), sum("error" in case["expected"] for case in cases))
