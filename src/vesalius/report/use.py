"""How to load the encoder: three lines of Python that run as they stand."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import number, text, texts
from vesalius.report.wording import count


def section(runs: Sequence[RunRecord]) -> Section:
    """The lines for each run's encoder."""
    return by_run("use", "Use the encoder", [_block(run) for run in runs])


def lines(run: RunRecord) -> list[str]:
    """Three lines of Python, to be run in the folder ``where`` names: load, feed, take the vectors."""
    channels = int(number(run.card.get("channels")) or 3)
    raw = run.card.get("size")
    size = [int(v) for v in (number(one) for one in (raw if isinstance(raw, list) else [])) if v] or [32, 32]
    dim = number(run.card.get("dim"))
    shape = ", ".join(str(v) for v in (8, channels, *size))
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
    if not run.card:
        return Block(run, reason=run.reason("use", run.problems.get("encoder.json", "The run exported no encoder.")))
    if not (run.path / "encoder.safetensors").is_file():
        return Block(run, reason=run.reason("use", "The run has a card but no weights (no encoder.safetensors)."))
    name = where(run)
    size = run.card.get("size")
    sides = [number(v) for v in size] if isinstance(size, list) else []
    facts = [
        ("Architecture", text(run.card.get("architecture"))),
        ("Vector", f"{count(number(run.card.get('dim')))} numbers" if number(run.card.get("dim")) else ""),
        ("Trained on", text(run.card.get("trained_on"))),
        ("At", " × ".join(count(v) for v in sides) + " px" if sides else ""),
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
            "shell": f"vesalius embed --encoder {_quoted(name)} --data FOLDER --out features.parquet",
            "facts": [(key, value) for key, value in facts if value],
            "notes": texts(run.card.get("notes")),
        },
    )


def _quoted(name: str) -> str:
    plain = all(c.isalnum() or c in "-_./" for c in name)
    return name if plain else "'" + name.replace("'", "'\\''") + "'"
