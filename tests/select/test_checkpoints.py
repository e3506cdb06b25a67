"""Which encoder embeds, and whether it is what was stated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vesalius.data.dataset_names import dataset_key
from vesalius.encoders import build_encoder, save_encoder
from vesalius.errors import UserError
from vesalius.runs import Run
from vesalius.select.checkpoints import copied, encoder_of, file_of, refuse_other
from vesalius.select.config import ModelConfig, SelectConfig
from vesalius.terminal import Terminal

SELECTION = {"n_samples": 1, "strategies": [{"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}]}
QUIET = Terminal(quiet=True)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))


def config(data: Path, **fields: Any) -> SelectConfig:
    return SelectConfig.model_validate({"data": str(data), "selection": SELECTION, **fields})


def trained(dataset: str, verb: str = "pretrain") -> Run:
    run = Run.create(verb, "a", {})
    run.record(dataset=dataset)
    save_encoder(build_encoder("lightly-resnet9", width=0.0625, num_ftrs=3, size=(16, 16)), run.path / ("training" if verb == "select" else ""))
    run.finish("done")
    return run


def test_what_is_named_is_taken_as_it_is(tmp_path: Path) -> None:
    assert encoder_of(config(tmp_path, encoder="timm:resnet18"), QUIET) == "timm:resnet18"


@pytest.mark.parametrize("verb", ["pretrain", "select"])
def test_the_newest_of_the_data_set(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained(dataset_key(str(tmp_path)), verb)
    found = Path(encoder_of(config(tmp_path), Terminal()))
    assert found.samefile(run.path / ("training" if verb == "select" else ""))
    assert run.facts()["id"] in capsys.readouterr().err
    with pytest.raises(UserError, match=r"no run on the data set other has a checkpoint.*enable_training.*timm:resnet18.*FILE or RUN"):
        encoder_of(config(tmp_path, dataset="other"), QUIET)


def test_a_data_set_is_its_name_or_its_folder(tmp_path: Path) -> None:
    assert dataset_key("anything", "skin-2024") == "skin-2024"
    assert dataset_key(str(tmp_path)) == dataset_key(f"folder@{tmp_path}") == dataset_key(str(tmp_path / ".." / tmp_path.name))
    assert dataset_key(str(tmp_path)) != dataset_key(str(tmp_path.parent))
    assert tmp_path.name not in dataset_key(str(tmp_path))


def test_a_runs_checkpoint_and_none(tmp_path: Path) -> None:
    run = trained("x", "select")
    assert encoder_of(config(tmp_path, encoder=run.facts()["id"], encoder_run=True), QUIET).endswith("training")
    assert file_of(run.path).name == "encoder.safetensors"
    assert copied(run.path, tmp_path / "deep" / "c.ckpt").is_file()
    without = Run.create("select", "b", {})
    without.finish("done")
    with pytest.raises(UserError, match="has no checkpoint"):
        encoder_of(config(tmp_path, encoder=without.facts()["id"], encoder_run=True), QUIET)


@pytest.mark.parametrize(
    ("name", "stated", "said"),
    [
        ("lightly-resnet9", {"name": "resnet-9", "width": 0.0625, "num_ftrs": 3, "out_dim": 128}, ""),  # of no head nobody can tell out_dim
        ("lightly-resnet9", {"num_ftrs": 4}, "states num_ftrs 4, and c.ckpt holds num_ftrs 3"),
        ("resnet18", {"name": "resnet-18"}, ""),
        ("resnet18", {"num_ftrs": 32}, "holds num_ftrs no 1×1 convolution"),
    ],
)
def test_what_is_stated(name: str, stated: dict[str, Any], said: str) -> None:
    options = {"num_ftrs": 3} if name.startswith("lightly") else {}
    encoder = build_encoder(name, width=0.0625, size=(16, 16), **options)
    if not said:
        refuse_other(encoder, ModelConfig(**stated), "c.ckpt")
        return
    with pytest.raises(UserError, match=said):
        refuse_other(encoder, ModelConfig(**stated), "/somewhere/c.ckpt")
