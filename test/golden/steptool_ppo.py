"""Step-grained PPO of `tiny_qwen2` in plain torch: the arithmetic of TRL 0.11's classic PPOTrainer as StepTool's StepPPOTrainer changes it.

Usage: python test/golden/steptool_ppo.py          (torch 2.13 CPU, transformers 5.23, peft 0.21, f64, one thread)

Independent of Hone's: sequences are padded and masked as TRL does it, GAE runs over padded positions, autograd makes the gradients.
Writes steptool_ppo_run.json (inputs, statistics per batch) and steptool_ppo_run.safetensors (weights after both batches).
Two runs: `released` (quirks on: rewards times n - i - 1, GAE through tool tokens) and `paper` (rewards as they are, GAE skips tool tokens
as verl does, an unlabelled step is masked out, gradients clipped to norm 1; one mini-batch passes ratio_threshold and is skipped).
"""

import json
import os

import numpy as np
import torch
from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import Qwen2ForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# Hone's minibatchesOf(4, 2, seed 5, batch, epoch): [batch][epoch][mini-batch].
ORDERS = [[[[0, 2], [3, 1]], [[2, 0], [3, 1]]], [[[1, 2], [3, 0]], [[3, 0], [2, 1]]]]
CONFIG = {
    "learning_rate": 1e-2, "batch_size": 4, "mini_batch_size": 2, "gradient_accumulation_steps": 2, "ppo_epochs": 2,
    "init_kl_coef": 0.3, "target": 6, "horizon": 40, "gamma": 0.99, "lam": 0.95, "cliprange": 0.2, "cliprange_value": 0.2, "vf_coef": 0.1, "ratio_threshold": 10,
}
RUNS = {
    "released": {"step_reward_weighting": "released", "gae_mask_mode": "trl_classic", "max_grad_norm": 0},
    "paper": {"step_reward_weighting": "paper", "gae_mask_mode": "skip", "max_grad_norm": 1.0},
}


