"""Adapters of every kind that peft's LoraConfig describes, over tiny_qwen2_untied, with the logits peft gives after loading each again.

Usage: python test/golden/peft_variants.py

peft_variants.safetensors: `NAME/TENSOR` as peft saved it, and `NAME/logits` [tokens, vocabulary] of `PeftModel.from_pretrained` on the base.
peft_variants.json: `ids`, `configs` (NAME → adapter_config.json), `refused` (NAME → a configuration whose meaning needs more than the adapter's files,
or that peft itself cannot load again from them), and `fields` of peft's LoraConfig.
"""

import dataclasses
import json
import os
import tempfile
import warnings

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora.config import ArrowConfig, BdLoraConfig, KasaConfig, LoraGAConfig, MontecloraConfig, VeloraConfig
from safetensors.torch import load_file, save_file
from transformers import Qwen2ForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
BASE = os.path.join(HERE, "tiny_qwen2_untied")
IDS = [5, 9, 33, 2, 71, 12, 40]

QV = ["q_proj", "v_proj"]
COMPUTED = {
    "plain": dict(target_modules=QV),
    "gaussian": dict(target_modules=QV, init_lora_weights="gaussian"),
    "orthogonal": dict(target_modules=["o_proj"], init_lora_weights="orthogonal"),
    "mica": dict(target_modules=["o_proj"], init_lora_weights="mica"),
    "pissa": dict(target_modules=["q_proj", "up_proj"], init_lora_weights="pissa"),
    "pissa_of_several_ranks": dict(target_modules=QV, init_lora_weights="pissa", use_rslora=True, rank_pattern={"v_proj": 5}, alpha_pattern={"layers.1.self_attn.q_proj": 3}),
    "olora": dict(target_modules=["k_proj", "down_proj"], init_lora_weights="olora"),
    "olora_of_the_head": dict(target_modules=["lm_head"], init_lora_weights="olora", use_rslora=True),
    "olora_beside_the_embedding": dict(target_modules=["embed_tokens", "q_proj"], init_lora_weights="olora"),
    "dora": dict(target_modules=["q_proj", "down_proj"], use_dora=True),
    "dora_of_pissa": dict(target_modules=["v_proj"], use_dora=True, init_lora_weights="pissa"),
    "dora_of_the_head": dict(target_modules=["lm_head", "k_proj"], use_dora=True),
    "patterns": dict(target_modules=QV + ["gate_proj"], rank_pattern={"q_proj": 4, r"layers\.1\..*v_proj": 1}, alpha_pattern={"^model.layers.0.mlp.gate_proj": 9}),
    "head": dict(target_modules=["lm_head"]),
    "embedding": dict(target_modules=["embed_tokens", "q_proj"]),
    "expression": dict(target_modules=r".*\.1\..*(q|k)_proj"),
    "all_linear": dict(target_modules="all-linear", r=1, exclude_modules=["down_proj", "gate_proj", "up_proj"]),
    "one_layer": dict(target_modules=QV, layers_to_transform=1, layers_pattern="layers"),
    "biases": dict(target_modules=["k_proj"], bias="all"),
    "biases_of_the_adapted": dict(target_modules=["q_proj"], bias="lora_only"),
    "bias_of_b": dict(target_modules=["q_proj", "k_proj"], lora_bias=True),
    "saved_module": dict(target_modules=["v_proj"], modules_to_save=["lm_head", "norm"]),
    "turned": dict(target_modules=QV, fan_in_fan_out=True),
    "velora": dict(target_modules=["v_proj"], velora_config=VeloraConfig(num_groups=8)),
    "tied_if_it_could": dict(target_modules=["v_proj"], ensure_weight_tying=True),
}
REFUSED = {
    "init_lora_weights pissa_niter_4": dict(init_lora_weights="pissa_niter_4"),
    "init_lora_weights corda": dict(init_lora_weights="corda"),
    "init_lora_weights lora_ga": dict(init_lora_weights="lora_ga", lora_ga_config=LoraGAConfig()),
    "alora_invocation_tokens": dict(alora_invocation_tokens=[4, 5]),
    "arrow_config": dict(arrow_config=ArrowConfig()),
    "kasa_config": dict(kasa_config=KasaConfig()),
    "monteclora_config": dict(monteclora_config=MontecloraConfig()),
    "use_bdlora": dict(use_bdlora=BdLoraConfig(target_modules_bd_a=["o_proj"], nblocks=2, match_strict=False)),
    "use_qalora": dict(use_qalora=True),
    "layer_replication": dict(layer_replication=[(0, 2), (1, 2)]),
    "megatron_config": dict(megatron_config={"tensor_model_parallel_size": 2}),
    "target_parameters": dict(target_parameters=["self_attn.q_proj.weight"]),
    "trainable_token_indices": dict(trainable_token_indices=[1, 2]),
}


def base():
    return Qwen2ForCausalLM.from_pretrained(BASE, dtype=torch.float32, attn_implementation="eager").eval()


def plain(config):
    named = {key: sorted(value) if isinstance(value, (set, frozenset)) else value for key, value in config.to_dict().items()}
    return json.loads(json.dumps({**named, "base_model_name_or_path": "tiny_qwen2_untied"}))


def make(fields):
    config = LoraConfig(**{"r": 2, "lora_alpha": 3, "task_type": "CAUSAL_LM", **fields})
    model = get_peft_model(base(), config)
    with torch.no_grad():
        for _, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape) * 0.1)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        tensors = load_file(os.path.join(folder, "adapter_model.safetensors"))
        with open(os.path.join(folder, "adapter_config.json")) as file:
            saved = json.load(file)
        if isinstance(saved["target_modules"], list):
            saved["target_modules"].sort()
        saved["base_model_name_or_path"] = "tiny_qwen2_untied"
        again = PeftModel.from_pretrained(base(), folder).eval()
    with torch.no_grad():
        tensors["logits"] = again(input_ids=torch.tensor([IDS])).logits[0]
        without = base()(input_ids=torch.tensor([IDS])).logits[0]
        model.eval()
        trained = model(input_ids=torch.tensor([IDS])).logits[0]
    print(f"{(tensors['logits'] - trained).abs().max().item():.1e} from the model that was saved, {(tensors['logits'] - without).abs().max().item():.2f} from the base")
    return saved, tensors


def main():
    torch.manual_seed(3)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    configs, tensors = {}, {}
    for name, fields in COMPUTED.items():
        print(name, end=": ")
        configs[name], own = make(fields)
        tensors.update({f"{name}/{key}": value.contiguous() for key, value in own.items()})
    refused = {name: plain(LoraConfig(**{"task_type": "CAUSAL_LM", "target_modules": QV, **fields})) for name, fields in REFUSED.items()}
    # The constructor needs scipy for LoftQ; the file differs in these two fields alone.
    refused["init_lora_weights loftq"] = {**configs["plain"], "init_lora_weights": "loftq", "loftq_config": {"loftq_bits": 4, "loftq_iter": 1}}
    save_file(tensors, os.path.join(HERE, "peft_variants.safetensors"))
    fields = sorted(field.name for field in dataclasses.fields(LoraConfig))
    with open(os.path.join(HERE, "peft_variants.json"), "w") as file:
        json.dump({"ids": IDS, "configs": configs, "refused": refused, "fields": fields}, file, separators=(",", ":"))


if __name__ == "__main__":
    main()
