"""Transfer E1 to E4, E10: the original's evaluations, as they are typed."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from tests.coverage.command_line import vesalius
from tests.labelled import encoder
from tests.trees import transfer


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The original's ``data``, small."""
    folder = tmp_path_factory.mktemp("original") / "data"
    transfer.shenzhen(folder / "shenzhencxr", 40)
    transfer.montgomery(folder / "montgomerycxr", 24)
    return folder


@pytest.fixture
def _no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")


@pytest.mark.usefixtures("_no_pages")
def test_fine_tuning_stops_early_searches_and_restores_the_best(data: Path, tmp_path: Path) -> None:
    """E3."""
    done = vesalius(
        "evaluate", "finetune", "--dataset", f"shenzhencxr@{data / 'shenzhencxr'}", "--model", f"ours={encoder(tmp_path / 'encoder')}", "--early-stopping",
        "--search", "--no-da", "--steps", "6", "--batch", "8", "--validate-every", "1", "--patience", "2", "--repeats", "1", "--replicates", "100",
        "--device", "cpu", out=tmp_path / "run",
    )  # fmt: skip
    assert done.code == 0, done.said
    (chosen,) = json.loads((tmp_path / "run" / "results.json").read_text())["finetune"]["chosen"]
    grid = [(row["lr"], pytest.approx(row["weight_decay"] * row["lr"])) for row in chosen["tried"]]
    assert grid == [(lr, decay) for lr in (0.1, 1e-4) for decay in (0, 1e-6, 1e-3)]
    first = max(chosen["tried"], key=lambda row: row["value"])  # of equal ones the first
    assert (chosen["lr"], chosen["weight_decay"]) == (first["lr"], first["weight_decay"])
    assert "No augmentation" in chosen["augmentation"]
    (run,) = chosen["runs"]
    assert run["last_step"] <= 6
    examined = [file.parent.name for file in (tmp_path / "run" / "finetune").glob("*/*/*/results.json")]
    assert examined == [Path(run["run"]).name]  # no other was scored on the test split
    folder = tmp_path / "run" / run["run"]
    scores = json.loads((folder / "results.json").read_text())["scores"]
    validation = next(row for row in scores if (row["model"], row["metric"], row["split"]) == ("fine-tuned", chosen["tried"][0]["metric"], "val"))
    assert validation["value"] == pytest.approx(max(row["value"] for row in chosen["tried"]))
    ends = []
    for file in (tmp_path / "run" / "finetune").glob("*/*/*/metrics.jsonl"):
        looks = [row["step"] for row in map(json.loads, file.read_text().splitlines()) if row["kind"] == "monitor"]
        assert looks == list(range(len(looks)))
        ends.append(looks[-1])
    assert len(ends) == 6
    assert min(ends) < 6  # that one was stopped


@pytest.mark.usefixtures("_no_pages")
def test_logs_lie_where_the_original_wrote_them(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """E10."""
    monkeypatch.chdir(data.parent)
    monkeypatch.delenv("VESALIUS_DATA", raising=False)
    model = f"moco-v2={encoder(tmp_path / 'encoder')}"
    fields = ("--n-way", "2", "--n-support", "2", "--n-query", "2", "--iter-num", "20", "--C", "1", "--replicates", "100", "--device", "cpu")
    words = ("evaluate", "few-shot,linear", "--dataset", "shenzhen", "--dataset", "montgomery", "--model", model, "--compat", "ssl-medicalimaging")
    done = vesalius(*words, *fields, out=tmp_path / "run")
    assert done.code == 0, done.said
    logs = {file.relative_to(tmp_path / "run" / "logs").as_posix(): file.read_text() for file in (tmp_path / "run").glob("logs/**/*.log")}
    assert set(logs) == {f"{protocol}/moco-v2/{name}.log" for protocol in ("few-shot", "linear") for name in ("shenzhencxr", "montgomerycxr")}
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    cell = next(row for row in results["few_shot"]["cells"] if (row["encoder"], row["data"], row["metric"]) == ("moco-v2", "shenzhencxr", "accuracy"))
    assert logs["few-shot/moco-v2/shenzhencxr.log"].endswith(f": {100 * cell['value']:.2f}% +- {100 * cell['margin']:.2f}%\n")
    assert "Namespace(model='moco-v2', dataset='shenzhencxr'" in logs["few-shot/moco-v2/shenzhencxr.log"]
    assert logs["linear/moco-v2/montgomerycxr.log"].endswith("% using hyperparameter C: 1.000\n")
    assert str(data) not in "".join(logs.values())


@pytest.mark.usefixtures("_no_pages")
def test_a_linear_probe_searches_45_strengths_or_takes_one(data: Path, tmp_path: Path) -> None:
    """E4: --C as the original has it, and the search, in its own way."""
    model = f"ours={encoder(tmp_path / 'encoder')}"
    here = ("--dataset", f"shenzhencxr@{data / 'shenzhencxr'}", "--model", model, "--replicates", "100", "--device", "cpu")
    done = vesalius("evaluate", "linear", *here, "--C", "5623.413", out=tmp_path / "given")
    assert done.code == 0, done.said
    (chosen, *_) = json.loads((tmp_path / "given" / "results.json").read_text())["linear"]["chosen"]
    assert (chosen["c"], chosen["chosen_by"]) == (5623.413, "given")
    done = vesalius("evaluate", "linear", *here, "--compat", "ssl-medicalimaging", out=tmp_path / "searched")
    assert done.code == 0, done.said
    results = json.loads((tmp_path / "searched" / "results.json").read_text())["linear"]
    (chosen, *_) = results["chosen"]
    assert (chosen["tried"], chosen["chosen_by"], chosen["standardised"]) == (45, "accuracy", False)
    assert {row["encoder"] for row in results["cells"]} >= {"ours", "pixel PCA"}
