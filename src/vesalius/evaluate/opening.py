"""References to encoders and data sets, as a user gives them, made into a panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.data.dataset import divide, resolve
from vesalius.data.table import SampleTable
from vesalius.encoders import load_encoder
from vesalius.errors import UserError
from vesalius.evaluate.config import EvaluateConfig
from vesalius.evaluate.examinee import EncoderExaminee, slug
from vesalius.evaluate.panel import Panel
from vesalius.terminal import Terminal

_PUBLIC = ("timm:", "torchvision:")


def opened(config: EvaluateConfig, terminal: Terminal) -> Panel:
    """The panel of ``config``. Raises UserError for what is not there and for two of one name."""
    tables = _tables(config, terminal)
    encoders: list[EncoderExaminee] = []
    for given in config.encoder:
        name, _, reference = given.rpartition("=") if "=" in given and "#sha256=" not in given else ("", "", given)
        pretrained: dict[str, Any] = {"weights": reference} if reference.startswith(_PUBLIC) else {}
        encoder = load_encoder(reference, **pretrained)
        if encoder.loaded is not None and encoder.loaded.layout:
            terminal.say(f"{encoder.card.architecture}: {encoder.loaded.sentence()}.")
        encoders.append(EncoderExaminee(_free(name or slug(reference), [one.name for one in encoders]), reference, encoder))
    return Panel(encoders, tables, terminal, config.seed, config.max_bad_share)


def _tables(config: EvaluateConfig, terminal: Terminal) -> Mapping[str, SampleTable]:
    found: dict[str, SampleTable] = {}
    for reference in config.data:
        table = resolve(
            reference,
            labels=config.labels,
            subject=config.subject,
            uncertain=config.uncertain,
            filter=config.filter,
            download=config.download,
            allow_leakage=config.allow_leakage,
            terminal=terminal,
        )
        found[_free(slug(reference.partition("@")[0] if "@" in reference else reference), list(found))] = divide(
            table, config.split, allow_leakage=config.allow_leakage
        )
    if not found:
        raise UserError("Nothing says which images to evaluate on. Give labelled data with --data (a source, a folder, a table).")
    return found


def _free(name: str, taken: Sequence[str]) -> str:
    """``name``, or with a number behind it where that is taken."""
    return name if name not in taken else next(free for n in range(2, len(taken) + 3) if (free := f"{name}-{n}") not in taken)
