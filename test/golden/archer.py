"""ArCHer's critics and actor in torch, on frozen features and log-probs.

Usage: python test/golden/archer.py          (torch 2.13 CPU, f64; weights and features are f32 numbers)

The arithmetic of `archer/trainer.py` and the heads of `archer/models/critic.py` (arXiv:2402.19446) as StepTool's baseline runs them: Q1, Q2 of
[observation; action], V1, V2 of the observation, targets, losses added over the batches of an update, one clipped Adam step, soft update. Adam's
eps is 1e-6. Writes archer.safetensors and archer_golden.json:

* tensors: `start.NAME`, `grad.NAME` (first update, not clipped), `after.NAME` and `target.NAME` (after six updates) of every weight under torch's
  names; `observation`, `action`, `fresh`, `next` [6, 12, 8]: features of the utterances of each update.
* JSON: `settings`; `transitions` [6][12] of (reward, done, Monte-Carlo return); `updates` with losses, means, the gradient's norm; `advantages` of
  the last update's fresh actions by the trained critics; `tokens`: log-probs and values of each one's tokens; `actor` and `baseline`: losses and
  gradients in them.
"""

import json
import os

import torch
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)
FEATURES, HIDDEN, UPDATES, BATCH, ACCUMULATION = 8, 12, 6, 4, 3
SIZE = BATCH * ACCUMULATION
SETTINGS = dict(features=FEATURES, critic_hidden_size=HIDDEN, batch_size=BATCH, gradient_accumulation_steps=ACCUMULATION, epochs=UPDATES, gamma=0.95, tau=0.1,
                critic_lr=1e-2, max_grad_norm=2.0, adam_epsilon=1e-6)


def head(inner):
    return torch.nn.Sequential(torch.nn.Linear(inner, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, 1))


