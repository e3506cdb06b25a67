"""Data references: what a user writes for a data set, turned into a sample table.

``NAME[@ROOT][:TASK][:OPTION=VALUE ...]`` (a source, by its name or an alias of ``source_names``; ``crops@ROOT`` and ``tiles@ROOT:2x3`` cut
the images of another reference, which is their ROOT), a folder of images, of DICOM files or of
volumes, a ``.csv``, ``.tsv`` or ``.parquet`` table, a ``.json`` list of volumes (see ``sources.datalist``; a folder that holds
nnU-Net's or nnssl's is meant by it), a ``.npz`` in MedMNIST's layout, or ``my_data.py:MySet[@ROOT]`` (a data set of items, or
what gives a SampleTable: see ``own``). Folder, table, list, .npz and ROOT may also be an address that fsspec reads: ``s3://``,
``az://``, ``gs://``, ``https://``.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NamedTuple

from vesalius import files, registry
from vesalius.data import own, source_names
from vesalius.data.filtering import Filter, filtered
from vesalius.data.listing import VOLUMES, Progress, holds_dicom, holds_volumes
from vesalius.data.splits import refuse_leakage
from vesalius.data.table import SampleTable
from vesalius.data.task import Kind
from vesalius.data.uncertain import Policy, settled
from vesalius.errors import UserError

_TABLES = (".csv", ".tsv", ".parquet")
_LISTS = ("dataset.json", "pretrain_data.json")
"""Lists of volumes that lie in the folder of their files: nnU-Net's, nnssl's."""
_NOT_NAMED = ("folder", "table", "datalist")  # sources that are meant by a path, not by a name


_LOOKED_AT = 64


class Reference(NamedTuple):
    """A reference taken apart: ``source`` is a name of the registry, or "" for a user's Python file."""

    source: str
    root: Path | None
    task: str | None
    code: str = ""
    options: tuple[tuple[str, str], ...] = ()


def data_folder() -> Path:
    """``VESALIUS_DATA``, where sources lie by name; else a folder in the cache."""
    named = os.environ.get("VESALIUS_DATA")
    return files.place_of(named) if named else files.cache_folder() / "datasets"


def sources() -> list[str]:
    """The sources that are asked for by name."""
    return [name for name in registry.names("sources") if name not in _NOT_NAMED]


def parse(reference: str, dims: Literal[2, 3] | None = None) -> Reference:
    """Take ``reference`` apart. Raises UserError, with the nearest names, when it is neither a source nor there.

    ``dims``: whether a folder is meant as images or as volumes; None: as what it holds, DICOM files being images.
    """
    if match := re.fullmatch(r"(.+\.py):(\w+)(?:@(.+))?", reference):
        if not Path(match[1]).expanduser().is_file():
            raise UserError(
                f"There is no Python file {match[1]}, which {reference!r} names. Give its path, then a colon and the"
                " name of the class or function."
            )
        root = None if match[3] is None else files.place_of(match[3])
        return Reference("", root, None, f"{Path(match[1]).expanduser()}:{match[2]}")
    known = registry.names("sources")
    if match := re.fullmatch(r"([\w-]+)@(.+?)(?::([\w-]+))?((?::\w+=[^:]+)*)", reference):
        name, task = _named(match[1])
        if name != "folder":
            _known(name, reference)
        options = tuple((key, value) for key, _, value in (one.partition("=") for one in match[4].split(":")[1:]))
        return Reference(name, files.place_of(match[2]), match[3] or task, "", options)
    if files.is_remote(reference):
        return _of_address(reference, dims)
    if (
        (match := re.fullmatch(r"([\w-]+)(?::([\w-]+))?", reference))
        and (named := _named(match[1]))[0] in known
        and named[0] not in _NOT_NAMED
    ):
        return Reference(named[0], None, match[2] or named[1])
    path = files.place_of(reference)
    if path.suffix.lower() in (*_TABLES, ".npz"):
        if not path.is_file():
            hint = _meant(files.near(reference.rpartition(":")[2]))  # medmnist:mine.npz is the file mine.npz
            raise UserError(f"There is no file {reference}.{hint} Give the path of a table or .npz file that exists.")
        return Reference("medmnist" if path.suffix == ".npz" else "table", path, None)
    if path.suffix.lower() == ".json":
        if not path.is_file():
            raise UserError(f"There is no file {reference}. Give the path of a list of volumes (.json) that exists.")
        return Reference("datalist", path, None)
    if path.is_dir():
        if (lists := [path / name for name in _LISTS if (path / name).is_file()]) and _is_list(lists[0]):
            return Reference("datalist", lists[0], None)
        return Reference(_of_folder(path, dims), path, None)
    if path.is_file():
        raise UserError(
            f"{reference} is one file. Give a folder of images, a table ({', '.join(_TABLES)}), a .npz file in"
            " MedMNIST's layout, or the name of a source."
        )
    if os.sep in reference or reference.startswith((".", "~")):
        hint = _meant(files.near(reference))
        raise UserError(
            f"There is no {'file' if path.suffix else 'folder'} {reference}.{hint} Give a folder of images or volumes that exists, a table"
            " (.csv, .parquet), or the name of a source."
        )
    _known(reference.partition(":")[0], reference)
    raise AssertionError("unreachable: every known name was taken above")


