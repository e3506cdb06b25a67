"""Going on with a run: the right verb, nothing else than it was started with, and why it ended."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from vesalius.errors import NoRoom, Preempted, UserError
from vesalius.recipes.resuming import configured, noted, run_to_resume
from vesalius.runs import Run


class Small(BaseModel):
    a: int = 1
    device: str = "auto"
    plugins: list[str] = []


def load(recipe: Any, changes: Any) -> tuple[Small, list[str]]:
    return Small(**{**recipe, **changes}), ["said"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create("pretrain", "x", {"a": 3, "plugins": []}, tmp_path / "run")


def test_only_the_verbs_own_runs(run: Run) -> None:
    assert run_to_resume(run.path, "pretrain").path == run.path
    with pytest.raises(UserError, match=r"was made by pretrain; .* name a run of finetune"):
        run_to_resume(run.path, "finetune")


def test_a_run_goes_on_as_it_was_started(run: Run) -> None:
    assert configured(load, None, {}, run)[0].a == 3
    assert configured(load, None, {"device": "cpu"}, run)[0].device == "auto", "it may be named, and the run's own stands"
    assert configured(load, {"a": 3}, {}, run)[0].a == 3
    with pytest.raises(UserError, match=r"exactly as it was started, but a would differ"):
        configured(load, None, {"a": 4}, run)


def test_a_new_run_needs_a_recipe() -> None:
    assert configured(load, {"a": 2}, {}, None) == (Small(a=2), ["said"])
    with pytest.raises(UserError, match="Name a recipe"):
        configured(load, None, {}, None)


@pytest.mark.parametrize(("error", "state"), [(Preempted("x"), "preempted"), (ValueError("x"), "failed"), (KeyboardInterrupt(), "failed")])
def test_why_it_ended_is_written_down(run: Run, error: BaseException, state: str) -> None:
    with pytest.raises(type(error)), noted(run, True):
        raise error
    assert run.facts()["state"] == state


def test_inside_it_is_running(run: Run) -> None:
    with noted(run, True):
        assert run.facts()["state"] == "running"


def test_other_ranks_write_nothing_and_a_full_disk_says_how_to_go_on(run: Run) -> None:
    before = run.facts()
    with pytest.raises(NoRoom, match=f"go on with --resume {run.path}"), noted(run, False):
        raise NoRoom("The disk is full: free space and run the same command again.")
    assert run.facts() == before
