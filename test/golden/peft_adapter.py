"""PEFT both ways: an adapter folder made by peft for our reader, and peft loading a folder made by our writer.

Usage: python test/golden/peft_adapter.py           makes test/golden/peft_adapter/ (peft 0.21; rank 3, rsLoRA, layer 1's q and down)
       python test/golden/peft_adapter.py check     our writer → peft: runs the writer through Vitest, loads the folder over
                                                    tiny_qwen2 and holds its logits to tiny_qwen2_golden.json
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import Qwen2ForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
BASE = os.path.join(HERE, "tiny_qwen2")


def base():
    return Qwen2ForCausalLM.from_pretrained(BASE, dtype=torch.float32, attn_implementation="eager").eval()


def make():
    torch.manual_seed(4)
    config = LoraConfig(
        r=3, lora_alpha=6, lora_dropout=0.05, target_modules=["q_proj", "down_proj"], layers_to_transform=[1], use_rslora=True, task_type="CAUSAL_LM"
    )
    model = get_peft_model(base(), config)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_" in name:
                p.copy_(torch.randn(p.shape))
    folder = os.path.join(HERE, "peft_adapter")
    shutil.rmtree(folder, ignore_errors=True)
    model.peft_config["default"].base_model_name_or_path = "test/tiny_qwen2"
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "README.md"))


def check():
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.dirname(os.path.dirname(HERE))
        subprocess.run(
            ["npx", "vitest", "run", "--project", "unit", "test/models/peft.test.ts"], cwd=root, check=True, env={**os.environ, "HONE_PEFT_OUT": folder}
        )
        print(sorted(os.listdir(folder)))
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # missing or unknown keys are warnings in peft
            model = PeftModel.from_pretrained(base(), folder).eval()
        assert model.peft_config["default"].r == 4 and model.peft_config["default"].lora_alpha == 8
        with open(os.path.join(HERE, "tiny_qwen2_golden.json")) as f:
            golden = json.load(f)
        for ids, logits in zip(golden["ids"], golden["lora"]["logits"]):
            with torch.no_grad():
                found = model(input_ids=torch.tensor([ids])).logits[0]
            worst = (found - torch.tensor(logits)).abs().max().item()
            print("max |Δ logit| against the golden:", worst)
            assert worst < 1e-5
    print("peft loads what our writer wrote")


if __name__ == "__main__":
    torch.set_num_threads(1)
    check() if sys.argv[1:] == ["check"] else make()