def _is_list(file: Path) -> bool:
    """Whether a file that is called like a list of volumes is one, and not something else's of that name."""
    from vesalius.data.lists.reading import read_list

    try:
        read_list(file)
    except UserError as error:
        return "none of the lists" not in str(error)
    return True


def _of_folder(place: Path, dims: Literal[2, 3] | None) -> str:
    """The source that reads a folder."""
    if dims == 3 or holds_volumes(place):
        if dims == 2:
            raise _other_kind(str(place), 3)
        return "volumes"
    return "dicom" if holds_dicom(place) else "folder"


def _of_address(address: str, dims: Literal[2, 3] | None) -> Reference:
    place = files.place_of(address)
    kind, is_table = files.kind_of(place), place.suffix.lower() in (*_TABLES, ".npz")
    if kind == "file" and is_table:
        return Reference("medmnist" if place.suffix.lower() == ".npz" else "table", place, None)
    if kind == "file" and place.suffix.lower() == ".json":
        return Reference("datalist", place, None)
    if kind == "folder" and not is_table:
        return Reference(_of_folder(place, dims), place, None)
    if files.is_web(address) and not is_table:
        raise UserError(
            f"{address} shows no list of files, as few web servers do. Give the address of a table instead (.csv, .tsv or .parquet), with a"
            " column of paths that begin where the table lies, or a local table with --data.root set to this address."
        )
    if kind == "file":
        raise UserError(
            f"{address} is one file. Give a folder of images, a table ({', '.join(_TABLES)}), a .npz file in MedMNIST's layout, or"
            " SOURCE@ADDRESS."
        )
    raise files.explained(address, FileNotFoundError())


def _named(name: str) -> tuple[str, str | None]:
    """The source and the task that a name stands for; a plugin's own name stands for itself, however it is spelt."""
    return (name, None) if name in registry.names("sources") else source_names.meant(name)


def _known(name: str, reference: str) -> None:
    names = sources()
    if name in names:
        return
    hint = _meant(get_close_matches(source_names.plain(name), [*names, *source_names.ALIASES], n=3) or files.near(reference))
    raise UserError(
        f"{reference!r} is neither a source nor a folder or file that exists.{hint} Sources: {', '.join(names)}. Or"
        " give a path."
    )


