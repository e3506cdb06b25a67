"""``vesalius data index`` of volumes: stored ahead by the plan that a job will ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import volumes
from vesalius.cli import main
from vesalius.data import store
from vesalius.data.dataset import resolve
from vesalius.data.planning import planned
from vesalius.terminal import Terminal


def _call(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return int(ended.value.code or 0)


@pytest.fixture
def scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return volumes.write_tree(tmp_path / "scans", 3, side=16, labels=False) / "imagesTr"


def test_by_the_plan_of_the_data(scans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _call("data", "index", scans) == 0
    assert "3 volumes" in capsys.readouterr().out
    table = resolve(str(scans), terminal=Terminal(quiet=True))
    assert len(store.open(table, planned(table).plan)) == 3, "what a job opens"
    assert _call("data", "list") == 0
    assert "2 x 2 x 3 mm" in capsys.readouterr().out
    assert _call("data", "prune", "--dataset", scans) == 0
    assert store.inspect() == []


def test_by_a_plan_that_was_written_down(scans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("blosc2")
    assert _call("data", "plan", scans) == 0
    printed = capsys.readouterr().out
    Path("plan.yaml").write_text("data:\n  plan: {spacing: [4, 4, 4], foreground: nonzero}\n")
    assert "data:" in printed
    assert _call("data", "index", scans, "--plan", "plan.yaml", "--codec", "blosc2") == 0
    (info,) = store.inspect()
    assert info.size == "4 x 4 x 4 mm"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", "64"), "--size is for images"),
        (("--window", "none"), "--window is for images"),
        (("--plan", "none.yaml"), "none.yaml could not be read"),
        (("--plan", "bare.yaml"), "has no data.plan"),
    ],
)
def test_refusals(words: tuple[str, ...], said: str, scans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bare.yaml").write_text("epochs: 3\n")
    assert _call("data", "index", scans, *words) == 2
    assert said in " ".join(capsys.readouterr().err.split())
