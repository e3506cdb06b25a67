"""The page on the store of volumes: its commands and its code are run on small CT phantoms."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.coverage.command_line import vesalius
from tests.trees.phantoms import abdomen
from tests.volumes import write
from vesalius.data import store
from vesalius.data.volumes.codec import _BLOCK
from vesalius.data.volumes.foreground import POINTS
from vesalius.data.volumes.statistics import QUANTILES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "volumes-store.md").read_text(encoding="utf-8")


def test_the_commands_and_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("blosc2")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    for number in range(2):
        image, _, affine = abdomen((40, 40, 10), number, spacing=(1.6, 1.6, 6.0))
        write(tmp_path / f"scans/{number}.nii.gz", image, affine)
    (block,) = re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines():
        done = vesalius(*shlex.split(line)[1:])
        assert done.code == 0, f"{line}\n{done.said}"
        if "data plan" in line:
            (tmp_path / "plan.yaml").write_text(done.said[done.said.index("data:\n") :])
    assert store.inspect() == []
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    known: dict[str, Any] = {}
    exec(compile(code, "volumes-store.md", "exec"), known)
    assert known["seen"].shape == (1, 1, 1, 8, 8, 8)
    assert known["points"].shape == (1, POINTS, 3)


def test_the_pages_numbers() -> None:
    assert f"{POINTS:,} voxels" in PAGE
    assert f"blocks of {_BLOCK}³" in PAGE
    assert "percentiles 0, 0.1, ... 100" in PAGE
    assert len(QUANTILES) == 1001