def resolve(
    reference: str | Path | SampleTable,
    *,
    root: str | Path | None = None,
    dims: Literal[2, 3] | None = None,
    task: str | None = None,
    labels: Sequence[str] | str | bool | None = None,
    kind: Kind | None = None,
    subject: str | None = None,
    labels_file: str | None = None,
    columns: Sequence[str] | str | None = None,
    mapping: str | Path | None = None,
    uncertain: Policy | None = None,
    keep_uncertain: bool = False,
    filter: Filter | None = None,
    download: bool = False,
    allow_leakage: bool = False,
    least: int = 2,
    progress: Progress | None = None,
) -> SampleTable:
    """The sample table of ``reference``; no pixel is read, but where ``mapping`` names images.

    ``labels_file``: a CSV of labels for images that a folder of DICOM files holds, ``columns``: the keywords of their headers
    to keep. ``mapping``: whose each image is, for a source that takes it: a file of names, or a data set that holds the same
    images (then matched by their pixels). ``root``: where the source lies, if the reference does not say; for a table, where its
    paths begin. ``dims``: 2 where images are asked for, 3 where volumes are. ``task``: one of the source's. ``labels``: columns of
    a table, names of the values of label volumes, False for none. ``kind``: what those labels are, where it cannot be
    seen. ``subject``: a column of a table, or a regular expression with one group for paths. ``uncertain``: what labels
    that are neither yes nor no count as (see ``data.uncertain``); ``keep_uncertain`` leaves them as they are. ``filter``:
    which rows are meant (see ``data.filtering``), in place of the source's own filter. ``download``: whether the
    source may be fetched if it is nowhere. ``least``: fewer samples are refused. Raises UserError, one paragraph, for
    whatever is missing, unknown, empty, or leaks subjects between its parts.
    """
    if isinstance(reference, SampleTable):
        given = filtered(_of_dims(reference, dims, reference.source), filter)
        return refuse_leakage(given if keep_uncertain else settled(given, uncertain), allow_leakage=allow_leakage)
    reference = str(reference)
    base = None if root is None else files.place_of(root)
    found, own_filter = parse(reference, dims), None
    if task is not None and (found.code or not hasattr(registry.entry("sources", found.source), "TASKS")):
        raise UserError(f"{reference} has no tasks to choose from. Leave task {task!r} out, or name label columns.")
    if found.code:
        place = found.root or base
        table = _listed(
            place, lambda: own.table_of(found.code, place, labels=labels, subject=subject, progress=progress)
        )
    elif not hasattr(registry.entry("sources", found.source), "index"):  # a plugin's or package's data set of items
        place = found.root or base or data_folder() / found.source
        table = _listed(
            place, lambda: own.table_of(found.source, place, labels=labels, subject=subject, progress=progress)
        )
    else:
        module = registry.entry("sources", found.source)
        found, own_filter = found._replace(task=task or found.task), getattr(module, "FILTER", None)
        of_images = getattr(module, "OF_IMAGES", False)
        if found.task is not None and getattr(module, "TASKS", None) is not None and not of_images:
            _check_task(found, module.TASKS)
        place = found.root or base or _place(found, module, download, progress)
        images: dict[str, Any] = {}
        if of_images:
            images["images"] = resolve(
                str(place), root=base, dims=2, labels=False, subject=subject, columns=columns, mapping=mapping, download=download,
                allow_leakage=True, least=1, progress=progress,
            )  # fmt: skip
            subject = columns = mapping = base = None
        options = {
            "labels": [labels] if isinstance(labels, str) else labels,
            "kind": kind,
            "subject": subject,
            "labels_file": labels_file,
            "columns": [columns] if isinstance(columns, str) else columns,
            "mapping": files.place_of(mapping) if mapping is not None and _is_table(mapping) else None,
            "progress": progress,
            "task": found.task,
            "root_of_files": None if found.root is None else base,
        }
        accepted = _accepted(module, {k: v for k, v in options.items() if v is not None}, found.source)
        accepted |= images | _options(found, module)
        table = _listed(place, lambda: module.index(place, **accepted))
    if mapping is not None and not _is_table(mapping):
        from vesalius.data.borrowing import with_subjects_of

        table = with_subjects_of(table, resolve(mapping, least=1, progress=progress), progress)
    table = filtered(_of_dims(table, dims, found.source), filter, own_filter)
    table = table if keep_uncertain else settled(table, uncertain)
    if len(table) < least:
        noun = "image" if table.dims == 2 else "volume"
        raise UserError(
            f"{reference} holds {len(table)} {noun}{'s' * (len(table) != 1)}, and at least {least} are needed. Add"
            f" {noun}s, or give another folder or table."
        )
    return refuse_leakage(table, allow_leakage=allow_leakage)


def _of_dims(table: SampleTable, dims: Literal[2, 3] | None, source: str) -> SampleTable:
    """``table``; one of the user's own is of volumes where these are asked for or its files are called so. Raises UserError for the other kind."""
    if source in ("table", ""):
        named = table.frame["uri"].iloc[:_LOOKED_AT].str.lower().str.endswith(VOLUMES).all()
        table = replace(table, dims=dims or (3 if named or table.dims == 3 else 2))
    if dims is not None and table.dims != dims:
        raise _other_kind(table.source, table.dims)
    return table


