"""TRL's own GRPO loss on frozen log-probs: loss, gradient in the log-probs, metrics; and its group advantages.

Usage: python test/golden/grpo.py          (trl 1.16, torch 2.13 CPU, f64)

Calls `GRPOTrainer._compute_loss` itself, with a stand-in that hands out the given log-probs instead of a model's. Writes grpo_golden.json.
"""

import json
import os
from collections import defaultdict
from types import SimpleNamespace

import torch
import trl
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.utils import nanstd

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)


class Accelerator:
    num_processes = 1
    sync_gradients = True

    def gather(self, x):
        return x

    def reduce(self, x, reduction="sum"):
        return x


def compute(logps, entropies, inputs, **options):
    """`logps` [B, T] is the parameter that `_compute_loss` differentiates."""
    parameter = logps.clone().requires_grad_(True)
    args = SimpleNamespace(delta=options.get("delta"), use_bias_correction_kl=options.get("use_bias_correction_kl", True), steps_per_generation=1, sapo_temperature_pos=1.0,
                           sapo_temperature_neg=1.05)
    epsilon = options.get("epsilon", 0.2)
    trainer = SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *a, **k: (parameter, entropies, None),
        aux_loss_enabled=False, top_entropy_quantile=1.0, off_policy_mask_threshold=None, use_vllm=False, _entropy_bonus_enabled=False,
        importance_sampling_level=options.get("importance_sampling_level", "token"), beta=options.get("beta", 0.0), args=args,
        loss_type=options["loss_type"], epsilon_low=epsilon, epsilon_high=options.get("epsilon_high", epsilon),
        max_completion_length=options.get("max_completion_length", 12), current_gradient_accumulation_steps=1,
        accelerator=Accelerator(), model=SimpleNamespace(training=True), _metrics={"train": defaultdict(list)},
    )
    loss = GRPOTrainer._compute_loss(trainer, None, inputs)
    loss.backward()
    metrics = {key: values[0] for key, values in trainer._metrics["train"].items()}
    return float(loss.detach()), parameter.grad, metrics


def main():
    generator = torch.Generator().manual_seed(5)
    lengths = [9, 4, 7, 1, 12, 6]
    b, t = len(lengths), max(lengths)
    mask = torch.tensor([[1 if i < n else 0 for i in range(t)] for n in lengths])
    tool_mask = torch.ones_like(mask)
    tool_mask[0, 3:6] = 0  # a tool's reply inside a completion is not trained
    tool_mask[4, 5:7] = 0
    randn = lambda: torch.randn(b, t, generator=generator)
    old = -1.0 - randn().abs()
    logps = old + 0.25 * randn()
    ref = old + 0.3 * randn()
    entropies = randn().abs()
    advantages = torch.tensor([1.2, -0.7, 0.4, -1.5, 0.0, 0.9])
    per_token = randn()
    base = dict(prompt_ids=torch.zeros(b, 1, dtype=torch.long), prompt_mask=torch.ones(b, 1, dtype=torch.long),
                completion_ids=torch.zeros(b, t, dtype=torch.long), completion_mask=mask, tool_mask=tool_mask,
                old_per_token_logps=old, ref_per_token_logps=ref, num_items_in_batch=(mask * tool_mask).sum())
    cases = []
    for name, options in {
        "dapo": dict(loss_type="dapo", epsilon_high=0.28),
        "grpo": dict(loss_type="grpo"),
        "grpo with kl": dict(loss_type="grpo", beta=0.04, use_bias_correction_kl=False),
        "bnpo": dict(loss_type="bnpo"),
        "dr_grpo": dict(loss_type="dr_grpo", max_completion_length=16),
        "dr_grpo with kl": dict(loss_type="dr_grpo", max_completion_length=16, beta=0.1, use_bias_correction_kl=False),
        "delta": dict(loss_type="dapo", delta=1.25),
        "gspo": dict(loss_type="grpo", importance_sampling_level="sequence", epsilon=0.03, epsilon_high=0.04),
        "gspo with kl": dict(loss_type="grpo", importance_sampling_level="sequence", epsilon=0.03, epsilon_high=0.04, beta=0.05, use_bias_correction_kl=False),
        "kl weighed by the ratio": dict(loss_type="grpo", beta=0.2),
        "gspo with kl weighed by the ratio": dict(loss_type="grpo", importance_sampling_level="sequence", epsilon=0.03, epsilon_high=0.04, beta=0.2),
        "cispo with kl weighed by the ratio": dict(loss_type="cispo", epsilon_high=1.1, beta=0.2),
        "cispo": dict(loss_type="cispo", epsilon_high=1.1),
        "advantages per token": dict(loss_type="dapo", per_token=True),
    }.items():
        inputs = dict(base, advantages=per_token if options.pop("per_token", False) else advantages)
        loss, grad, metrics = compute(logps, entropies, inputs, **options)
        cases.append(dict(name=name, options=options, per_token=inputs["advantages"].dim() == 2, loss=loss, grad=grad.tolist(), metrics=metrics))

    # The lines of `_generate_and_score_completions` that make advantages of rewards.
    rewards = torch.tensor([1.0, 0.0, 0.5, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.25, 1.0, float("nan")])
    groups = []
    for scale in ["group", "batch", "none"]:
        mean = torch.nanmean(rewards.view(-1, 4), dim=1).repeat_interleave(4)
        std = nanstd(rewards.view(-1, 4), dim=1).repeat_interleave(4) if scale != "batch" else nanstd(rewards).expand_as(rewards)
        advantage = rewards - mean
        if scale != "none":
            advantage = advantage / (std + 1e-4)
        groups.append(dict(scale_rewards=scale, advantages=torch.nan_to_num(advantage, nan=0.0).tolist()))

    golden = dict(
        source=f"trl {trl.__version__}", completion_mask=mask.tolist(), tool_mask=tool_mask.tolist(), old=old.tolist(), logps=logps.tolist(),
        ref=ref.tolist(), entropies=entropies.tolist(), advantages=advantages.tolist(), advantages_per_token=per_token.tolist(), cases=cases,
        rewards=[None if r != r else r for r in rewards.tolist()], num_generations=4, groups=groups,
    )
    with open(os.path.join(HERE, "grpo_golden.json"), "w") as f:
        json.dump(golden, f, separators=(",", ":"))
        f.write("\n")
    for case in cases:
        print(case["name"], case["loss"], case["metrics"])


if __name__ == "__main__":
    main()
