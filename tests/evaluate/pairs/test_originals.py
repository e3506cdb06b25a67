"""What ``compat: ssl-medicalimaging`` asks of the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.sources.native import npz
from tests.trees import chexpert, transfer
from vesalius.data.references import resolve
from vesalius.data.shuffled import SAID
from vesalius.evaluate.config import EvaluateConfig
from vesalius.evaluate.pairs import originals
from vesalius.terminal import Terminal


@pytest.mark.parametrize(("protocols", "policy"), [(["few-shot"], "ones"), (["linear"], "zeros"), (["few-shot", "linear"], "zeros")])
def test_uncertain_labels_are_what_its_protocols_took_them_for(protocols: list[str], policy: str, tmp_path: Path) -> None:
    reference = f"chexpert@{chexpert.write(tmp_path, 6, side=8)}"
    assert originals.wanted(reference, EvaluateConfig(protocols=protocols)) == {"filter": "all", "uncertain": policy}
    said = EvaluateConfig(protocols=protocols, filter="view=frontal", uncertain="soft")
    assert originals.wanted(reference, said) == {"filter": "view=frontal", "uncertain": "soft"}
    assert originals.wanted(f"stoic@{tmp_path}", EvaluateConfig(protocols=protocols)) == {"filter": None, "uncertain": None}


def test_other_data_keep_their_own_division(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    npz(tmp_path / "pneumoniamnist_224.npz", (16, 16))
    reference = f"medmnist@{tmp_path}:pneumoniamnist_224"
    table = resolve(reference)
    assert originals.divided(table, reference, Terminal()) is table
    assert "none of the sets of Anton et al." in capsys.readouterr().err
    amd = resolve(f"ichallenge_amd@{transfer.amd(tmp_path / 'amd')}")
    assert SAID in originals.divided(amd, "ichallenge_amd", Terminal(quiet=True)).warnings


def test_a_task_that_is_named_is_kept(tmp_path: Path) -> None:
    reference = f"ichallenge_pm@{transfer.pm(tmp_path)}:myopia"
    found = originals.divided(resolve(reference), reference, Terminal(quiet=True))
    assert found.require_task().name == "myopia"
