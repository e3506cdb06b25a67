"""What fine-tuning is worth on chest radiographs: ``docs/finetune-numbers.md``, from runs on PneumoniaMNIST at 28 pixels.

    python -m docs.finetune_numbers [RUNS] [--data FILE.npz] [--epochs 60] [--tune-epochs 30] [--seeds 1 2 3]

Below RUNS (``runs/finetune-numbers``): a short pretraining in ``pretrained``, then a frozen classifier and one end to end on it,
and, for comparison, one end to end on the same network of random weights, each with three seeds. What is done is not
made again; what was interrupted goes on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
RUNS = Path("runs") / "finetune-numbers"
PAGE = ROOT / "docs" / "finetune-numbers.md"
ENCODER: Mapping[str, Any] = {"name": "resnet18", "stem": "small", "width": 0.25}
SIZE = 28
WANTED = 0.94
LOGISTIC = "logistic regression on the same features"
PUBLISHED = (
    ("ResNet-18, 28 px, from random weights (MedMNIST v2)", 0.944, 0.854),
    ("ResNet-18, 224 px, from random weights (MedMNIST v2)", 0.956, 0.864),
    ("ResNet-18, 224 px, ImageNet weights, end to end (MedMNIST+)", 0.9804, 0.9113),
    ("ResNet-18, 224 px, ImageNet weights, linear probe (MedMNIST+)", 0.9691, 0.8317),
)
"""(what, test AUC, test accuracy): Yang et al., Scientific Data 2023; Doerrich et al., Scientific Reports 2025."""
ROWS = {"frozen": "frozen encoder", "tuned": "end to end", "scratch": "end to end from random weights"}


def pretraining(data: str, epochs: float) -> dict[str, Any]:
    """SimCLR on the training images, without their labels; nothing is mirrored, since the heart lies on one side."""
    views = [
        {"random_resized_crop": {"scale": [0.3, 1.0]}},
        {"affine": {"degrees": 10, "outside": "edge"}},
        {"colour_jitter": {"brightness": 0.4, "contrast": 0.4, "p": 0.8}},
        {"gaussian_blur": {"sigma": [0.1, 1.0], "p": 0.3}},
    ]
    return {
        "data": {"train": data, "monitor": data},
        "views": {"global": {"count": 2, "size": SIZE, "operations": views}},
        "encoder": dict(ENCODER),
        "method": {"name": "simclr", "temperature": 0.2, "hidden": 512, "dim": 128},
        "optimizer": {"name": "sgd", "lr": "auto", "weight_decay": 5e-4, "warmup": 0.1},
        "epochs": epochs,
        "batch_size": 256,
        "validate_every": {"epochs": max(1.0, epochs / 6)},
        "name": "pneumonia-28",
    }


def made(runs: Path, data: str, epochs: float, tune_epochs: float, seeds: Sequence[int]) -> dict[str, Path]:
    """The runs by name, made now where they are not done."""
    import vesalius

    first = runs / "pretrained"
    if not _done(first):
        vesalius.pretrain(resume=first) if (first / "run.json").exists() else vesalius.pretrain(pretraining(data, epochs), out=first)
    encoders: dict[str, Mapping[str, Any]] = {
        "frozen": {"weights": str(first)},
        "tuned": {"weights": str(first), "freeze": False},
        "scratch": {**ENCODER, "size": SIZE, "freeze": False, "lr_factor": 1.0},
    }
    found = {"pretrained": first}
    for name, encoder in encoders.items():
        found[name] = run = runs / name
        if _done(run):
            continue
        if (run / "run.json").exists():
            vesalius.finetune(resume=run)
            continue
        recipe = {"extends": "classifier", "data": {"train": data}, "epochs": tune_epochs, "seeds": list(seeds)}
        if name == "scratch":
            recipe |= {"linear_first": False, "optimizer": {"layer_decay": None}}
        vesalius.finetune(recipe, encoder=encoder, out=run)
    return found


def _done(run: Path) -> bool:
    file = run / "run.json"
    return file.exists() and json.loads(file.read_text())["state"] == "done"


def read(found: Mapping[str, Path]) -> dict[str, Any]:
    """Results of each run, and the pretraining's configuration and results."""
    out: dict[str, Any] = {name: json.loads((run / "results.json").read_text()) for name, run in found.items()}
    out["config"] = yaml.safe_load((found["pretrained"] / "config.yaml").read_text())
    return out


