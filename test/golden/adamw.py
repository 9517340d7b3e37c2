"""torch's AdamW on given gradients, with weight decay on one of two tensors.

Usage: python test/golden/adamw.py          (torch 2.13 CPU, f32)

adamw.safetensors: `matrix` [24, 16] and `vector` [32] at the start, `grad.matrix` [8, 24, 16] and `grad.vector` [8, 32], and both after
eight steps with lr 1e-2, betas .9/.95, eps 1e-6 and weight decay 0.1 on the matrix alone (`after.matrix`, `after.vector`).
"""

import os

import torch
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = 8

if __name__ == "__main__":
    g = torch.Generator().manual_seed(29)
    start = {"matrix": torch.randn(24, 16, generator=g), "vector": torch.randn(32, generator=g)}
    # Gradients of very different sizes, some exactly zero.
    grads = {k: torch.randn(STEPS, *v.shape, generator=g) * 10.0 ** torch.randint(-6, 3, (STEPS, *v.shape), generator=g) for k, v in start.items()}
    grads["vector"][:, :4] = 0
    parameters = {k: torch.nn.Parameter(v.clone()) for k, v in start.items()}
    optimizer = torch.optim.AdamW(
        [{"params": [parameters["matrix"]], "weight_decay": 0.1}, {"params": [parameters["vector"]], "weight_decay": 0.0}],
        lr=1e-2, betas=(0.9, 0.95), eps=1e-6,
    )
    for step in range(STEPS):
        for k, p in parameters.items():
            p.grad = grads[k][step].clone()
        optimizer.step()
    save_file(
        {**start, **{"grad." + k: v.contiguous() for k, v in grads.items()}, **{"after." + k: p.detach().clone() for k, p in parameters.items()}},
        os.path.join(HERE, "adamw.safetensors"), {"format": "pt"},
    )
    print({k: float(p.norm()) for k, p in parameters.items()})
