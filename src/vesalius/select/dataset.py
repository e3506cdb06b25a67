"""Whose runs, checkpoints and pool these are: a data set's name, or its folder's, never its contents."""

from __future__ import annotations

from pathlib import Path

from vesalius.select.datapool import key_of


def dataset_key(reference: str, name: str = "") -> str:
    """What ``run.json`` has as ``dataset``: ``name`` where one was given, or a keyed number that stands for the resolved root of ``reference``."""
    if name:
        return key_of(name)
    there = Path(reference.partition("@")[2] or reference).expanduser()
    return key_of(str(there.resolve()) if there.exists() else reference)
