"""The end of a pretraining: its encoder handed over, examined beside its baselines, and reported."""

from __future__ import annotations

import copy
import shutil
import time
from pathlib import Path

from vesalius.encoders import save_encoder
from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.projector import MLP, save_projector
from vesalius.encoders.saving import CARD, WEIGHTS
from vesalius.evaluate.cost import cost
from vesalius.evaluate.pretrained.examination import examine
from vesalius.files import atomic_write
from vesalius.recipes.assembly import Parts
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.material import Material
from vesalius.runs import Run
from vesalius.terminal import Terminal
from vesalius.training.display import in_words
from vesalius.training.length import Length
from vesalius.training.log import Spent
from vesalius.training.world import World

_NOTHING_CHOSEN = "No look of the monitors after the first step chose {}: the last encoder is handed over."


def export(parts: Parts, folder: Path, config: PretrainConfig, material: Material, length: str) -> None:
    """The method's default encoder, its card and its projector into ``folder``."""
    encoder = next(iter(parts.method.exports().values()))
    begun = f"started from {encoder.loaded.source}; " if encoder.loaded is not None else ""
    trained_on = f"{begun}{material.train.public}, {config.method.name}, {length}, no labels"
    encoder.card = encoder.card.model_copy(update={"trained_on": trained_on})
    save_encoder(encoder, folder)
    projector = getattr(parts.method, "teacher_projector", getattr(parts.method, "projector", None))
    if isinstance(projector, MLP):
        save_projector(projector, folder)


def finish(
    config: PretrainConfig,
    material: Material,
    parts: Parts,
    length: Length,
    run: Run,
    here: World,
    terminal: Terminal,
    spent: Spent,
) -> None:
    """Export the encoder, examine it beside its baselines, write results and report."""
    export(parts, run.path, config, material, f"{length.steps} steps")
    own, exported = _hand_over(config, parts, run, terminal)
    began = time.perf_counter()
    results = examine(config, material, parts, run, here, terminal, own, exported)
    if exported != config.export:
        results["warnings"].append(_NOTHING_CHOSEN.format(config.export))
    stages = {"decode": material.seconds, "examine": time.perf_counter() - began}
    epochs = length.steps / length.steps_per_epoch
    results["cost"] = cost(parts.encoder, parts.input, length.steps, epochs, spent, stages, here)
    run.write_json("results.json", results)
    shutil.rmtree(run.path / "checkpoints" / "nonfinite", ignore_errors=True)
    run.finish("done")
    from vesalius.report import build

    page = build([run.path])
    for sentence in results["verdict"]:
        terminal.say(sentence)
    terminal.say(f"Took {in_words(spent.total)} to train. The report: {page}")


def _hand_over(config: PretrainConfig, parts: Parts, run: Run, terminal: Terminal) -> tuple[Encoder, str]:
    """The encoder that ``export`` asks for, in the run's folder, and the name of its checkpoint."""
    last = next(iter(parts.method.exports().values()))
    if config.export == "last":
        return last, "last"
    folder = run.path / "checkpoints" / config.export
    if not (folder / CARD).is_file():
        terminal.say(_NOTHING_CHOSEN.format(config.export))
        return last, "last"
    from safetensors.torch import load_file

    for file in sorted(folder.iterdir(), key=lambda file: file.name == CARD):  # the card names the weights: it comes last
        atomic_write(run.path / file.name, file.read_bytes())
    own = copy.deepcopy(last)
    own.network.load_state_dict(load_file(folder / WEIGHTS))
    own.card = Card.model_validate_json((folder / CARD).read_text(encoding="utf-8"))
    return own, config.export
