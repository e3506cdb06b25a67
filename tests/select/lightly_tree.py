"""Writes ``.lightly/predictions`` and ``.lightly/metadata`` for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def _put(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def predictions(root: Path, task: str, kind: str, categories: dict[int, str], files: dict[str, Any]) -> Path:
    """``files``: of each image (with its suffix) the singletons, or the file's text."""
    folder = root / ".lightly" / "predictions"
    listed = folder / "tasks.json"
    known = json.loads(listed.read_text()) if listed.exists() else []
    _put(listed, [*known, task])
    _put(folder / task / "schema.json", {"task_type": kind, "categories": [{"id": i, "name": n} for i, n in categories.items()]})
    for name, found in files.items():
        _put(folder / task / Path(name).with_suffix(".json"), found if isinstance(found, str) else {"file_name": name, "predictions": found})
    return folder


def metadata(root: Path, schema: list[dict[str, Any]], files: dict[str, Any]) -> Path:
    """``files``: of each image the mapping under ``metadata``, or the file's text."""
    folder = root / ".lightly" / "metadata"
    _put(folder / "schema.json", schema)
    for name, found in files.items():
        _put(folder / Path(name).with_suffix(".json"), found if isinstance(found, str) else {"file_name": name, "type": "image", "metadata": found})
    return folder
