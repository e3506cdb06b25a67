"""``docs/migrate/innereye.md``: names, arguments and numbers of the original beside ours, read from the recipes.

Run as ``python -m docs.migration``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.shipped import aliases

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "migrate" / "innereye.md"

# field of the resolved recipe, the original's value in words, why ours is another
NUMBERS: dict[str, list[tuple[str, str, str]]] = {
    "CIFAR10SimCLR": [
        ("method.temperature", "0.1", "0.2 learns better features of small images in few epochs"),
        ("method.hidden", "2048", "the same"),
        ("method.dim", "128", "the same"),
        ("encoder.stem", "3 × 3 convolution, max-pool kept", "without the pool, as SimCLR's own recipe for CIFAR: 32 px become 4 × 4 and not 2 × 2"),
        ("views", "Bolts' transform with blur, crops from 8 %", "milder colours, no blur, crops from 20 %, for 32 px"),
        ("optimizer.name", "Adam", "SGD with momentum, what the field uses for this"),
        ("optimizer.lr", "1e-4 times the number of GPUs", "follows from the global batch"),
        ("optimizer.weight_decay", "1e-6", "belongs to the optimizer"),
        ("optimizer.decay_by", "everything", "norms and biases do not decay; found by shape, not by name"),
        ("optimizer.warmup", "10 epochs from zero, whatever the length", "a share, at most a third: short runs reach their peak; no step has rate zero"),
        ("epochs", "2500", "a run is as long as you say, with compat too: --num_epochs 2500"),
        ("batch_size", "128 per GPU, 4 GPUs", "per process, with compat too: --ssl_training_batch_size 128"),
        ("validate_every", "every epoch", "every 5 epochs: one pass for all monitors; the head still sees each labelled image once an epoch"),
        ("monitors.linear.lr", "1e-4", "the head keeps up with the encoder; its features are standardised"),
        ("monitors.linear.dropout", "0.2", "features are not thinned out"),
        ("monitors.linear.batch", "16 per GPU", "fewer, larger steps over the same images"),
    ],
    "CIFAR10BYOL": [
        ("method.momentum", "0.99, to 1 along a cosine", "the same"),
        ("method.hidden", "2048", "4096, the paper's"),
        ("method.dim", "128", "256, the paper's"),
        ("method.predictor_hidden", "128", "as the projector's, the paper's"),
        ("optimizer.decay_by", "all but names with bias or bn", "by shape: the original's rule misses the norm of a down-sampling"),
        ("optimizer.schedule", "once an epoch; the first at rate zero", "every step; the first step learns"),
    ],
}  # fmt: skip
FAULTS = [
    ("the encoder in training mode while the head learns", "evaluation mode; a test hashes every tensor before and after"),
    ("part of the labelled images not seen, the last validation batch dropped", "each once an epoch; all of the validation set scored"),
    ("class weights from training and validation labels", "from training labels only"),
    ("tau not in the checkpoint: after a resume one update at 0.99", "a function of the step: resume is exact"),
    ("losses logged from one GPU", "of the global batch"),
    ("the best checkpoint is the last", "last and best by each monitor, named so"),
    ("the checkpoint is a pickle", "safetensors"),
]
BESIDES = [
    ("BYOL's loss", "mean of -cos, in [-1, 1]", "2 - 2 cos, both directions summed, as in the paper: values differ by 4 + 4 × (theirs), minima are the same"),
    ("validation loss of the encoder", "`simclr/val/loss`, `byol/val/loss`", "not computed: kNN, linear head and spread say more"),
    ("encoders with `compat`", "densenet121 is refused for CIFAR and lacks its last ReLU", "allowed; `--encoder.final_relu False` leaves the ReLU out"),
    ("GPUs", "`max_num_gpus`", "the launcher decides: `torchrun --nproc_per_node N`"),
    ("test images", "no test part", "the examination at the end uses the source's own test part"),
]


def value(config: dict[str, Any], dotted: str) -> str:
    """The value at ``dotted``, monitors by their name; a method's default where the recipe is silent."""
    place: Any = config
    for key in dotted.split("."):
        if isinstance(place, list):
            place = next(m for m in place if m["name"] == key)
        else:
            place = place.get(key, _default(config, dotted)) if isinstance(place, dict) else None
        if place is None:
            return "-"
    if isinstance(place, dict):
        return ", ".join(f"{k} {v}" for k, v in place.items() if v is not None)
    return f"{place:g}" if isinstance(place, float) else str(place)


