"""One safetensors file with every dtype we read, the same values as float32, and the rounding of f32 to f16 and bf16.

Usage: python test/golden/safetensors_dtypes.py     (torch 2.13, safetensors 0.8). Fields: README.md here.
"""

import os

import numpy as np
import torch
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
F16 = [0.0, -0.0, 1.0, -2.5, 65504.0, -65504.0, 6.104e-05, 5.96e-08, -1.19e-07, 3.05e-05, float("inf"), float("-inf"), float("nan")]


def main():
    rng = np.random.default_rng(3)
    tensors = {
        "f16": torch.tensor(F16, dtype=torch.float16),
        "bf16": torch.tensor([0.0, -0.0, 1.0, -3.140625, 3.3895e38, 1e-38, 9.2e-41, float("inf"), float("nan")], dtype=torch.bfloat16),
        "f32": torch.tensor([[1.5, -2.25, 1e-45], [3.4e38, float("-inf"), 0.1]], dtype=torch.float32),
        "f64": torch.tensor([0.1, -1e300, 1e-320], dtype=torch.float64),
        "i64": torch.tensor([[-5], [2**40]], dtype=torch.int64),
        "i32": torch.tensor([-(2**31), 7], dtype=torch.int32),
        "i16": torch.tensor([-300, 300], dtype=torch.int16),
        "i8": torch.tensor([-128, 127], dtype=torch.int8),
        "u8": torch.tensor([0, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4),
    }
    save_file(tensors, os.path.join(HERE, "dtypes.safetensors"), {"note": "é"})
    save_file({k: v.float() for k, v in tensors.items()}, os.path.join(HERE, "dtypes_f32.safetensors"), {"format": "pt"})

    # Random exponents, plus exact ties in both directions for both formats, plus the ends of the ranges.
    random = (rng.uniform(1, 2, 400) * 2.0 ** rng.integers(-30, 18, 400) * rng.choice([-1, 1], 400)).astype(np.float32)
    ties = [1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-8, 1 + 3 * 2**-8, 2**-25, 3 * 2**-25, 2**-14 - 2**-25, 65519.0, 65520.0, 2**-24 * 1.5, 3.4e38, 1e-40]
    values = torch.tensor(np.concatenate([random, np.array(ties + F16, dtype=np.float32)]))
    rounded = {"values": values, "as_f16": values.half(), "as_bf16": values.bfloat16()}
    save_file(rounded, os.path.join(HERE, "rounding.safetensors"), {"format": "pt"})


if __name__ == "__main__":
    main()
