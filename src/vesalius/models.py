"""``vesalius models``: the zoo of published checkpoints, and how one becomes an encoder of ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vesalius import registry
from vesalius.encoders.prepared import RANDOM, is_prepared, prepared_folder
from vesalius.encoders.published import Family, Published, models, required
from vesalius.encoders.saving import CARD
from vesalius.errors import UserError
from vesalius.files import in_words
from vesalius.terminal import Terminal, table

if TYPE_CHECKING:
    from vesalius.encoders.encoder import Card

_DOWNLOADS = ".downloads"


def models_list(*, plugins: Sequence[str] = ()) -> None:
    """A row for each model of the zoo, of packages' and of the files ``plugins``."""
    _load(plugins)
    columns = ["name", "network", "trained on", "licence", "pixels", "download", "prepared"]
    rows = [
        [m.name, m.architecture, m.trained_on, m.licence, str(max(m.size)), in_words(m.bytes) if m.bytes else "", _state(m.name)]
        for _, m in models().values()
    ]
    others = sorted(path.name for path in prepared_folder("").glob("[!.]*") if is_prepared(path) and path.name not in models())
    cards = [(name, _card(name)) for name in others]
    rows += [[name, c.architecture, c.trained_on, c.licence, str(max(c.size)), "", "yes, by a plugin"] for name, c in cards]
    rows += [[f"{RANDOM}r50, {RANDOM}r18, {RANDOM}d121, {RANDOM}NAME", "any", "nothing: random weights", "", "224", "", "needs nothing"]]
    table("Published checkpoints", columns, rows)


def models_show(name: str, *, plugins: Sequence[str] = ()) -> None:
    """All that is known of one model."""
    _load(plugins)
    if name not in models() and is_prepared(prepared_folder(name)):  # by a plugin that is not here now
        card = _card(name)
        rows = [["name", name], *_network(card), ["notes", "; ".join(card.notes)], ["prepared", "yes, by a plugin"]]
    else:
        _, m = required(name)
        rows = [
            ["name", ", ".join([m.name, *m.aliases])],
            *_network(m),
            ["file", m.file],
            ["address", m.url],
            ["digest", _digest(m)],
            ["by hand", m.by_hand],
            ["notes", "; ".join(m.notes)],
            ["verified against", _verified(m)],
            ["prepared", _state(m.name)],
        ]
    table(name, ["what", "is"], [row for row in rows if row[1]])


def prepare_model(name: str, *, file: str | Path | None = None, out: str | Path | None = None, plugins: Sequence[str] = ()) -> list[Path]:
    """Make the model ``name`` of the zoo, or ``all``, an encoder of ours; afterwards its name is one everywhere.

    The file is downloaded, once and checked, or is ``file``: the published file, or the original project's ``models/NAME.pth``, or a
    folder with such files. It is converted, must fill the network exactly and give torchvision's features. Written are
    encoder.safetensors and encoder.json in ``out``/NAME, by default below the cache. ``plugins``: files with families
    of your own. Returns the folders. Raises UserError; of ``all`` when the others are done, naming those that failed.
    """
    _load(plugins)
    terminal = Terminal()
    if name != "all":
        return [_prepared(*required(name), file, out, terminal)]
    if file is not None and not Path(file).is_dir():
        raise UserError(f"{file} is one file, and all models were asked for. Give the folder that holds their files, or one model's name.")
    done: list[Path] = []
    failed: dict[str, str] = {}
    for family, model in models().values():
        try:
            done.append(_prepared(family, model, file, out, terminal))
        except UserError as error:
            failed[model.name] = str(error)
            terminal.say(f"{model.name}: not prepared. {error}")
    if failed:
        raise UserError(
            f"{len(failed)} of {len(models())} models were not prepared: {', '.join(failed)}. The reason stands above at each. What is prepared stays; "
            "run the same command again, or prepare one by its name with --file."
        )
    return done


def _prepared(family: Family, model: Published, file: str | Path | None, out: str | Path | None, terminal: Terminal) -> Path:
    from vesalius.encoders.preparing import prepare

    folder = prepared_folder(model.name) if out is None else Path(out) / model.name
    if file is None and is_prepared(folder):
        terminal.say(f"{model.name} is prepared already. Delete {folder} to prepare it again.")
        return folder
    terminal.say(f"{model.name}: {model.architecture}, {model.trained_on}. Licence: {model.licence}.")
    given = None if file is None else _given(Path(file), model)
    place = _downloaded(model, terminal) if given is None else given
    fetched = place.parent == prepared_folder(_DOWNLOADS)
    try:
        encoder = prepare(place, family, model, folder)
    except UserError as error:
        if fetched:
            raise UserError(f"{error} The download stays at {place}: delete it, and {place.name}.sha256 beside it, to have it fetched again.") from error
        raise
    if fetched:
        place.unlink(missing_ok=True)  # the converted weights are all of it that is used again
    terminal.say(f"{model.name}: {encoder.card.notes[-1]}.")
    return folder


