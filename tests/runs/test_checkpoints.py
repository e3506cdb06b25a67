"""Which run of which data set has an encoder to hand on."""

from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.errors import UserError
from vesalius.runs import Run
from vesalius.runs.checkpoints import encoder_folder, newest_checkpoint, of_dataset, required_encoder


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))


def made(verb: str, second: int, *, dataset: str = "a", state: str = "done", encoder: str | None = "") -> Path:
    run = Run.create(verb, f"{verb}-{second}", {})
    at = f"2026-01-01T00:00:{second:02}.000+00:00"
    run.record(dataset=dataset, state=state, started=at, finished=at)
    if encoder is not None:
        (run.path / encoder).mkdir(exist_ok=True)
        (run.path / encoder / "encoder.safetensors").write_bytes(b"")
    return run.path


def test_the_newest_that_ended_well_and_has_an_encoder() -> None:
    assert newest_checkpoint("a") is None
    first = made("pretrain", 1)
    wanted = made("select", 2, encoder="training")
    made("select", 3, encoder=None)
    made("select", 4, state="failed", encoder="training")
    made("pretrain", 5, dataset="b")
    made("finetune", 6)
    found = newest_checkpoint("a")
    assert found is not None
    assert found.samefile(wanted / "training")
    assert newest_checkpoint("c") is None
    earlier = newest_checkpoint("a", "2026-01-01T00:00:01.500+00:00")
    assert earlier is not None
    assert earlier.samefile(first)
    assert newest_checkpoint("a", "2026-01-01T00:00:00.500+00:00") is None


def test_runs_of_a_data_set_newest_first() -> None:
    first, second, other = made("pretrain", 1), made("embed", 2, encoder=None), made("pretrain", 3, dataset="b")
    assert [place.name for place, _ in of_dataset(["a"])] == [second.name, first.name]
    assert [place.name for place, _ in of_dataset()] == [other.name, second.name, first.name]
    assert [place.name for place, _ in of_dataset(with_checkpoint=True)] == [other.name, first.name]


@pytest.mark.parametrize(
    ("verb", "state", "said"),
    [
        ("select", "done", "an encoder that it did not train"),
        ("pretrain", "running", "it is running and wrote no encoder yet"),
        ("finetune", "done", "vesalius finetune"),
    ],
)
def test_a_run_without_says_why(verb: str, state: str, said: str) -> None:
    place = made(verb, 1, state=state, encoder=None)
    assert encoder_folder(place) is None
    with pytest.raises(UserError, match=said):
        required_encoder(place, Run.open(place).facts())
