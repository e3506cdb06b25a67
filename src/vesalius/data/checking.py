"""What a data set holds, in numbers: what ``vesalius data check`` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import Any

import numpy as np

from vesalius.data.leakage import overlap
from vesalius.data.listing import Progress
from vesalius.data.outcomes import Unreadable
from vesalius.data.plan import Plan
from vesalius.data.readers import read
from vesalius.data.references import resolve
from vesalius.data.table import SampleTable
from vesalius.data.uncertain import settled
from vesalius.errors import UserError

_NAMED = 5
_SHOWN = 20
_STACK = 8


def check(
    reference: str | SampleTable, *, decode: bool = False, progress: Progress | None = None, **options: Any
) -> dict[str, Any]:
    """Counts, class balance, subjects and overlaps of ``reference``; ``options`` are those of ``references.resolve``.

    Keys: ``source``, ``images``, ``missing`` (files that are listed and not there: how many, and the first by name),
    ``files``, ``splits`` {split: images}, ``labels`` {label: {class: images}} (with ``uncertain``, before a policy says
    what these count as, and ``unknown``), ``uncertain`` (that policy), ``filter``, ``subjects`` (None where unknown),
    ``shared_subjects`` {"train/test": n}, ``task``, ``licence``, ``fingerprint``, ``warnings``, ``asides`` (what names
    files or people); and with ``decode``, which reads every image: ``unreadable`` [{id, reason}] and ``same_images`` {"train/test": n}.
    Of volumes also ``volumes`` (sides, spacings, axes, values, label values) and ``problems`` [{id, reason}] of those that are read but
    odd. In ``asides`` all these stand by their files' names.
    """
    policy = options.pop("uncertain", None)
    raw = resolve(reference, allow_leakage=True, keep_uncertain=True, **{"least": 1, "progress": progress, **options})
    table = settled(raw, policy)
    splits = {name: len(table.rows(name)) for name in ("train", "val", "test") if len(table.rows(name))}
    if unassigned := len(table.rows("")):
        splits["not assigned"] = unassigned
    subjects = table.subjects
    found: dict[str, Any] = {
        "source": table.source,
        "images": len(table),
        "missing": {"files": len(table.missing), "the first": list(table.missing[:_NAMED])} if table.missing else {},
        "files": int(table.frame["uri"].nunique()),
        "splits": splits,
        "labels": {name: _balance(raw, name) for name in _in_order(raw)},
        **({} if raw.uncertain is None else {"uncertain": policy or "ignore"}),
        **({"filter": table.rows_meant} if table.rows_meant else {}),
        "subjects": None if subjects is None else len({s for s in subjects if s is not None}),
        "shared_subjects": {},
        "task": None if table.task is None else table.task.as_dict(),
        "licence": table.licence,
        "fingerprint": table.fingerprint(),
        "warnings": list(table.warnings),
        **({"asides": list(table.asides)} if table.asides else {}),
    }
    if table.source == "dicom" and (stacks := int((table.frame["series"].value_counts() >= _STACK).sum())):
        hint = f"{stacks:,} series have {_STACK} pictures or more, which may be slices: --dims 3 (or volumes@FOLDER) reads them as volumes."
        found["asides"] = [*found.get("asides", []), hint]
    if decode and table.dims == 3:
        _look_at_volumes(table, found, progress)
    elif decode:
        found["unreadable"] = list(_unreadable(table, progress))
        if found["unreadable"]:
            reasons = {entry["id"]: entry["reason"] for entry in found["unreadable"]}
            bad = [(row, reasons[name]) for row, number in enumerate(table.ids) if (name := f"{int(number):016x}") in reasons]
            found["asides"] = [*found.get("asides", []), *_by_name(bad, table.frame["uri"].tolist())]
        found["same_images"] = {}
    for one, two in combinations([name for name in splits if name != "not assigned"], 2):
        a, b = table.rows(one), table.rows(two)
        if subjects is not None:
            found["shared_subjects"][f"{one}/{two}"] = len(({*subjects[a]} & {*subjects[b]}) - {None})
        if decode and table.dims == 2:
            found["same_images"][f"{one}/{two}"] = overlap(table.subset(a), table.subset(b)).images
    return found


def _look_at_volumes(table: SampleTable, found: dict[str, Any], progress: Progress | None) -> None:
    """Read every volume; what is found goes into ``found``, by ids, and into its ``asides`` by name."""
    from vesalius.data.planning import planned
    from vesalius.data.volumes.examining import examine

    try:
        plan = planned(table).plan
    except UserError:  # none of the volumes that would say how to prepare them can be read
        plan = Plan()
    splits = {name: table.rows(name).tolist() for name in ("train", "val", "test") if len(table.rows(name))}
    seen = examine(table, plan, splits, progress)
    ids = [f"{int(number):016x}" for number in table.ids]
    uris = table.frame["uri"].tolist()
    found["volumes"] = seen.facts
    for name, rows in (kinds := {"unreadable": seen.unreadable, "problems": seen.problems}).items():
        found[name] = [{"id": ids[row], "reason": reason} for row, reason in rows]
    for rows in kinds.values():
        found["asides"] = [*found.get("asides", []), *_by_name(rows, uris)]
    found["same_images"] = seen.same


def _by_name(rows: Sequence[tuple[int, str]], uris: Sequence[str]) -> list[str]:
    """A line for each reason, with the files that it is said of."""
    alike: dict[str, list[str]] = {}
    for row, reason in rows:
        alike.setdefault(reason, []).append(uris[row])
    more = [f"and {len(alike) - _SHOWN} more kinds"] if len(alike) > _SHOWN else []
    return [*(f"{_whose(who)}: {reason}" for reason, who in list(alike.items())[:_SHOWN]), *more]


def _whose(uris: list[str]) -> str:
    """Up to three names; of more the first two, and how many there are."""
    return ", ".join(uris) if len(uris) <= 3 else f"{uris[0]}, {uris[1]} and {len(uris) - 2:,} others"


def _in_order(table: SampleTable) -> list[str]:
    """The labels: those of the task first."""
    first = [] if table.task is None else list(table.task.labels)
    return [*first, *(name for name in table.label_names if name not in first)]


def _balance(table: SampleTable, name: str) -> dict[str, Any]:
    values = table.labels(name)
    unsure = values == (np.nan if table.uncertain is None else table.uncertain)
    known = values[~np.isnan(values) & ~unsure]
    names = table.class_names.get(name)
    out: dict[str, Any]
    if names is None and len(np.unique(known)) > 50:
        out = {"least": float(known.min()), "mean": float(known.mean()), "most": float(known.max())}
    else:
        counts = Counter(known.tolist())
        places = range(len(names)) if names is not None else sorted(counts)
        out = {names[int(v)] if names is not None else f"{v:g}": counts.get(float(v), 0) for v in places}
    if unsure.any():
        out["uncertain"] = int(unsure.sum())
    if unknown := int(np.isnan(values).sum()):
        out["unknown"] = unknown
    return out


def _unreadable(table: SampleTable, progress: Progress | None) -> Iterator[dict[str, str]]:
    """Each sample that gives no pixels, by id and reason. Arrays of containers were checked when they were indexed; what is made
    when it is asked for is asked for.
    """
    if table.container is not None:
        for row, (uri, frame) in enumerate(zip(table.frame["uri"], table.frame["frame"])):
            array = table.container(str(uri))
            if not isinstance(array, np.ndarray) and (reason := _reason_of(array, int(frame))) is not None:
                yield {"id": f"{int(table.ids[row]):016x}", "reason": reason}
        return
    places = [(table.path(str(uri)), int(frame)) for uri, frame in zip(table.frame["uri"], table.frame["frame"])]
    with ThreadPoolExecutor() as pool:
        for row, reason in enumerate(pool.map(lambda place: _reason(*place), places, chunksize=16)):
            if reason is not None:
                yield {"id": f"{int(table.ids[row]):016x}", "reason": reason}
            if progress is not None and (row % 256 == 255 or row + 1 == len(places)):
                progress(row + 1, len(places))


def _reason_of(array: Any, frame: int) -> str | None:
    try:
        array[frame]
    except Unreadable as error:
        return str(error)
    return None


def _reason(path: Any, frame: int) -> str | None:
    try:
        read(path, frame)
    except Unreadable as error:
        return str(error)
    return None
