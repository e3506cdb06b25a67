"""The commands of the page on tracking parse, with fields that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import yaml

from vesalius.cli import app
from vesalius.recipes.arguments import from_pairs, pairs
from vesalius.recipes.finetune_loading import load_finetune
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.recovery import OTHER, SAME
from vesalius.runs.trackers.mlflow import Config

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tracking.md"


def test_its_commands_parse_and_their_fields_exist() -> None:
    seen = 0
    for block in re.findall(r"^```bash\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            program, *words = shlex.split(line)
            assert program in ("vesalius", "mlflow", "tensorboard", "export"), line
            if program != "vesalius":
                continue
            command, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
            seen += 1
            if command.__name__ not in ("pretrain", "finetune"):
                continue
            recipe, *fields = bound.args
            fields = [recipe, *fields] if str(recipe).startswith("--") else fields
            given = dict(pairs(fields, command.__name__))
            goes_on = given.pop(SAME, None) is not None
            if given.pop(OTHER, None) is not None or "encoder" in bound.kwargs:
                given["encoder"] = "resnet18"
            changes, _ = from_pairs(given.items(), command.__name__)
            if not goes_on:
                (load_pretrain if command.__name__ == "pretrain" else load_finetune)(recipe, changes)
    assert seen >= 11


def test_its_table_holds_every_field_and_its_recipe_is_one() -> None:
    text = PAGE.read_text()
    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert rows == list(Config.model_fields)
    (recipe,) = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    config, _ = load_pretrain({"data": {"train": "x"}, "steps": 1, **yaml.safe_load(recipe)})
    assert [tracker.name for tracker in config.tracking] == ["mlflow", "tensorboard"]
