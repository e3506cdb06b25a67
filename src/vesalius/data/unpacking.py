"""What was downloaded, unpacked where it lies: zips, zips in parts, tars, and archives within archives."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vesalius import files
from vesalius.data.listing import list_images
from vesalius.errors import UserError
from vesalius.files.parts import parts_of, unpack
from vesalius.terminal import Terminal

JOURNAL = ".vesalius-unpacked.json"
"""What was unpacked, by name, size and time: it is not unpacked again."""
DIGESTS = ("MD5SUMS", "md5sums.txt", "md5.txt")
"""A list of digests that lies beside the archives: a digest and a name in each line."""

_ZIP = re.compile(r".+\.zip(\.\d{3})?", re.IGNORECASE)
_TAR = re.compile(r".+\.(tar|tgz|tar\.gz|tar\.bz2|tar\.xz)", re.IGNORECASE)
_OTHER = re.compile(r".+\.(7z|rar)(\.\d{3})?", re.IGNORECASE)
_DEEP = 3  # archives within archives within archives


@dataclass(frozen=True)
class Archive:
    """``parts`` of one archive, in order; ``uri``: its name below the folder, without the number of a part."""

    uri: str
    parts: tuple[Path, ...]

    @property
    def state(self) -> list[int]:
        """What is different when it was got again."""
        found = [part.stat() for part in self.parts]
        return [sum(one.st_size for one in found), max(one.st_mtime_ns for one in found)]


def unpack_all(root: Path, out: Path | None, terminal: Terminal, listed_at: str = "") -> int:
    """Unpack every archive below ``root`` where it lies, or at its place below ``out``; returns how many were there to do.

    ``listed_at``: where the publisher lists the digests of its parts. What was done before is passed over. Raises UserError
    where there is no archive, one is not complete, damaged, or dangerous, or its digest is not the listed one.
    """
    target = out or root
    with files.naming_failures(target):
        target.mkdir(parents=True, exist_ok=True)
    done, seen = 0, 0
    for _ in range(_DEEP):
        journal = _journal(target)
        found = [*_archives(root), *(_archives(target) if target != root else ())]
        todo = [archive for archive in found if journal.get(archive.uri) != archive.state]
        seen = max(seen, len(found))
        for archive in todo:
            _check(archive, root, terminal, listed_at)
            _unpack(archive, target / Path(archive.uri).parent, terminal)
            journal[archive.uri] = archive.state
            files.atomic_write(target / JOURNAL, json.dumps(journal, indent=1).encode())
        done += len(todo)
        if not todo:
            break
    if not seen:
        others = [uri for uri in list_images(root, every=True).uris if _OTHER.fullmatch(uri)]
        known = f"{others[0].rpartition('/')[2]} is of a kind that is not unpacked here: unpack it with 7z x." if others else ""
        raise UserError(f"The folder {root} holds no zip or tar. {known or 'Give the folder that the downloads lie in.'}")
    return done


def _archives(root: Path) -> Iterator[Archive]:
    """The archives below ``root`` in the order of their names; of one in parts, its parts are looked for."""
    for uri in sorted(list_images(root, every=True).uris):
        name = uri.rpartition("/")[2]
        if _TAR.fullmatch(name) or (_ZIP.fullmatch(name) and not name[-3:].isdigit()):
            yield Archive(uri, (root / uri,))
        elif _ZIP.fullmatch(name) and name.endswith(".001"):
            yield Archive(uri[:-4], tuple(parts_of(root / uri)))
        elif _ZIP.fullmatch(name) and not (root / f"{uri[:-3]}001").is_file():
            raise UserError(f"{name[:-4]} is not complete: {name[:-3]}001 is missing. Put it beside the others.")


def _check(archive: Archive, root: Path, terminal: Terminal, listed_at: str) -> None:
    """Compare the archive's digests with a list beside it; of parts without a list, say the digests and where theirs are."""
    listed = _listed([archive.parts[0].parent, root])
    if not listed and len(archive.parts) == 1:
        return
    for number, part in enumerate(archive.parts, 1):
        if listed and part.name not in listed:
            continue
        with terminal.bar(f"MD5 of {part.name}", "parts") as progress:
            digest = files.checksum(part, "md5")
            progress(number, len(archive.parts))
        if listed and listed[part.name] != digest:
            raise UserError(f"{part.name} is not what its publisher lists: its MD5 is {digest}, and {listed[part.name]} is listed. Get it again.")
        terminal.say(f"{part.name}: MD5 {digest}{', as listed' if listed else ''}")
    if not listed:
        where = f" at {listed_at}" if listed_at else ""
        terminal.say(f"No list of digests lies beside {archive.uri} to compare these with: the publisher's{where}, saved as {DIGESTS[0]}, is compared.")


def _listed(folders: Sequence[Path]) -> dict[str, str]:
    """MD5 by name, of the first list that is there; lines may be in either order, with whatever else between."""
    file = next((folder / name for folder in folders for name in DIGESTS if (folder / name).is_file()), None)
    found: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if file is not None else ():
        digest, name = re.search(r"\b[0-9a-fA-F]{32}\b", line), re.search(r"[\w.-]+\.(?:zip|tar|tgz)[\w.]*", line)
        if digest and name:
            found[name[0]] = digest[0].lower()
    return found


def _unpack(archive: Archive, folder: Path, terminal: Terminal) -> None:
    with terminal.bar(f"unpacking {archive.uri}", "files") as progress:
        shown: Callable[[int, int], None] = lambda done, total: progress(done, total)  # noqa: E731
        if _TAR.fullmatch(archive.parts[0].name):
            files.extract(archive.parts[0], folder, merge=True)
            terminal.say(f"{archive.uri}: unpacked.")
            return
        made = unpack(archive.parts, folder, progress=shown)
    kept = f", {made.kept:,} were there" if made.kept else ""
    terminal.say(f"{archive.uri}: {made.written:,} files unpacked{kept}.")


def _journal(folder: Path) -> dict[str, list[int]]:
    try:
        found = json.loads((folder / JOURNAL).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
