"""The images a pass reads, how they are stored for an encoder, and what is known of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vesalius.data.dataset import DataSet
from vesalius.data.plan import Plan, Sides
from vesalius.data.settings import StoreSettings
from vesalius.encoders.encoder import Card, Encoder
from vesalius.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from vesalius.data.table import SampleTable

MARGIN = 1.25
"""The store's shorter side is this many times the largest view's or the encoder's, so that a crop is seldom enlarged much and
every verb reads the same store."""


def store_for(encoder: Encoder | Card, table: SampleTable) -> StoreSettings | Plan:
    """Size, channels and window of the store that ``encoder`` reads from; of volumes the plan of its card.

    Raises UserError where the encoder is one of images and ``table`` holds volumes, or the other way round.
    """
    card = encoder if isinstance(encoder, Card) else encoder.card
    have, wants = ("volumes" if dims == 3 else "images" for dims in (table.dims, len(card.size)))
    if have != wants:
        raise UserError(f"{table.source} holds {have}, and {card.architecture} is an encoder of {wants}. Name {wants}, or an encoder of {have}.")
    if wants == "volumes":
        return card.plan if card.plan is not None else Plan(patch=_patch(card.size))
    return StoreSettings(size=round(MARGIN * max(card.size)), channels=card.channels, window=card.window)


def prepared(settings: StoreSettings | Plan) -> str:
    """What, beside a record's address, decides the numbers that are read from it: of volumes the rule for intensities."""
    return "" if isinstance(settings, StoreSettings) else settings.intensity.model_dump_json()


def _patch(size: tuple[int, ...]) -> Sides:
    x, y, z = size
    return x, y, z


def chosen(data: DataSet, split: str | None) -> NDArray[np.int64]:
    """``(n,)`` records of ``split``, or all. Raises UserError where there is none, with the splits there are."""
    rows = data.rows(split)
    if len(rows):
        return rows
    counts = {name: len(data.rows(name)) for name in ("train", "val", "test", "")}
    have = ", ".join(f"{name or 'no split'}: {count}" for name, count in counts.items() if count) or "no readable image"
    raise UserError(f"{data.name} has no readable image in the split {split!r}. It has {have}.")


def about(data: DataSet, rows: NDArray[np.int64], named: bool) -> pd.DataFrame:
    """Id, subject, split and labels of records; paths, relative to the root, only where ``named``: in a user's own file."""
    frame = data.table.frame.iloc[data.table_rows(rows)].reset_index(drop=True)
    known = frame[["id"]].assign(id=[f"{int(i):016x}" for i in frame["id"]])
    if named:
        known["uri"] = [_relative(str(uri), data.table.root) for uri in frame["uri"]]
        known["frame"] = frame["frame"]
        if frame["box"].notna().any():
            known["box"] = ["" if box is None else " ".join(f"{side:g}" for side in box) for box in frame["box"]]
    for column in ("subject", "split", *(c for c in frame.columns if c.startswith("label."))):
        if column in frame:
            known[column] = frame[column]
    return known


def left_out(data: DataSet) -> list[dict[str, str]]:
    """Id and reason of each image that could not be read, as ``left_out.json`` holds them."""
    return [{"id": f"{i:016x}", "reason": reason} for i, reason in data.store.left_out]


def _relative(uri: str, root: str) -> str:
    path = Path(uri)
    if root and path.is_absolute() and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return uri
