"""docs/migrate/ssl-medicalimaging.md: every command is run on small trees in the original's layout, small encoders in the zoo's place."""

from __future__ import annotations

import importlib
import json
import shlex
import shutil
from pathlib import Path

import pytest
from docs.migration_transfer import COMMANDS, TABLES

from tests.coverage.command_line import vesalius
from tests.trees import chexpert, nih, transfer
from vesalius.encoders import build_encoder, save_encoder
from vesalius.encoders.prepared import prepared_folder
from vesalius.encoders.published import models

SMALL = {
    "few-shot": "--n-support 2 --n-query 1 --iter-num 20 --replicates 100",
    "linear": "--replicates 100",
    "finetune": "--steps 4 --batch-size 8 --validate-every 2 --replicates 100",
}
"""Added to the page's own fields: a later field goes before an earlier one."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The original's folder: ``data`` as its document lays it out, and every model of the zoo prepared, each a small network."""
    folder = tmp_path_factory.mktemp("home")
    data = folder / "data"
    transfer.shenzhen(data / "shenzhencxr", 24, table="shenzhencxr_metadata.csv")
    transfer.montgomery(data / "montgomerycxr", 24, table="montgomery_metadata.csv")
    eyes = transfer.eyepacs(data / "diabetic_retinopathy", 20)
    whole = Path(shutil.make_archive(str(folder / "train"), "zip", eyes, "train")).read_bytes()
    (eyes / "train.zip.001").write_bytes(whole[: len(whole) // 2 + 1])
    (eyes / "train.zip.002").write_bytes(whole[len(whole) // 2 + 1 :])
    shutil.rmtree(eyes / "train")
    nih.write(data / "chestx", 240, follow_ups=1, layout="images", side=24)
    chexpert.write(data / "chexpert", 40, version="CheXpert-v1.0", side=24)
    assert vesalius("data", "unpack", f"eyepacs@{eyes}").code == 0
    encoder = build_encoder("resnet18", width=0.0625, stem="small", channels=3, size=(16, 16))
    encoder.card = encoder.card.model_copy(update={"trained_on": "a small network in the place of a published one"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(folder / "cache"))
        for name in models():
            save_encoder(encoder, prepared_folder(name))
    return folder


@pytest.fixture
def _there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    monkeypatch.delenv("VESALIUS_DATA", raising=False)
    monkeypatch.setenv("VESALIUS_CACHE", str(home / "cache"))
    monkeypatch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")  # tested by itself


@pytest.mark.usefixtures("_there")
@pytest.mark.parametrize("line", [ours for _, ours, _ in COMMANDS])
def test_a_line_of_the_page_is_run(line: str, tmp_path: Path) -> None:
    program, verb, what, *rest = shlex.split(line)
    assert program == "vesalius"
    small = [word for name in what.split(",") for word in SMALL.get(name, "").split()] if verb == "evaluate" else []
    done = vesalius(verb, what, *rest, *small, *(["--out", str(tmp_path / "run")] if verb == "evaluate" else []))
    assert done.code == 0, done.said
    if "--compat" not in rest:
        return
    given = dict(zip(rest[::2], rest[1::2], strict=False))
    logs = sorted(file.relative_to(tmp_path / "run").as_posix() for file in (tmp_path / "run").glob("logs/**/*.log"))
    names = {"shenzhen": "shenzhencxr"}
    assert logs == [f"logs/{what}/{given['--model']}/{names.get(given['--dataset'], given['--dataset'])}.log"]
    last = (tmp_path / "run" / logs[0]).read_text().splitlines()[-1]
    wanted = {"few-shot": "% +- ", "linear": "using hyperparameter C: ", "finetune": "Finetuned test accuracy"}
    assert wanted[what] in last
    assert ("5623.413" in last) == ("--C" in rest)
    warnings = json.loads((tmp_path / "run" / "results.json").read_text())["warnings"]
    assert any(what in sentence for sentence in warnings if sentence.startswith("compat"))


def test_each_number_s_command_is_one_of_the_page_s() -> None:
    assert {command for _, _, command in TABLES["numbers"]} <= {ours for _, ours, _ in COMMANDS}


@pytest.mark.usefixtures("_there")
def test_what_has_no_counterpart_is_refused_with_what_to_say_instead() -> None:
    done = vesalius("evaluate", "few-shot", "--dataset", "shenzhen", "--model", "moco-v2", "--no-norm")
    assert done.code == 2
    assert "--no-norm is the original's; here how images are prepared is a part of the encoder" in " ".join(done.said.split())
