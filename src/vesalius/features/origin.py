"""What a result was computed from, by digests: its data and the encoders it was given."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

from vesalius.data.dataset import DataSet
from vesalius.data.record_store import RecordStore
from vesalius.data.table import SampleTable
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.saving import weights_hash

KEY = "made_from"
"""Where ``run.json`` keeps it."""


def origin(data: Mapping[str, DataSet | SampleTable], encoders: Mapping[str, Encoder] | None = None) -> dict[str, Any]:
    """``data``: for each set ``table`` (ids, labels, splits) and, where it was decoded, ``pixels``; ``encoders``: for each its weights' digest."""
    return {
        "data": {name: _of_table(one) if isinstance(one, SampleTable) else _of_set(one) for name, one in data.items()},
        "encoders": {name: weights_hash(one) for name, one in (encoders or {}).items()},
    }


def other(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What of ``now`` is other than ``before``, of what both say, in words: ``the data set train (the images themselves)``."""
    found = []
    for name, was in before.get("data", {}).items():
        unlike = [_MEANT[key] for key, value in now["data"].get(name, {}).items() if was.get(key, value) != value]
        found += [f"the data set {name} ({', '.join(unlike)})"] if unlike else []
    return found + [f"the encoder {name}" for name, was in before.get("encoders", {}).items() if now["encoders"].get(name, was) != was]


_MEANT = {"table": "its ids, labels or splits", "pixels": "the images themselves"}


def _of_table(table: SampleTable) -> dict[str, str]:
    return {"table": table.fingerprint()}


def _of_set(data: DataSet) -> dict[str, str]:
    return {**_of_table(data.table), "pixels": _pixels(data.store)}


def _pixels(store: RecordStore) -> str:
    """Of what was decoded of each sample, whatever the order."""
    order, state = np.argsort(store.ids), blake2b(digest_size=16)
    state.update(store.ids[order].astype("<u8").tobytes())
    state.update("".join(store.digests[order]).encode())
    return state.hexdigest()
