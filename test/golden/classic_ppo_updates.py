"""Three batches of PPO by TRL's last classic PPOTrainer, outcome and step-grained: statistics, gradient norms, every trained weight.

Usage: python test/golden/classic_ppo_updates.py    (its own environment: trl 0.11.4, transformers 4.45.2, peft 0.13.2, torch 2.13 CPU; f32, one thread)

`PPOTrainer.step` as it is, on `tiny_qwen2` with LoRA and a value head, torch's AdamW at eps 1e-6; only the order of mini-batches is set from
outside. For the step-grained runs `compute_rewards` is replaced as StepTool replaces it (steptool_ppo.py holds that to the released vectors).
Writes classic_ppo_updates_golden.json and classic_ppo_updates.safetensors.
"""

import json
import os
import warnings

from updates_inputs import HERE, LORA, bare, base_model, load_start, make_sequences, own, prompt_length, tokenizer  # before trl: it takes this folder off the path

import numpy as np
import torch
import trl
from peft import get_peft_model
from safetensors.torch import save_file
from trl import AutoModelForCausalLMWithValueHead, PPOConfig, PPOTrainer

# Hone's minibatchesOf(4, 2, seed 5, batch, epoch): [batch][epoch][mini-batch].
ORDERS = [[[[0, 2], [3, 1]], [[2, 0], [3, 1]]], [[[1, 2], [3, 0]], [[3, 0], [2, 1]]], [[[2, 1], [0, 3]], [[0, 2], [1, 3]]]]
SETTINGS = dict(learning_rate=2e-3, batch_size=4, mini_batch_size=2, gradient_accumulation_steps=2, ppo_epochs=2, horizon=40)
STEPTOOL = dict(init_kl_coef=0.3, gamma=0.99)
# The released weighting has a KL coefficient of its own: at 0.3 noise of 2e-6 of a gradient's root mean square, as f32 has it, moves TRL's own update
# by 1.2e-3 of its largest entry, where a gradient is near AdamW's eps; at 0.4 by 2.5e-4.
RUNS = {
    "ppo": (None, dict(init_kl_coef=0.2, gamma=1.0)),
    "ppo, tight": (None, dict(init_kl_coef=0.05, gamma=1.0, kl_penalty="mse", cliprange=0.05, cliprange_value=0.05, vf_coef=0.5, adap_kl_ctrl=False)),
    "steptool-ppo, released": ("released", STEPTOOL | dict(init_kl_coef=0.4)),
    "steptool-ppo, paper": ("paper", STEPTOOL),
}


class StepRewards(PPOTrainer):
    """One score per step, at the last token of its run in the mask."""

    weighting = "paper"
    step_scores = ()

    def compute_rewards(self, scores, logprobs, ref_logprobs, masks):
        kls = self._kl_penalty(logprobs, ref_logprobs)
        non_score = -self.kl_ctl.value * kls
        rewards = non_score.clone()
        for row, (own_scores, mask) in enumerate(zip(self.step_scores, masks)):
            ends = [t for t, m in enumerate(mask.tolist()) if m and (t + 1 == len(mask) or not mask[t + 1])]
            assert len(ends) == len(own_scores)
            for step, (end, score) in enumerate(zip(ends, own_scores)):
                rewards[row, end] += score * (len(ends) - step - 1 if self.weighting == "released" else 1)
        return rewards, non_score, kls


def run(sequences, weighting, settings):
    model = AutoModelForCausalLMWithValueHead(get_peft_model(base_model(), LORA))
    model.is_peft_model = True  # from_pretrained sets it; the constructor does not
    load_start(model.pretrained_model)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for p in model.v_head.summary.parameters():
            p.copy_((torch.rand(p.shape, generator=generator) * 2 - 1) / 32**0.5)
    head = {k: p.detach().flatten().tolist() for k, p in model.v_head.summary.named_parameters()}
    trainable = {k: p for k, p in model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(trainable.values(), lr=SETTINGS["learning_rate"], eps=1e-6, weight_decay=0.0)
    trainer = (StepRewards if weighting else PPOTrainer)(PPOConfig(**SETTINGS, **settings), model, tokenizer=tokenizer(), optimizer=optimizer)
    trainer.weighting = weighting
    norms = []
    optimizer.register_step_pre_hook(lambda *_: norms.append(float(torch.linalg.vector_norm(torch.stack([p.grad.norm() for p in trainable.values()])))))

    stats = []
    for batch, orders in enumerate(ORDERS):
        data = sequences[4 * batch : 4 * batch + 4]
        trainer.step_scores = [s["rewards"] for s in data]
        starts = [prompt_length(s) for s in data]
        epochs = iter(orders)
        np.random.permutation = lambda size: np.array(sum(next(epochs), []))
        found = trainer.step(
            [torch.tensor(s["ids"][:n]) for s, n in zip(data, starts)], [torch.tensor(s["ids"][n:]) for s, n in zip(data, starts)],
            [torch.tensor(s["rewards"][-1]) for s in data], [torch.tensor(own(s)[n:]) for s, n in zip(data, starts)],
        )
        kept = {k: float(v) for k, v in found.items() if np.ndim(v) == 0 and not k.startswith(("time/", "tokens/"))}
        stats.append(kept | {"grad_norm": norms[-1]})
    assert len(norms) == 6
    weights = {bare(k.replace("pretrained_model.", "")): p.detach().clone().contiguous() for k, p in trainable.items()}
    return dict(settings={**SETTINGS, **settings}, weighting=weighting, stats=stats, kl_coef=float(trainer.kl_ctl.value)), weights, head


def main():
    warnings.simplefilter("ignore")
    sequences = make_sequences()
    golden, weights = {"source": f"trl {trl.__version__}", "sequences": sequences, "orders": ORDERS, "runs": {}}, {}
    for name, (weighting, settings) in RUNS.items():
        golden["runs"][name], trained, golden["value_head"] = run(sequences, weighting, settings)
        weights |= {f"{name}.{k}": v for k, v in trained.items()}
        print(name, [{k: round(s[k], 4) for k in ("ppo/loss/total", "ppo/policy/clipfrac", "ppo/val/clipfrac", "objective/kl", "grad_norm")} for s in golden["runs"][name]["stats"]])
    print(sorted(golden["runs"]["ppo"]["stats"][0]), sorted(weights)[:3], len(weights))
    save_file(weights, os.path.join(HERE, "classic_ppo_updates.safetensors"), {"format": "pt"})
    with open(os.path.join(HERE, "classic_ppo_updates_golden.json"), "w") as f:
        json.dump(golden, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
