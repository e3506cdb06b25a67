"""The canary in a selection: names are in the lists and copies that were asked for, in ``config.yaml`` as it was typed, and in nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.coverage.command_line import vesalius
from tests.reliability.canary import CANARY, leaks
from tests.reliability.test_privacy import make
from vesalius.encoders import build_encoder, save_encoder


def test_a_selection_names_nobody_but_where_it_was_asked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reference, _ = make(tmp_path / "data", "folder")
    here, asked = tmp_path / "work", tmp_path / "asked"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("VESALIUS_RUNS", str(here / "runs"))
    monkeypatch.setenv("VESALIUS_CACHE", str(here / "cache"))
    save_encoder(build_encoder("resnet18", width=0.0625, stem="small", channels=1, size=(16, 16), seed=3).eval(), here / "encoder")
    formats = ("filenames", "csv", "parquet", "copies", "links", "lightly-csv", "label-studio", "cvat", "fiftyone", "lightly-studio", "embedding-atlas")
    write = [word for name in formats for word in ("--write", f"{name}={asked / name}")]
    words = ("--data", reference, "--encoder", "encoder", "--strategy", "diversity", "--strategy", "weights:lightly.sharpness")
    done = vesalius("select", *words, "--n", "6", "--datapool.use", "true", "--max_bad_share", "0.5", *write, out=here / "run")
    assert done.code == 0, done.said
    assert leaks(here) == ["run/config.yaml"], "as it was typed, and nowhere else: the datapool, the store, the page and the log know ids"
    assert CANARY in (asked / "filenames").read_text()
    assert {name.partition("/")[0] for name in leaks(asked)} == set(formats)
    (round_,) = (here / "runs" / "datapools").glob("*/round-0001")
    assert (round_ / "vectors.npy").is_file()
