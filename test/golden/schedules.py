"""Learning-rate factors of transformers' schedules, step by step.

Usage: python test/golden/schedules.py          (transformers 5.23, torch 2.13)

`get_scheduler` drives an optimizer of rate 1 as Trainer does: the rate is read before each step. Writes schedules_golden.json.
"""

import json
import os

import torch
import transformers
from transformers import get_scheduler

HERE = os.path.dirname(os.path.abspath(__file__))


def factors(name, total, warmup):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=total)
    found = []
    for _ in range(total):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


names = ["constant", "constant_with_warmup", "linear", "cosine"]
cases = [dict(name=n, total=t, warmup=w, factors=factors(n, t, w)) for n in names for t, w in [(8, 0), (11, 3), (1, 0), (4, 4), (3, 7)]]
with open(os.path.join(HERE, "schedules_golden.json"), "w") as f:
    json.dump(dict(source=f"transformers {transformers.__version__}", cases=cases), f, separators=(",", ":"))
    f.write("\n")
