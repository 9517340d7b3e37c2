"""An adapter merged by peft, in float16, and what transformers computes with it.

Usage: python test/golden/merged.py              makes merged.safetensors (the matrices peft_adapter changes) and merged_golden.json
       python test/golden/merged.py check DIR    DIR, written by `hone export --to merged`, loads in transformers and gives finite logits in
                                                 which the config, the dtype and every tensor are as saved; with a second DIR of a PEFT adapter and
                                                 a third of its base: the same logits as peft's own merge within float16
"""

import json
import os
import sys

import torch
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, Qwen2ForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
IDS = [[5, 9, 33, 2, 71, 12, 12, 40], [90, 1, 3, 3, 8]]


def make():
    base = Qwen2ForCausalLM.from_pretrained(os.path.join(HERE, "tiny_qwen2"), dtype=torch.float32, attn_implementation="eager").eval()
    before = {name: p.clone() for name, p in base.named_parameters()}
    merged = PeftModel.from_pretrained(base, os.path.join(HERE, "peft_adapter")).merge_and_unload()
    changed = {name: p.detach().half() for name, p in merged.named_parameters() if not torch.equal(p, before[name])}
    save_file(changed, os.path.join(HERE, "merged.safetensors"))
    # The weights as float16 holds them, computed with in float32, as Hone does.
    merged = merged.half().float()
    with torch.no_grad():
        logits = [merged(torch.tensor([ids])).logits[0].tolist() for ids in IDS]
    with open(os.path.join(HERE, "merged_golden.json"), "w") as f:
        json.dump({"ids": IDS, "logits": [[[round(x, 6) for x in row] for row in rows] for rows in logits]}, f, separators=(",", ":"))


def check(merged_dir, adapter_dir=None, base_dir=None):
    model, info = AutoModelForCausalLM.from_pretrained(merged_dir, attn_implementation="eager", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"], info
    assert model.dtype in (torch.float16, torch.bfloat16), model.dtype
    model = model.float().eval()
    ids = torch.arange(2, 40)[None] % model.config.vocab_size
    with torch.no_grad():
        logits = model(ids).logits
    assert torch.isfinite(logits).all()
    print(f"loads in transformers, logits {tuple(logits.shape)} are finite")
    if adapter_dir:
        base = AutoModelForCausalLM.from_pretrained(base_dir, dtype=torch.float32, attn_implementation="eager").eval()
        other = PeftModel.from_pretrained(base, adapter_dir).eval()
        with torch.no_grad():
            expected = other(ids).logits
        error = ((logits - expected).norm() / expected.norm()).item()
        print(f"against peft with the adapter apart, relative L2 {error:.2e}")
        assert error < 5e-3, error


if len(sys.argv) > 1 and sys.argv[1] == "check":
    check(*sys.argv[2:])
else:
    make()
