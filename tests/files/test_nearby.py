"""A path with a slip in it: what stands beside it under a like name."""

from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.files import near


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("digit", "digits"), ("digits/", "digits"), ("Digits", "digits"), ("./runs/our", "./runs/ours"),
        ("runs/theirs-entirely", None), ("gone/ours", None), ("x\0y", None),
    ],
)
def test_the_nearest_name_as_it_was_written(given: str, meant: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("digits", "runs/ours", "runs/.ours-hidden"):
        (tmp_path / name).mkdir(parents=True)
    assert near(given) == ([] if meant is None else [meant])
