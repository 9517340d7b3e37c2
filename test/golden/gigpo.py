"""Advantages of GiGPO (Feng et al. 2025, arXiv:2505.10978), written from the paper with NumPy alone.

For every group of attempts at one query:
  A_E(i)    = (R(i) - mean of R) / F                      episode-level, eq. 3: R is an attempt's total reward
  G_S(s)    = all steps of the group's attempts whose anchor state is s, eq. 4 and 5
  R_t(i)    = sum over k >= t of gamma^(k - t) r_k(i)     discounted return of a step, eq. 6
  A_S(i, t) = (R_t(i) - mean over G_S(s_t)) / F           step-level, eq. 7; 0 where the state was met once
  A(i, t)   = A_E(i) + omega A_S(i, t)                    eq. 8
F is the standard deviation (n - 1) plus 1e-6, or 1 (the paper's two choices of F_norm). The paper leaves the estimator of the standard
deviation open; n - 1 is what the authors' code takes.

Run: python test/golden/gigpo.py   (writes gigpo_golden.json beside it)
"""

import json
from pathlib import Path

import numpy as np

EPSILON = 1e-6


def normalised(values, norm):
    values = np.asarray(values, dtype=np.float64)
    centred = values - values.mean()
    if len(values) == 1:
        return np.zeros(1)
    return centred / (values.std(ddof=1) + EPSILON) if norm == "std" else centred


def discounted(rewards, gamma):
    returns = np.zeros(len(rewards))
    for t in range(len(rewards)):
        returns[t] = sum(gamma ** (k - t) * rewards[k] for k in range(t, len(rewards)))
    return returns


def advantages(attempts, gamma, omega, norm):
    """attempts: [(query, [reward of each step], [anchor state of each step])]"""
    episode = np.zeros(len(attempts))
    step = [np.zeros(len(rewards)) for _, rewards, _ in attempts]
    returns = [discounted(rewards, gamma) for _, rewards, _ in attempts]
    for query in dict.fromkeys(query for query, _, _ in attempts):
        members = [i for i, (q, _, _) in enumerate(attempts) if q == query]
        episode[members] = normalised([sum(attempts[i][1]) for i in members], norm)
        met = {}
        for i in members:
            for t, state in enumerate(attempts[i][2]):
                met.setdefault(state, []).append((i, t))
        for places in met.values():
            for (i, t), value in zip(places, normalised([returns[i][t] for i, t in places], norm)):
                step[i][t] = value
    return {
        "returns": [list(r) for r in returns],
        "episode": list(episode),
        "step": [list(s) for s in step],
        "combined": [list(episode[i] + omega * step[i]) for i in range(len(attempts))],
    }


def drawn(seed, queries, group, states):
    """Attempts of one to five steps whose rewards are in tenths and whose states recur."""
    rng = np.random.default_rng(seed)
    attempts = []
    for query in range(queries):
        for _ in range(group):
            steps = int(rng.integers(1, 6))
            rewards = [float(r) / 10 for r in rng.integers(-5, 11, size=steps)]
            # Every attempt at a query begins in the same state.
            names = ["start"] + [f"s{int(s)}" for s in rng.integers(0, states, size=steps - 1)]
            attempts.append([f"q{query}", rewards, names])
    return attempts


CASES = {
    "by hand: two attempts part after a shared first step": [
        ["q", [0.0, 1.0], ["a", "b"]],
        ["q", [0.0, 0.0, 0.5], ["a", "c", "b"]],
    ],
    "a single attempt has nothing to be compared with": [["q", [1.0, 0.0], ["a", "b"]]],
    "a state met twice by one attempt": [["q", [0.0, 0.0, 1.0], ["a", "a", "b"]], ["q", [0.5], ["a"]]],
    "equal rewards": [["q", [1.0, 1.0], ["a", "b"]], ["q", [1.0, 1.0], ["a", "b"]]],
    "three queries of eight attempts": drawn(7, 3, 8, 4),
    "states seldom recur": drawn(8, 2, 4, 40),
}

golden = [
    {"name": name, "attempts": attempts, "gamma": gamma, "omega": omega, "norm": norm, **advantages(attempts, gamma, omega, norm)}
    for name, attempts in CASES.items()
    for gamma, omega, norm in [(0.95, 1.0, "std"), (0.95, 1.0, "none"), (1.0, 0.5, "std"), (0.5, 0.0, "none")]
]
Path(__file__).with_name("gigpo_golden.json").write_text(json.dumps({"numpy": np.__version__, "cases": golden}, indent=1) + "\n")
