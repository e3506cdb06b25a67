"""Looking at what there is: data, runs, recipes. Each function prints one answer."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vesalius.errors import Mismatch, UserError
from vesalius.terminal import Terminal, answer, table

if TYPE_CHECKING:
    from vesalius.data.plan import Plan
    from vesalius.data.settings import StoreSettings
    from vesalius.data.table import SampleTable

GIB = 2**30


def _size(count: float) -> str:
    from vesalius.files import in_words

    return in_words(count)


# ---- data


def data_list() -> None:
    """Sources by name with their first line, and the stores of decoded pixels."""
    from vesalius import registry
    from vesalius.data import store
    from vesalius.data.references import also_at, data_folder, sources
    from vesalius.data.source_names import also_called

    rows = []
    for name in sources():
        about = (registry.entry("sources", name).__doc__ or "").strip().splitlines()
        there = (data_folder() / name).exists() or also_at(name)
        rows.append([name, ", ".join(also_called(name)), about[0] if about else "", "there" if there else ""])
    table("Sources", ["name", "or", "what", f"in {data_folder().name}"], rows)
    stores = [
        [s.source, str(s.size), str(s.channels), f"{s.records:,}", _size(s.bytes), f"{datetime.fromtimestamp(s.last_used):%Y-%m-%d %H:%M}"]
        for s in store.inspect()
    ]
    if stores:
        table("Decoded pixels", ["data", "size", "channels", "images", "bytes", "last used"], stores)


def data_show(reference: str, *, out: Path | None, **options: Any) -> None:
    """The table's columns and first rows; ``out`` writes it."""
    from vesalius.data.dataset import resolve

    found = resolve(reference, **options, terminal=Terminal(), allow_leakage=True)
    if out is not None:
        answer(str(found.save(out)))
        return
    shown = found.frame.head(10)
    table(f"{found.source}: {len(found):,} rows", list(shown.columns), [[str(v) for v in row] for row in shown.itertuples(index=False)])


def data_check(reference: str, *, decode: bool, **given: Any) -> None:
    """What ``data.checking.check`` finds."""
    from vesalius.data.checking import check

    options = {key: value for key, value in given.items() if value is not None}
    if isinstance(named := options.get("labels"), str):
        options["labels"] = False if named.lower() == "false" else named.split(",") if "," in named else named
    with Terminal().bar("reading" if decode else "listing") as progress:
        found = check(reference, decode=decode, progress=lambda done, total=None, *_: progress(done, total), **options)
    rows = []
    for key, value in found.items():
        if key in ("unreadable", "problems"):  # their files are among the asides by name
            rows.append([key, f"{len(value)}"])
        elif key in ("shared_subjects", "same_images") and not value:
            rows.append([key, "not looked for: nothing is divided into train, val and test yet"])
        elif isinstance(value, dict):
            rows += [[key, "none"]] if not value else [[f"{key} {name}", _said(inner)] for name, inner in value.items()]
        elif isinstance(value, list):
            rows += [[key, str(item)] for item in value]
        else:
            rows.append([key, "unknown" if value is None else str(value)])
    table("", ["", reference], rows)


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def data_index(reference: str, *, images: dict[str, str], plan: Path | None, codec: Any, **options: Any) -> None:
    """Decode ``reference`` into the store: ``images`` has size, channels and window of images, ``plan`` and ``codec`` are of volumes.

    Raises UserError for a field of the other kind.
    """
    from vesalius.data.dataset import open_data, resolve
    from vesalius.data.named_images import Packed

    terminal = Terminal()
    try:
        found = resolve(reference, **options, terminal=terminal, allow_leakage=True)
    except Packed as packed:
        terminal.say(f"{packed} This is done now.")
        data_unpack(reference, out=None)
        found = resolve(reference, **options, terminal=terminal, allow_leakage=True)
    volumes = found.dims == 3
    wrong = [name for name, given in {"plan": plan is not None, "codec": codec != "raw"}.items() if given and not volumes]
    wrong += [name for name, plain in {"size": "native", "channels": "auto", "window": "file"}.items() if volumes and images[name] != plain]
    if wrong:
        what = "volumes, which are prepared by a plan" if volumes else "images"
        raise UserError(f"{reference} holds {what}: --{wrong[0]} is for {'images' if volumes else 'volumes'}. Leave it out.")
    settings = _plan_of(found, plan, terminal) if volumes else _settings_of(found, **images)
    made = open_data(reference, found, settings, terminal, codec=codec)
    answer(f"{len(made.store):,} {'volumes' if volumes else 'images'}, {_size(made.store.nbytes)}, {len(made.store.left_out)} left out")
    for sample, reason in made.store.left_out[:20]:
        answer(f"{sample:016x}: {reason}")


