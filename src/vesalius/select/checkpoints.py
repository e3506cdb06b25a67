"""Which encoder embeds, where none is trained: the one that was named, or the newest of the same data set; and whether it is what was stated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vesalius.data.dataset_names import dataset_key
from vesalius.encoders import load_encoder
from vesalius.encoders.build import is_name
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.exporting.lightly import keep
from vesalius.encoders.fetching import fetched
from vesalius.encoders.layouts.worker import out_dim
from vesalius.encoders.lightly_resnet import LightlyEncoder, theirs
from vesalius.errors import UserError
from vesalius.files import atomic_write, naming_failures
from vesalius.runs import Run, find
from vesalius.runs.checkpoints import FILE, WEIGHTS, newest_checkpoint, required_encoder
from vesalius.select.config import ModelConfig, SelectConfig
from vesalius.terminal import Terminal


def encoder_of(config: SelectConfig, terminal: Terminal, before: str | None = None) -> str:
    """The reference of the encoder, for ``load_encoder``. ``before``: when the job began, so that one that is gone on with finds the same.

    Raises UserError where nothing says which (never a random network unless it is named), for a run without a checkpoint, and where
    ``config.model`` states another network than the checkpoint's.
    """
    reference = _reference(config, terminal, before)
    if config.model.model_dump(exclude_none=True) and not is_name(reference):
        refuse_other(load_encoder(reference, code=config.code), config.model, config.encoder or reference)
    return reference


def _reference(config: SelectConfig, terminal: Terminal, before: str | None) -> str:
    if config.encoder is None:
        found = newest_checkpoint(dataset_key(config.data, config.dataset), before)
        if found is None:
            raise UserError(_nothing(config))
        run = found.parent if (found.parent / "run.json").is_file() else found
        terminal.say(f"Embedded by the newest checkpoint of this data set, of the run {Run.open(run).facts()['id']}.")
        return str(found)
    if config.encoder_run:
        folder = find(config.encoder)
        return str(required_encoder(folder, Run.open(folder).facts()))
    if config.encoder.startswith(("https://", "http://")) and "#sha256=" not in config.encoder:
        return str(fetched(config.encoder, any_file=True))
    return config.encoder


def _nothing(config: SelectConfig) -> str:
    whose = f"the data set {config.dataset}" if config.dataset else "these data"
    return (
        f"Nothing says what is to embed the images, and no run on {whose} has a checkpoint. Train on the images first (--training.epochs 100, "
        "worker_config.enable_training), name a public network (--encoder timm:resnet18), or give a checkpoint (--encoder FILE or RUN, "
        "worker_config.checkpoint or checkpoint_run_id)."
    )


def refuse_other(encoder: Encoder, stated: ModelConfig, source: str | Path) -> None:
    """Raises UserError where ``stated`` is not what ``encoder`` is; what nobody can tell of it is taken for right."""
    has = _facts(encoder)
    said = {key: value for key, value in stated.model_dump(exclude_none=True).items() if key in has}
    wrong = {key: value for key, value in said.items() if _plain(value) != _plain(has[key])}
    if not wrong:
        return
    name = str(source).rpartition("/")[2]
    raise UserError(
        f"lightly_config.model states {_words(wrong)}, and {name} holds {_words({key: has[key] for key in wrong})}. Leave lightly_config.model out, since a "
        "checkpoint says itself what it is, or give the checkpoint that was meant."
    )


def _facts(encoder: Encoder) -> dict[str, Any]:
    """What an encoder is, under the keys of ``lightly_config.model``."""
    card = encoder.card
    if not isinstance(encoder, LightlyEncoder):
        return {"name": card.architecture, "width": card.options.get("width", 1), "num_ftrs": "no 1×1 convolution"}
    found = {"name": theirs(card.architecture), "width": card.options.get("width", 1), "num_ftrs": encoder.embedding_dim}
    length = out_dim(encoder.head)
    return found if length is None else {**found, "out_dim": length}


def _plain(value: Any) -> Any:
    """``resnet-18``, ``resnet18`` and ``lightly-resnet18`` are one name."""
    return value.lower().removeprefix("lightly-").replace("-", "") if isinstance(value, str) else value


def _words(facts: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}" for key, value in facts.items())


def file_of(run: Path) -> Path:
    """The file that a run hands on: ``checkpoint.ckpt``, or ``encoder.safetensors`` with its card beside it. Raises UserError where it trained nothing."""
    folder = required_encoder(run, Run.open(run).facts())
    return next(file for file in (folder / FILE, folder / WEIGHTS) if file.is_file())


def copied(run: Path, out: Path) -> Path:
    """Write what a run hands on to ``out`` as one file that says everything of itself, in the Lightly Worker's layout where it is that network.

    Raises UserError where ``out`` is a folder.
    """
    file = file_of(run)
    if out.is_dir():
        raise UserError(f"{out} is a folder. Name a file, as {out / FILE}.")
    with naming_failures(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    if file.name == FILE:
        atomic_write(out, file.read_bytes())
    else:
        keep(load_encoder(file), out)
    return out
