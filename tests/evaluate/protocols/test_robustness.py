"""``vesalius evaluate robustness`` on classifiers: two runs, their curves, what is paired, what is kept."""

# Proves evaluate.perturbed.picture too: see mirrors.yaml.

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import vesalius
from tests import labelled
from vesalius.cli import main
from vesalius.encoders import build_encoder, save_encoder
from vesalius.errors import UserError
from vesalius.evaluate.perturbed import perturbations
from vesalius.evaluate.verb import Evaluated
from vesalius.report import build
from vesalius.runs import Run


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One store, and one key of ids, for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(folder := tmp_path_factory.mktemp("cache")))
        yield folder


@pytest.fixture(autouse=True)
def the_same_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(cache))


@pytest.fixture(scope="module")
def runs(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two classifiers of the same images on encoders of other random weights."""
    folder = tmp_path_factory.mktemp("tuned")
    table = labelled.images(folder / "images", count=120)
    save_encoder(build_encoder("resnet18", width=0.0625, stem="small", channels=1, size=(16, 16), seed=5), folder / "other")
    for name, encoder in (("a", labelled.encoder(folder / "one")), ("b", folder / "other")):
        data = {**labelled.RECIPE["data"], "train": str(table), "labels": "ill", "subject": "patient"}
        vesalius.finetune({**labelled.RECIPE, "data": data}, encoder=str(encoder), out=folder / name, quiet=True)
    return folder / "a", folder / "b"


@pytest.fixture(scope="module")
def both(cache: Path, runs: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    return vesalius.evaluate("robustness", run=runs, out=tmp_path_factory.mktemp("evaluation") / "both", quiet=True)


def test_strength_0_is_what_the_run_itself_says(both, runs):
    found = both.results["robustness"]
    scores = json.loads((runs[0] / "results.json").read_text())["scores"]
    said = {row["metric"]: row for row in scores if row["split"] == "test" and row["model"] == "fine-tuned"}
    at_none = [row for row in found["curves"] if row["run"] == "A" and row["level"] == 0]
    assert len(at_none) == 7
    assert [row["value"] for row in at_none] == pytest.approx([said["roc_auc"]["value"]] * 7, abs=1e-6)
    assert all(row["change"] == row["change_low"] == row["change_high"] == 0 for row in at_none)
    assert found["n"] == said["roc_auc"]["n"]


def test_every_perturbation_has_five_strengths_that_grow_and_change_more(both):
    for one in perturbations.ALL:
        assert len(one.strengths) == 5
        assert sorted(one.strengths) == list(one.strengths)
    for size in ((24, 24), (20, 18, 16)):
        x = torch.rand(1, *size, generator=torch.Generator().manual_seed(1)) * 0.6 + 0.2
        for one in perturbations.ALL:
            for way in range(len(one.steps(1.0, len(size)))):
                steps = [one.steps(s, len(size))[way] for s in one.strengths]
                apart = [float((perturbations.disturbed(x, step, 7, seed=1) - x).abs().mean()) for step in steps]
                assert apart == sorted(apart), one.name
                assert apart[0] > 1e-4, one.name


def test_the_area_is_the_mean_over_the_strengths_and_all_is_the_mean_of_areas(both):
    found = both.results["robustness"]
    for letter in "AB":
        areas = {row["perturbation"]: row for row in found["areas"] if row["run"] == letter}
        for one in perturbations.ALL:
            curve = [row["value"] for row in found["curves"] if row["run"] == letter and row["perturbation"] == one.name]
            assert areas[one.name]["value"] == pytest.approx(np.trapezoid(curve) / 5, abs=1e-6)
            assert areas[one.name]["change"] == pytest.approx(areas[one.name]["value"] - curve[0], abs=1e-6)
        assert areas["all"]["value"] == pytest.approx(np.mean([areas[one.name]["value"] for one in perturbations.ALL]), abs=1e-6)


def test_differences_are_the_first_minus_the_other_and_paired(both, runs, tmp_path):
    found = both.results["robustness"]
    of = {row["run"]: row for row in found["areas"] if row["perturbation"] == "all"}
    apart = next(row for row in found["area_differences"] if row["perturbation"] == "all")
    assert apart["value"] == pytest.approx(of["A"]["value"] - of["B"]["value"], abs=1e-6)
    assert apart["change"] == pytest.approx(of["A"]["change"] - of["B"]["change"], abs=1e-6)
    same = vesalius.evaluate("robustness", run=[runs[0], runs[0]], perturbations="noise,contrast", out=tmp_path / "same", quiet=True)
    assert all(row["value"] == row["low"] == row["high"] == 0 for row in same.results["robustness"]["differences"]), "every draw alike"
    assert "cannot be told apart" in same.results["verdict"][-1]


def test_the_words_say_what_the_numbers_say(both):
    found, said = both.results["robustness"], both.results["verdict"]
    of = {row["run"]: row for row in found["areas"] if row["perturbation"] == "all"}
    assert said[0].startswith("A (random initialisation) reaches ROC-AUC ")
    assert f"{of['A']['value']:.3f}" in said[0]
    last = next(row for row in found["area_differences"] if row["perturbation"] == "all")
    taken = next(sentence for sentence in said if "erturbations take" in sentence)
    clear = last["change_low"] > 0 or last["change_high"] < 0
    assert ("told apart" in taken) is not clear
    assert of["A"]["kept"] == pytest.approx(of["A"]["value"] / (of["A"]["value"] - of["A"]["change"]), abs=1e-6)
    table = both.table
    assert {"protocol", "table", "metric", "run", "perturbation", "strength", "value", "low", "high", "change", "a", "b"} <= set(table)
    assert len(table[table["table"] == "curves"]) == 2 * 7 * 6


def test_a_stopped_evaluation_goes_on_with_its_cells(runs, tmp_path, monkeypatch):
    from vesalius.evaluate.perturbed.classifier import PerturbedClassifier

    answers, calls = PerturbedClassifier.answers, []

    def fails(self, step, which, asked):
        calls.append(step)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return answers(self, step, which, asked)

    options = {"run": runs[0], "perturbations": ["noise", "blur"]}
    whole = vesalius.evaluate("robustness", out=tmp_path / "whole", quiet=True, **options).results
    monkeypatch.setattr(PerturbedClassifier, "answers", fails)
    with pytest.raises(KeyboardInterrupt):
        vesalius.evaluate("robustness", out=tmp_path / "stopped", quiet=True, **options)
    monkeypatch.setattr(PerturbedClassifier, "answers", answers)
    with pytest.raises(UserError, match="fields would differ"):
        vesalius.evaluate("robustness", resume=tmp_path / "stopped", perturbations=["blur"], quiet=True)
    done = vesalius.evaluate("robustness", resume=tmp_path / "stopped", quiet=True)
    assert done.results["robustness"]["curves"] == whole["robustness"]["curves"]
    assert json.loads((done.path / "run.json").read_text())["computed"] == 8, "strength 0 and two of the ten passes were there"


def test_the_command_line_and_its_report(runs, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "robustness", "--run", str(runs[0]), "--run", str(runs[1]), "--perturbations", "motion,bias-field",
              "--robustness.metric", "accuracy", "--seed", "4", "--out", str(tmp_path / "e")])  # fmt: skip
    assert ended.value.code == 0
    out, err = capsys.readouterr()
    assert out.strip() == str(tmp_path / "e")
    assert "A (random initialisation) reaches accuracy" in err
    page = (tmp_path / "e" / "report.html").read_text()
    assert "What perturbations take away" in page
    assert "Bias field" in page
    assert str(runs[0]) not in page, "where the runs lie is nobody's business"
    assert (tmp_path / "e" / "figures" / "robustness.png").is_file()
    assert page == build([tmp_path / "e"]).read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["robustnes", "--run", "x"], "Did you mean robustness"),
        (["robustness"], "give one with --run"),
        (["robustness", "--run", "x", "--pertubations", "noise"], "Did you mean --perturbations"),
        (["robustness", "--run", "x", "--perturbations", "rain"], "there is no perturbation 'rain'"),
        (["robustness", "--run", "absent"], "There is no run 'absent'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_paragraph(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *words])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_run_that_repeats_others_names_them(tmp_path):
    run = Run.create("finetune", "seeds", {}, tmp_path / "seeds")
    Run.create("finetune", "one", {}, tmp_path / "seeds" / "pretrained-seed-1")
    with pytest.raises(UserError, match="is running, not done"):
        vesalius.evaluate("robustness", run=run.path, out=tmp_path / "e", quiet=True)
    run.finish("done")
    with pytest.raises(UserError, match="pretrained-seed-1"):
        vesalius.evaluate("robustness", run=run.path, out=tmp_path / "f", quiet=True)


def test_runs_that_cannot_be_compared_are_refused(runs, tmp_path):
    table = runs[0].parent / "images" / "table.csv"
    data = {**labelled.RECIPE["data"], "train": str(table), "labels": "side", "subject": "patient"}
    vesalius.finetune({**labelled.RECIPE, "data": data}, encoder=str(runs[0].parent / "one"), out=tmp_path / "side", quiet=True)
    with pytest.raises(UserError, match="cannot be paired"):
        vesalius.evaluate("robustness", run=[runs[0], tmp_path / "side"], metric="roc_auc", out=tmp_path / "e", quiet=True)
    labels = labelled.changed(table, "table.csv", side=lambda frame: frame["side"][::-1].to_numpy())
    assert labels == table
    with pytest.raises(UserError, match="not as they were"):
        vesalius.evaluate("robustness", run=tmp_path / "side", out=tmp_path / "f", quiet=True)
