"""TRL's classic PPO on frozen log-probs and values: rewards, advantages, returns, losses, slopes, statistics; and its KL controllers.

Usage: python test/golden/classic_ppo.py          (its own environment: trl 0.11.4, transformers 4.45.2, peft 0.13.2, torch 2.13 CPU; f64)

Calls PPOTrainer's own compute_rewards, compute_advantages, loss and record_step_stats, the last release that has them. Column t of every grid
belongs to token t + 1. Writes classic_ppo_golden.json.
"""

import json
import os
import warnings

import torch
import trl
from trl import PPOConfig, PPOTrainer
from trl.trainer.utils import AdaptiveKLController, FixedKLController

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)

CASES = {
    "defaults": {},
    "StepTool's settings": dict(gamma=0.99, init_kl_coef=0.3),
    "absolute KL": dict(kl_penalty="abs", gamma=0.97, lam=0.9),
    "squared KL": dict(kl_penalty="mse", init_kl_coef=1.5, lam=1.0),
    "narrow clips": dict(cliprange=0.05, cliprange_value=0.05, vf_coef=0.5),
    "wide clips, no KL": dict(init_kl_coef=0.0, cliprange=0.6, cliprange_value=1.0, lam=0.0),
    "past ratio_threshold": dict(ratio_threshold=0.8),
}


def run(inputs, options):
    config = PPOConfig(**options)
    trainer = PPOTrainer.__new__(PPOTrainer)
    trainer.config = config
    trainer.kl_ctl = AdaptiveKLController(config.init_kl_coef, config.target, config.horizon)
    mask = inputs["mask"]
    rewards, non_score_reward, kls = trainer.compute_rewards(inputs["scores"], inputs["logprobs"], inputs["ref_logprobs"], mask)
    values, advantages, returns = trainer.compute_advantages(inputs["values"], rewards, mask)
    logprobs = inputs["new_logprobs"].clone().requires_grad_(True)
    vpreds = inputs["new_values"].clone().requires_grad_(True)
    policy, value, train_stats = trainer.loss(inputs["logprobs"], values, inputs["new_logits"], vpreds, logprobs, mask, advantages, returns)
    (policy + value).backward()
    stats = trainer.record_step_stats(
        scores=inputs["scores"], logprobs=inputs["logprobs"], ref_logprobs=inputs["ref_logprobs"], non_score_reward=non_score_reward,
        train_stats={k: v[None] for k, v in train_stats.items()}, kl_coef=config.init_kl_coef, masks=mask, kls=kls,
        queries=[torch.zeros(3)] * len(mask), responses=[torch.zeros(5)] * len(mask),
    )
    skip = {"objective/kl_dist", "objective/logprobs", "objective/ref_logprobs", "ppo/policy/advantages", "ppo/policy/ratio"}
    ratio = torch.exp(logprobs - inputs["logprobs"]).detach()
    scalars = {k: float(v) for k, v in stats.items() if k not in skip and not k.startswith("tokens/")}
    # The two that TRL logs as grids: their masked means.
    scalars["ppo/policy/ratio"] = float((ratio * mask).sum() / mask.sum())
    kl_dist = stats["objective/kl_dist"]
    scalars |= {"objective/kl_dist/mean": float(kl_dist.mean()), "objective/kl_dist/std": float(kl_dist.std())}
    grids = dict(rewards=rewards, kl=kls, advantages=returns - values, whitened=advantages, returns=returns)
    return dict(options=options, stats=scalars, dlogp=logprobs.grad.tolist(), dvalue=vpreds.grad.tolist(), **{k: v.tolist() for k, v in grids.items()})


def kl_controllers():
    observed = [0.0, -2.0, 0.4, 1.1, 2.9, 5.9, 6.0, 6.3, 7.3, 11.0, 40.0, 6.6, 3.0]
    runs = []
    for name, control, options, batch in [
        ("adaptive, TRL's defaults", AdaptiveKLController, (0.2, 6, 10000), 128),
        ("adaptive, StepTool's settings", AdaptiveKLController, (0.3, 6, 10000), 8),
        ("adaptive, short horizon", AdaptiveKLController, (0.05, 1, 100), 32),
        ("fixed", FixedKLController, (0.2,), 128),
    ]:
        controller = control(*options)
        sequence = []
        for kl in observed:
            controller.update(kl, batch)
            sequence.append(float(controller.value))
        target, horizon = options[1:] or (6, 10000)
        runs.append(dict(name=name, init_kl_coef=options[0], adap_kl_ctrl=len(options) > 1, target=target, horizon=horizon, batch_size=batch, observed=observed, kl_coef=sequence))
    return runs


def main():
    warnings.simplefilter("ignore")
    generator = torch.Generator().manual_seed(7)
    # Runs of prompt or tool tokens and of the agent's own, in turn.
    parts = [(3, 4, 5, 2), (4, 2, 2, 3, 3, 5), (2, 6), (5, 3, 4, 4, 1, 1)]
    length = max(sum(p) for p in parts) - 1
    mask = torch.zeros(len(parts), length, dtype=torch.long)
    for row, lengths in enumerate(parts):
        own = [int(i % 2 == 1) for i, n in enumerate(lengths) for _ in range(n)]
        mask[row, : len(own) - 1] = torch.tensor(own[1:])
    randn = lambda *shape: torch.randn(*shape, generator=generator)
    grid = lambda: randn(*mask.shape)
    ref = -1.0 - grid().abs()
    logprobs = ref + 0.3 * grid()
    values = 0.5 * grid()
    inputs = dict(
        mask=mask, scores=torch.tensor([1.0, 0.0, 0.5, 1.0]), logprobs=logprobs, ref_logprobs=ref, values=values,
        new_logprobs=logprobs + 0.25 * grid(), new_values=values + 0.25 * grid(), new_logits=2.0 * randn(*mask.shape, 9),
    )
    cases = [dict(name=name, **run(inputs, options)) for name, options in CASES.items()]
    p = torch.softmax(inputs["new_logits"], -1)
    entropies = -(p * p.log()).sum(-1)
    golden = dict(source=f"trl {trl.__version__}", inputs={k: v.tolist() for k, v in inputs.items() if k != "new_logits"}, entropies=entropies.tolist(),
                  cases=cases, kl_controllers=kl_controllers())
    rounded = json.loads(json.dumps(golden), parse_float=lambda text: float(f"{float(text):.12g}"))
    with open(os.path.join(HERE, "classic_ppo_golden.json"), "w") as f:
        json.dump(rounded, f, separators=(",", ":"))
        f.write("\n")
    for case in cases:
        print(case["name"], {k: round(v, 5) for k, v in case["stats"].items()})


if __name__ == "__main__":
    main()
