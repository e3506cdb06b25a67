"""Going on with a run: the right verb, nothing else than it was started with, and why it ended."""

import importlib
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import BaseModel

import vesalius
from tests.recipes.tiny import images, tiny
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


@pytest.mark.parametrize(("were", "now", "command"), [(2, 1, "torchrun --nproc_per_node 2 --no-python vesalius"), (1, 2, ": vesalius")])
def test_as_many_processes_go_on_as_began(run: Run, monkeypatch: pytest.MonkeyPatch, were: int, now: int, command: str) -> None:
    run.record(world=were)
    monkeypatch.setenv("WORLD_SIZE", str(were))
    assert run_to_resume(run.path, "pretrain").path == run.path
    monkeypatch.setenv("WORLD_SIZE", str(now))
    with pytest.raises(UserError, match=rf"by {were} process\(es\), .* here (is|are) {now}\. Start as many.*{command} pretrain --resume {run.path}"):
        run_to_resume(run.path, "pretrain")
    run.finish("done")
    assert run_to_resume(run.path, "pretrain").path == run.path, "which is only said to be done"


def test_a_file_that_was_edited_is_named(tmp_path: Path) -> None:
    views = tmp_path / "mine.yaml"
    views.write_text("global: 2")
    run = Run.create("pretrain", "x", {"views": str(views)}, tmp_path / "run")
    assert run_to_resume(run.path, "pretrain").path == run.path
    views.write_text("global: 3")
    with pytest.raises(UserError, match=r"exactly as it was started, but mine\.yaml \(views\) changed since"):
        run_to_resume(run.path, "pretrain")


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


class Killed(BaseException):
    """As a kill, it leaves no time for anything."""


def killed(*_: Any, **__: Any) -> None:
    raise Killed


def two_classes(data: Path) -> Path:
    for seed, name in enumerate("ab"):
        images(data / name, 12, seed=seed)
    return data


def one_more(data: Path) -> None:
    shutil.copy(data / "a" / "0000.png", data / "b" / "more.png")


def painted_over(data: Path) -> None:
    Image.new("RGB", (20, 20), "red").save(data / "a" / "0003.png")


def other_label(data: Path) -> None:
    (data / "a" / "0003.png").rename(data / "b" / "moved.png")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (one_more, r"train \(its ids, labels or splits, .*\) and the data set monitor \(its ids.*"),
        (other_label, r"train \(its ids, labels or splits, .*\) and the data set monitor \(its ids.*"),
        (painted_over, r"train \(the images themselves\).*monitor \(the images themselves\)"),
    ],
)
def test_a_pretraining_goes_on_with_the_images_it_was_started_with_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], change: Any, said: str
) -> None:
    data, out = two_classes(tmp_path / "images"), tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(importlib.import_module("vesalius.pretrain"), "finish", killed)
        with pytest.raises(Killed):
            vesalius.pretrain(tiny(data, steps=2, batch_size=8), out=out, quiet=True)
    shutil.copytree(data, tmp_path / "before")
    change(data)
    with pytest.raises(UserError, match=f"exactly as it was started, but the data set {said} changed since. Give back") as error:
        vesalius.pretrain(resume=out, quiet=True)
    assert "VESALIUS_CACHE" not in str(error.value), "the key is another on another machine only"
    shutil.rmtree(data)
    shutil.copytree(tmp_path / "before", data)
    Run.open(out).record(versions={**Run.open(out).facts()["versions"], "numpy": "1.0"})
    vesalius.pretrain(resume=out)
    assert "Other than when the run was started: numpy 1.0, here" in capsys.readouterr().err
    assert Run.open(out).facts()["state"] == "done"


def test_a_fine_tuning_goes_on_with_the_labels_it_was_started_with_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, out = two_classes(tmp_path / "images"), tmp_path / "run"
    given: dict[str, Any] = {"encoder.width": 0.0625, "encoder.stem": "small", "encoder.size": 16, "data.train": str(data), "threads": 1}
    with monkeypatch.context() as patch:
        patch.setattr(importlib.import_module("vesalius.finetune"), "_work", killed)
        with pytest.raises(Killed):
            vesalius.finetune("classifier", encoder="resnet18", out=out, quiet=True, **given)
    other_label(data)
    with pytest.raises(UserError, match=r"the data set train \(its ids, labels or splits, the images themselves\) changed since"):
        vesalius.finetune(resume=out, quiet=True)
    (data / "b" / "moved.png").rename(data / "a" / "0003.png")
    vesalius.finetune(resume=out, quiet=True)
    assert Run.open(out).facts()["state"] == "done"
