"""Whose runs, checkpoints and pool these are: a data set's name, or its folder's, never its contents."""

from __future__ import annotations

import re
from pathlib import Path

from vesalius.data.identity import subject_name, user_key

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def key_of(name: str) -> str:
    """What files call the data set ``name``: its name, or, where that is a path, a keyed number in its stead."""
    return name if _PLAIN.fullmatch(name) else f"folder-{subject_name(name, user_key())}"


def dataset_key(reference: str, name: str = "") -> str:
    """What ``run.json`` has as ``dataset``: ``name`` where one was given, or a keyed number that stands for the resolved root of ``reference``."""
    if name:
        return key_of(name)
    there = Path(reference.partition("@")[2] or reference).expanduser()
    return key_of(str(there.resolve()) if there.exists() else reference)