def data_unpack(reference: str, *, out: Path | None) -> None:
    """Unpack the archives of the folder that ``reference`` names, and of a source say where its digests are listed.

    Raises UserError where it names no folder of this machine.
    """
    from vesalius import files, registry
    from vesalius.data.references import parse
    from vesalius.data.unpacking import JOURNAL, unpack_all

    found = parse(reference)
    if found.root is None or not found.root.is_dir() or files.is_remote(found.root):
        raise UserError(f"{reference} names no folder here. Give the one that the downloads lie in, as NAME@FOLDER or by itself.")
    listed_at = getattr(registry.entry("sources", found.source), "DIGESTS", "") if found.source else ""
    done = unpack_all(found.root, out, Terminal(), listed_at)
    answer(f"{done} archives unpacked." if done else f"Everything was unpacked before; without {JOURNAL} it is done again.")


def _settings_of(found: SampleTable, size: str, channels: str, window: str) -> StoreSettings:
    from vesalius.data.dataset import pick_channels
    from vesalius.data.settings import StoreSettings, window_of

    if size != "native" and not size.isdigit():
        raise UserError(f"--size is {size!r}; give a number of pixels, or native.")
    if channels not in ("1", "3", "keep", "auto"):
        raise UserError(f"--channels is {channels!r}; it is one of 1, 3, keep, auto.")
    chosen: Any = pick_channels(found) if channels == "auto" else int(channels) if channels.isdigit() else "keep"
    return StoreSettings(size="native" if size == "native" else int(size), channels=chosen, window=window_of(window))


def _plan_of(found: SampleTable, said: Path | None, terminal: Terminal) -> Plan:
    """The plan in the file ``said``; what it leaves open as pretraining would have it."""
    from vesalius.data.planning import planned
    from vesalius.recipes import yaml12

    given: Any = {}
    if said is not None:
        data = yaml12.read(said).get("data")
        given = data.get("plan") if isinstance(data, dict) else None
        if not isinstance(given, dict):
            raise UserError(f"{said} has no data.plan. `vesalius data plan DATA` prints one.")
    with terminal.bar(f"looking at {found.source}", "volumes") as progress:
        return planned(found, given, progress=lambda done, total=None, *_: progress(done, total)).plan


def data_locate(reference: str, ids: list[str]) -> None:
    """The files of ids and, where the source knows them, the identifiers that stand in those files."""
    from vesalius import registry
    from vesalius.data.dataset import resolve

    found = resolve(reference, terminal=Terminal(), allow_leakage=True, least=1)
    known = registry.names("sources")
    originals = getattr(registry.entry("sources", found.source) if found.source in known else None, "originals", None)
    for row, place in zip(found.rows_of(ids), found.locate(ids), strict=True):
        told = originals(found.path(str(found.frame["uri"].iloc[row]))) if originals is not None else {}
        answer("\t".join([place, *(f"{name} {value}" for name, value in told.items())]))


def data_prune(*, older_than_days: float | None, max_gb: float | None, dataset: str | None) -> None:
    """Delete from the store. Raises UserError where nothing says what."""
    from vesalius.data import store

    if older_than_days is None and max_gb is None and dataset is None:
        raise UserError("Say what to delete: --older-than-days N, --max-gb N, or --dataset NAME. `vesalius data list` shows the store.")
    freed = store.prune(
        older_than_days=older_than_days, max_bytes=None if max_gb is None else int(max_gb * GIB), dataset=dataset
    )
    answer(f"{_size(freed)} freed")


