"""What pretraining is worth on real images: ``docs/real-images.md`` and its figure, from one run on Fashion-MNIST.

    python -m docs.real_images [RUN] [--numbers]

Runs ``vesalius pretrain fashion-mnist-simclr --out runs/fashion-mnist`` first where that has not been done, or goes on with it.
``--numbers`` also prints what the page says as one JSON line.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
RUN = Path("runs") / "fashion-mnist"
PAGE = ROOT / "docs" / "real-images.md"
FIGURE = ROOT / "docs" / "pictures" / "real-images.png"
RECIPE = "fashion-mnist-simclr"
ENCODERS = {"pretrained": "pretrained", "random init": "random initialisation", "pixel PCA": "pixel PCA"}
COLOURS = {"pretrained": "#0072B2", "random init": "#D55E00", "pixel PCA": "#666666"}

Found = Mapping[tuple[str, float], Mapping[str, Any]]


def read(run: Path) -> tuple[Found, dict[str, Any], dict[str, Any]]:
    """``{(encoder, share of labels): row}`` of the task's metric, all results, and the configuration."""
    results = json.loads((run / "results.json").read_text())
    rows = [row for row in results["label_efficiency"] if row["metric"] == "accuracy" and row["encoder"] in ENCODERS]
    config = yaml.safe_load((run / "config.yaml").read_text())
    return {(row["encoder"], float(row["fraction"])): row for row in rows}, results, config


def compare(found: Found, other: str) -> dict[float, str]:
    """For each share of the labels: ``beats``, ``loses``, or ``apart by less than their intervals``."""
    said = {}
    for fraction in fractions(found):
        own, its = found["pretrained", fraction], found[other, fraction]
        if own["low"] > its["high"]:
            said[fraction] = "beats"
        elif own["high"] < its["low"]:
            said[fraction] = "loses"
        else:
            said[fraction] = "above" if own["value"] > its["value"] else "below"
    return said


def fractions(found: Found) -> list[float]:
    """Shares of the labels, least first."""
    return sorted({fraction for _, fraction in found})


def percent(fraction: float) -> str:
    """0.01 -> ``1 %``."""
    return f"{100 * fraction:g} %"


def listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def sentences(found: Found) -> list[str]:
    """Where the encoder beats each baseline, where not, and where it cannot be told."""
    out = []
    for other in ("random init", "pixel PCA"):
        said, parts = compare(found, other), []
        for word, text in (
            ("beats", "beats {} at {} of the labels, with intervals apart"),
            ("above", "is above {} at {}, with intervals that overlap"),
            ("below", "is below {} at {}, with intervals that overlap"),
            ("loses", "loses to {} at {}, with intervals apart"),
        ):
            at = [percent(fraction) for fraction, is_ in said.items() if is_ == word]
            if at:
                parts.append(text.format(ENCODERS[other], listed(at)))
        out.append(f"The pretrained encoder {'; it '.join(parts)}.")
    return out


def page(found: Found, results: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """The page's text."""
    cost, data = results["cost"], results["data"]
    counts = data["monitor"]["counts"]
    encoder = config["encoder"]
    head = "| labels | " + " | ".join(ENCODERS.values()) + " |"
    rows = []
    for fraction in fractions(found):
        cells = []
        for name in ENCODERS:
            row = found[name, fraction]
            cells.append(f"{100 * row['value']:.1f} % ({100 * row['low']:.1f} to {100 * row['high']:.1f})")
        labels = found["pretrained", fraction]["labels"]
        rows.append(f"| {percent(fraction)} ({labels:,}) | " + " | ".join(cells) + " |")
    return "\n".join(
        [
            "# Real images: what pretraining is worth on Fashion-MNIST",
            "",
            "```bash",
            f"vesalius pretrain {RECIPE} --out {RUN.as_posix()}",
            "```",
            "",
            f"{config['method']['name']}, {encoder['name']} of width {encoder.get('width', 1):g}, {data['train']['images']:,} images without their"
            f" labels, {cost['epochs']:g} epochs of {config['batch_size']}, {cost['seconds'] / 60:.1f} minutes on {cost['device']} with {cost['threads']}"
            f" threads in {cost['precision']}. Then one linear probe for all: on {counts['train']['images']:,} training images or a share of their"
            f" labels, its strength chosen on {counts['val']['images']:,}, accuracy on {counts['test']['images']:,} test images, with 95 % intervals.",
            "",
            head,
            "|---" * (len(ENCODERS) + 1) + "|",
            *rows,
            "",
            *sentences(found),
            "",
            f"![Accuracy of the linear probe over the share of labels](pictures/{FIGURE.name})",
            "",
            "Written by `python -m docs.real_images`, from the run's `results.json`.",
            "",
        ]
    )


def draw(found: Found, place: Path) -> None:
    """Accuracy over the share of labels, with intervals."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 3.8), layout="constrained")
    for nth, name in enumerate(ENCODERS):
        rows = [found[name, fraction] for fraction in fractions(found)]
        x = [100 * row["fraction"] * 1.03 ** (nth - 1) for row in rows]
        y = [100 * row["value"] for row in rows]
        spans = [
            [100 * (row["value"] - row["low"]) for row in rows],
            [100 * (row["high"] - row["value"]) for row in rows],
        ]
        axes.errorbar(x, y, yerr=spans, color=COLOURS[name], marker="os^"[nth], capsize=3, label=ENCODERS[name])
    axes.set_xscale("log")
    axes.set_xticks([100 * f for f in fractions(found)], [percent(f) for f in fractions(found)])
    axes.minorticks_off()
    axes.set_xlabel("share of the labels")
    axes.set_ylabel("accuracy of the linear probe, %")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    place.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(place, dpi=150, metadata={"Software": None})
    pyplot.close(figure)


def made(run: Path) -> Path:
    """The run, pretrained now where it is not done."""
    if (run / "results.json").exists():
        return run
    import vesalius

    if (run / "run.json").exists():
        return vesalius.pretrain(resume=run).path
    return vesalius.pretrain(RECIPE, out=run).path


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m docs.real_images")
    parser.add_argument("run", nargs="?", type=Path, default=RUN)
    parser.add_argument("--numbers", action="store_true", help="print what the page says as JSON")
    given = parser.parse_args()
    found, results, config = read(made(given.run))
    draw(found, FIGURE)
    PAGE.write_text(page(found, results, config))
    if given.numbers:
        rows = [{"fraction": f, **{name: found[name, f]["value"] for name in ENCODERS}} for f in fractions(found)]
        print(json.dumps({"name": "real images", "rows": rows}))


if __name__ == "__main__":
    main()
