"""docs/tutorial-evaluate.md and docs/leakage.md: every block is run, in order, on small images with small encoders."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tests import labelled
from tests.coverage.command_line import vesalius
from tests.test_docs import ROOT, blocks
from vesalius.cli import app
from vesalius.encoders import build_encoder, save_encoder

PAGES = ("docs/tutorial-evaluate.md", "docs/leakage.md")
FEWER = {
    "few-shot": ("--episodes", "20", "--queries", "3"),
    "linear": ("--strengths", "3", "--replicates", "100"),
    "saliency": ("--stride", "16", "--window", "16", "--max-images", "20"),
}
"""Added where a page's command has the protocol: its own numbers take minutes."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two data sets, a table whose division puts people on both sides, a run's encoder and a checkpoint of somebody else."""
    folder = tmp_path_factory.mktemp("place")
    labelled.images(folder / "tables", count=60)
    table = pd.read_csv(folder / "tables" / "table.csv")
    path = table.columns[0]
    table[path] = "tables/" + table[path].astype(str)
    table.to_csv(folder / "patients.csv", index=False)
    table.assign(split=np.resize(["train", "train", "val", "test"], len(table))).to_csv(folder / "divided.csv", index=False)
    for number, row in table.iterrows():
        (target := folder / "images" / str(row["ill"])).mkdir(parents=True, exist_ok=True)
        (target / f"{number}.png").write_bytes((folder / str(row[path])).read_bytes())
    for seed, name in enumerate(("ours", "theirs")):
        encoder = build_encoder("resnet18", width=0.0625 * (seed + 1), stem="small", size=(16, 16), seed=seed)
        encoder.card = encoder.card.model_copy(update={"trained_on": "a test"})
        if name == "ours":
            save_encoder(encoder.eval(), folder / "runs" / "first")
        else:
            torch.save(encoder.network.state_dict(), folder / "checkpoint.pth")
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_what_the_page_says_works(page: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("VESALIUS_RUNS", str(place / "runs"))
    monkeypatch.setenv("VESALIUS_CACHE", str(place / "cache"))
    run, known = 0, {}
    for language, text in blocks(page):
        if language == "python":
            exec(compile(text, page, "exec"), known)
            run += 1
            continue
        assert language == "bash", f"{page}: a block is bash or python"
        for line in text.splitlines():
            program, *words = shlex.split(line)
            assert program == "vesalius", line
            app.parse_args(words, exit_on_error=False, print_error=False)
            few = [word for name, more in FEWER.items() if words[0] == "evaluate" and name in words[1].split(",") for word in more]
            done = vesalius(*words, *few)
            assert done.code == 0, f"{line}\n{done.said}"
            run += 1
    assert run == (8 if "tutorial" in page else 4)
    if "tutorial" in page:
        assert {"ours", "theirs", "pixel PCA"} <= set(known["best"].index)
        assert len((ROOT / page).read_text().splitlines()) <= 150
        return
    assert known["found"]["leakage"][0]["test"]["images_of_shared_subjects"] > 0
    assert "of people who are in training or validation" in " ".join(known["found"]["leakage"][0]["sentences"])
    assert vesalius("evaluate", "knn", "--encoder", "runs/first", "--data", "divided.csv", "--labels", "ill", "--subject", "patient").code == 2


@pytest.mark.parametrize("page", PAGES)
def test_its_links_lead_somewhere(page: str) -> None:
    for target, anchor in re.findall(r"\]\(([^)#]+)(?:#([^)]*))?\)", (ROOT / page).read_text()):
        file = (ROOT / page).parent / target
        assert file.exists(), target
        heads = [line.lstrip("# ").lower().replace(" ", "-") for line in file.read_text().splitlines() if line.startswith("#")]
        assert not anchor or anchor in ["".join(c for c in head if c.isalnum() or c in "-_") for head in heads], f"{target}#{anchor}"


def test_the_measured_example_is_what_the_proof_found() -> None:
    proof, page = (ROOT / "docs" / "proofs" / "6.md").read_text(), (ROOT / "docs" / "leakage.md").read_text()
    for figure in ("81.2 % (72,592 of 89,365)", "71.1 % (3,661 of 5,146)", "76.0 %", "0 of 45,373", "0 of 5,059", "61.3 %", "0.800"):
        assert figure in proof, figure
        assert figure in page, figure
