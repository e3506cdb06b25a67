"""What a run made, as far as it is the same when the run is repeated: a digest of each file without times, ids and memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vesalius.files import checksum

FILE = "made.json"
"""In the folder of a run that is done: file -> digest of its content."""
TIMES = frozenset({"time", "images_per_second", "wait_share", "views_share", "seconds"})
"""Keys of ``metrics.jsonl`` that say how long something took: all else is the same when a run is repeated."""
CHANGING = TIMES | {"peak_memory_mb", "time_by_stage", "file"}
"""Keys of any JSON file that may be other in each run: times, memory, and the file that the user wanted vectors in."""
_TOLD_OTHERWISE = ("run.json", "config.yaml", "log.txt", FILE)
_WHAT = {
    ".safetensors": "weights and tensors", ".npy": "vectors", ".parquet": "rows of images", ".jsonl": "metrics", ".json": "results",
    ".csv": "tables", ".tex": "tables", ".png": "pictures", ".gz": "volumes",
}  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    """Name below ``folder`` -> 64 hexadecimal digits, for every file that a repetition makes again.

    Left out are logs, pages, hidden files, and the states that training goes on from. Of tensors names and bits count, of JSON
    all that is no time, id or memory; of everything else the bytes.
    """
    return {file.relative_to(folder).as_posix(): digest(file) for file in _files(folder)}


def what(name: str) -> str:
    """What kind of result the file ``name`` is, in words."""
    if Path(name).name.startswith("encoder."):
        return "encoder"
    if Path(name).name == "selection.parquet":
        return "selected images"
    return _WHAT.get(Path(name).suffix, "other files")


def digest(file: Path) -> str:
    """The digest of one file."""
    if file.suffix == ".safetensors":
        return _of_tensors(file)
    if file.suffix == ".json":
        return _of_text(json.dumps(_lasting(json.loads(file.read_text())), sort_keys=True))
    if file.suffix == ".jsonl":
        return _of_text("\n".join(json.dumps(_lasting(json.loads(line)), sort_keys=True) for line in file.read_text().splitlines()))
    return checksum(file)


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if not file.is_file() or file.name in _TOLD_OTHERWISE or file.suffix in (".html", ".lock") or any(part.startswith(".") for part in parts):
            continue
        if not any(part.startswith("step-") for part in parts):
            yield file


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(item) for key, item in value.items() if key not in CHANGING}
    if isinstance(value, list):
        return [_lasting(item) for item in value]
    return value


def _of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _of_tensors(file: Path) -> str:
    """Header and bits; the notes of the header, whose order is left to chance, without. Of a file that is none after all its bytes."""
    state = hashlib.sha256()
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > file.stat().st_size:
            return checksum(file)
        header = json.loads(opened.read(length))
        state.update(json.dumps({key: value for key, value in header.items() if key != "__metadata__"}, sort_keys=True).encode())
        while block := opened.read(2**20):
            state.update(block)
    return state.hexdigest()
