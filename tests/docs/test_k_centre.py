"""The benchmarks of k-centre, small, and what their proof steps read in them."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from benchmarks import k_centre, k_centre_memory
from docs.proofs import issue_7
from docs.prove import Outcome


def outcome(module, words: list[str], monkeypatch: pytest.MonkeyPatch, capfd) -> Outcome:
    monkeypatch.setattr(sys, "argv", ["it", *words])
    module.main()
    told = capfd.readouterr()
    return Outcome(0, told.out, told.err, 1.0)


def test_the_loops_and_ours_choose_the_same(monkeypatch, capfd) -> None:
    words = ["--points", "600", "--dim", "16", "--picks", "30", "--threads", "1"]
    found = outcome(k_centre, words, monkeypatch, capfd)
    assert [row["same_picks"] for row in found.lines] == [1.0, 1.0, 1.0]
    lines = issue_7.k_centre(found)
    assert len(lines) == 12
    for row in found.lines:
        assert row["cover_radius"]["ours"] == row["cover_radius"]["loop"] < row["cover_radius"]["random"]
        assert row["min_pair"]["ours"] > row["min_pair"]["random"]


@pytest.mark.parametrize("kind", list(k_centre.KINDS))
def test_both_loops_are_the_same(kind: str) -> None:
    x = k_centre.KINDS[kind](np.random.default_rng(0), 300, 12)
    assert k_centre.in_numpy(x, 40, 5) == k_centre.in_torch(x, 40, 5)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_from_a_file(dtype: str, monkeypatch, capfd) -> None:
    words = ["--points", "800", "--dim", "16", "--picks", "20", "--dtype", dtype, "--threads", "1"]
    lines = issue_7.k_centre_memory(outcome(k_centre_memory, words, monkeypatch, capfd))
    assert [line.verdict for line in lines[1:]] == ["pass"] * 2
    assert lines[0].figure.endswith(" GiB")  # of this process, which other tests have filled
