"""Originals and what was made of them, in three places: this evaluation's run, an earlier one's, and the folders of SSL_medicalimaging."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vesalius.data.listing import SUFFIXES
from vesalius.errors import UserError
from vesalius.evaluate.pairs.measured import Measured
from vesalius.evaluate.pairs.pictures import named
from vesalius.runs import Run, every, find
from vesalius.terminal import Terminal

RECONSTRUCTION = "reconstruction"
"""The protocol that makes what is compared here, and its folder in a run."""
ORIGINALS = "sample_images"
"""Where the original has the images that it looks at: a folder for each data set."""
_MARK = "_True_"


@dataclass(frozen=True)
class Made:
    """A reconstruction ``made`` by ``model`` of the image ``original`` of ``data``; ``id``: 16 hexadecimal digits. ``about``: its layer and
    seed where they are known. ``inside``: the files' paths in this evaluation's run, where they are in it.
    """

    model: str
    data: str
    id: str
    original: Path
    made: Path
    about: Mapping[str, Any] = field(default_factory=dict)
    inside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sought:
    """``made``: the pairs in the order of models and data sets. ``missing``: what has no counterpart, by name, for the terminal.
    ``baselines``: models that are only there to be compared with. ``repeated``: data sets whose images share subjects that are not known here.
    ``encoders``: of what is no part of this evaluation, rows of models as ``results.json`` has them.
    """

    made: Sequence[Made]
    missing: Sequence[str] = ()
    baselines: Sequence[str] = ()
    repeated: Sequence[str] = ()
    encoders: Sequence[Mapping[str, Any]] = ()

    def cells(self) -> dict[tuple[str, str], list[Made]]:
        """(model, data set) -> its pairs, in order."""
        found: dict[tuple[str, str], list[Made]] = {}
        for one in self.made:
            found.setdefault((one.model, one.data), []).append(one)
        return found


def of_this(run: Run, order: Iterable[tuple[str, str]]) -> Sought:
    """What the protocol reconstruction left in the folder of ``run``; ``order``: encoders and data sets as they were asked for."""
    from safetensors.torch import load_file

    made = []
    for model, data in order:
        cell = run.path / RECONSTRUCTION / model / f"{data}.safetensors"
        rows = Measured.of_tensors(load_file(cell)).pictures if cell.is_file() else ()
        made += [_of_row(run.path, {**row, "encoder": model, "data": data}, inside=True) for row in rows]
    return Sought(made)


def earlier(reference: str, own: Path | None) -> Sought:
    """What an earlier evaluation, a folder, an id or ``latest``, made. ``own``: the run of this evaluation, which is not meant.

    Raises UserError where it is not done or has reconstructed nothing.
    """
    folder = find(reference) if reference != "latest" else _latest(own)
    results = json.loads((folder / "results.json").read_text()) if (folder / "results.json").is_file() else {}
    found = results.get(RECONSTRUCTION) or {}
    rows = [row for row in found.get("pictures") or () if row.get("image") and row.get("original")]
    if not rows:
        raise UserError(
            f"{folder.name} holds no reconstructions. Give with --reconstructed a finished run of `vesalius evaluate reconstruction`, or the folder "
            "reconstructed_images of SSL_medicalimaging."
        )
    beside = [row["name"] for row in results.get("encoders", ()) if row.get("baseline")]
    repeated = [row["data"] for row in found.get("cells", ()) if row["units"] < row["n"]]
    return Sought([_of_row(folder, row, inside=False) for row in rows], (), beside, list(dict.fromkeys(repeated)), results.get("encoders", ()))


def of_tree(made: Path, originals: Path) -> Sought:
    """The original's folders: ``made/MODEL/MODEL_True_NAME`` of ``originals/DATASET/NAME``; endings may differ, and NAME may be the image's id,
    as in the folders that an evaluation under compat writes.

    Raises UserError where no file has a counterpart.
    """
    if not originals.is_dir():
        raise UserError(f"There is no folder {originals} of the images that were reconstructed. Give it with --originals, a folder for each data set in it.")
    known = _originals(originals)
    by_name = _grouped((key[1], key) for key in known)
    by_stem = _grouped((name, key) for key, (_, number) in known.items() for name in {Path(key[1]).stem, number})
    found: dict[tuple[str, str, str], Made] = {}
    missing = []
    models = sorted(place.name for place in made.iterdir() if place.is_dir() and not place.name.startswith("."))
    for model in models:
        for file in sorted((made / model).iterdir()):
            name = file.name.removeprefix(f"{model}{_MARK}")
            if name == file.name or file.suffix.lower().lstrip(".") not in SUFFIXES:
                continue
            meant = by_name.get(name) or by_stem.get(Path(name).stem) or []
            if len(meant) == 1:
                data, original = meant[0]
                place, number = known[data, original]
                found[model, data, original] = Made(model, data, number, place, file)
            else:
                missing.append(f"{model}/{file.name} ({'no original' if not meant else f'an original in each of {_sets(meant)}'})")
    missing += [f"{data}/{name} (not reconstructed by {model})" for model in models for data, name in known if (model, data, name) not in found]
    if not found:
        raise UserError(
            f"No reconstruction in {made} has its original in {originals}. Expected are MODEL/MODEL_True_NAME in the first for DATASET/NAME in the "
            f"second; there are {len(models)} models and {len(known)} originals."
        )
    ordered = [found[model, *key] for model in models for key in known if (model, *key) in found]
    return Sought(ordered, missing, encoders=[{"name": model, "title": model, "baseline": False} for model in models])


def is_tree(reference: str) -> bool:
    """Whether ``reference`` is a folder and no run."""
    return Path(reference).is_dir() and not (Path(reference) / "run.json").is_file()


def _originals(folder: Path) -> dict[tuple[str, str], tuple[Path, str]]:
    """(data set, file name) -> file and id, as protocols that look at pictures have them."""
    tables = named([str(folder)], Terminal(quiet=True))
    rows = [(data, uri, number) for data, table in tables.items() for uri, number in zip(table.frame["uri"], table.ids.tolist(), strict=True)]
    return {(data, uri.rpartition("/")[2]): (Path(tables[data].path(uri)), f"{number:016x}") for data, uri, number in sorted(rows)}


def _grouped(names: Iterable[tuple[str, tuple[str, str]]]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for name, key in names:
        found.setdefault(name, []).append(key)
    return found


def _sets(meant: Sequence[tuple[str, str]]) -> str:
    return " and ".join(data for data, _ in meant)


def _of_row(folder: Path, row: Mapping[str, Any], *, inside: bool) -> Made:
    about = {name: row[name] for name in ("layer", "seed") if name in row}
    files = {name: row[name] for name in ("image", "original")} if inside else {}
    return Made(row["encoder"], row["data"], row["id"], folder / row["original"], folder / row["image"], about, files)


def _latest(own: Path | None) -> Path:
    for folder, _ in every():
        if (folder / RECONSTRUCTION).is_dir() and (own is None or folder != own.resolve()):
            return folder
    raise UserError("There is no evaluation with reconstructions yet. Make one with `vesalius evaluate reconstruction`.")
