"""``--write FORMAT=PATH``: a selection in the forms that other tools read, each a file of ``select/handing``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from vesalius import registry
from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.files import naming_failures
from vesalius.select.handed import Handed
from vesalius.select.selected import Selected
from vesalius.terminal import Terminal

_MISSING = {
    "vectors": "embeddings: give an encoder (--encoder) or a file of them",
    "map": "a map of the embeddings: give an encoder (--encoder) or a file of embeddings",
    "labels": "labels: name a task or a column of labels",
    "table": "the images themselves, and only their names are known",
}


@dataclass(frozen=True)
class Target:
    """``format`` by name, ``out`` the file or folder."""

    format: str
    out: Path

    @property
    def module(self) -> Any:
        """The file of ``select/handing``."""
        return registry.entry("formats", self.format)


def targets(words: Sequence[str], terminal: Terminal | None = None, *, resumed: bool = False) -> list[Target]:
    """``FORMAT=PATH`` each, checked before any work is done; of a job that is ``resumed`` those that are left to write.

    Raises UserError for an unknown format, a path that is there already (a folder of copies or links that was begun may be gone on with)
    and two formats for one path.
    """
    found: list[Target] = []
    for word in words:
        target = _target(word)
        begun = getattr(target.module, "begun", None)
        if target.out.exists() and not (begun is not None and begun(target.out)):
            if resumed:  # every format is written whole or not at all
                (terminal or Terminal(quiet=True)).say(f"{target.format}: {target.out} was written before.")
                continue
            raise UserError(f"{target.out} is there already, and nothing was written. Name another place for {target.format}, or remove that one.")
        _refuse_place(target)
        if any(target.out.resolve() == other.out.resolve() for other in found):
            raise UserError(f"Two formats are to be written to {target.out}. Name a place for each.")
        found.append(target)
    return found


def refuse_unfit(words: Sequence[str], table: SampleTable) -> None:
    """Raise UserError, before any work, for formats of ``FORMAT=PATH`` that these images cannot be written in, as their ``refuse_early(table)`` says."""
    for word in words:
        if look := getattr(_target(word).module, "refuse_early", None):
            look(table)


def _target(word: str) -> Target:
    name, equals, path = word.partition("=")
    if not equals or not path or not name:
        raise UserError(f"--write {word} does not say a format and a place. Say FORMAT=PATH; formats: {', '.join(registry.names('formats'))}.")
    return Target(name.strip().replace("_", "-"), Path(path).expanduser())


def _refuse_place(target: Target) -> None:
    """Raise UserError where nothing can be written: below a file, or in a place that takes no files."""
    above = next(folder for folder in target.out.absolute().parents if folder.exists())
    try:
        with TemporaryFile(dir=above):
            pass
    except OSError as error:
        raise UserError(f"{target.out} cannot be written: {error.strerror}, and nothing was begun. Name another place for {target.format}.") from error


def refuse_without_vectors(places: Sequence[Target]) -> None:
    """Raise UserError, before any work, for formats that need embeddings where none will be made."""
    for target in places:
        if "vectors" in target.module.NEEDS:
            raise UserError(f"--write {target.format} needs {_MISSING['vectors']}. Nothing was begun.")


def write(selected: Selected, places: Sequence[Target], terminal: Terminal) -> list[Handed]:
    """Every target, written; files and the command that opens them are said. Raises UserError where a format needs what is not there."""
    for target in places:
        _check(selected, target)
    done = []
    for target in places:
        with naming_failures(target.out):
            target.out.absolute().parent.mkdir(parents=True, exist_ok=True)
            handed: Handed = target.module.write(selected, target.out)
        done.append(handed)
        files = f"{len(handed.files):,} files in {target.out}" if len(handed.files) > 3 else ", ".join(map(str, handed.files))
        terminal.say(f"{target.format}: {files}.")
        for note in handed.notes:
            terminal.say(note)
        if handed.command:
            terminal.say(f"Open it with: {handed.command}")
    return done


def _check(selected: Selected, target: Target) -> None:
    have = {
        "vectors": selected.candidates.vectors is not None,
        "map": selected.map is not None,
        "labels": bool(selected.labels),
        "table": selected.table is not None,
    }
    for need in target.module.NEEDS:
        if not have[need]:
            raise UserError(f"--write {target.format} needs {_MISSING[need]}. Nothing was written for it.")
