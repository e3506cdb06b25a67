"""A name that nobody has, and where it was written to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

CANARY = "Zephyrine-Quillfeather"


def written(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Each file and folder under ``folder`` with its name, its bytes and, of a table, its rows."""
    for file in folder.rglob("*"):
        yield file, str(file.relative_to(folder)).encode()
        if file.is_file():
            yield file, file.read_bytes()
            if file.suffix == ".parquet":
                frame = pd.read_parquet(file)
                yield file, repr([list(frame.columns), *frame.astype(str).to_numpy().tolist()]).encode()


def leaks(folder: Path) -> list[str]:
    """What bears the name, or a half of it, in any of the usual encodings."""
    forms = [
        CANARY.encode(),
        *(half.encode() for half in CANARY.split("-")),
        CANARY.encode("utf-16-le"),
        CANARY.replace("-", "%2D").encode(),
    ]
    return sorted(
        {
            str(file.relative_to(folder))
            for file, content in written(folder)
            if any(form.lower() in content.lower() for form in forms)
        }
    )
