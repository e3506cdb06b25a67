"""Every method for the same wall time on the same images, under one probe: ``docs/methods-compared.md``.

    python -m docs.compare_methods [--seconds 120] [--runs runs/methods] [--numbers]

Each method takes its recipe for 32 px, on Fashion-MNIST and with a small encoder. A short run measures its speed; the real one is
as long as then fits into ``--seconds`` of training. What has been run is not run again. Let nothing else run meanwhile.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "methods-compared.md"
METHODS = ("simclr", "byol", "moco", "vicreg", "dino", "lejepa", "mae")
RESNET = {"name": "resnet18", "width": 0.25, "stem": "innereye"}  # its pool makes it fast
IMAGES, BATCH, TRIAL = 12_000, 256, 16


def recipe(method: str) -> tuple[str, dict[str, Any]]:
    """The method's recipe for 32 px and what is changed in it: data, encoder, batch, and a warm-up that fits a short run."""
    changes: dict[str, Any] = {
        "data": {"train": "fashion-mnist", "monitor": "fashion-mnist", "limit": IMAGES},
        "optimizer": {"warmup": 0.1},
        "batch_size": BATCH,
        "threads": 2,
        "monitors": ["spread"],
        "checkpoint_every": {"epochs": 1000},
        "validate_every": {"epochs": 1000},
        "name": method,
    }
    if method != "mae":
        changes["encoder"] = dict(RESNET)
    if method == "moco":  # in so short a run, keys of a long queue are told apart by their age
        changes["method"] = {"queue": 2 * BATCH}
    if method == "dino":  # a run of few epochs needs a teacher that follows sooner, and no epoch of standing still
        changes["method"] = {"momentum": 0.95, "teacher_temperature": 0.04, "freeze_last_layer": 0, "prototypes": 1024}
    return f"cifar10-{method}", changes


def trained(method: str, seconds: float, folder: Path) -> dict[str, Any]:
    """``results.json`` of the method's run, made now where it is not there."""
    from vesalius import pretrain

    run = folder / method
    if not (run / "results.json").exists():
        name, changes = recipe(method)
        with tempfile.TemporaryDirectory() as trial:
            speed = pretrain(
                name, out=Path(trial) / "trial", quiet=True, **changes, steps=TRIAL, examine=False
            ).results["cost"]["images_per_second"]
        pretrain(name, out=run, **changes, steps=max(20, round(seconds * speed / BATCH)))
    found: dict[str, Any] = json.loads((run / "results.json").read_text())
    return found


def row(results: Mapping[str, Any], encoder: str, probe: str) -> Mapping[str, Any]:
    """The accuracy of ``encoder`` under ``probe``."""
    found: Mapping[str, Any] = next(
        p for p in results["probes"] if (p["encoder"], p["probe"], p["metric"]) == (encoder, probe, "accuracy")
    )
    return found


def interval(found: Mapping[str, Any], *, signed: bool = False) -> str:
    """In per cent, with its interval."""
    form = "+.1f" if signed else ".1f"
    return f"{100 * found['value']:{form}} ({100 * found['low']:{form}} to {100 * found['high']:{form}})"


def gain(results: Mapping[str, Any]) -> Mapping[str, Any]:
    """The linear probe less that of the same network at random initialisation, paired."""
    found: Mapping[str, Any] = next(
        d for d in results["differences"] if (d["b"], d["probe"], d["metric"]) == ("random init", "linear", "accuracy")
    )
    return found


def page(found: Mapping[str, Mapping[str, Any]], seconds: float) -> str:
    """The page's text."""
    rows = []
    for method, results in sorted(found.items(), key=lambda item: -float(row(item[1], "pretrained", "linear")["value"])):
        cost = results["cost"]
        rows.append(
            f"| `{method}` | {'ViT-Ti/4' if method == 'mae' else 'ResNet-18, width 0.25'} | {cost['parameters'] / 1e6:.1f} M |"
            f" {cost['epochs']:.1f} | {interval(row(results, 'pretrained', 'linear'))} | {interval(row(results, 'pretrained', 'knn'))} |"
            f" {interval(gain(results), signed=True)} |"
        )
    any_run = found["simclr"]
    baselines = [
        f"| {name} | {about} | | | {interval(row(results, encoder, 'linear'))} | {interval(row(results, encoder, 'knn'))} | |"
        for name, about, results, encoder in (
            ("random initialisation", "ResNet-18, width 0.25", any_run, "random init"),
            ("random initialisation", "ViT-Ti/4", found["mae"], "random init"),
            ("pixel PCA", "128 numbers", any_run, "pixel PCA"),
        )
    ]
    below = [f"`{method}`" for method, results in found.items() if float(gain(results)["high"]) < 0]
    slowest = min(found, key=lambda m: found[m]["cost"]["epochs"])
    counts = any_run["data"]["monitor"]["counts"]
    return "\n".join(
        [
            "# Methods compared: the same images, the same time, the same probe",
            "",
            "```bash",
            "python -m docs.compare_methods",
            "```",
            "",
            f"Fashion-MNIST, {any_run['data']['train']['images']:,} images without their labels, {seconds:g} seconds of training each on two processor"
            " cores, one seed. Each method has its recipe for 32 pixels (`cifar10-NAME`) with a small encoder; `mae` needs a transformer, and `moco`"
            f" has a queue of {2 * BATCH}, because in so short a run the keys of a long one are told apart by their age;"
            " `dino`'s teacher follows sooner (momentum 0.95, temperature 0.04, 1,024 prototypes that learn from the start). One linear"
            f" probe and kNN-20 for all: fitted to {counts['train']['images']:,} labelled images, strength chosen on {counts['val']['images']:,}, accuracy"
            f" in per cent on {counts['test']['images']:,} test images with 95 % intervals; the gain is paired, over the same network at random.",
            "",
            "| method | encoder | parameters | epochs in that time | linear | kNN | gain over random, linear |",
            "|---|---|---|---|---|---|---|",
            *rows,
            *baselines,
            "",
            (f"Worse than no training after this time: {', '.join(below)}. " if below else "None is worse than no training. ")
            + "Much of that is batch norm: it gives every channel of a random network equal weight, and kNN with the random ResNet falls from 79 to"
            " 63 % once its running statistics have seen the images and nothing has been learnt (6,000 images against 4,000, both of the training"
            " part). A run has to climb from there.",
            "",
            f"What this is not: a ranking of methods. So short a time is a few epochs (`{slowest}`: {found[slowest]['cost']['epochs']:.1f}), and what"
            " is slow per step, as multi-crop and transformers are, has only begun. It shows what to expect of the first minutes on a laptop."
            " For long runs see [what they reach elsewhere](methods.md).",
            "",
            "Fashion-MNIST: Xiao, Rasul and Vollgraf, 2017, MIT licence. Written by `python -m docs.compare_methods` from the runs' `results.json`.",
            "",
        ]
    )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m docs.compare_methods")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--runs", type=Path, default=Path("runs") / "methods")
    parser.add_argument("--numbers", action="store_true", help="print what the page says as JSON")
    given = parser.parse_args()
    found = {method: trained(method, given.seconds, given.runs) for method in METHODS}
    PAGE.write_text(page(found, given.seconds))
    if given.numbers:
        rows = {m: {"linear": row(r, "pretrained", "linear")["value"], "gain": gain(r)["value"], "low": gain(r)["low"]} for m, r in found.items()}
        print(json.dumps({"name": "methods compared", "rows": rows}))


if __name__ == "__main__":
    main()
