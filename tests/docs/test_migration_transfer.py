"""docs/migrate/ssl-medicalimaging.md: every command is run on small trees in the original's layout, small encoders in the zoo's place."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.migration_transfer import COMMANDS, TABLES

from tests.coverage.command_line import vesalius
from tests.evaluate.perceptual import random_networks
from tests.trees import chexpert, nih, transfer
from vesalius.encoders import build_encoder, save_encoder
from vesalius.encoders.prepared import prepared_folder
from vesalius.encoders.published import models

SMALL = {
    "few-shot": "--n-support 2 --n-query 1 --iter-num 20 --replicates 100",
    "linear": "--replicates 100",
    "finetune": "--steps 4 --batch-size 8 --validate-every 2 --replicates 100",
    "saliency": "--window 6",
    "reconstruction": "--iterations 2",
    "invariance": "--k 4 --replicates 100",
    "multiview-invariance": "--replicates 100",
}
"""Added to the page's own fields: a later field goes before an earlier one."""
LAST = {
    "few-shot": ("logs/few-shot/{model}/{data}.log", "% +- "),
    "linear": ("logs/linear/{model}/{data}.log", "using hyperparameter C: "),
    "finetune": ("logs/finetune/{model}/{data}.log", "Finetuned test accuracy"),
    "saliency": ("logs/saliency/{model}.log", "Attentive diffusion on dataset chexpert with model moco-v2: "),
    "invariance": ("logs/invariances/{model}/rotation/{data}.log", " and similarity "),
    "multiview-invariance": ("logs/invariances/{model}/multi_view/{data}.log", "\t distance "),
}
"""The only log that a line leaves, and what stands in its last line."""
TOPS = ("saliency_maps", "reconstructed_images", "results", "misc")
NETS = [f"results/perceptual-distance/{net}.csv" for net in ("alexnet", "vgg", "squeezenet")]
RECONSTRUCTED = "reconstructed_images/moco-v2/moco-v2_True_ID.png"
TREE = {
    "saliency": [f"saliency_maps/moco-v2/chexpert/{name}.png" for name in ("heatmap", "superimposed")],
    "reconstruction": [RECONSTRUCTED],
    "reconstruction,perceptual-distance": [RECONSTRUCTED, *NETS],
    "perceptual-distance": NETS,
    "invariance": [f"misc/invariances/covmatrices/moco-v2_chexpert_{name}.pth" for name in ("mean_feature", "feature_cov_matrix")],
    "multiview-invariance": [f"misc/invariances/covmatrices/swav_diabetic_retinopathy_{name}.pth" for name in ("mean_feature", "feature_cov_matrix")],
}
"""The files of the original's tree that a line leaves."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The original's folder: ``data`` as its document lays it out, and every model of the zoo prepared, each a small network."""
    folder = tmp_path_factory.mktemp("home")
    data = folder / "data"
    transfer.shenzhen(data / "shenzhencxr", 24, table="shenzhencxr_metadata.csv")
    transfer.montgomery(data / "montgomerycxr", 24, table="montgomery_metadata.csv")
    eyes = transfer.eyepacs(data / "diabetic_retinopathy", 20)
    table = (eyes / "trainLabels.csv").read_text().splitlines()
    alike = [f"{right.partition(',')[0]},{left.partition(',')[2]}" for left, right in zip(table[1::2], table[2::2], strict=True)]
    (eyes / "trainLabels.csv").write_text("\n".join([table[0], *(row for both in zip(table[1::2], alike, strict=True) for row in both)]) + "\n")
    whole = Path(shutil.make_archive(str(folder / "train"), "zip", eyes, "train")).read_bytes()
    (eyes / "train.zip.001").write_bytes(whole[: len(whole) // 2 + 1])
    (eyes / "train.zip.002").write_bytes(whole[len(whole) // 2 + 1 :])
    shutil.rmtree(eyes / "train")
    nih.write(data / "chestx", 240, follow_ups=1, layout="images", side=24)
    chexpert.write(data / "chexpert", 40, version="CheXpert-v1.0", side=24)
    assert vesalius("data", "unpack", f"eyepacs@{eyes}").code == 0
    for place in ("sample_images/chexpert/patient00001_view1_frontal.jpg", "reconstructed_images/moco-v2/moco-v2_True_patient00001_view1_frontal.jpg"):
        (folder / place).parent.mkdir(parents=True)
        transfer.picture(folder / place, 1, 80, grey=True)
    encoder = build_encoder("resnet18", width=0.0625, stem="small", channels=3, size=(16, 16))
    encoder.card = encoder.card.model_copy(update={"trained_on": "a small network in the place of a published one"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(folder / "cache"))
        for name in models():
            save_encoder(encoder, prepared_folder(name))
        patch.setenv("TORCH_HOME", str(folder / "torch"))
        random_networks.written(folder / "torch" / "hub" / "checkpoints", patch)
        yield folder


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
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert all(any(name in sentence for sentence in results["warnings"] if sentence.startswith("compat")) for name in what.split(","))
    tree = [file.relative_to(tmp_path / "run").as_posix() for top in TOPS for file in (tmp_path / "run" / top).rglob("*") if file.is_file()]
    assert sorted(re.sub(r"[0-9a-f]{16}", "ID", file) for file in tree) == sorted(TREE.get(what, []))
    assert "patient00001" not in "".join(file.read_text(errors="replace") for file in (tmp_path / "run").rglob("*.json"))
    given = dict(zip(rest[::2], rest[1::2], strict=False))
    if what not in LAST:
        return
    model, data = given["--model"], {"shenzhen": "shenzhencxr"}.get(given["--dataset"], given["--dataset"])
    logs = sorted(file.relative_to(tmp_path / "run").as_posix() for file in (tmp_path / "run").glob("logs/**/*.log"))
    place, wanted = LAST[what]
    assert logs == [place.format(model=model, data=data)]
    assert wanted in (tmp_path / "run" / logs[0]).read_text().splitlines()[-1]
    assert ("5623.413" in (tmp_path / "run" / logs[0]).read_text().splitlines()[-1]) == ("--C" in rest)


def test_each_number_s_command_is_one_of_the_page_s() -> None:
    assert {command for _, _, command in TABLES["numbers"]} <= {ours for _, ours, _ in COMMANDS}


@pytest.mark.usefixtures("_there")
def test_what_has_no_counterpart_is_refused_with_what_to_say_instead() -> None:
    done = vesalius("evaluate", "few-shot", "--dataset", "shenzhen", "--model", "moco-v2", "--no-norm")
    assert done.code == 2
    assert "--no-norm is the original's; here how images are prepared is a part of the encoder" in " ".join(done.said.split())
