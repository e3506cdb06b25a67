"""The machinery of proof: a step that fails says so, what was not run is not passed, and work goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from docs.proofs import issue_2
from docs.prove import FAIL, NOT_RUN, PASS, Line, Outcome, Step

from docs import prove


def outcome(**fields: Any) -> Outcome:
    return Outcome(**{"code": 0, "out": "", "err": "", "seconds": 1.0, **fields})


@pytest.mark.parametrize(
    ("counts", "code", "verdict"),
    [
        ({"passed": 5, "failed": 0, "skipped": 0}, 0, PASS),
        ({"passed": 5, "failed": 1, "skipped": 0}, 1, FAIL),
        ({"passed": 5, "failed": 0, "skipped": 0}, 2, FAIL),
        ({"passed": 1, "failed": 0, "skipped": 0}, 0, NOT_RUN),
        ({"passed": 3, "failed": 0, "skipped": 9}, 0, NOT_RUN),
        ({}, 4, NOT_RUN),
    ],
)
def test_tests_pass_only_when_enough_ran(counts: dict[str, int], code: int, verdict: str) -> None:
    step = prove.by_tests("name", "claim", "tests/nothing", least=2)
    assert step.check(outcome(tests=counts, code=code))[0].verdict == verdict


def _training(d: float, knn: float) -> str:
    row = lambda speed, value: {"speed": [speed] * 3, "outside": [0.05] * 3, "equal_epochs": [value] * 3, "equal_time": [value] * 3}  # noqa: E731
    rows = {"a": row(100.0, 0.7), "b": row(110.0, 0.7), "c": row(150.0, 0.7), "d": row(d, knn)}
    baselines = {name: [0.6, 0.5, 0.7] for name in ("random initialisation", "raw pixels", "pixel PCA")}
    return json.dumps({"name": "SimCLR training, table", "rows": rows, "baselines": baselines, "bf16": [False] * 3})


def test_the_training_bars_are_checked_one_by_one() -> None:
    good = issue_2.training(outcome(out=_training(310.0, 0.75)))
    assert {line.verdict for line in good} == {PASS}
    slow = issue_2.training(outcome(out=_training(290.0, 0.75)))
    assert [line.claim for line in slow if line.verdict == FAIL] == ["Training: ours (d) over the peer (a), images/s, at least 3 times"]
    worse = issue_2.training(outcome(out=_training(310.0, 0.55)))
    assert sum(line.verdict == FAIL for line in worse) == 4
    assert all("bf16" in line.note for line in good)


@pytest.mark.parametrize(
    ("mine", "verdict", "said"),
    [
        ([0.79], FAIL, "1 seed(s)"),
        ([0.80], PASS, "1 seed(s)"),
        ([0.79, 0.80, 0.81], PASS, "+0.0 points (-2.5 to +2.5), not told apart"),
        ([0.789, 0.79, 0.791], FAIL, "-1.0 points (-1.2 to -0.8)"),
        ([0.809, 0.81, 0.811], PASS, "+1.0 points (+0.8 to +1.2)"),
    ],
)
def test_no_worse_is_judged_over_seeds(mine: list[float], verdict: str, said: str) -> None:
    line = issue_2.no_worse("claim", mine, [0.8] * len(mine), "")
    assert line.verdict == verdict
    assert line.figure.endswith(said)


def test_a_bar_is_held_or_not() -> None:
    line = {"name": "views alone, 32 px", "ratio": 9.9, "shares": {"crop": 0.4}}
    assert [found.verdict for found in issue_2.views("views alone, 32 px", 10)(outcome(out=json.dumps(line)))] == [FAIL, PASS]
    times = "\n".join(json.dumps({"name": n, "ours": s}) for n, s in (("vesalius --help", 0.39), ("import vesalius", 0.31)))
    assert [found.verdict for found in issue_2.start(outcome(out=times))] == [PASS, FAIL]


def test_output_that_cannot_be_read_fails(tmp_path: Path) -> None:
    step = Step("odd", ("python", "-c", "print('hello')"), issue_2.loss)
    kept = prove.record(step, prove.run(step))
    assert kept["lines"][0]["verdict"] == FAIL
    assert "hello" in kept["end"]
    gone = Step("gone", ("no-such-program",), issue_2.loss)
    assert prove.record(gone, prove.run(gone))["lines"][0]["verdict"] == NOT_RUN


def test_tests_are_taken_from_a_run_of_the_whole_suite(tmp_path: Path) -> None:
    cases = {
        ("tests.views.test_crop", "test_one[moco]"): "", ("tests.views.test_crop", "test_two"): "<skipped message='no data'/>",
        ("tests.views.deep.test_hole", "test_three"): "<failure/>", ("tests.viewsbeside.test_x", "test_moco"): "",
    }  # fmt: skip
    junit = tmp_path / "junit.xml"
    text = "".join(f"<testcase classname='{module}' name='{name}' time='2'>{end}</testcase>" for (module, name), end in cases.items())
    junit.write_text(f"<testsuites><testsuite>{text}</testsuite></testsuites>")

    def counts(*words: str) -> dict[str, int]:
        found = prove.of_suite(prove.by_tests("name", "claim", *words), junit)
        assert found is not None
        return found.tests

    assert counts("tests/views") == {"passed": 1, "failed": 1, "skipped": 1}
    assert counts("tests/views/test_crop.py") == {"passed": 1, "failed": 0, "skipped": 1}
    assert counts("tests/views", "--ignore=tests/views/deep") == {"passed": 1, "failed": 0, "skipped": 1}
    assert counts("tests/views", "-k", "mae or moco") == {"passed": 1, "failed": 0, "skipped": 0}
    assert prove.of_suite(prove.by_tests("name", "claim", "tests", env=(("VESALIUS_KILLS", "20"),)), junit) is None
    assert prove.of_suite(Step("demo", ("vesalius", "demo"), issue_2.demo), junit) is None


def test_work_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = tmp_path / "count"
    command = ("python", "-c", f"open({str(count)!r}, 'a').write('x')")
    step = Step("one", command, lambda _: [Line("a | claim", "fine", PASS, 2.5)])
    later = Step("two", command, lambda _: [Line("another", "bad", FAIL)])
    monkeypatch.setattr(prove, "FOLDER", tmp_path)
    monkeypatch.setattr(prove, "ROOT", tmp_path)
    monkeypatch.setattr(issue_2, "steps", lambda: [step, later])

    def go(*words: str) -> int:
        monkeypatch.setattr("sys.argv", ["prove", "2", *words])
        with pytest.raises(SystemExit) as left:
            prove.main()
        return int(left.value.code or 0)

    assert go("--only", "one") == 0
    assert "0 fail, 1 were not run" in (tmp_path / "2.md").read_text()
    assert go() == 1
    assert go() == 1
    assert count.read_text() == "xx"
    text = (tmp_path / "2.md").read_text()
    assert "a \\| claim" in text
    assert "1 lines pass, 1 fail, 0 were not run" in text
    assert go("--again", "one") == 1
    assert count.read_text() == "xxx"


def test_every_step_names_what_exists() -> None:
    names = [step.name for step in issue_2.steps()]
    assert len(set(names)) == len(names)
    missing = [w for step in issue_2.steps() for w in step.command if w.endswith(".py") and not w.startswith("--") and not (prove.ROOT / w).exists()]
    assert set(missing) <= {"tests/reliability/test_torchrun.py"}
