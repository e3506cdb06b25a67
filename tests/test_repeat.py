"""Runs of every verb done again from their record: equal to the bit, or refused by name."""

from __future__ import annotations

import importlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

import vesalius
from tests.coverage.command_line import vesalius as ran
from tests.docs.commands import fenced
from tests.recipes.tiny import blobs, images, tiny
from vesalius.errors import UserError
from vesalius.repeat import Repeated, repeat


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache for all: ids of images of one's own depend on the key in it."""
    folder = tmp_path_factory.mktemp("repeat")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def data(place: Path) -> Path:
    return blobs(place)


@pytest.fixture(scope="module")
def trained(place: Path, data: Path) -> Path:
    return vesalius.pretrain(tiny(data, steps=2), out=place / "trained", quiet=True).path


@pytest.fixture(autouse=True)
def _runs(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(place / "cache"))
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))


def again(run: Path, out: Path) -> Repeated:
    found = repeat(run, out=out, quiet=True)
    assert found.path == out
    assert found.same, found.rows
    assert not found.warnings
    return found


def kinds(found: Repeated) -> set[str]:
    return {row.what for row in found.rows}


def test_a_pretraining_repeats_to_the_bit(trained: Path, tmp_path: Path) -> None:
    found = again(trained, tmp_path / "again")
    assert {"configuration", "data and encoders as given", "encoder", "metrics", "results"} <= kinds(found)
    facts = json.loads((trained / "run.json").read_text())
    assert facts["made_from"]["data"].keys() == {"train", "monitor"}
    assert all(len(digest) == 32 for one in facts["made_from"]["data"].values() for digest in one.values())
    assert {"scipy", "pandas", "torch"} <= facts["versions"].keys()
    assert {"processor", "threads", "kernels"} <= facts["hardware"].keys()


