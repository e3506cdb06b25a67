"""Images known by their file names, wherever they lie below a folder; and what a table beside them says of them.

Sets of a few hundred images come in as many layouts as there are mirrors. Their file names are the same in all of them, and
most say what is shown: these are looked for, and a table that somebody made by hand is compared with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vesalius.data.listing import SUFFIXES, Progress, list_images
from vesalius.errors import UserError
from vesalius.files import kind_of

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 5
_ASIDE = re.compile(r"(?:^|/)[^/]*(?:mask|annotation|lesion|__macosx)[^/]*/", re.IGNORECASE)
"""Folders whose files bear the names of images and are none: outlines of lungs, discs and lesions."""


class Packed(UserError):
    """Nothing of a set is there but its archives."""


@dataclass
class Found:
    """``places``: each image's stem and its path below the root; ``others``: every other file, path by name."""

    places: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)


def look(root: Path, rule: re.Pattern[str], progress: Progress | None = None) -> Found:
    """The images below ``root`` whose stem matches ``rule`` as a whole, and all other files.

    Of an image that lies there twice the one nearer to the root counts. Folders of masks are passed over. Raises UserError where
    there is no folder.
    """
    if kind_of(root) != "folder":
        raise UserError(f"There is no folder {root}. Give the one that the data lie in, as NAME@FOLDER.")
    found = Found()
    for uri in sorted(list_images(root, progress, every=True).uris, key=lambda uri: (uri.count("/"), uri)):
        name = uri.rpartition("/")[2]
        stem, _, suffix = name.rpartition(".")
        if suffix.lower() in SUFFIXES and rule.fullmatch(stem) and not _ASIDE.search(uri):
            found.places.setdefault(stem, uri)
        else:
            found.others.setdefault(name, uri)
    return found


def packed(found: Found) -> list[str]:
    """The archives among ``found``: what is there when nothing has been unpacked."""
    return sorted(name for name in found.others if re.search(r"\.(zip|tar|tgz|7z|rar)(\.gz|\.bz2|\.xz|\.\d{3})?$", name, re.IGNORECASE))


def nothing(source: str, root: Path, found: Found, what: str, where: str) -> UserError:
    """That ``what`` is not below ``root``, and what to do: unpack what is packed, or ``where`` to get it."""
    if archives := packed(found):
        more = " ..." if len(archives) > _NAMED else ""
        do = f"It holds {', '.join(archives[:_NAMED])}{more}: `vesalius data unpack {source}@FOLDER` joins, checks and unpacks them there."
        return Packed(f"The folder {root} holds no {what}. {do}")
    do = f"{where} Unpack it, and give its folder as {source}@FOLDER; how deep the files lie does not matter."
    return UserError(f"The folder {root} holds no {what}. {do}")


def first_of(found: Found, names: Sequence[str]) -> str | None:
    """The path of the first of ``names`` that is there, capitals aside."""
    plain = {name.lower(): uri for name, uri in found.others.items()}
    return next((plain[name.lower()] for name in names if name.lower() in plain), None)


def table_in(root: Path, names: Sequence[str]) -> Path | None:
    """The first of the tables ``names`` below ``root``."""
    uri = first_of(look(root, re.compile(r"(?!)")), names)
    return None if uri is None else root / uri


def read_rows(file: Path, columns: int, source: str) -> pd.DataFrame:
    """A table made by hand, ``.csv`` or ``.xlsx``, of at least ``columns`` columns. Raises UserError for another file."""
    import pandas as pd

    try:
        with file.open("rb") as stream:
            frame = pd.read_excel(stream) if file.suffix.lower() == ".xlsx" else pd.read_csv(stream)
    except ImportError:
        raise UserError(f"{file.name} is a spreadsheet, which openpyxl reads: pip install openpyxl, or save it as CSV beside the images.") from None
    except (ValueError, OSError, KeyError) as error:  # pandas' own errors are ValueErrors
        raise UserError(f"{file.name} cannot be read as a table: {error}. Save it as CSV with one header line (UTF-8), or remove it.") from None
    if frame.shape[1] < columns:
        raise UserError(
            f"{file.name} has {frame.shape[1]} columns ({', '.join(map(str, frame.columns[:6]))}), and the table of {source} has at least"
            f" {columns}. Correct it, or remove it: the images' own names say what they show."
        )
    frame.columns = [str(name).strip() for name in frame.columns]
    return frame


def stems(values: pd.Series) -> list[str]:
    """File names, with or without folder and suffix, as stems."""
    names = [str(value).replace("\\", "/").rpartition("/")[2].strip() for value in values]
    return [stem if dot and suffix.lower() in SUFFIXES else name for name in names for stem, dot, suffix in [name.rpartition(".")]]


@dataclass
class Told:
    """What a table says of the images: ``values`` (N,) with NaN where it says nothing; and what was found on the way."""

    values: NDArray[np.float64]
    warnings: list[str]
    asides: list[str]
    missing: tuple[str, ...]


def told(
    names: Sequence[str], by_name: Mapping[str, float], listed: Sequence[str], values: Sequence[float], table: str, by: str = "file name"
) -> Told:
    """The label of each image of ``names``: the table's where it has one (``listed``, ``values``), else ``by_name``.

    Contradictions of the two are counted, and named for the terminal; so are images that only one of them knows.
    """
    known = {name: value for name, value in zip(listed, values, strict=True) if not np.isnan(value)}
    out = np.array([known.get(name, by_name.get(name, np.nan)) for name in names], np.float64)
    warnings, asides = [], []
    differ = [name for name in names if name in known and name in by_name and known[name] != by_name[name]]
    if differ:
        warnings.append(f"{len(differ):,} of {len(names):,} images are labelled otherwise by {table} than by their {by}; the table's label is taken.")
        asides.append(f"{table} contradicts the {by}: {', '.join(differ[:_NAMED])}{' ...' * (len(differ) > _NAMED)}")
    if unlisted := sum(name not in known for name in names):
        warnings.append(f"{unlisted:,} of {len(names):,} images are not in {table}; their {by} says what they show.")
    here = set(names)
    missing = tuple(name for name in dict.fromkeys(listed) if name not in here)
    if missing:
        warnings.append(f"{len(missing):,} of {len(listed):,} images that {table} lists are not there; they are left out.")
    return Told(out, warnings, asides, missing)


def fewer(count: int, whole: int) -> list[str]:
    """What is said where not the ``whole`` set is there."""
    return [f"{count:,} of the set's {whole:,} images are there."] if count < whole else []


def numbers(values: pd.Series, rule: Callable[[float], float], allowed: Sequence[float], file: str) -> list[float]:
    """``rule`` of each number; NaN for an empty cell. Raises UserError naming the first that is none of ``allowed``."""
    import pandas as pd

    plain = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
    wrong = (~np.isin(plain, allowed) & values.notna().to_numpy()).nonzero()[0]
    if len(wrong):
        raise UserError(
            f"Row {wrong[0]} of {file} holds the label {values.iloc[wrong[0]]}; labels are {', '.join(f'{value:g}' for value in allowed)}."
            " Correct it, or remove the table."
        )
    return [np.nan if np.isnan(value) else rule(value) for value in plain]
