"""TRL's own DPO loss on frozen log-probs: loss, gradient in every token's log-prob, metrics, and each pair's loss by itself.

Usage: python test/golden/dpo.py          (trl 1.16, torch 2.13 CPU, f64)

Calls `DPOTrainer._compute_loss` itself, with a stand-in that hands out the given log-probs instead of a model's. TRL 1.16 has no smoothed
`sigmoid`: its `aot` on a batch of one pair, where sorting does nothing, is that formula (cDPO). Writes dpo_golden.json.
"""

import json
import os
from collections import defaultdict
from types import SimpleNamespace

import torch
import trl
from trl.trainer.dpo_trainer import DPOTrainer

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)
PROMPT = 2


class Accelerator:
    device = "cpu"

    def gather(self, x):
        return x

    gather_for_metrics = gather


class Model:
    """What TRL's fused head returns: 0 where the label is masked."""

    training = True

    def __init__(self, logps, entropies, is_top1, mean_logits):
        self.logps = logps
        self.entropies = entropies
        self.is_top1 = is_top1
        self.mean_logits = mean_logits

    def __call__(self, labels, **_):
        mask = (labels[:, 1:] != -100).double()
        return SimpleNamespace(log_probs=self.logps * mask, entropy=self.entropies, mean_logits=self.mean_logits, is_top1=self.is_top1)


def compute(logps, ref, entropies, is_top1, mean_logits, mask, loss_type, beta, label_smoothing):
    """`logps` [2B, T-1], chosen first, then rejected: the parameter that `_compute_loss` differentiates."""
    parameter = logps.clone().requires_grad_(True)
    ref_sums = (ref * mask[:, 1:]).sum(1)
    pairs = len(mask) // 2
    trainer = SimpleNamespace(
        accelerator=Accelerator(), aux_loss_enabled=False, ld_alpha=None, precompute_ref_logps=True, f_divergence_type="reverse_kl",
        loss_types=[loss_type], loss_weights=[1.0], beta=beta, label_smoothing=label_smoothing, use_weighting=False,
        _metrics={"train": defaultdict(list)}, _total_train_tokens=0, _tp_size=1,
    )
    trainer.model = Model(parameter, entropies, is_top1, mean_logits)
    ids = torch.zeros_like(mask)
    inputs = dict(input_ids=ids, attention_mask=torch.ones_like(mask), completion_mask=mask, ref_chosen_logps=ref_sums[:pairs],
                  ref_rejected_logps=ref_sums[pairs:])
    loss = DPOTrainer._compute_loss(trainer, trainer.model, inputs, False)
    loss.backward()
    names = ["rewards/chosen", "rewards/rejected", "rewards/accuracies", "rewards/margins", "logps/chosen", "logps/rejected", "logits/chosen", "logits/rejected", "entropy", "mean_token_accuracy"]
    return float(loss.detach()), parameter.grad, {name: trainer._metrics["train"][name][0] for name in names}


def main():
    generator = torch.Generator().manual_seed(5)
    chosen, rejected = [9, 4, 7, 3, 12, 5], [5, 11, 7, 6, 2, 8]
    lengths = chosen + rejected
    b, t = len(chosen), PROMPT + max(lengths)
    mask = torch.tensor([[1 if PROMPT <= i < PROMPT + n else 0 for i in range(t)] for n in lengths])
    mask[0, 5:7] = 0  # a tool's reply inside an answer is not trained
    mask[4, 6:9] = 0
    mask[7, 4:8] = 0
    randn = lambda: torch.randn(2 * b, t - 1, generator=generator)
    ref = -1.0 - randn().abs()
    logps = ref + 0.3 * randn()
    logps[3], logps[3 + b] = ref[3], ref[3 + b]  # a pair at the reference: ln 2, and not counted as right
    logps[4] += 1.5  # a pair far apart the right way round, and one the wrong way
    logps[5] -= 1.2
    logps[5 + b] += 0.9
    entropies = randn().abs()
    is_top1 = randn() > 0.3
    mean_logits = randn()

    cases = []
    for name, loss_type, beta, label_smoothing in [
        ("sigmoid", "sigmoid", 0.1, 0),
        ("sigmoid, large beta", "sigmoid", 0.9, 0),
        ("smoothed", "sigmoid", 0.1, 0.1),
        ("smoothed, large beta", "sigmoid", 0.9, 0.25),
        ("robust", "robust", 0.1, 0.1),
        ("robust, large beta", "robust", 0.9, 0.25),
        ("hinge", "hinge", 0.1, 0),
        ("hinge, large beta", "hinge", 0.9, 0),
        ("ipo", "ipo", 0.1, 0),
        ("ipo, large beta", "ipo", 0.9, 0),
    ]:
        form = "aot" if loss_type == "sigmoid" and label_smoothing > 0 else loss_type
        singles, grad = [], torch.zeros_like(logps)
        for p in range(b):
            of = [p, p + b]
            loss, own, _ = compute(logps[of], ref[of], entropies[of], is_top1[of], mean_logits[of], mask[of], form, beta, label_smoothing)
            singles.append(loss)
            grad[of] = own / b
        loss, whole, metrics = compute(logps, ref, entropies, is_top1, mean_logits, mask, loss_type if form == "aot" else form, beta, 0 if form == "aot" else label_smoothing)
        if form == "aot":
            loss = sum(singles) / b
        else:
            assert abs(loss - sum(singles) / b) < 1e-12 and (whole - grad).abs().max() < 1e-12
        cases.append(dict(name=name, loss_type=loss_type, beta=beta, label_smoothing=label_smoothing, loss=loss, losses=singles,
                          grad=[[round(x, 12) for x in row] for row in grad.tolist()], metrics=metrics))

    # Batches are [chosen …, rejected …]; column i of these grids is the log-prob of token i + 1.
    golden = dict(source=f"trl {trl.__version__}", mask=mask[:, 1:].tolist(), logps=logps.tolist(), ref=ref.tolist(), entropies=entropies.tolist(),
                  is_top1=is_top1.int().tolist(), mean_logits=mean_logits.tolist(), cases=cases)
    with open(os.path.join(HERE, "dpo_golden.json"), "w") as f:
        json.dump(golden, f, separators=(",", ":"))
        f.write("\n")
    for case in cases:
        print(case["name"], case["loss"], case["losses"], case["metrics"])


if __name__ == "__main__":
    main()