def test_a_run_that_was_gone_on_with_repeats_to_the_bit(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("vesalius.pretrain")

    def killed(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(module, "finish", killed)
        with pytest.raises(RuntimeError):
            vesalius.pretrain(tiny(data, steps=2), out=tmp_path / "run", quiet=True)
    vesalius.pretrain(resume=tmp_path / "run", quiet=True)
    again(tmp_path / "run", tmp_path / "again")


def test_a_fine_tuning_repeats_to_the_bit(trained: Path, data: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {"encoder": str(trained), "data.train": str(data), "threads": 1, "steps": 2, "encoder.freeze": False}
    run = vesalius.finetune("classifier", out=tmp_path / "run", quiet=True, **given)
    assert {"encoder", "rows of images", "metrics", "results"} <= kinds(again(run.path, tmp_path / "again"))


def test_embeddings_repeat_to_the_bit_wherever_they_were_written(trained: Path, data: Path, tmp_path: Path) -> None:
    inside = vesalius.embed(str(trained), str(data), quiet=True)
    assert {"rows of images", "results"} <= kinds(again(inside.path, tmp_path / "again"))
    shutil.copytree(trained, tmp_path / "runs" / "newest")
    facts = json.loads((trained / "run.json").read_text())
    (tmp_path / "runs" / "newest" / "run.json").write_text(json.dumps({**facts, "id": "newest", "started": "9"}))
    outside = vesalius.embed("latest", str(data), out=tmp_path / "vectors.npy", quiet=True)
    assert yaml.safe_load((outside.path / "config.yaml").read_text())["encoder"] == "newest", "latest is recorded as the run that it meant"
    again(outside.path, tmp_path / "second")


def test_an_evaluation_repeats_to_the_bit(trained: Path, data: Path, tmp_path: Path) -> None:
    run = vesalius.evaluate("knn", encoder=str(trained), data=str(data), out=tmp_path / "run", quiet=True, replicates=100)
    assert {"weights and tensors", "results", "tables"} <= kinds(again(run.path, tmp_path / "again"))
    facts = json.loads((run.path / "run.json").read_text())["made_from"]
    assert facts["data"]["blobs"].keys() == {"table", "pixels"}
    assert len(facts["encoders"]) == 1


def test_a_selection_repeats_to_the_bit(trained: Path, tmp_path: Path) -> None:
    data, written = images(tmp_path / "images", 12, 1), [f"csv={tmp_path}/s.csv"]
    run = vesalius.select(encoder=str(trained), data=str(data), n=3, out=tmp_path / "run", write=written, quiet=True)
    (tmp_path / "s.csv").unlink()
    assert {"selected images", "vectors", "results"} <= kinds(again(run.path, tmp_path / "again"))
    assert not (tmp_path / "s.csv").exists(), "a repetition writes nothing outside of its run"


def test_the_command_of_the_page_prints_its_table_and_leaves_with_0(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(trained, tmp_path / "runs" / "first")
    monkeypatch.chdir(tmp_path)
    (shell, line), (_, table) = fenced((Path(__file__).resolve().parents[1] / "docs" / "repeat.md").read_text())
    assert shell == "bash"
    done = ran(*line.split()[1:], out=tmp_path / "again")
    assert done.code == 0, done.said
    printed = [row.split("\t")[0] for row in done.said.splitlines() if row.endswith("\tsame")]
    assert [row.split("\t")[0] for row in table.splitlines()[1:]] == printed
    assert re.search(r"\nencoder\t\d+\tsame\n", done.said), done.said
    assert done.said.rstrip().endswith(str(tmp_path / "again"))


def test_what_differs_is_named_and_leaves_with_1(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vesalius import repeat as module

    verb = module._VERBS["pretrain"]

    def another(run: Path, out: Path | None, quiet: bool) -> Path:
        return vesalius.pretrain({**module._recipe(run), "seed": 9}, out=out, quiet=quiet).path

    monkeypatch.setitem(module._VERBS, "pretrain", module._Verb(verb.origin, another))
    done = ran("runs", "repeat", str(trained), out=tmp_path / "again")
    assert done.code == 1
    assert "configuration\t1\tdifferent: seed" in done.said
    assert re.search(r"\nencoder\t\d+\tdifferent: .*encoder.safetensors", done.said), done.said


def test_another_data_set_is_refused_by_name(data: Path, tmp_path: Path) -> None:
    folder = images(tmp_path / "images", 8, 1)
    run = vesalius.pretrain({**tiny(folder, steps=1, batch_size=4), "data": {"train": str(folder)}}, out=tmp_path / "run", quiet=True)
    Image.new("L", (20, 20), 7).save(folder / "0003.png")
    with pytest.raises(UserError, match=r"the data set train \(the images themselves\) changed"):
        repeat(run.path, out=tmp_path / "again", quiet=True)
    (folder / "0003.png").unlink()
    with pytest.raises(UserError, match=r"train \(its ids, labels or splits, the images themselves\) changed"):
        repeat(run.path, out=tmp_path / "again", quiet=True)
    assert not (tmp_path / "again").exists()


def test_another_encoder_is_refused_by_name(trained: Path, data: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "copy")
    run = vesalius.embed(str(tmp_path / "copy"), str(data), quiet=True)
    other = vesalius.pretrain(tiny(data, steps=1, seed=5), out=tmp_path / "other", quiet=True)
    for name in ("encoder.safetensors", "encoder.json"):
        shutil.copy(other.path / name, tmp_path / "copy" / name)
    with pytest.raises(UserError, match="the encoder encoder changed"):
        repeat(run.path, quiet=True)


def test_an_edited_file_of_views_is_refused_by_name(data: Path, tmp_path: Path) -> None:
    recipe, views = tiny(data, steps=1), tmp_path / "mine.yaml"
    views.write_text(yaml.safe_dump(recipe["views"]))
    run = vesalius.pretrain({**recipe, "views": str(views)}, out=tmp_path / "run", quiet=True)
    views.write_text(views.read_text().replace("0.4", "0.5"))
    with pytest.raises(UserError, match=r"cannot be repeated: mine\.yaml \(views\) changed since"):
        repeat(run.path, out=tmp_path / "again", quiet=True)


def test_doctored_and_incomplete_records_are_refused(trained: Path, tmp_path: Path) -> None:
    def refused(words: str, change: Any) -> None:
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        shutil.copytree(trained, tmp_path / "run")
        change(tmp_path / "run")
        with pytest.raises(UserError, match=words):
            repeat(tmp_path / "run", out=tmp_path / "again", quiet=True)

    def write(name: str, old: str, new: str) -> Any:
        def change(run: Path) -> None:
            text = (run / name).read_text()
            assert old in text
            (run / name).write_text(text.replace(old, new, 1))

        return change

    refused("config.yaml of run is not the one", write("config.yaml", "steps: 2", "steps: 3"))
    refused("metrics.jsonl of run is not what the run wrote", write("metrics.jsonl", '"step": 2', '"step": 1'))
    refused("recorded no hardware", write("run.json", '"hardware"', '"metal"'))
    refused("recorded no made.json", lambda run: (run / "made.json").unlink())
    refused("is failed: only a run that is done", write("run.json", '"state": "done"', '"state": "failed"'))
    refused("made by predict; what can be repeated", write("run.json", '"verb": "pretrain"', '"verb": "predict"'))
    refused("made by 2 process", write("run.json", '"world": 1', '"world": 2'))


def test_other_versions_are_named(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "run")
    file = tmp_path / "run" / "run.json"
    facts = json.loads(file.read_text())
    facts["versions"] |= {"numpy": "1.0", "gone": "3"}
    file.write_text(json.dumps(facts))
    found = repeat(tmp_path / "run", out=tmp_path / "again", quiet=True)
    assert found.same
    assert [warning.partition(",")[0] for warning in found.warnings] == ["numpy 1.0", "gone 3"]
