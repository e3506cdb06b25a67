"""Gaussian pairs of a known whitened cosine, in 1,024 dimensions: what each way of estimating a covariance makes of them.

    python -m docs.proofs.whitened [--pairs 1000] [--dim 1024]

Prints a JSON line for each number of images and each spectrum: ``truncated`` and ``ledoit_wolf`` on held-out images, ``original`` with the probes
in the sample and 1e-6 on the diagonal, and the lengths of held-out vectors.
"""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

import torch
from docs.prove import FAIL, PASS, Line, Outcome, Step, by_tests, named
from torch import Tensor

from vesalius.measures import invariances, whitening

RHO, WITHIN, COLLAPSED = 0.9, 0.01, 0.03
SAMPLES = (50, 138, 400, 1000, 2500, 9000)
SPECTRA = {"flat": 0.0, "falling as 1 / i": 1.0}
PROBES = 100
STRONG = 100
KINDS: tuple[whitening.Kind, ...] = ("truncated", "ledoit-wolf")


def simulated(samples: int, dim: int, pairs: int, decay: float) -> dict[str, Any]:
    """One row of the table: variances fall as 1 / i to the power of ``decay``."""
    draws = torch.Generator().manual_seed(samples)
    deviation = torch.arange(1, dim + 1, dtype=torch.float64) ** (-decay / 2)

    def drawn(rows: int) -> Tensor:
        return torch.randn(rows, dim, generator=draws, dtype=torch.float64) * deviation

    others, one = drawn(samples), drawn(pairs)
    other = RHO * one + math.sqrt(1 - RHO**2) * drawn(pairs)
    row: dict[str, Any] = {}
    for kind in KINDS:
        white = whitening.fit(others.float(), kind)
        a, b = white(one.float()), white(other.float())
        unit = invariances.length(a)
        key = kind.replace("-", "_")
        row |= {key: float(invariances.cosine(a, b).mean()), f"{key}_distance": float((invariances.distance(a, b) / unit).mean())}
        row |= {f"{key}_directions": white.rank, f"{key}_length": float(unit) / math.sqrt(white.rank)}
    inside = others[:PROBES]
    moved = RHO * inside + math.sqrt(1 - RHO**2) * drawn(len(inside))
    theirs = whitening.original(*whitening.ridged(others))
    return {**row, "original": float(invariances.cosine(theirs(inside.float()), theirs(moved.float())).mean())}


def uneven(samples: int, dim: int, pairs: int) -> dict[str, float]:
    """Of pairs that correlate by 0.95 in the hundred strongest directions and by 0.50 in the others: ``truth``, and both ways."""
    draws = torch.Generator().manual_seed(samples)
    deviation = torch.arange(1, dim + 1, dtype=torch.float64) ** -0.5
    rho = torch.where(torch.arange(dim) < STRONG, 0.95, 0.5).double()
    others, one, noise = (torch.randn(rows, dim, generator=draws, dtype=torch.float64) for rows in (samples, pairs, pairs))
    other = rho * one + (1 - rho**2).sqrt() * noise
    known = {kind: whitening.fit(others * deviation, kind) for kind in KINDS}
    found = {kind.replace("-", "_"): float(invariances.cosine(w(one * deviation), w(other * deviation)).mean()) for kind, w in known.items()}
    return {"truth": float(rho.mean()), **found}


def recovered(outcome: Outcome) -> list[Line]:
    """The truth found from fewer and from more images than dimensions; the original's collapse."""
    lines = []
    alike = [row for row in outcome.lines if "spectrum" in row]
    for kind in ("truncated", "ledoit_wolf"):
        off = {f"{row['samples']:,} {row['spectrum']}": abs(row[kind] - RHO) for row in alike}
        dim = alike[0]["dim"] if alike else 0
        figure = ", ".join(f"{name} {row[kind]:.4f}" for name, row in zip(off, alike, strict=True))
        good = len(off) == len(SAMPLES) * len(SPECTRA) and max(off.values()) <= WITHIN
        claim = f"Gaussian pairs of whitened cosine {RHO:.2f} in {dim:,} dimensions, held-out images, {kind.replace('_', '-')}: within {WITHIN}"
        lines.append(Line(claim, figure, PASS if good else FAIL))
    row = named(outcome, "138 images, flat")
    claim = f"The original's collapse: probes in the sample of 138 images in {row['dim']:,} dimensions, ridge 1e-6, single precision: at most {COLLAPSED}"
    others = "; ".join(f"{one['samples']:,} {one['spectrum']} {one['original']:.3f}" for one in alike)
    lines.append(Line(claim, f"{row['original']:.4f}", PASS if row["original"] <= COLLAPSED else FAIL, note=f"all: {others}"))
    for row in (row for row in outcome.lines if "truth" in row):
        claim = f"Pairs that correlate by 0.95 in {STRONG} strong, 0.50 in other directions, {row['samples']:,} images, truth {row['truth']:.3f}, as it is"
        lines.append(Line(claim, f"shrunk {row['ledoit_wolf']:.3f}, leading directions {row['truncated']:.3f}", PASS))
    return lines


def steps() -> list[Step]:
    """The simulation, and the tests of measures and protocols."""
    protocol = "tests/evaluate/protocols/test_invariance.py"
    return [
        Step("known whitened cosines", ("python", "-m", "docs.proofs.whitened"), recovered),
        by_tests("identity", "Identity gives cosine 1 and distance 0 exactly, as a measure and through the protocol",
                 "tests/measures/test_invariances.py", protocol, "-k", "identity_is_exact or changes_nothing", least=2),
        by_tests("whitening", "Whitening is scikit-learn's shrinkage and the sample covariance's leading directions",
                 "tests/measures/test_whitening.py", least=25),
        by_tests("evaluation mode", "No module is in training mode in any forward pass of invariance", protocol, "-k", "evaluation_mode"),
        by_tests("the original's invariance", "The collapse appears under compat and a warning explains it", protocol, "-k", "collapses_and_says_so"),
        by_tests("invariance goes on", "Nobody who is probed is in a covariance; a killed run goes on with the transforms that are there", protocol,
                 "-k", "no_probed_subject or killed", least=2),
        by_tests("two views of one thing", "CheXpert's frontal and lateral images, EyePACS' eyes, any table with pairs; missing siblings are counted",
                 "tests/evaluate/protocols/test_multiview_invariance.py", least=10),
    ]  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--dim", type=int, default=1024)
    asked = parser.parse_args()
    for name, decay in SPECTRA.items():
        for samples in SAMPLES:
            about = {"name": f"{samples} images, {name}", "samples": samples, "dim": asked.dim, "spectrum": name}
            print(json.dumps({**about, **simulated(samples, asked.dim, asked.pairs, decay)}), flush=True)
    for samples in (138, 1000, 2500):
        about = {"name": f"{samples} images, uneven", "samples": samples, "dim": asked.dim}
        print(json.dumps({**about, **uneven(samples, asked.dim, asked.pairs)}), flush=True)


if __name__ == "__main__":
    main()