def score(results: Mapping[str, Any], metric: str, model: str = "fine-tuned") -> Mapping[str, Any]:
    """The test row of ``model``."""
    return next(r for r in results["scores"] if (r["model"], r["metric"], r["split"]) == (model, metric, "test"))


def _cell(row: Mapping[str, Any]) -> str:
    spread = row.get("spread")
    return f"{row['value']:.3f}" + (f" ± {spread:.3f}" if spread else "")


def sentence(found: Mapping[str, Any]) -> str:
    """Whether the AUC that was wanted is reached, and by which."""
    reached = [ROWS[name] for name in ROWS if score(found[name], "roc_auc")["value"] >= WANTED]
    if not reached:
        return f"None reaches the test AUC of {WANTED} that was wanted."
    return f"A test AUC of {WANTED} was wanted; reached by: {', '.join(reached)}."


def page(found: Mapping[str, Any]) -> str:
    """The page's text."""
    data, cost, config = found["frozen"]["data"]["labelled"], found["pretrained"]["cost"], found["config"]
    counts, seeds = data["counts"], found["frozen"]["seeds"]
    rows = [f"| {words} | {_cell(score(found[n], 'roc_auc'))} | {_cell(score(found[n], 'accuracy'))} |" for n, words in ROWS.items()]
    for name, words in (("frozen", "the pretrained encoder"), ("scratch", "random weights")):
        cells = (_cell(score(found[name], metric, LOGISTIC)) for metric in ("roc_auc", "accuracy"))
        rows.append(f"| logistic regression on features of {words} | {' | '.join(cells)} |")
    published = [f"| {what} | {auc:.3f} | {accuracy:.3f} |" for what, auc, accuracy in PUBLISHED]
    encoder = config["encoder"]
    return "\n".join(
        [
            "# Fine-tuning on chest radiographs",
            "",
            f"PneumoniaMNIST at {SIZE} pixels: {counts['train']['images']:,} training, {counts['val']['images']:,} validation and"
            f" {counts['test']['images']:,} test images of children, pneumonia or not; the split is the set's own. A {encoder['name']} of"
            f" width {encoder.get('width', 1)} ({cost['parameters']:,} parameters) was pretrained on the training images without labels"
            f" ({config['method']['name']}, {cost['epochs']:g} epochs, {cost['seconds'] / 60:.1f} minutes on {cost['device']} with"
            f" {cost['threads']} threads), then fine-tuned as `vesalius finetune classifier` does. Mean and standard deviation over the seeds"
            f" {', '.join(map(str, seeds))}; without ±, all seeds give the same. The test split is scored once, after everything was chosen"
            " on validation.",
            "",
            "| model | test AUC | test accuracy |",
            "|---|---|---|",
            *rows,
            *published,
            "",
            sentence(found),
            "",
            "The published figures are their authors' own, on the same test images; the networks at 224 pixels see the larger files.",
            "",
            "Written by `python -m docs.finetune_numbers`, from the runs' `results.json`.",
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m docs.finetune_numbers")
    parser.add_argument("runs", nargs="?", type=Path, default=RUNS)
    parser.add_argument("--data", default="medmnist:pneumoniamnist")
    parser.add_argument("--epochs", type=float, default=60)
    parser.add_argument("--tune-epochs", type=float, default=30)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--numbers", action="store_true", help="print what the page says as JSON")
    given = parser.parse_args(arguments)
    found = read(made(given.runs, given.data, given.epochs, given.tune_epochs, given.seeds))
    given.page.write_text(page(found))
    if given.numbers:
        rows = [{"model": n, **{m: score(found[n], m)["value"] for m in ("roc_auc", "accuracy")}} for n in ROWS]
        print(json.dumps({"name": "finetune numbers", "wanted": WANTED, "rows": rows}))


if __name__ == "__main__":
    main()