def data_datapools(name: str | None) -> None:
    """Every datapool with its last round, or each round of ``name``. Raises UserError for a name that no datapool has."""
    from vesalius.data.dataset_names import dataset_key, key_of
    from vesalius.select import datapool

    if name is None:
        pools = [datapool.Datapool.open(one) for one in datapool.every()]
        rows = [[pool.name, f"{len(pool.rounds):,}", f"{len(pool.ids):,}", str(pool.vectors.shape[1]), pool.rounds[-1]["time"]] for pool in pools]
        table("Datapools", ["name", "rounds", "selected", "dim", "last round"], rows)
        return
    known = datapool.every()
    found = next((one for one in (key_of(name), dataset_key(name)) if one in known), None)
    if found is None:
        raise UserError(f"There is no datapool {name!r} in {datapool.place()}. Known: {', '.join(known) or 'none'}.")
    rounds = datapool.Datapool.open(found).history()
    columns = ("round", "time", "run", "selected", "members", "looked_at", "dim", "encoder", "embedded_again")
    rows = [["" if one[column] is False else "yes" if one[column] is True else str(one[column]) for column in columns] for one in rounds]
    table(found, [column.replace("_", " ") for column in columns], rows)


# ---- runs


def runs_list() -> None:
    """Every run."""
    from vesalius.runs import every

    rows = []
    for place, facts in every():
        known = [facts["id"], *(facts.get(key, "") for key in ("verb", "name", "state", "started"))]
        tracked = ", ".join(f"{name}:{told['run_id']}" for name, told in facts.get("tracked", {}).items() if "run_id" in told)
        rows.append([*known, tracked, str(place)])
    table("Runs", ["id", "verb", "name", "state", "started", "tracked", "folder"], rows)


def runs_show(reference: str) -> None:
    """One run; of an evaluation its tables too."""
    from vesalius.runs import Run, find

    run = Run.open(find(reference))
    answer(f"{run.path}")
    for key, value in run.facts().items():
        answer(f"{key}: {json.dumps(value) if isinstance(value, dict) else value}")
    answer("\n" + (run.path / "config.yaml").read_text())
    file = run.path / "results.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    for sentence in results.get("verdict", []):
        answer(sentence)
    if results.get("kind") == "evaluate":
        from vesalius.evaluate.showing import lines

        for line in lines(results):
            answer(line)


def runs_track(reference: str, fields: list[str]) -> None:
    """Send a run to its trackers, or to those that ``fields`` name.

    Raises UserError for other fields, and where neither names a tracker.
    """
    from vesalius.recipes.arguments import from_pairs, pairs
    from vesalius.recipes.merging import merge
    from vesalius.runs import Run, find
    from vesalius.runs.tracking import send

    run = Run.open(find(reference))
    given, _ = from_pairs(pairs(fields))
    if odd := [name for name in given if name != "tracking"]:
        raise UserError(f"--{odd[0]} is no field of a tracker: runs track takes --tracking NAME and --tracking.NAME.FIELD VALUE.")
    entries = merge({"tracking": run.config().get("tracking") or []}, given)["tracking"]
    if not entries:
        raise UserError(f"{run.path.name} was not tracked: say where it is to be sent, as in --tracking mlflow.")
    from vesalius.recipes.config import Named
    from vesalius.recipes.tracking import check_trackers

    check_trackers([Named(**entry) for entry in entries])
    send(run, entries, answer)


