"""The whole job through the verb."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.recipes.tiny import images
from tests.select.jobs import encoder, folder, job
from tests.volumes import head, write
from vesalius.encoders import build_encoder, save_encoder
from vesalius.errors import UserError
from vesalius.select import journey
from vesalius.select.verb import Selection, dataset_of, fields_of, select


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoder(tmp_path_factory.mktemp("encoders") / "one")


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))


def test_it_selects_by_name_and_keeps_ids(data: Path, network: Path, tmp_path: Path) -> None:
    done = job(data, network, write=[f"filenames={tmp_path / 'names.txt'}"])
    assert len(set(done.names)) == 8
    assert all((data / name).is_file() for name in done.names)
    assert not {"broken.png", "copy.png"} <= set(done.names)
    assert (tmp_path / "names.txt").read_text().split() == done.names
    table = done.table
    assert table["order"].tolist() == list(range(1, 9))
    assert table["nearest"].isna().tolist() == [True] + [False] * 7
    written = "".join(p.read_text(errors="ignore") for p in done.path.rglob("*") if p.is_file() and p.suffix in (".json", ".csv", ".html", ".txt"))
    assert "0003.png" not in written
    assert done.results["kind"] == "select"
    assert (done.path / "report.html").is_file()


def test_what_is_broken_or_twice_is_said_by_name(data: Path, network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = job(data, network, quiet=False)
    said = capsys.readouterr().err
    assert "broken.png" in said
    assert "copy.png" in said
    assert len(json.loads((done.path / "left_out.json").read_text())) == 1
    assert len(json.loads((done.path / "duplicates.json").read_text())) == 1
    assert done.results["pool"] == 30


def test_the_order_of_files_changes_nothing(data: Path, network: Path, tmp_path: Path) -> None:
    names = sorted(p.name for p in data.glob("0*.png"))
    chosen = []
    for seed in range(2):
        listed = tmp_path / f"{seed}.csv"
        pd.DataFrame({"uri": np.random.default_rng(seed).permutation(names)}).to_csv(listed, index=False)
        shutil.copytree(data, tmp_path / f"data{seed}")
        listed.rename(tmp_path / f"data{seed}" / "list.csv")
        chosen.append(job(tmp_path / f"data{seed}" / "list.csv", network, strategy=["diversity", "random"]).names)
    assert chosen[0] == chosen[1]


def test_a_job_that_is_done_does_nothing_again_and_writes_what_is_asked(
    data: Path, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = job(data, network)

    def never(*args: Any, **rest: Any) -> Any:
        raise AssertionError("done before")

    monkeypatch.setattr(journey, "choose", never)
    monkeypatch.setattr(journey.embedded, "vectors_of", never)
    again = select(resume=first.path, write=[f"csv={tmp_path / 'late.csv'}"], quiet=True)
    assert again.names == first.names
    assert len(pd.read_csv(tmp_path / "late.csv")) == 8


def test_a_job_that_is_done_stands_whatever_becomes_of_its_images(data: Path, network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(data, tmp_path / "moving")
    first = job(tmp_path / "moving", network)
    images(tmp_path / "moving" / "new", 2, seed=9)
    others = [p for p in (tmp_path / "moving").glob("0*.png") if p.name not in first.names]
    others[0].unlink()
    again = select(resume=first.path, write=[f"filenames={tmp_path / 'late.txt'}"])
    assert again.names == first.names
    assert "2 images have come since" in capsys.readouterr().err
    (tmp_path / "moving" / first.names[0]).unlink()
    with pytest.raises(UserError, match="1 of the 8 images of this selection are not among the data any more"):
        select(resume=first.path, quiet=True)
    assert json.loads((first.path / "run.json").read_text())["state"] == "done"


def test_an_interrupted_job_goes_on_after_the_stages_that_are_done(data: Path, network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = job(data, network)
    with monkeypatch.context() as patch:
        patch.setattr(journey, "choose", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            job(data, network)
    monkeypatch.setattr(journey.embedded, "vectors_of", lambda *_: pytest.fail("embedded again"))
    done = select(resume="latest", quiet=True)
    assert done.names == whole.names
    assert done.path != whole.path


def test_a_job_goes_on_as_it_was_started(data: Path, network: Path) -> None:
    first = job(data, network)
    with pytest.raises(UserError, match="exactly as it was started, but seed"):
        select(resume=first.path, seed=7, quiet=True)


def test_a_list_of_what_is_selected_counts(data: Path, network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = job(data, network)
    (tmp_path / "before.txt").write_text("\n".join([*first.names[:4], "gone.png"]))
    rest = job(data, network, n=4, preselected=str(tmp_path / "before.txt"), quiet=False)
    assert rest.names == first.names[4:]
    assert "gone.png" in capsys.readouterr().err


def test_rounds_of_a_datapool_choose_nothing_twice(data: Path, network: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "growing")
    first = job(tmp_path / "growing", network, dataset="growing", **{"datapool.use": True})
    with pytest.raises(UserError, match="has looked at all"):
        job(tmp_path / "growing", network, dataset="growing", **{"datapool.use": True})
    again = job(tmp_path / "growing", network, dataset="growing", **{"datapool.use": True, "datapool.process_all": True})
    assert not set(first.names) & set(again.names)
    whole = job(tmp_path / "growing", network, n=16)
    assert first.names + again.names == whole.names
    assert [row["selected"] for row in again.results["datapool"]] == [8, 8]


def test_a_round_gone_on_with_begins_from_the_rounds_before_it(data: Path, network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(journey, "describe", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            job(data, network, dataset="cut", **{"datapool.use": True})
    done = select(resume="latest", quiet=True)
    assert done.names == job(data, network).names
    assert len(done.results["datapool"]) == 1


def test_vanished_members_keep_their_vectors_and_another_encoder_is_refused(data: Path, network: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "going")
    use = {"dataset": "going", "datapool.use": True, "datapool.process_all": True}
    first = job(tmp_path / "going", network, n=4, **use)
    (tmp_path / "going" / first.names[0]).unlink()
    second = job(tmp_path / "going", network, n=4, **use)
    assert second.names == job(data, network, n=8).names[4:]
    with pytest.raises(UserError, match="another encoder"):
        job(tmp_path / "going", encoder(tmp_path / "other", 1), n=4, **use)


def test_too_many_none_and_unknown_are_one_paragraph(data: Path, network: Path, tmp_path: Path) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"n": 31}, "31 images are asked for, and there are 30"),
        ({"strategy": "diversty"}, "diversity"),
        ({"write": ["cvs=x"]}, "csv"),
        ({"encoder": None, "dataset": "nobody"}, "timm:resnet18"),
    ]
    for fields, words in cases:
        with pytest.raises(UserError, match=words):
            job(data, network, **fields)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty"):
        job(tmp_path / "empty", network)


def test_without_embeddings_nothing_is_embedded(data: Path) -> None:
    done: Selection = select(data=str(data), n=5, strategy="random", quiet=True)
    assert len(done.names) == 5
    assert (done.path / "selected").is_dir(), "what was selected is shown all the same"
    assert json.loads((done.path / "stages.json").read_text())["embed"]["state"] == "left out"


def test_images_that_cannot_be_read_may_be_selected_where_nothing_reads_them(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / "empty" / f"{number}.png").parent.mkdir(exist_ok=True)
        (tmp_path / "empty" / f"{number}.png").touch()
    done = select(data=str(tmp_path / "empty"), n=2, strategy="random", quiet=True)
    assert len(done.names) == 2
    assert not (done.path / "selected").exists()


def test_a_dataset_is_its_name_or_stands_for_its_folder(data: Path) -> None:
    from vesalius.select.config import configured

    named, _ = configured(data=str(data), dataset="mine", n=1)
    plain, _ = configured(data=str(data), n=1)
    assert dataset_of(named) == "mine"
    assert dataset_of(plain) == dataset_of(plain.model_copy(update={"data": f"{data}/../{data.name}"}))
    assert data.name not in dataset_of(plain)


def test_fields_are_read_as_yaml() -> None:
    assert fields_of(["--n", "10%", "--datapool.use", "true", "--dataset=x"]) == {"n": "10%", "datapool.use": True, "dataset": "x"}


def test_without_embeddings_equal_files_are_still_one(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = select(data=str(data), n=5, strategy="weights:lightly.sharpness")
    said = capsys.readouterr().err
    assert "holds the same bytes as another and cannot be selected: copy.png" in said
    assert "broken.png: " in said
    assert len(found.names) == 5


def test_volumes_are_selected_as_images_are(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    for seed in range(4):
        image, _, affine = head(16, seed=seed)
        write(tmp_path / "scans" / f"scan{seed}.nii.gz", image, affine)
    save_encoder(build_encoder("resnet18", channels=1, size=(16, 16, 16), width=0.0625), tmp_path / "encoder")
    done = job(tmp_path / "scans", tmp_path / "encoder", n=2, threads=1)
    assert set(done.names) <= {f"scan{seed}.nii.gz" for seed in range(4)}
    assert len(set(done.names)) == 2
    assert (done.path / "selected" / "sprite.png").is_file()


def test_the_probe_is_tested_on_the_datas_own_test_split(tmp_path: Path, network: Path) -> None:
    images(tmp_path / "data", 80)
    rows = [{"uri": f"{i:04d}.png", "split": "train" if i < 40 else "test", "label.kind": i % 2} for i in range(80)]
    pd.DataFrame(rows).to_csv(tmp_path / "data" / "list.csv", index=False)
    done = job(tmp_path / "data" / "list.csv", network)
    assert done.results["probe"]["tested_on"] == "the 40 images of the test split"
    assert {row["n"] for row in done.results["probe"]["rows"]} == {40}


def test_a_network_that_has_learnt_nothing_is_told_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job(data, Path("resnet18"), n=1, quiet=False)
    assert "resnet18 is the name of a network, and its weights are random" in capsys.readouterr().err
