"""References to encoders and data sets, as a user gives them, made into a panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from vesalius.data.dataset import divide, resolve
from vesalius.data.table import SampleTable
from vesalius.encoders import load_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.resizing import resized
from vesalius.errors import UserError
from vesalius.evaluate import compat
from vesalius.evaluate.config import EvaluateConfig
from vesalius.evaluate.pairs import originals
from vesalius.evaluate.pairs.capping import capped
from vesalius.evaluate.pairs.examinee import EncoderExaminee, slug
from vesalius.evaluate.pairs.panel import Panel
from vesalius.evaluate.pairs.shelf import Shelf
from vesalius.terminal import Terminal

_PUBLIC = ("timm:", "torchvision:")


def opened(config: EvaluateConfig, terminal: Terminal) -> Panel:
    """The panel of ``config``: each encoder at its own size, or at each of ``image_size``. Raises UserError for what is not there."""
    tables = _tables(config, terminal)
    shelf, encoders = Shelf(), list[EncoderExaminee]()
    for given in config.encoder:
        name, reference = _named(given)
        name = _free(name or slug(reference), [one.name for one in encoders])
        if not config.image_size:
            encoders.append(EncoderExaminee(name, reference, partial(_load, reference, None), shelf))
        for size in config.image_size:
            encoders.append(EncoderExaminee(f"{name}@{size}", reference, partial(_load, reference, size), shelf, size=size))
        if (loaded := encoders[-1].encoder.loaded) is not None and loaded.layout:
            terminal.say(f"{name}: {loaded.sentence()}.")
    return Panel(encoders, tables, shelf, terminal, config.seed, config.max_bad_share)


def _named(given: str) -> tuple[str, str]:
    """``NAME=REFERENCE`` taken apart; an equals sign behind a slash, a # or a ? is part of the reference."""
    name, equals, reference = given.partition("=")
    return (name, reference) if equals and not {"/", "#", "?"} & set(name) else ("", given)


def _load(reference: str, size: int | None) -> Encoder:
    pretrained: dict[str, Any] = {"weights": reference} if reference.startswith(_PUBLIC) else {}
    encoder = load_encoder(reference, **pretrained)
    return encoder if size is None else resized(encoder, (size,) * len(encoder.card.size))


def _tables(config: EvaluateConfig, terminal: Terminal) -> Mapping[str, SampleTable]:
    found: dict[str, SampleTable] = {}
    original = config.compat == compat.WORD
    for reference in config.data:
        rows = originals.wanted(reference, config) if original else {"filter": config.filter, "uncertain": config.uncertain}
        table = resolve(
            reference,
            labels=config.labels,
            subject=config.subject,
            download=config.download,
            allow_leakage=config.allow_leakage,
            terminal=terminal,
            **rows,
        )
        table = originals.divided(table, reference, terminal, rows["uncertain"]) if original else table
        if (most := config.max_images or (compat.most(reference, config.protocols) if original else None)) is not None:
            table = capped(table, most, config.seed)
        name = slug(reference.partition("@")[0] if "@" in reference else reference).removesuffix(".npz").removesuffix(".csv")
        whole = not len(table.rows("train")) and not len(table.rows(""))  # nothing to divide: few-shot and retrieval need no training part
        found[_free(name, list(found))] = table if whole else divide(table, config.split, allow_leakage=config.allow_leakage or original)
    if not found:
        raise UserError("Nothing says which images to evaluate on. Give labelled data with --data (a source, a folder, a table).")
    return found


def _free(name: str, taken: Sequence[str]) -> str:
    """``name``, or with a number behind it where that is taken."""
    return name if name not in taken else next(free for n in range(2, len(taken) + 3) if (free := f"{name}-{n}") not in taken)