def _other_kind(what: str, dims: Literal[2, 3]) -> UserError:
    have, asked = ("images", "volumes") if dims == 2 else ("volumes", "images")
    fitting = "a recipe for volumes (such as ct-mae, or dims: 3)" if dims == 3 else "a recipe for images"
    return UserError(f"{what} holds {have}, and {asked} are asked for. Choose {fitting}, or give other data.")


def _listed(place: Path | None, index: Callable[[], SampleTable]) -> SampleTable:
    """``index()``; where it reads an address, again while the connection fails, and what is final as one paragraph."""
    if place is None or not files.is_remote(place):
        return index()
    try:
        return files.patiently(index)
    except OSError as error:
        raise files.explained(str(place), error) from None


def _check_task(found: Reference, tasks: dict[str, Any]) -> None:
    name = re.sub(r"_\d+$", "", str(found.task))  # medmnist's size
    if name not in tasks:
        hint = _meant(get_close_matches(name, tasks, n=2))
        raise UserError(f"{found.source} has no task {found.task!r}.{hint} Its tasks: {', '.join(tasks) or 'none'}.")


def takes_mapping(reference: str) -> bool:
    """Whether the source of ``reference`` asks whose its images are."""
    found = parse(reference)
    index = None if found.code else getattr(registry.entry("sources", found.source), "index", None)
    return index is not None and "mapping" in inspect.signature(index).parameters


def _is_table(mapping: str | Path) -> bool:
    """Whether ``mapping`` is a file of names; otherwise it names a data set."""
    return str(mapping).lower().endswith((".json", ".csv"))


def _accepted(module: Any, options: dict[str, Any], source: str) -> dict[str, Any]:
    """The options that the source's ``index`` takes. Raises UserError for one that it would pass over."""
    takes = inspect.signature(module.index).parameters
    for name in options:
        if name not in takes and name != "progress" and not (name == "labels" and options[name] is False):
            what = "root" if name == "root_of_files" else name
            raise UserError(f"The source {source} does not take {what!r}: it knows its own. Leave it out.")
    return {name: value for name, value in options.items() if name in takes}


def _options(found: Reference, module: Any) -> dict[str, Any]:
    """What the reference itself says behind its task. Raises UserError for an option that the source has not, or a value that is none."""
    known = getattr(module, "OPTIONS", {})
    out = {}
    for name, value in found.options:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UserError(f"The source {found.source} has no option {name!r}.{hint} Its options: {', '.join(known) or 'none'}.")
        try:
            out[name] = known[name](value)
        except ValueError:
            raise UserError(f"The option {name} of {found.source} is {value!r}; it should be a number, as {name}=1.") from None
    return out


def also_at(source: str) -> list[Path]:
    """Folders beside ``source``'s own that bear another of its names, as CIFAR10 or diabetic_retinopathy do."""
    folder = data_folder()
    if files.is_remote(folder) or not folder.is_dir():
        return []
    return sorted(place for place in folder.iterdir() if place.name != source and source_names.meant(place.name)[0] == source)


def _place(found: Reference, module: Any, download: bool, progress: Progress | None) -> Path | None:
    """Where a source without a root lies, fetched there if it may be; None for what an installed package holds."""
    home = data_folder() / found.source
    if getattr(module, "BUILT_IN", False):
        return None
    for place in (home, *also_at(found.source), *getattr(module, "PLACES", ())):
        if module.present(place, found.task) if hasattr(module, "present") else place.is_dir():
            return files.place_of(place)
    if not hasattr(module, "download"):
        where = f" Get it at {module.URL}." if hasattr(module, "URL") else ""
        here = f"; ./{found.source} means the folder of that name here" if Path(found.source).is_dir() else ""
        raise UserError(
            f"The source {found.source} lies nowhere that is known and cannot be downloaded.{where} Give its folder as"
            f" {found.source}@FOLDER{here}."
        )
    if not download or files.is_remote(home):
        raise UserError(
            f"The data of {found.source} are not at {home}. Give their folder as {found.source}@FOLDER, set"
            f" VESALIUS_DATA to the folder that holds {found.source}, or allow the download (download=True; --download"
            " on the command line)."
        )
    takes = inspect.signature(module.download).parameters
    module.download(home, **({"task": found.task} if "task" in takes else {}), progress=progress)
    return home


def _meant(near: list[str]) -> str:
    """A sentence with what was probably meant, a space before it; empty where nothing is near."""
    return f" Did you mean {' or '.join(near)}?" if near else ""
