"""The page on volumes: its commands and its code are run on small heads, its numbers are those of the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.coverage.command_line import vesalius
from tests.trees.series import save, slices
from tests.volumes import LABELS, head, write_tree
from vesalius.data.readers.volume import read_volume

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "volumes.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_commands_and_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path / "labelled", 2, side=16)
    write_tree(tmp_path, 2, side=16, labels=False)
    (tmp_path / "imagesTr").rename(tmp_path / "scans")
    image, _, affine = head((12, 12, 8))
    for number in range(2):
        save(tmp_path / "dicoms" / str(number), slices(image, affine, series=number, patient=str(number)))
    for line in "\n".join(blocks("bash")).splitlines():
        done = vesalius(*shlex.split(line)[1:])
        assert done.code == 0, f"{line}\n{done.said}"
    assert ",".join(LABELS) in PAGE
    known: dict[str, Any] = {}
    exec(compile("\n".join(blocks("python")), "volumes.md", "exec"), known)
    written, scan = read_volume("labels.nii.gz"), read_volume("scans/case_000.nii.gz")
    assert np.array_equal(written.affine, scan.affine)
    assert written.values.shape == scan.values.shape
    found = written.values > 0
    assert np.mean(scan.values[found] >= 400) > 0.75
