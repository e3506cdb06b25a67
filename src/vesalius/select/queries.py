"""The images to be like, as vectors: some of the candidates, a file of vectors, or what an earlier selection chose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from vesalius import runs
from vesalius.data.dataset_names import key_of
from vesalius.errors import UserError
from vesalius.select import picks_file
from vesalius.select.candidates import Candidates, Objects

_LOOKED_AT = 1000
"""Candidates whose length decides whether vectors have unit length."""


class Query(BaseModel):
    """Exactly one of the two."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: str | None = Field(None, description="A file with a name of an image on each line, relative to the data's root: those of the candidates.")
    vectors: str | None = Field(None, description="An .npy, .csv or .parquet file of vectors of the same encoder, one in each row.")

    @model_validator(mode="after")
    def _one(self) -> Query:
        if (self.names is None) == (self.vectors is None):
            raise ValueError("a query has names or vectors: give exactly one of them")
        return self


def rows_of(file: str, candidates: Candidates) -> NDArray[np.int64]:
    """``(Q,)`` rows of the images listed in ``file``. Raises UserError where one is not there."""
    try:
        listed = [line.strip() for line in Path(file).expanduser().read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The query's names {file} could not be read ({type(error).__name__}). Give a text file with a name on each line.") from error
    wanted = np.unique(np.asarray(listed, dtype=np.str_))
    known = np.isin(wanted, candidates.names)
    if not len(wanted) or not known.all():
        which = f"{(~known).sum():,} of its {len(wanted):,} names are no images of these data: {', '.join(wanted[~known][:5])}"
        which = which if len(wanted) else "it is empty"
        raise UserError(f"The query {Path(file).name} cannot be used: {which}. Write names as they are relative to the data's root.")
    return np.searchsorted(candidates.names, wanted)


def by_name(file: str, candidates: Candidates, objects: Objects | None) -> NDArray[Any]:
    """``(Q, D)`` vectors of the images listed in ``file``, or all their objects'. Raises UserError where one is not there."""
    rows = rows_of(file, candidates)
    if objects is None:
        return np.asarray(candidates.embedded()[rows])
    of = np.flatnonzero(np.isin(objects.owner, rows))
    if not len(of):
        raise UserError(f"The images that the query {Path(file).name} names have no objects. Name others, or leave `task` out.")
    return np.asarray(objects.vectors[of])


def refuse_missing(file: str) -> None:
    """Raise UserError where ``file`` is no file of vectors by its name, or not there."""
    path = Path(file).expanduser()
    if path.suffix not in (".npy", ".csv", ".parquet"):
        raise UserError(f"The query's vectors {path.name} end in {path.suffix or 'nothing'}. Give an .npy, .csv or .parquet file.")
    if not path.is_file():
        raise UserError(f"The query's vectors {path.name} could not be read: there is no such file. Give one that `vesalius embed --out` wrote.")


def from_file(file: str, like: NDArray[Any]) -> NDArray[Any]:
    """``(Q, D)`` vectors of ``file``, of unit length where those of the candidates, ``like``, have it. Raises UserError."""
    refuse_missing(file)
    path = Path(file).expanduser()
    try:
        found = np.load(path, allow_pickle=False) if path.suffix == ".npy" else _table(path)
    except (OSError, ValueError) as error:
        raise UserError(f"The query's vectors {path.name} could not be read: {type(error).__name__}, {error}. Give what embed writes.") from error
    return _fitting(found, like, path.name)


def selection_of(dataset: str, tag: str | None) -> Path:
    """The folder of the newest finished selection of ``dataset``; ``tag``: its name, or its run's id. Raises UserError where there is none."""
    finished = [
        (path, facts) for path, facts in runs.every()
        if facts.get("verb") == "select" and facts.get("state") == "done" and facts.get("dataset") == key_of(dataset)
    ]  # fmt: skip
    fits = [path for path, facts in finished if tag is None or tag in (facts.get("name"), facts.get("id"), path.name)]
    if not fits:
        known = ", ".join(dict.fromkeys(str(facts.get("name")) for _, facts in finished)) or "none"
        raise UserError(f"There is no finished selection {tag or ''} of the data set {dataset}. Known selections of it: {known}.".replace("  ", " "))
    return fits[0]


def selected_before(dataset: str, tag: str | None, like: NDArray[Any]) -> NDArray[Any]:
    """``(Q, D)`` vectors of what the newest finished selection of ``dataset`` chose; ``tag``: its name, or its run's id. Raises UserError."""
    place = selection_of(dataset, tag)
    try:
        import pandas as pd

        vectors = np.load(place / "vectors.npy", mmap_mode="r", allow_pickle=False)
        ids = pd.read_csv(place / "vectors.ids.csv", dtype=str)["id"]
        chosen = pd.read_parquet(place / picks_file.FILE, columns=["id"])["id"]
    except OSError as error:
        raise UserError(
            f"The selection {place.name} holds no vectors ({type(error).__name__}), so nothing can be compared with it. Name another, or give the "
            "query as {vectors: FILE}."
        ) from error
    return _fitting(vectors[np.flatnonzero(ids.isin(set(chosen)))], like, place.name)


def _table(path: Path) -> NDArray[Any]:
    """A column ``vector``, or columns v0, v1 ... (ours) or embedding_0, embedding_1 ... (Lightly's)."""
    import pandas as pd

    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    if "vector" in frame:
        return np.stack(frame["vector"].to_list())
    for stem in ("embedding_", "v"):
        numbers = sorted(int(name[len(stem) :]) for name in map(str, frame.columns) if name.startswith(stem) and name[len(stem) :].isdigit())
        if numbers:
            return frame[[f"{stem}{number}" for number in numbers]].to_numpy(np.float32)
    raise ValueError("it has no column vector, v0 or embedding_0")


def _fitting(found: NDArray[Any], like: NDArray[Any], name: str) -> NDArray[Any]:
    if found.ndim != 2 or not len(found) or found.shape[1] != like.shape[1]:
        raise UserError(
            f"The query {name} has vectors of shape {'x'.join(map(str, found.shape))}, and the images' have {like.shape[1]} numbers each. Both must be made "
            "by the same encoder."
        )
    vectors = np.asarray(found, np.float32)
    if not np.isfinite(vectors).all():
        raise UserError(f"The query {name} holds numbers that are not finite. Leave out the rows that hold them.")
    lengths = np.linalg.norm(np.asarray(like[:_LOOKED_AT], np.float32), axis=1)
    if np.abs(lengths - 1).max() < 1e-2:
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return vectors
