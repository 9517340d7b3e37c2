"""Do adapters that Hone trained load in peft, and say the same?

Usage: npm run -s hone -- parity --only algorithms --adapters DIR && python test/golden/check_adapters.py DIR     (peft 0.21, transformers 5.23)

Each folder of DIR holds an adapter in PEFT's layout and `log_probs.json`, Hone's own log-probs under it. Every adapter must load without a
warning, move the base's log-probs, and give those of the file. Remakes nothing.
"""

import json
import os
import sys
import warnings

import torch
from peft import PeftModel
from transformers import Qwen2ForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))


def base():
    return Qwen2ForCausalLM.from_pretrained(os.path.join(HERE, "tiny_qwen2"), attn_implementation="eager", dtype=torch.float32)


@torch.no_grad()
def logprobs(model, ids):
    logits = model(input_ids=torch.tensor([ids])).logits[0, :-1]
    return torch.log_softmax(logits, -1).gather(-1, torch.tensor(ids[1:])[:, None])[:, 0]


def main(folder):
    names = sorted(name for name in os.listdir(folder) if os.path.exists(os.path.join(folder, name, "log_probs.json")))
    assert names, f"{folder} holds no adapters"
    for name in names:
        with open(os.path.join(folder, name, "log_probs.json")) as f:
            expected = json.load(f)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # missing or unknown keys are warnings in peft
            model = PeftModel.from_pretrained(base(), os.path.join(folder, name)).eval()
        difference, effect = 0.0, 0.0
        for ids, wanted in zip(expected["ids"], expected["logprobs"], strict=True):
            found = logprobs(model, ids)
            difference = max(difference, (found - torch.tensor(wanted)).abs().max().item())
            with model.disable_adapter():
                effect = max(effect, (found - logprobs(model, ids)).abs().max().item())
        print(f"{name}: max |Δ log-prob| {difference:.1e}; the adapter moves them by up to {effect:.2f}")
        assert difference < 1e-4 and effect > 0.05, name
    print(f"peft loads {len(names)} adapters and agrees with all of them")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1])
