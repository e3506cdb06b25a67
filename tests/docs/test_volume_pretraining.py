"""docs/volume-pretraining.md: its Python and its commands run, in order, with a smaller network and one epoch."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.coverage.command_line import vesalius
from vesalius import registry
from vesalius.cli import app
from vesalius.data.plan import Plan
from vesalius.recipes.loading import load_pretrain

PAGE = (Path(__file__).parents[2] / "docs" / "volume-pretraining.md").read_text(encoding="utf-8")
SMALL = ("--encoder.num_layers", "1", "--encoder.hidden_size", "24", "--encoder.num_heads", "2", "--method.width", "24", "--method.depth", "1",
         "--method.heads", "2", "--epochs", "1", "--batch_size", "4", "--threads", "1", "--precision", "fp32")  # fmt: skip


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nilearn")
    monkeypatch.chdir(tmp_path)
    run = 0
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        if language == "python":
            exec(compile(text, "volume-pretraining.md", "exec"), {"__name__": "page"})
            continue
        for line in text.splitlines():
            program, *words = shlex.split(line)
            assert program == "vesalius", line
            command, _, _ = app.parse_args(words, exit_on_error=False, print_error=False)
            done = vesalius(*words, *(SMALL if command.__name__ == "pretrain" else ()))
            assert done.code == 0, f"{line}\n{done.said}"
            run += 1
    assert run >= 5
    assert (tmp_path / "runs" / "mae" / "figures" / "reconstruction-planes.png").is_file()
    assert (tmp_path / "views.png").is_file()


def test_what_it_names_exists() -> None:
    for name in ("tcia-restoration", "ct-mae", "mr-mae", "volume-simclr", "volume-byol"):
        assert f"`{name}`" in PAGE
        assert load_pretrain(name)[0].data.draws_per_sample == 2
    for monitor in ("reconstruction", "tissue", "spread"):
        assert f"`{monitor}`" in PAGE
        registry.entry("monitors", monitor)
    for field in ("orientation", "spacing", "intensity", "foreground", "patch"):
        assert f"`{field}`" in PAGE
        assert field in Plan.model_fields
    given = load_pretrain("tcia-restoration")[0]
    assert (given.epochs, given.method.fields["temperature"], given.optimizer.lr, given.batch_size) == (300, 0.05, 1e-4, 8)
