"""Statistics by SciPy (and by the published formula where SciPy has none) for src/base/stats.ts.

Usage: python test/golden/stats.py      (scipy 1.17, numpy 2.4). Fields: README.md here.
"""

import itertools
import json
import math
import os

import numpy as np
from scipy import stats

HERE = os.path.dirname(os.path.abspath(__file__))


def newcombe(e, f, g, h, confidence):
    """Newcombe 1998 (Stat. Med. 17:2635), method 10, with SciPy's Wilson intervals."""
    n = e + f + g + h
    p1, p2 = (e + f) / n, (e + g) / n
    w1 = stats.binomtest(e + f, n).proportion_ci(confidence, method="wilson")
    w2 = stats.binomtest(e + g, n).proportion_ci(confidence, method="wilson")
    q = (e + f) * (g + h) * (e + g) * (f + h)
    det = e * h - f * g
    if det > n / 2:
        det -= n / 2
    elif det >= 0:
        det = 0
    phi = det / math.sqrt(q) if q else 0.0
    dl1, du1, dl2, du2 = p1 - w1.low, w1.high - p1, p2 - w2.low, w2.high - p2
    low = (p1 - p2) - math.sqrt(dl1**2 - 2 * phi * dl1 * du2 + du2**2)
    high = (p1 - p2) + math.sqrt(du1**2 - 2 * phi * du1 * dl2 + dl2**2)
    return low, high


def uniforms(count):
    """The Numerical Recipes generator, the same in the test: state ← 1664525·state + 1013904223 mod 2³², from 1."""
    state, out = 1, []
    for _ in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        out.append(state / 2**32)
    return np.array(out)


def bootstrap(values, resamples, confidence):
    n = len(values)
    picks = np.floor(uniforms(n * resamples) * n).astype(int).reshape(resamples, n)
    return np.quantile(np.array(values)[picks].mean(1), [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()


def sign_flip(differences):
    flips = list(itertools.product([1, -1], repeat=len(differences)))
    totals = np.abs(np.array(flips) @ np.array(differences))
    return float((totals >= abs(sum(differences)) - 1e-12).mean())


def holm(p):
    """R's p.adjust(method = "holm")."""
    p = np.array(p)
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum(1, np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p)))))
    out = np.empty(len(p))
    out[order] = adjusted
    return out.tolist()


def main():
    rng = np.random.default_rng(0)
    values = [round(float(v), 3) for v in rng.normal(0.3, 1, 25)]
    small = [0.5, -0.25, 1.0, 0.0, 0.75, 0.5, -0.5, 1.0, 0.25]
    skewed = [round(float(v), 3) for v in rng.exponential(1, 40)]
    scipy_p = stats.permutation_test((small, [0.0] * len(small)), lambda a, b: np.mean(a - b), permutation_type="samples").pvalue
    assert abs(scipy_p - sign_flip(small)) < 1e-12
    boot = stats.bootstrap((skewed,), np.mean, n_resamples=50000, method="percentile", rng=1).confidence_interval
    p_values = [0.01, 0.04, 0.03, 0.005, 0.5, 0.04]
    out = {
        "normal_quantile": [[p, float(stats.norm.ppf(p))] for p in (1e-12, 1e-4, 0.025, 0.2, 0.5, 0.8, 0.95, 0.975, 0.9999)],
        "mean_std": {"values": values, "mean": float(np.mean(values)), "std": float(np.std(values, ddof=1))},
        "quantile": [[p, float(np.quantile(values, p))] for p in (0, 0.025, 0.3, 0.5, 0.9, 1)],
        "wilson": [
            [k, n, c, *map(float, stats.binomtest(k, n).proportion_ci(c, method="wilson"))]
            for k, n, c in ((0, 10, 0.95), (10, 10, 0.95), (7, 10, 0.95), (1, 1, 0.95), (83, 200, 0.95), (83, 200, 0.99), (500, 1000, 0.9))
        ],
        "newcombe": [
            [*t, c, *newcombe(*t, c)]
            for t, c in (((36, 12, 2, 0), 0.95), ((1, 1, 7, 12), 0.95), ((40, 10, 3, 47), 0.95), ((0, 5, 9, 0), 0.95), ((20, 0, 0, 5), 0.95), ((54, 4, 5, 37), 0.99))
        ],
        "mcnemar": [[b, c, float(stats.binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0] for b, c in ((0, 0), (1, 0), (10, 3), (3, 10), (6, 6), (0, 9), (40, 75), (900, 1000))],
        "permutation": {"differences": small, "p": float(scipy_p)},
        "permutation_sampled": {"differences": values, "p": float(stats.permutation_test((values, np.zeros(25)), lambda a, b, axis: np.mean(a - b, axis=axis), permutation_type="samples", n_resamples=200000, vectorized=True, rng=2).pvalue)},
        "bootstrap": {"values": values, "resamples": 500, "confidence": 0.9, "interval": bootstrap(values, 500, 0.9)},
        "bootstrap_scipy": {"values": skewed, "interval": [float(boot.low), float(boot.high)]},
        "holm": [p_values, holm(p_values)],
    }
    with open(os.path.join(HERE, "stats_golden.json"), "w") as f:
        json.dump(out, f, indent=1)
        f.write("\n")
    print(out["newcombe"][0], "published: 0.0569 to 0.3404")


if __name__ == "__main__":
    main()