class DoubleCritic(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.critic1, self.critic2 = head(2 * FEATURES), head(2 * FEATURES)
        self.v_critic1, self.v_critic2 = head(FEATURES), head(FEATURES)

    def forward(self, observation, action):
        pair = torch.cat([observation, action], dim=1)
        return self.critic1(pair), self.critic2(pair), self.v_critic1(observation), self.v_critic2(observation)


def critic_loss(critic, target, observation, action, reward, next_observation, done, fresh, gamma):
    q1, q2, v1, v2 = [x.flatten() for x in critic(observation, action)]
    with torch.no_grad():
        _, _, target_v1, target_v2 = target(next_observation, action)
        target_v1 = reward + (1 - done) * target_v1.flatten() * gamma
        target_v2 = reward + (1 - done) * target_v2.flatten() * gamma
        target_q1, target_q2, _, _ = [x.flatten() for x in target(observation, fresh)]
    mse = torch.nn.MSELoss()
    losses = [mse(q1, target_v1), mse(q2, target_v2), mse(v1, target_q1), mse(v2, target_q2)]
    sum(losses).backward()
    return losses, [q1, q2, v1, v2, target_q1, target_q2]


def f32(x):
    return x.float().double()


def mc_returns(rewards, gamma):
    return [sum(gamma ** (j - i) * rewards[j] for j in range(i, len(rewards))) for i in range(len(rewards))]


def main():
    g = torch.Generator().manual_seed(41)
    torch.manual_seed(41)
    critic, target = DoubleCritic(), DoubleCritic()
    with torch.no_grad():
        for p in critic.parameters():
            p.copy_(f32(p))
    target.load_state_dict(critic.state_dict())
    tensors = {"start." + k: v.clone() for k, v in critic.state_dict().items()}

    def features():
        x = torch.randn(UPDATES, SIZE, FEATURES, generator=g)
        return f32(x / x.square().mean(-1, keepdim=True).sqrt())

    observation, action, fresh, following = features(), features(), features(), features()
    # Three episodes of four utterances in each update; the last of each is done.
    rewards = f32(torch.randint(0, 5, (UPDATES, SIZE), generator=g) / 4)
    done = torch.tensor([[1.0 if i % 4 == 3 else 0.0 for i in range(SIZE)]] * UPDATES)
    returns = f32(torch.tensor([sum((mc_returns(rewards[u, e:e + 4].tolist(), SETTINGS["gamma"]) for e in range(0, SIZE, 4)), []) for u in range(UPDATES)]))

    optimizer = torch.optim.Adam(critic.parameters(), lr=SETTINGS["critic_lr"], eps=SETTINGS["adam_epsilon"])
    updates = []
    for u in range(UPDATES):
        optimizer.zero_grad()
        losses, seen = [], []
        for b in range(0, SIZE, BATCH):
            of = slice(b, b + BATCH)
            loss, values = critic_loss(critic, target, observation[u, of], action[u, of], rewards[u, of], following[u, of], done[u, of], fresh[u, of], SETTINGS["gamma"])
            losses.append(torch.stack(loss).detach())
            seen.append(torch.stack(values).detach())
        if u == 0:
            tensors.update({"grad." + k: p.grad.clone() for k, p in critic.named_parameters()})
        norm = torch.nn.utils.clip_grad_norm_(critic.parameters(), SETTINGS["max_grad_norm"])
        optimizer.step()
        with torch.no_grad():
            for a, b in zip(target.parameters(), critic.parameters()):
                a.copy_((1 - SETTINGS["tau"]) * a + SETTINGS["tau"] * b)
        updates.append(dict(losses=torch.stack(losses).mean(0).tolist(), means=torch.cat(seen, 1).mean(1).tolist(), grad_norm=float(norm)))
    tensors.update({"after." + k: v.clone() for k, v in critic.state_dict().items()})
    tensors.update({"target." + k: v.clone() for k, v in target.state_dict().items()})
    tensors.update(observation=observation, action=action, fresh=fresh, next=following)

    # The actor, on the last update's observations and fresh actions. Padded as the released code pads.
    with torch.no_grad():
        q1, q2, v1, v2 = [x.flatten() for x in critic(observation[-1], fresh[-1])]
        advantages = torch.minimum(q1, q2) - torch.minimum(v1, v2)
    lengths = torch.randint(1, 9, (SIZE,), generator=g)
    longest = int(lengths.max())
    mask = (torch.arange(longest)[None] < lengths[:, None]).double()
    logps = f32(-torch.randn(SIZE, longest, generator=g).abs() - 0.2)
    token_values = f32(0.3 * torch.randn(SIZE, longest, generator=g))

    def packed(x):
        return [x[s, t].item() for s in range(SIZE) for t in range(int(lengths[s]))]

    logp = logps.clone().requires_grad_(True)
    pg_loss = -torch.mean((logp * mask).sum(1) * advantages)
    pg_loss.backward()
    actor = dict(pg_loss=pg_loss.item(), grad=packed(logp.grad))

    logp, value = logps.clone().requires_grad_(True), token_values.clone().requires_grad_(True)
    # The released code divides by all cells, padding included; here by tokens.
    value_loss = (((advantages[:, None] - value) * mask) ** 2).sum() / mask.sum()
    residual = (advantages[:, None] - value).detach()
    pg_loss = -torch.mean((residual * logp * mask).sum(1))
    (pg_loss + value_loss).backward()
    baseline = dict(pg_loss=pg_loss.item(), value_loss=value_loss.item(), residual_mean=((residual * mask).sum() / mask.sum()).item(), grad=packed(logp.grad),
                    value_grad=packed(value.grad))

    save_file({k: v.float().contiguous() for k, v in tensors.items()}, os.path.join(HERE, "archer.safetensors"), {"format": "pt"})
    golden = dict(source="torch " + torch.__version__.split("+")[0], settings=SETTINGS,
                  transitions=[[[rewards[u, i].item(), done[u, i].item(), returns[u, i].item()] for i in range(SIZE)] for u in range(UPDATES)],
                  updates=updates, advantages=advantages.tolist(), lengths=lengths.tolist(), tokens=dict(logps=packed(logps), values=packed(token_values)),
                  actor=actor, baseline=baseline)
    with open(os.path.join(HERE, "archer_golden.json"), "w") as f:
        json.dump(golden, f, separators=(",", ":"))
        f.write("\n")
    for update in updates:
        print(update)
    print(actor["pg_loss"], baseline["pg_loss"], baseline["value_loss"])


if __name__ == "__main__":
    main()