def _default(config: dict[str, Any], dotted: str) -> Any:
    from vesalius import registry

    first, *rest = dotted.split(".")
    if first == "method":
        return registry.entry("methods", config["method"]["name"]).Config.model_fields[rest[0]].default
    if first == "monitors":
        return registry.entry("monitors", rest[0]).Config.model_fields[rest[1]].default
    return "small" if dotted == "encoder.stem" else None


def text() -> str:
    """The page."""
    coverage = yaml.safe_load((ROOT / "docs" / "coverage.yaml").read_text())
    rows = [row for row in coverage if row["id"].startswith("innereye-")]
    out = [
        "# Coming from InnerEye's self-supervised models",
        "",
        "Written by `python -m docs.migration` from the recipes, the aliases and `coverage.yaml`; a test keeps it so.",
        "",
        "## Names and arguments",
        "",
        "`python ML/runner.py --model=CIFAR10BYOL --local_dataset DIR` is `vesalius pretrain CIFAR10BYOL --local_dataset DIR`.",
        "`--name=value` and `--name value`, `-` for `_`, and True, False, yes, no, 1 and 0 are all understood.",
        "",
        "| the original's | here |",
        "|---|---|",
        *(f"| `{old}` | `{new}` |" for old, new in aliases()["recipes"].items()),
    ]
    for name, alias in aliases()["fields"].items():
        renames = ", ".join(f"{k} → {v}" for k, v in alias.get("values", {}).items())
        out.append(f"| `--{name}` | `--{alias['to']}`{f' ({renames})' if renames else ''} |")
    out += [f"| `--{name}` | {sentence} |" for name, sentence in aliases()["without_meaning"].items()]
    out += [
        "",
        "## Numbers",
        "",
        "Our defaults are other than the original's where that is better. `--compat innereye` brings the original's back, and says at the",
        "start of the run which of them measure badly.",
    ]
    for name, fields in NUMBERS.items():
        configs = [load_pretrain(name, changes)[0].model_dump(mode="json") for changes in ({}, {"compat": "innereye"})]
        out += ["", f"### {name}", "", "| field | original | ours | with `compat: innereye` | why |", "|---|---|---|---|---|"]
        for dotted, was, why in fields:
            ours, back = (value(config, dotted) for config in configs)
            out.append(f"| `{dotted}` | {was} | {ours} | {back} | {why} |")
    out += [
        "",
        "With `compat` the validation part is the original's as well: torch's random split, a tenth, from `--random_seed`. For CIFAR-10 and",
        "seed 42 training begins with images 37542, 44491, 216, 43688, 41558.",
        "",
        "## Faults that are not brought back",
        "",
        "| the original | here |",
        "|---|---|",
        *(f"| {was} | {now} |" for was, now in FAULTS),
        "",
        "## Other differences",
        "",
        "| what | original | here |",
        "|---|---|---|",
        *(f"| {what} | {was} | {now} |" for what, was, now in BESIDES),
        "",
        "## What is kept, and what is not there yet",
        "",
        "| | promise | state |",
        "|---|---|---|",
        *(f"| {row['id'].removeprefix('innereye-')} | {row['promise']} | {row['state']} |" for row in rows),
        "",
    ]
    return "\n".join(out)


def main() -> None:
    """See the module."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text())


if __name__ == "__main__":
    main()