def make_sequences(run):
    """ids, stepOf and rewards; lengths of (prompt, completion) pairs vary. In `paper` one step has no label."""
    rng = np.random.default_rng(20)
    sequences = []
    for parts in [(3, 4, 5, 2), (4, 2, 2, 3, 3, 5), (2, 6, 1, 1), (5, 3, 4, 4)]:
        step_of = []
        for index, length in enumerate(parts):
            step_of += [index // 2 if index % 2 else -1] * length
        rewards = [round(float(x), 2) for x in rng.random(len(parts) // 2)]
        sequences.append({"ids": rng.integers(0, 96, sum(parts)).tolist(), "stepOf": step_of, "rewards": rewards})
    if run == "paper":
        sequences[1]["rewards"][1] = None
    return sequences


def masked_mean(values, mask):
    return (values * mask).sum() / mask.sum()


def masked_var(values, mask):
    mean = masked_mean(values, mask)
    variance = masked_mean((values - mean) ** 2, mask)
    return variance * mask.sum() / (mask.sum() - 1)


def masked_whiten(values, mask):
    return (values - masked_mean(values, mask)) * torch.rsqrt(masked_var(values, mask) + 1e-8)


class Trainer:
    def __init__(self, run):
        self.config = {**CONFIG, **RUNS[run]}
        model = Qwen2ForCausalLM.from_pretrained(os.path.join(HERE, "tiny_qwen2"), attn_implementation="eager", dtype=torch.float64)
        model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, target_modules=TARGETS, task_type="CAUSAL_LM")).eval()
        adapter = load_file(os.path.join(HERE, "tiny_qwen2_lora.safetensors"))
        # A third of the golden adapter: near enough to the base that clipping is not everywhere.
        set_peft_model_state_dict(model, {k: v / 3 for k, v in adapter.items()})
        self.model = model.double()
        self.v_head = torch.nn.Linear(32, 1).double()
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for p in self.v_head.parameters():
                p.copy_((torch.rand(p.shape, generator=generator) * 2 - 1).float() / 32**0.5)
        self.start_head = {k: p.detach().clone() for k, p in self.v_head.named_parameters()}
        self.trained = {k.replace(".default.", ".").removeprefix("base_model.model."): p for k, p in self.model.named_parameters() if p.requires_grad}
        self.trained |= {"v_head.summary." + k: p for k, p in self.v_head.named_parameters()}
        self.optimizer = torch.optim.Adam(self.trained.values(), lr=self.config["learning_rate"])
        self.kl_coef = self.config["init_kl_coef"]

    def forward(self, sequences, reference=False):
        """batched_forward_pass: right-padded log-probs, values, entropies of positions 0 … L-2."""
        length = max(len(s["ids"]) for s in sequences)
        ids = torch.tensor([s["ids"] + [0] * (length - len(s["ids"])) for s in sequences])
        attention = torch.tensor([[1] * len(s["ids"]) + [0] * (length - len(s["ids"])) for s in sequences])
        if reference:
            with self.model.disable_adapter():
                out = self.model(input_ids=ids, attention_mask=attention, output_hidden_states=True, use_cache=False)
        else:
            out = self.model(input_ids=ids, attention_mask=attention, output_hidden_states=True, use_cache=False)
        logp = torch.log_softmax(out.logits[:, :-1], -1)
        picked = logp.gather(-1, ids[:, 1:, None])[..., 0]
        entropy = -(logp.exp() * logp).sum(-1)
        values = self.v_head(out.hidden_states[-1])[..., 0][:, :-1]
        return picked, values, entropy

    def masks(self, sequences):
        """mask[t] = frag[t + 1]; unlabelled steps are masked out."""
        length = max(len(s["ids"]) for s in sequences)
        rows = []
        for s in sequences:
            frag = [1.0 if step >= 0 and s["rewards"][step] is not None else 0.0 for step in s["stepOf"]]
            rows.append(frag[1:] + [0.0] * (length - len(frag)))
        return torch.tensor(rows, dtype=torch.float64)

    def place(self, sequence, mask):
        """StepTool's walk back over the runs of ones, for the labelled steps."""
        scores = sequence["rewards"]
        n = len(scores)
        placed = [0.0] * len(mask)
        m = [int(x) for x in mask]
        for i in reversed(range(n)):
            if scores[i] is None:
                continue
            if 1 not in m:
                break
            end = len(m) - 1 - m[::-1].index(1)
            factor = n - i - 1 if self.config["step_reward_weighting"] == "released" else 1
            placed[end] += scores[i] * factor
            m = m[: end + 1]
            if 0 not in m:
                break
            m = m[: len(m) - m[::-1].index(0)]
        return torch.tensor(placed, dtype=torch.float64)

    def advantages(self, values, rewards, mask):
        gamma, lam = self.config["gamma"], self.config["lam"]
        values, rewards = values * mask, rewards * mask
        last = torch.zeros(len(values), dtype=torch.float64)
        next_values = torch.zeros(len(values), dtype=torch.float64)
        reversed_advantages = []
        for t in reversed(range(values.shape[1])):
            if self.config["gae_mask_mode"] == "trl_classic":
                next_values = values[:, t + 1] if t < values.shape[1] - 1 else torch.zeros(len(values), dtype=torch.float64)
                delta = rewards[:, t] + gamma * next_values - values[:, t]
                last = delta + gamma * lam * last
            else:  # verl compute_gae_advantage_return
                delta = rewards[:, t] + gamma * next_values - values[:, t]
                here = delta + gamma * lam * last
                next_values = values[:, t] * mask[:, t] + (1 - mask[:, t]) * next_values
                last = here * mask[:, t] + (1 - mask[:, t]) * last
            reversed_advantages.append(last)
        advantages = torch.stack(reversed_advantages[::-1]).transpose(0, 1)
        returns = advantages + values
        return values, masked_whiten(advantages, mask), returns

    def loss(self, old_logp, old_values, entropy, vpreds, logp, mask, advantages, returns):
        c = self.config
        clipped = torch.max(torch.min(vpreds, old_values + c["cliprange_value"]), old_values - c["cliprange_value"])
        vf1, vf2 = (vpreds - returns) ** 2, (clipped - returns) ** 2
        vf_loss = 0.5 * masked_mean(torch.max(vf1, vf2), mask)
        ratio = torch.exp(logp - old_logp)
        pg1, pg2 = -advantages * ratio, -advantages * torch.clamp(ratio, 1 - c["cliprange"], 1 + c["cliprange"])
        pg_loss = masked_mean(torch.max(pg1, pg2), mask)
        total = pg_loss + c["vf_coef"] * vf_loss
        skipped = bool(masked_mean(ratio, mask) > c["ratio_threshold"])
        if skipped:
            pg_loss, vf_loss, total = pg_loss * 0.0, vf_loss * 0.0, total * 0.0
        stats = {
            "ppo/loss/policy": pg_loss, "ppo/loss/value": vf_loss, "ppo/loss/total": total, "ppo/policy/entropy": masked_mean(entropy, mask),
            "ppo/policy/approxkl": 0.5 * masked_mean((logp - old_logp) ** 2, mask), "ppo/policy/policykl": masked_mean(old_logp - logp, mask),
            "ppo/policy/clipfrac": masked_mean((pg2 > pg1).double(), mask), "ppo/policy/advantages_mean": masked_mean(advantages, mask),
            "ppo/policy/ratio": masked_mean(ratio, mask), "ppo/returns/mean": masked_mean(returns, mask), "ppo/returns/var": masked_var(returns, mask),
            "ppo/val/vpred": masked_mean(vpreds, mask), "ppo/val/error": masked_mean((vpreds - returns) ** 2, mask),
            "ppo/val/clipfrac": masked_mean((vf2 > vf1).double(), mask), "ppo/val/mean": masked_mean(old_values, mask), "ppo/val/var": masked_var(old_values, mask),
        }
        return total, {k: float(v.detach()) for k, v in stats.items()} | {"ppo/skipped_minibatches": float(skipped)}

    def step(self, sequences, orders):
        c = self.config
        mask = self.masks(sequences)
        with torch.no_grad():
            logp, values, _ = self.forward(sequences)
            ref, _, _ = self.forward(sequences, reference=True)
            kl = logp - ref
            scores = torch.stack([self.place(s, m) for s, m in zip(sequences, mask)])
            rewards = -self.kl_coef * kl + scores
            values, advantages, returns = self.advantages(values, rewards, mask)
        gathered = []
        for order in orders:
            self.optimizer.zero_grad()
            for members in order:
                at = torch.tensor(members)
                new_logp, vpreds, entropy = self.forward([sequences[i] for i in members])
                width = new_logp.shape[1]
                pick = lambda x: x[at][:, :width]
                total, stats = self.loss(pick(logp), pick(values), entropy, vpreds, new_logp, pick(mask), pick(advantages), pick(returns))
                (total / c["gradient_accumulation_steps"]).backward()
                gathered.append(stats)
            norm = float(torch.nn.utils.clip_grad_norm_(self.trained.values(), c["max_grad_norm"] or float("inf")))
            self.optimizer.step()
        stats = {k: float(np.mean([s[k] for s in gathered])) for k in gathered[0]}
        stats["ppo/skipped_minibatches"] = sum(s["ppo/skipped_minibatches"] for s in gathered)
        sequence_kl = (kl * mask).sum(-1)
        stats |= {
            "objective/kl": float(sequence_kl.mean()), "objective/kl_dist/std": float(sequence_kl.std()), "objective/kl_coef": self.kl_coef,
            "objective/entropy": float((-logp * mask).sum(-1).mean()), "objective/logprobs": float(masked_mean(logp, mask)),
            "objective/ref_logprobs": float(masked_mean(ref, mask)), "ppo/mean_non_score_reward": float(masked_mean(-self.kl_coef * kl, mask)),
            "ppo/val/var_explained": 1 - stats["ppo/val/error"] / stats["ppo/returns/var"], "grad_norm": norm,
        }
        error = np.clip(stats["objective/kl"] / c["target"] - 1, -0.2, 0.2)
        self.kl_coef *= 1 + error * c["batch_size"] / c["horizon"]
        return stats


def check_vectors():
    """The functions above give steptool_ppo_vectors.json, whose numbers have six decimals."""
    with open(os.path.join(HERE, "steptool_ppo_vectors.json")) as f:
        vectors = json.load(f)
    inputs = {k: torch.tensor(v, dtype=torch.float64) for k, v in vectors["inputs"].items() if k != "scores"}
    mask, logp = inputs["mask"], inputs["logprobs"]
    for placement in ["released", "paper"]:
        trainer = Trainer.__new__(Trainer)
        trainer.config = {**CONFIG, "step_reward_weighting": placement, "gae_mask_mode": "trl_classic"}
        scores = torch.stack([trainer.place({"rewards": s}, m) for s, m in zip(vectors["inputs"]["scores"], mask)])
        rewards = scores - inputs["kl_coef"] * (logp - inputs["ref_logprobs"])
        values, whitened, returns = trainer.advantages(inputs["values"], rewards, mask)
        new = [torch.tensor(vectors[k], dtype=torch.float64) for k in ("new_values", "new_logprobs")]
        _, stats = trainer.loss(logp, values, torch.zeros_like(mask), *new, mask, whitened, returns)
        found = {"rewards": rewards, "adv_whitened": whitened, "returns": returns, "adv_raw": returns - values}
        found |= {k: torch.tensor(stats["ppo/loss/" + n]) for k, n in (("pg_loss", "policy"), ("vf_loss", "value"), ("total", "total"))}
        for name, value in found.items():
            assert torch.allclose(value, torch.tensor(vectors[placement][name], dtype=value.dtype), atol=6e-7, rtol=0), (placement, name)


def main():
    check_vectors()
    golden, weights = {"config": CONFIG, "orders": ORDERS, "runs": {}}, {}
    for run, switches in RUNS.items():
        trainer, sequences = Trainer(run), make_sequences(run)
        stats = [trainer.step(sequences, orders) for orders in ORDERS]
        golden["runs"][run] = {"switches": switches, "sequences": sequences, "stats": stats, "kl_coef": trainer.kl_coef}
        golden["value_head"] = {k: p.flatten().tolist() for k, p in trainer.start_head.items()}
        weights |= {f"{run}.{k}": p.detach().float().contiguous() for k, p in trainer.trained.items()}
        print(run, [(round(s["ppo/loss/total"], 5), round(s["ppo/policy/clipfrac"], 3), round(s["ppo/val/clipfrac"], 3), round(s["objective/kl"], 3)) for s in stats])
    save_file(weights, os.path.join(HERE, "steptool_ppo_run.safetensors"), {"format": "pt"})
    with open(os.path.join(HERE, "steptool_ppo_run.json"), "w") as f:
        json.dump(golden, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    main()
