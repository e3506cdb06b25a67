"""How to load the encoder, or the model: three lines of Python that run as they stand."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vesalius.report.kinds import kind
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.seeds import repetitions
from vesalius.report.values import number, text, texts
from vesalius.report.wording import count

_SAID = (
    "The model is a plain `torch.nn.Module`; it gives probabilities after temperature scaling, `.logits(x)` what is before them, "
    "`.encoder(x).pooled` the features. Pixels are numbers from 0 to 1. On a folder of images, with the preprocessing of the encoder's card:"
)


_SEGMENTS = (
    "The model is a plain `torch.nn.Module` for patches, prepared as its encoder's plan says; `.encoder` and `.decoder` are its parts, "
    "`.monai_state_dict()` its tensors under MONAI's names. On whole volumes, with that preparation, written on their own voxels:"
)


def section(runs: Sequence[RunRecord]) -> Section:
    """The lines for each run's encoder."""
    title = "Use the encoder" if all(kind(run) == "pretrain" for run in runs) else "Use the model"
    return by_run("use", title, [_block(run) for run in runs])


def lines(run: RunRecord) -> list[str]:
    """Three lines of Python, to be run in the folder ``where`` names: load, feed, take the vectors."""
    channels = int(number(run.card.get("channels")) or 3)
    raw = run.card.get("size")
    size = [int(v) for v in (number(one) for one in (raw if isinstance(raw, list) else [])) if v] or [32, 32]
    dim = number(run.card.get("dim"))
    shape = ", ".join(str(v) for v in (8, channels, *size))
    if kind(run) != "pretrain":
        task = text(run.task.get("kind"))
        if task == "segmentation":
            made = f"  # (8, {len(texts(run.task.get('classes')))}, {', '.join(str(v) for v in size)})"
            return [
                "import torch; from vesalius.tasks.segmenter import Segmenter",
                f"model = Segmenter.load({where(run)!r})",
                f"logits = model(torch.rand({shape})){made}",
            ]
        wide = 1 if task == "regression" else len(texts(run.task.get("classes")))
        name = "quantities" if task == "regression" else "probabilities"
        return [
            "import torch; from vesalius.tasks.classifier import Classifier",
            f"model = Classifier.load({where(run)!r})",
            f"{name} = model(torch.rand({shape}))" + (f"  # (8, {wide})" if wide else ""),
        ]
    return [
        "import torch, vesalius",
        f"encoder = vesalius.load_encoder({where(run)!r})",
        f"vectors = encoder(torch.rand({shape})).pooled" + (f"  # (8, {int(dim)})" if dim else ""),
    ]


def where(run: RunRecord) -> str:
    """The run's folder as the lines name it: from the working directory when it lies below it, else its own name."""
    here, there = Path(os.getcwd()).resolve(), run.path.resolve()
    return there.relative_to(here).as_posix() if there != here and there.is_relative_to(here) else there.name


def _block(run: RunRecord) -> Block:
    if kind(run) == "seeds":
        return _first(run)
    if not run.card:
        return Block(run, reason=run.reason("use", run.problems.get("encoder.json", "The run exported no encoder.")))
    if not (run.path / "encoder.safetensors").is_file():
        return Block(run, reason=run.reason("use", "The run has a card but no weights (no encoder.safetensors)."))
    name, tuned = where(run), kind(run) == "finetune"
    segments = text(run.task.get("kind")) == "segmentation"
    model = "segmenter" if segments else "classifier"
    if tuned and not (run.path / f"{model}.json").is_file():
        return Block(run, reason=run.reason("use", f"The run wrote no {model}: it was not fine-tuned to its end."))
    size = run.card.get("size")
    sides = [number(v) for v in size] if isinstance(size, list) else []
    facts = [
        ("Architecture", text(run.card.get("architecture"))),
        ("Vector", f"{count(number(run.card.get('dim')))} numbers" if number(run.card.get("dim")) else ""),
        ("Trained on", text(run.card.get("trained_on"))),
        ("At", " × ".join(count(v) for v in sides) + (" voxels" if len(sides) == 3 else " px") if sides else ""),
        ("Channels", count(number(run.card.get("channels"))) if number(run.card.get("channels")) else ""),
        ("Licence", text(run.card.get("licence"))),
        ("Weights", text(run.card.get("weights"))[:16]),
    ]
    return Block(
        run,
        parts={
            "code": "\n".join(lines(run)),
            "place": "the folder the run was started in" if "/" in name else "the folder that holds",
            "folder": "" if "/" in name else name,
            "shell": f"vesalius predict {_quoted(name)} FOLDER --out {'segmented' if segments else 'predictions.csv'}"
            if tuned
            else f"vesalius embed --encoder {_quoted(name)} --data FOLDER --out features.parquet",
            "said": (_SEGMENTS if segments else _SAID) if tuned else "",
            "facts": [(key, value) for key, value in facts if value],
            "notes": texts(run.card.get("notes")),
        },
    )


def _first(run: RunRecord) -> Block:
    """The model of a repeated run's first seed: the run above them has none."""
    found = [block for one in repetitions(run) if not (block := _block(one)).reason]
    if not found:
        return Block(run, reason=run.reason("use", "No run of a seed wrote a classifier."))
    note = "The run repeats another with several seeds; each has a model of its own, and this is the first."
    return Block(run, parts={**found[0].parts, "notes": [note, *found[0].parts["notes"]]})


def _quoted(name: str) -> str:
    plain = all(c.isalnum() or c in "-_./" for c in name)
    return name if plain else "'" + name.replace("'", "'\\''") + "'"