def runs_repeat(reference: str, out: Path | None) -> None:
    """A run done again: what is the same, what is not, and where the repetition lies. Raises Mismatch where anything differs."""
    from vesalius.repeat import repeat

    done = repeat(reference, out=out)
    rows = [[row.what, str(row.files), f"different: {', '.join(row.different)}" if row.different else "same"] for row in done.rows]
    table("", ["what", "files", "to the bit"], rows)
    answer(str(done.path))
    if not done.same:
        differing = sum(len(row.different) for row in done.rows)
        raise Mismatch(f"{differing} things differ from {reference}, as the table says; what is other here than there is named above it, where anything is.")


def runs_latest(dataset: str | None, *, with_checkpoint: bool) -> None:
    """The newest run's folder, of all or of a data set's."""
    from vesalius.runs import find

    answer(str(_newest(dataset, with_checkpoint=with_checkpoint) if dataset is not None or with_checkpoint else find("latest")))


def _newest(dataset: str | None, *, with_checkpoint: bool) -> Path:
    from vesalius.data.dataset_names import dataset_key
    from vesalius.runs.checkpoints import of_dataset

    names = () if dataset is None else (dataset, dataset_key(dataset), dataset_key(dataset, dataset))
    found = of_dataset(names, with_checkpoint=with_checkpoint)
    if not found:
        kind = "run with an encoder" if with_checkpoint else "run"
        raise UserError(f"There is no {kind}{f' on the data set {dataset}' if dataset else ''} yet. `vesalius runs list` shows what there is.")
    return found[0][0]


def runs_checkpoint(reference: str, name: str, *, dataset: str | None, out: Path | None) -> None:
    """The folder of a checkpoint, or the file that a run hands on.

    Raises UserError where there is none, or none of that name.
    """
    from vesalius.runs import Run, find

    run = _newest(dataset, with_checkpoint=True) if dataset is not None and reference == "latest" else find(reference)
    if out is not None or (Run.open(run).facts().get("verb") == "select" and name == "last"):
        from vesalius.select.checkpoints import copied, file_of

        answer(str(file_of(run) if out is None else copied(run, out)))
        return
    folder = run / "checkpoints"
    if name == "last":
        steps = sorted(folder.glob("step-*"))
        if not steps:
            raise UserError(f"{folder.parent.name} has no checkpoint yet.")
        answer(str(steps[-1]))
        return
    if not (folder / name).is_dir():
        have = ", ".join(["last", *sorted(p.name for p in folder.glob("best-*"))])
        raise UserError(f"{folder.parent.name} has no checkpoint {name!r}. It has: {have}.")
    answer(str(folder / name))


# ---- recipes


def recipes_list() -> None:
    """Recipes with their first comment line, and views recipes."""
    from vesalius import views
    from vesalius.recipes.shipped import FOLDERS, names, recipe_aliases, text_of

    also: dict[str, list[str]] = {}
    rows = []
    for verb in FOLDERS:
        for alias, name in recipe_aliases(verb).items():
            also.setdefault(name, []).append(alias)
        for name in names(verb):
            first = text_of(name, verb).splitlines()[0]
            rows.append([name, verb, ", ".join(also.get(name, [])), first.lstrip("# ")])
    table("Recipes", ["name", "verb", "also known as", "what"], rows)
    table("Views", ["name"], [[name] for name in views.names()])


def recipes_show(name: str, *, views: str | None, out: Path, count: int) -> None:
    """Fields of a recipe with their meanings, or a picture of views."""
    from vesalius.recipes.describing import describe
    from vesalius.recipes.shipped import FOLDERS, names, recipe_aliases

    known = any(name in (*names(verb), *recipe_aliases(verb)) for verb in FOLDERS)
    from vesalius.recipes.picturing import picture, views_of

    if views is not None:
        answer(str(picture(name, views, out, count, Terminal())))
        return
    from vesalius import views as views_room

    if not known and (views_room.canonical(name) or (name.endswith((".yaml", ".yml")) and views_of(name) == name)):
        import yaml

        for sentence in views_room.remarks(name):
            Terminal().say(sentence)
        answer(yaml.safe_dump(views_room.load(name, 3).config(), sort_keys=False).rstrip())
        return
    table(name, ["field", "value", "meaning", "said by"], describe(name))
