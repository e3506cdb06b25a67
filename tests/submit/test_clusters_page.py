"""Every line of docs/clusters.md: what is submitted is composed, the rest is parsed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.submit.commands import vesalius
from vesalius.cli import app

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "clusters.md").read_text()
LINES = [line for block in re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()]
OURS = [line for line in LINES if "vesalius" in line and not line.startswith("pip ")]


@pytest.mark.parametrize("line", OURS)
def test_a_line_of_the_page(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)
    if words[:2] == ["vesalius", "submit"]:
        dry = [] if "--dry-run" in words else ["--dry-run"]
        code, out, err = vesalius(*words[1:3], *dry, *words[3:])
        assert code == 0, err
        assert out
        return
    assert words[0] in ("torchrun", "srun")
    app.parse_args(words[words.index("vesalius.cli") + 1 :], exit_on_error=False, print_error=False)


def test_nothing_else_is_there() -> None:
    others = {line.split()[0] for line in LINES if line not in OURS}
    assert others <= {"pip", "az"}
    assert len(OURS) >= 6


def test_every_option_has_its_word() -> None:
    for name in ("slurm", "azureml"):
        for argument in app["submit"][name].assemble_argument_collection():
            if argument.name.startswith("--"):
                assert re.search(rf"{re.escape(argument.name)}\b", PAGE), f"docs/clusters.md does not say {argument.name}"
