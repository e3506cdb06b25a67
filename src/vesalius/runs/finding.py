"""Find a run again: by folder, by id or unique prefix, by name, or the latest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vesalius.errors import UserError
from vesalius.runs.run import home


def every() -> list[tuple[Path, dict[str, Any]]]:
    """Every run below ``home()`` and every one pointed to from there, newest first, with its ``run.json``."""
    places = [p for p in home().iterdir() if p.is_dir()] if home().is_dir() else []
    for pointer in home().glob("*.path") if home().is_dir() else ():
        places.append(Path(pointer.read_text().strip()))
    found = {}
    for place in places:
        try:
            found[place.resolve()] = json.loads((place / "run.json").read_text())
        except (OSError, ValueError):
            continue
    return sorted(found.items(), key=lambda item: item[1].get("started", ""), reverse=True)


def find(reference: str | Path) -> Path:
    """``run:ID`` or ID (id, folder name, or a unique prefix of either), ``latest``, or a folder -> the run's folder.

    Raises UserError naming the candidates where nothing or more than one fits.
    """
    folder = Path(str(reference).removeprefix("run:"))
    if (folder / "run.json").is_file():
        return folder
    wanted = str(reference).removeprefix("run:")
    known = every()
    if wanted == "latest":
        if not known:
            raise UserError(f"There is no run below {home()} yet.")
        return known[0][0]
    fits = [p for p, facts in known if wanted in (facts.get("id"), p.name)]
    fits = fits or [p for p, facts in known if str(facts.get("id", "")).startswith(wanted) or p.name.startswith(wanted)]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise UserError(f"{wanted!r} fits {len(fits)} runs: {', '.join(p.name for p in fits[:6])}. Give more of the id.")
    if folder.is_dir():
        raise UserError(f"{wanted} is a folder, but not a run's: it holds no run.json. `vesalius runs list` shows the runs there are.")
    raise UserError(f"There is no run {wanted!r} below {home()}. `vesalius runs list` shows what there is.")


def settled(reference: str | Path) -> str:
    """``reference`` as it stands in a record: ``latest`` is the id of the run that it means now, and everything else what it is."""
    name, equals, rest = str(reference).rpartition("=")
    if rest.removeprefix("run:") != "latest":
        return str(reference)
    meant = json.loads((find("latest") / "run.json").read_text())["id"]
    return f"{name or 'latest'}={meant}" if equals else str(meant)
