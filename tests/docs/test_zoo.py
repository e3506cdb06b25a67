"""docs/zoo.md: its tables are the zoo's, its commands are commands, and the user's zoo file works as the page says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.coverage.command_line import vesalius
from vesalius.cli import app
from vesalius.encoders.published import models
from vesalius.recipes.describing import verb_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "zoo.md").read_text()
NETWORKS = {"resnet50": "ResNet-50", "resnet18": "ResNet-18", "densenet121": "DenseNet-121"}


def test_the_table_is_the_zoo() -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| `")]
    table = {re.findall(r"`([^`]+)`", row[0])[0]: row for row in rows if len(row) == 6}
    known = {name: model for name, (_, model) in models().items()}
    assert table.keys() - {"random_r50"} == known.keys()
    for name, model in known.items():
        _, network, trained, top1, pixels, images = table[name]
        assert network.startswith(NETWORKS[model.architecture]), name
        assert trained.split(",")[0].split(" with")[0].split(" and ")[0] in model.trained_on.replace("ImageNet-1k", "ImageNet"), name
        assert top1 == ("" if model.imagenet_top1 is None else f"{model.imagenet_top1:g}"), name
        assert pixels == str(model.size[0]), name
        kinds = {"standardised as ImageNet": (0.485, 0.456, 0.406), "left in [0, 1]": (), "equalised, times 255": (0.0,) * 3}
        assert model.mean == kinds.get(images, (0.502,) * 3), name
        assert all(f"`{alias}`" in table[name][0] for alias in model.aliases[:1]), name
    files = {cell for row in rows if len(row) == 4 for cell in re.findall(r"`([^`]+)`", row[1])}
    ours = {re.sub(r"lr_[\d.]+_bs", "lr_X_bs", model.file) for name, model in known.items() if not name.startswith("supervised")}
    assert ours == files


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are parsed; those that need no published file are run (``tests/examples/test_efficientnet_zoo.py`` runs the example's)."""
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path))
    lines = [line for text in re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for line in text.splitlines()]
    assert len(lines) >= 12
    assert {line.split()[1] for line in lines} == {"models", "evaluate", "embed", "finetune", "pretrain", "export"}
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "vesalius"
        app.parse_args(words, exit_on_error=False, print_error=False)
        if words[0] in ("pretrain", "finetune"):
            assert verb_of(words[1]) == words[0]
            assert vesalius("recipes", "show", words[1]).code == 0
        if words[1] in ("list", "show"):
            done = vesalius(*words)
            assert done.code == 0, f"{line}\n{done.said}"
