"""What continuing from ImageNet is worth: the measured part of ``docs/continued.md``, from one run on PneumoniaMNIST.

    python -m docs.continued [RUN] [--data FOLDER] [--numbers]

Converts the weights and runs ``vesalius pretrain examples/continue-imagenet.yaml`` first where that has not been done, or goes
on with it. ``--data``: the folder of ``pneumoniamnist.npz``; without it the file is downloaded. ``--numbers`` also prints what
the page says as one JSON line.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
RUN, WEIGHTS = Path("runs") / "continued", Path("runs") / "efficientnet-lite0.safetensors"
PAGE = ROOT / "docs" / "continued.md"
RECIPE = ROOT / "examples" / "continue-imagenet.yaml"
BEGIN, END = "<!-- measured: written by python -m docs.continued -->", "<!-- end of what was measured -->"
ENCODERS = {
    "starting weights": "ImageNet, as it was",
    "pretrained": "ImageNet, continued",
    "random init": "random initialisation",
    "pixel PCA": "pixel PCA",
}
COLUMNS = (("knn", "roc_auc"), ("linear", "roc_auc"), ("knn", "balanced_accuracy"), ("linear", "balanced_accuracy"))
TITLES = {
    "knn": "kNN", "linear": "linear", "roc_auc": "ROC-AUC", "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy",
}  # fmt: skip

Found = Mapping[tuple[str, str, str], Mapping[str, Any]]


def read(run: Path) -> tuple[Found, dict[str, Any], dict[str, Any]]:
    """``{(encoder, probe, metric): row}``, all results, and the configuration."""
    results = json.loads((run / "results.json").read_text())
    config = yaml.safe_load((run / "config.yaml").read_text())
    return {(row["encoder"], row["probe"], row["metric"]): row for row in results["probes"]}, results, config


def interval(row: Mapping[str, Any], *, signed: bool = False) -> str:
    """``0.954 (0.940 to 0.966)``."""
    form = "+.3f" if signed else ".3f"
    return f"{row['value']:{form}} ({row['low']:{form}} to {row['high']:{form}})"


def verdict(row: Mapping[str, Any]) -> str:
    """What an interval of a paired difference says of continuing."""
    if row["low"] > 0:
        return "better, the interval without zero"
    if row["high"] < 0:
        return "worse, the interval without zero"
    return "not to be told apart, the interval holds zero"


def sentences(results: Mapping[str, Any]) -> list[str]:
    """Continued less what it started from, under each probe and measure, paired over the same test images."""
    apart = {(row["b"], row["probe"], row["metric"]): row for row in results["differences"]}
    return [
        f"- {TITLES[probe]}, {TITLES[metric]}: {interval(row, signed=True)}: {verdict(row)}."
        for probe, metric in COLUMNS
        for row in [apart["starting weights", probe, metric]]
    ]


def few_labels(results: Mapping[str, Any]) -> list[str]:
    """The linear probe with shares of the labels, as a table."""
    rows = {(row["encoder"], float(row["fraction"])): row for row in results["label_efficiency"]}
    shares = sorted({share for _, share in rows})
    lines = [f"| labels | {' | '.join(ENCODERS.values())} |", "|---" * (1 + len(ENCODERS)) + "|"]
    for share in shares:
        labels = rows["pretrained", share]["labels"]
        lines.append(f"| {100 * share:g} % ({labels:,}) | " + " | ".join(interval(rows[name, share]) for name in ENCODERS) + " |")
    return lines


def section(found: Found, results: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """The measured part of the page."""
    cost, data, optimizer = results["cost"], results["data"], config["optimizer"]
    counts = data["monitor"]["counts"]
    size = config["views"]["global"]["size"]
    head = " | ".join(f"{TITLES[probe]}, {TITLES[metric]}" for probe, metric in COLUMNS)
    rows = [
        f"| {words} | " + " | ".join(interval(found[name, probe, metric]) for probe, metric in COLUMNS) + " |"
        for name, words in ENCODERS.items()
    ]
    metric = TITLES[results["label_efficiency"][0]["metric"]]
    return "\n".join(
        [
            BEGIN,
            f"{config['method']['name']} from {config['encoder']['name'].removeprefix('timm:')}, {data['train']['images']:,} images without"
            f" their labels, {cost['epochs']:g} epochs of {config['batch_size']}, layer_decay {optimizer['layer_decay']:g},"
            f" {cost['seconds'] / 60:.1f} minutes on {cost['device']} with {cost['threads']} threads in {cost['precision']}. Images are stored at 28"
            f" pixels, as the data set publishes them, and enlarged to views of {size}. Each encoder then stands under the same two probes on"
            f" its pooled features: {counts['train']['images']:,} training images, the linear probe's strength chosen on {counts['val']['images']:,}"
            f" validation images, all scored once on {counts['test']['images']:,} test images, with 95 % intervals over images. Nothing was chosen"
            " by the test images; one run, one seed.",
            "",
            f"| encoder | {head} |",
            "|---" * (1 + len(COLUMNS)) + "|",
            *rows,
            "",
            "Continued less ImageNet as it was, paired over the same test images:",
            "",
            *sentences(results),
            "",
            f"The linear probe with few labels, {metric}:",
            "",
            *few_labels(results),
            "",
            "The random initialisation is the same network with its input standardised alike; pixel PCA sees the same views at 32 pixels.",
            END,
        ]
    )


def put(text: str, measured: str) -> str:
    """The page with its measured part replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + measured + after


def made(run: Path, data: Path | None) -> Path:
    """The run, pretrained now where it is not done."""
    if (run / "results.json").exists():
        return run
    import vesalius
    from examples import efficientnet_lite

    if (run / "run.json").exists():
        return vesalius.pretrain(resume=run).path
    if not WEIGHTS.exists():
        WEIGHTS.parent.mkdir(parents=True, exist_ok=True)
        efficientnet_lite.main(str(WEIGHTS))
    root = {} if data is None else {"data.root": str(data)}
    return vesalius.pretrain(RECIPE, out=run, **{"encoder.weights": str(WEIGHTS), **root}).path


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m docs.continued")
    parser.add_argument("run", nargs="?", type=Path, default=RUN)
    parser.add_argument("--data", type=Path, help="the folder of pneumoniamnist.npz")
    parser.add_argument("--numbers", action="store_true", help="print what the page says as JSON")
    given = parser.parse_args()
    found, results, config = read(made(given.run, given.data))
    PAGE.write_text(put(PAGE.read_text(), section(found, results, config)))
    if given.numbers:
        rows = [{"encoder": name, **{f"{p} {m}": found[name, p, m]["value"] for p, m in COLUMNS}} for name in ENCODERS]
        print(json.dumps({"name": "continued pretraining", "rows": rows}))


if __name__ == "__main__":
    main()