def _given(file: Path, model: Published) -> Path:
    """The file of ``model`` that the user has: ``file``, or the one of its name in the folder ``file``."""
    wanted = [model.file, *(f"{name}.pth" for name in (model.name, *model.aliases))]
    if file.is_dir() and model.file:
        named = [file / name for name in wanted if (file / name).exists()]
        found = named[:1] or [place for pattern in model.also for place in sorted(file.glob(pattern))]
        if len(found) > 1:
            raise UserError(f"{file} holds {len(found)} checkpoints ({', '.join(place.name for place in found[:4])}). Give the one meant with --file.")
        if not found:
            raise UserError(f"{file} has no file of {model.name}: it should be called {' or '.join(wanted)}. Give the file itself with --file.")
        return found[0]
    suffixes = [Path(pattern).suffix for pattern in model.also]
    prefixed = [place for suffix in suffixes if (place := file.with_name(file.name + suffix)).is_file()]
    if not file.exists() and prefixed:
        return prefixed[0]
    if not file.exists():
        raise UserError(f"There is no file {file}. Give {model.file}, the file that {model.name} was published as.")
    return file


def _downloaded(model: Published, terminal: Terminal) -> Path:
    """The published file: where torch keeps its own downloads, or fetched into the cache."""
    from vesalius.files import checksum, download

    if model.sha256 and (kept := _of_torch(model.file)).is_file() and checksum(kept).startswith(model.sha256):
        return kept
    if not model.url:
        raise UserError(f"{model.name} has no address to be fetched from. {model.by_hand} Then run the same command with --file FILE.")
    terminal.say(f"{model.name}: fetching {model.url}")
    sha256, md5 = model.sha256 or None, model.md5 or None
    place = prepared_folder(_DOWNLOADS) / model.file
    try:
        with terminal.bar(model.file, "bytes") as progress:
            return download(model.url, place, sha256=sha256, md5=md5, pinned=not (sha256 or md5), progress=progress)
    except UserError as error:
        by_hand = f" {model.by_hand}" if model.by_hand else ""
        raise UserError(f"{error}{by_hand} With the file at hand, run the same command with --file FILE.") from error


def _of_torch(file: str) -> Path:
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints" / file


def _load(plugins: Sequence[str]) -> None:
    for plugin in plugins:
        registry.load_plugin(plugin)


def _network(of: Published | Card) -> list[list[str]]:
    """What a model of the zoo and an encoder's card both say."""
    return [
        ["network", " ".join([of.architecture, *(f"{key}={value}" for key, value in of.options.items())])],
        ["trained on", of.trained_on],
        ["licence", of.licence],
        ["ImageNet top-1", "" if of.imagenet_top1 is None else f"{of.imagenet_top1} %"],
        ["input", f"{of.channels} channels of {'×'.join(map(str, of.size))} pixels"],
        ["preprocessing", "; ".join(_step(next(iter(step.items()))) for step in of.preprocessing)],
        ["mean, deviation", f"{_numbers(of.mean)}; {_numbers(of.std)}" if of.mean else "none: values stay in [0, 1]"],
    ]


def _card(name: str) -> Card:
    """The card of a prepared model."""
    from vesalius.encoders.loading import read_card

    return read_card(prepared_folder(name) / CARD)


def _state(name: str) -> str:
    return "yes" if is_prepared(prepared_folder(name)) else "no"


def _verified(model: Published) -> str:
    """What the prepared model's card says of it, or what is said of the model before."""
    from vesalius.encoders.loading import own_files, read_card

    files = own_files(folder) if (folder := prepared_folder(model.name)).is_dir() else None
    notes = read_card(files[1]).notes if files is not None else ()
    return next((note.partition(": ")[2] for note in notes if note.startswith("verified against: ")), model.verified)


def _digest(model: Published) -> str:
    kind, value = ("SHA-256", model.sha256) if model.sha256 else ("MD5", model.md5)
    if not value:
        return "none published: that of the first download is kept, and later ones are held to it"
    return f"{kind} {value}" + ("" if len(value) in (32, 64) else "…")


def _step(step: tuple[str, dict[str, object]]) -> str:
    return " ".join([step[0], *(f"{key}={value}" for key, value in step[1].items())])


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
