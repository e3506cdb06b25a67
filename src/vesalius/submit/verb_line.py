"""What follows ``--``: a line of the command line, checked as far as it can be before a machine with the data reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vesalius.data.references import parse as parse_reference
from vesalius.errors import UserError
from vesalius.recipes.arguments import RECOVERED, from_pairs, pairs
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.recipes.finetune_loading import load_finetune
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.recovery import OTHER, recovered
from vesalius.recipes.resuming import configured, run_to_resume
from vesalius.runs import Run

Parse = Callable[[list[str]], tuple[str, Mapping[str, Any]]]
"""Words of the command line -> the command's name and its arguments by name. Raises where they do not parse."""
VERBS = ("pretrain", "finetune", "embed", "predict")
ELSEWHERE = ("azure_dataset_id", "extra_azure_dataset_ids")
"""An original's arguments that say where data lie; ``submit azureml`` takes them out of the line."""


@dataclass(frozen=True)
class VerbLine:
    """A checked line. ``words``: verb, recipe and fields, without ``--out`` and ``--resume`` where a run is made.

    ``config``: the resolved recipe, None for embed and predict. ``run``: the run that is gone on with. ``encoder``:
    what is fine-tuned or asked, as it was named. ``said``: what the recipe's loading had to tell.
    """

    verb: str
    words: tuple[str, ...]
    out: Path | None
    run: Run | None
    config: PretrainConfig | FinetuneConfig | None
    encoder: str | None = None
    said: tuple[str, ...] = ()

    @property
    def trains(self) -> bool:
        """Whether it makes a run that is gone on with, in several processes if need be."""
        return self.config is not None

    @property
    def title(self) -> str:
        """A short name for queues and folders: letters, digits, ``-``, ``_`` and ``.``."""
        name = getattr(self.config, "name", "") or (self.words[1] if len(self.words) > 1 else "")
        name = "" if name.startswith("--") else Path(name).stem
        return re.sub(r"[^\w.-]+", "-", f"{self.verb}-{name}" if name else self.verb)[:60]


def checked(words: Sequence[str], parse: Parse, *, shared: bool) -> tuple[VerbLine, dict[str, Any]]:
    """The line of ``words``, and what of ELSEWHERE was found in it. ``shared``: the job sees the files and runs of this machine.

    Raises UserError for no verb, a verb that is not for a cluster, an unknown field or recipe, a source that does not exist.
    """
    if not words:
        raise UserError("Nothing to submit: behind two hyphens comes a line of vesalius, as in `vesalius submit slurm -- pretrain demo`.")
    verb, given = parse(list(words))
    if verb not in VERBS or words[0] != verb:
        raise UserError(f"{words[0]} is not for a cluster: submit takes {', '.join(VERBS)}. Run `vesalius {words[0]}` here.")
    if verb in ("embed", "predict"):
        return VerbLine(verb, tuple(words), given.get("out"), None, None, given.get("encoder") or given.get("run")), {}
    return _training(verb, given, shared)


def _training(verb: str, given: Mapping[str, Any], shared: bool) -> tuple[VerbLine, dict[str, Any]]:
    recipe, fields = given.get("recipe"), list(given.get("fields", ()))
    if recipe is not None and recipe.startswith("--"):
        recipe, fields = None, [recipe, *fields]
    kept, found = _without(fields, verb)
    changes, resume, encoder = dict(pairs(kept, verb)), given.get("resume"), given.get("encoder")
    if shared:
        changes, resume = recovered(verb, recipe, changes, resume, encoder)
    else:  # the job finds them in the workspace
        ids = {name: changes.pop(name, None) for name in RECOVERED}
        changes |= {} if ids[OTHER] is None else {"encoder.weights": f"mlflow:{ids[OTHER]}"}
    nested, said = from_pairs([*([("encoder", str(encoder))] if encoder is not None else []), *changes.items()], verb)
    run = run_to_resume(resume, verb) if resume is not None else None
    load: Any = load_pretrain if verb == "pretrain" else lambda layer, more: (load_finetune(layer, more), [])
    config, more = configured(load, recipe, nested, run)
    for reference in (config.data.train, getattr(config.data, "monitor", None)):
        if reference is not None and re.fullmatch(r"[\w-]+(:[\w-]+)?", reference):
            parse_reference(reference)
    words = [verb, *([recipe] if recipe is not None else []), *kept, *(["--encoder", str(encoder)] if encoder is not None else [])]
    weights = (config.encoder.model_extra or {}).get("weights", getattr(config.encoder, "weights", None))
    return VerbLine(verb, tuple(words), given.get("out"), run, config, weights, (*said, *more)), found


def _without(fields: Sequence[str], verb: str) -> tuple[list[str], dict[str, Any]]:
    """``fields`` without those of ELSEWHERE, and the values of these."""
    kept: list[str] = []
    found: dict[str, Any] = {}
    here: list[str] = []
    for word in [*fields, "--"]:
        if word.startswith("--") and here:
            name = here[0][2:].partition("=")[0].replace("-", "_")
            if name in ELSEWHERE:
                found |= dict(pairs(here, verb))
            else:
                kept += here
            here = []
        here.append(word)
    return kept, found
