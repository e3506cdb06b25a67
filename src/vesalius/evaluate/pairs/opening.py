"""References to encoders and data sets, as a user gives them, made into a panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from vesalius.data.dataset import divide, resolve
from vesalius.data.references import parse
from vesalius.data.table import SampleTable
from vesalius.encoders import load_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.loading import PUBLIC, by_chance
from vesalius.encoders.resizing import resized
from vesalius.errors import UserError
from vesalius.evaluate import compat
from vesalius.evaluate.config import EvaluateConfig
from vesalius.evaluate.pairs import originals, pictures
from vesalius.evaluate.pairs.capping import capped
from vesalius.evaluate.pairs.examinee import EncoderExaminee, free, slug
from vesalius.evaluate.pairs.panel import Panel
from vesalius.evaluate.pairs.shelf import Shelf
from vesalius.terminal import Terminal


def opened(config: EvaluateConfig, terminal: Terminal) -> Panel:
    """The panel of ``config``: each encoder at its own size, or at each of ``image_size``. Raises UserError for what is not there."""
    tables = _tables(config, terminal)
    shelf, encoders = Shelf(), list[EncoderExaminee]()
    for given in _once(config.encoder, "encoder", terminal):
        name, reference = _named(given)
        if not reference.startswith(PUBLIC) and (said := by_chance(reference, None)):
            terminal.say(said)
        name = free(name or slug(reference), [one.name for one in encoders])
        if not config.image_size:
            encoders.append(EncoderExaminee(name, reference, partial(_load, reference, None), shelf))
        for size in config.image_size:
            encoders.append(EncoderExaminee(f"{name}@{size}", reference, partial(_load, reference, size), shelf, size=size))
        if (loaded := encoders[-1].encoder.loaded) is not None and loaded.layout:
            terminal.say(f"{name}: {loaded.sentence()}.")
    for sentence in _alike(encoders):
        terminal.say(sentence)
    looked_at = _pictures(config, tables, terminal)
    return Panel(encoders, tables, shelf, terminal, config.seed, config.max_bad_share, looked_at)


def _pictures(config: EvaluateConfig, tables: Mapping[str, SampleTable], terminal: Terminal) -> Mapping[str, SampleTable]:
    """The images that are looked at: those that were named, under compat those of ``sample_images`` where it holds the data set, or draws."""
    if config.images:
        return pictures.named(config.images, terminal)
    found = {name: pictures.drawn(table, config.n_images, config.seed) for name, table in tables.items()}
    if config.compat == compat.WORD:
        given = pictures.named(pictures.sampled(), terminal)
        found |= {name: table for name in found if (table := given.get(compat.original_key(name))) is not None}
    return found


def _columns(reference: str, config: EvaluateConfig) -> dict[str, Any]:
    """``labels`` and ``subject`` for the data set ``reference``: columns are those of tables, where there are tables beside other data, whose labels are
    their own; a rule on paths is for all.
    """
    said = {"labels": config.labels, "subject": config.subject}
    if _is_table(reference) or not any(_is_table(one) for one in config.data):
        return said
    return {"labels": None, "subject": config.subject if "(" in (config.subject or "") else None}


def _is_table(reference: str) -> bool:
    return parse(reference).source == "table"


def _once(given: Sequence[str], what: str, terminal: Terminal) -> list[str]:
    """``given`` without repetitions, which are told."""
    for again in sorted({one for one in given if given.count(one) > 1}):
        terminal.say(f"The {what} {again} was given {given.count(again)} times and is examined once.")
    return list(dict.fromkeys(given))


def _alike(encoders: Sequence[EncoderExaminee]) -> list[str]:
    """A sentence for each two encoders of other names that are one: same weights, same size, same preparation of images."""
    first: dict[str, str] = {}
    found = [(one.name, first.setdefault(one.key, one.name)) for one in encoders]
    return [f"{name} has the weights of {same}: what is found of the two is the same." for name, same in found if name != same]


def _named(given: str) -> tuple[str, str]:
    """``NAME=REFERENCE`` taken apart; an equals sign behind a slash, a # or a ? is part of the reference."""
    name, equals, reference = given.partition("=")
    return (name, reference) if equals and not {"/", "#", "?"} & set(name) else ("", given)


def _load(reference: str, size: int | None) -> Encoder:
    pretrained: dict[str, Any] = {"weights": reference} if reference.startswith(PUBLIC) else {}
    encoder = load_encoder(reference, **pretrained)
    return encoder if size is None else resized(encoder, (size,) * len(encoder.card.size))


def _tables(config: EvaluateConfig, terminal: Terminal) -> Mapping[str, SampleTable]:
    found: dict[str, SampleTable] = {}
    original = config.compat == compat.WORD
    for reference in _once(config.data, "data set", terminal):
        rows = originals.wanted(reference, config) if original else {"filter": config.filter, "uncertain": config.uncertain}
        table = resolve(
            reference,
            **_columns(reference, config),
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
        found[free(name, found)] = table if whole else divide(table, config.split, allow_leakage=config.allow_leakage or original)
    if not found and not config.images:
        raise UserError("Nothing says which images to evaluate on. Give labelled data with --data (a source, a folder, a table).")
    return found
