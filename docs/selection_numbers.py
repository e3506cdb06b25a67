"""Whether selecting helps, measured: ``docs/does-selection-help.md``, from three experiments on PneumoniaMNIST and BCCD.

    python -m docs.selection_numbers [FOLDER] [--run] [--level full]

Reads what the experiments left in FOLDER (``runs/selection-full``); ``--run`` runs them first, or goes on with them. What was not measured is said
not to be.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks._running import read_lines

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "does-selection-help.md"
EXPERIMENTS = ("selection_bccd", "selection_pneumonia", "embedding_claim")
LINES = "lines.jsonl"
_NOT = "Not measured yet: `python -m docs.selection_numbers --run`."
Found = Mapping[str, Any]


def measured(folder: Path, level: str) -> dict[str, Found]:
    """The lines of every experiment by name, run now or gone on with; kept in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [] if level == "short" else [f"--{level}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    text = ""
    for name in EXPERIMENTS:
        command = [sys.executable, "-W", "ignore", str(ROOT / "benchmarks" / f"{name}.py"), *words, "--folder", str(folder)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT)  # noqa: S603
        text += done.stdout
    (folder / LINES).write_text(text)
    return read(folder)


def read(folder: Path) -> dict[str, Found]:
    """The lines that are there."""
    file = folder / LINES
    return {line["name"]: line for line in read_lines(file.read_text())} if file.exists() else {}


def reading(low: float, high: float) -> str:
    """What an interval of a difference says."""
    return "better" if low > 0 else "worse" if high < 0 else "not told apart"


def span(row: Found, metric: str = "", digits: int = 3) -> str:
    """``+0.012 (-0.003 to +0.027)`` of a difference."""
    low, value, high = (row[f"{metric}difference{end}"] for end in ("_low", "", "_high"))
    return f"{value:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f}): {reading(low, high)}".replace("-", "−")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table of Markdown."""
    return [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *(f"| {' | '.join(row)} |" for row in rows), ""]


def pneumonia(found: Mapping[str, Found]) -> list[str]:
    """The first section."""
    lines = [line for name, line in found.items() if name.startswith("selection on PneumoniaMNIST")]
    text = [
        "## Fifty to two hundred labels of PneumoniaMNIST",
        "",
        "A linear probe on features of our own encoder, trained by SimCLR on the same images without labels. It learns from the labels of the selected"
        " images alone and is tested on the test split. Difference: from the mean over random selections of equal size, with the 95 % interval over test"
        " images and random selections. Two ways balance the classes by the true labels of all images, which nobody has before labelling: what balance"
        " could give at best. In a job the classes come from metadata or from predictions.",
        "",
    ]
    if not lines:
        return [*text, _NOT, ""]
    for line in lines:
        first = next(iter(line["ways"].values()))
        text += [
            f"{line['labels']} labels, {line['setting']}. Random over {first['seeds']} selections: ROC-AUC {first['random']:.3f}"
            f" ({first['least']:.3f} to {first['greatest']:.3f}), cover radius {first['random_cover_radius']:.3f}.",
            "",
            *table(
                ("selected by", "ROC-AUC", "difference from random", "balanced accuracy", "pneumonia", "cover radius"),
                [
                    (
                        way,
                        f"{row['value']:.3f}",
                        span(row),
                        f"{row['balanced_accuracy']:.3f}",
                        f"{100 * row['share_of_pneumonia']:.0f} %",
                        f"{row['cover_radius']:.3f}",
                    )
                    for way, row in line["ways"].items()
                ],
            ),
        ]
    return text


def bccd(found: Mapping[str, Found]) -> list[str]:
    """The second."""
    text = ["## Rare cells: fifty images of BCCD", ""]
    counts, probe = (found.get(f"selection on BCCD, {part}") for part in ("counts", "cell types"))
    text += [
        "SimCLR learns from the cells, cut out by `crops@FOLDER`. Object diversity takes the image with the cell that is farthest from every cell in the"
        " selected images; image diversity takes the image that is farthest as a whole, by the same encoder. Random: mean, least and greatest.",
        "",
    ]
    if counts is None or probe is None:
        return [*text, _NOT, ""]
    kinds = [key for key in next(iter(counts["ways"].values())) if key != "object cover radius"]
    rows = []
    for way, row in counts["ways"].items():
        cells = []
        for key in (*kinds, "object cover radius"):
            digits = 3 if key == "object cover radius" else 1 if way == "random" else 0
            more = f" ({row[f'{key}, least']:.{3 if digits == 3 else 0}f} to {row[f'{key}, greatest']:.{3 if digits == 3 else 0}f})" if way == "random" else ""
            cells.append(f"{row[key]:.{digits}f}{more}")
        rows.append((way, *cells))
    text += [f"{counts['selected']} selected; {counts['setting']}.", "", *table(("selected by", *kinds, "object cover radius"), rows)]
    tested = probe["tested"]
    text += [
        f"The probe learns the type of every cell in {probe['selected']} images selected of the {probe['pool']} of the training and validation lists, and is"
        f" tested on the {tested['cells']:,} cells of the {tested['images']} images of the test list. Intervals draw whole images.",
        "",
        *table(
            ("selected by", "cells labelled", "balanced accuracy", "difference from random", "accuracy", "difference from random, accuracy"),
            [
                (
                    way,
                    f"{row['cells']:,}",
                    f"{row['balanced_accuracy']['value']:.3f}",
                    span(row["balanced_accuracy"]),
                    f"{row['accuracy']['value']:.3f}",
                    span(row["accuracy"]),
                )
                for way, row in probe["probes"].items()
            ],
        ),
    ]
    return text


def claim(found: Mapping[str, Found]) -> list[str]:
    """The third."""
    text = [
        "## What is in an embedding: of a target model, of a self-supervised one, of a generic one",
        "",
        "The original's claim: a model trained on the labels leaves out of its embedding what does not tell the classes apart, such as lighting; one"
        " trained without labels encodes lighting and perspective, is not touched by label errors, and is the better one to select by. Compared on the"
        " same network (SimCLR, and trained end to end on the labels) and on EfficientNet-Lite0 with ImageNet's weights. *Read back*: the share of the"
        " variance (R²) of the brightness, blur or rotation applied to a test image that a ridge regression finds in its embedding; 0 or less is nothing."
        " *Flipped*: a fifth of the training labels is wrong. Augmentations matter here: our SimCLR changes brightness and turns images by up to 10"
        " degrees in training, and so is asked to overlook both. In parentheses 95 % intervals over test images, of cells over whole images.",
        "",
    ]
    names = [name.removeprefix("embeddings of ") for name in found if name.startswith("embeddings of ")]
    if not names:
        return [*text, _NOT, ""]
    for name in names:
        line, chosen = found[f"embeddings of {name}"], found[f"selections from {name}"]

        def cell(row: Found, key: str) -> str:
            return f"{row[key]:.3f} ({row[f'{key}, low']:.3f} to {row[f'{key}, high']:.3f})".replace("-", "−")

        keys = ("kNN balanced accuracy", "kNN, flipped labels balanced accuracy", "brightness", "blur", "rotation")
        heads = ("embedding", "kNN, balanced accuracy", "the same, flipped labels", "brightness read back", "blur read back", "rotation read back")
        metric = "roc_auc" if any(key.startswith("roc_auc") for key in next(iter(chosen["models"].values()))) else "balanced_accuracy"
        title = "ROC-AUC" if metric == "roc_auc" else "balanced accuracy"
        first = next(iter(chosen["models"].values()))
        among = [key.removesuffix(" among them") for key in first if key.endswith(" among them")]
        text += [
            f"### {line['setting']}",
            "",
            *table(heads, [(model, *(cell(row, key) for key in keys)) for model, row in line["models"].items()]),
            "The models' own heads answer with a balanced accuracy of "
            + " and ".join(f"{value:.3f} ({model})" for model, value in line["heads"].items())
            + "; the neighbours above vote by cosine.",
            "",
            f"{first['selected']} training images selected by the diversity of each embedding; the probe is on EfficientNet's features for all. Random: {title}"
            f" {first[f'{metric} random']:.3f}.",
            "",
            *table(
                ("selected by diversity of", title, "difference from random", *among),
                [
                    (model, f"{row[f'{metric} value']:.3f}", span(row, f"{metric} "), *(str(row[f"{one} among them"]) for one in among))
                    for model, row in chosen["models"].items()
                ],
            ),
        ]
    return text


def page(found: Mapping[str, Found]) -> str:
    """The page's text."""
    return "\n".join(
        [
            "# Does selection help",
            "",
            "Three experiments on public data, each beside random selections of equal size; what came out, whatever it is. They run with"
            " `python -m benchmarks.selection_pneumonia`, `selection_bccd` and `embedding_claim` (`--full` at length, `--small` to see that they run)."
            " Each encoder is trained once: intervals hold what comes from test images and from which random images are drawn, not what another"
            " training would give. What the measures mean: [the report of a selection](select-report.md).",
            "",
            *pneumonia(found),
            *bccd(found),
            *claim(found),
            "Written by `python -m docs.selection_numbers`.",
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m docs.selection_numbers")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--level", choices=("small", "short", "full"), default="full")
    parser.add_argument("--page", type=Path, default=PAGE)
    given = parser.parse_args(arguments)
    folder = given.folder or ROOT / "runs" / f"selection-{given.level}"
    given.page.write_text(page(measured(folder.resolve(), given.level) if given.run else read(folder)))


if __name__ == "__main__":
    main()
