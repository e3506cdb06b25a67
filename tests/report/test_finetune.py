"""The page of fine-tuned runs, of repeated ones and of predictions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.report import fake_finetune
from tests.report.test_page import _JUNK, _damage, check
from vesalius.report import answers, build, compare, confusion, predicted, roc
from vesalius.report.kinds import kind, sections
from vesalius.report.reading import RunRecord, read_run

Tuned = Callable[[str], Path]

BINARY = (
    *("verdict", "data", "curves", "scores", "confusion", "roc", "operating", "calibration", "mistakes"),
    *("neighbours", "map", "views"),
    *("checkpoints", "cost", "use", "config", "warnings"),
)


def _text(page: Any, section: str) -> str:
    return " ".join(page.sections[section])


@pytest.mark.parametrize("variant", fake_finetune.VARIANTS)
def test_every_variant_is_a_whole_page(variant: str, tuned: Tuned, tmp_path: Path) -> None:
    path = build([tuned(variant)], tmp_path / "page.html")
    page = check(path, sections([read_run(tuned(variant))]))
    assert "somebody" not in path.read_text()
    assert "Absent: " not in _text(page, "verdict")


def test_a_fine_tuned_page_has_what_a_classifier_has(tuned: Tuned, tmp_path: Path) -> None:
    page = check(build([tuned("binary")], tmp_path / "page.html"), BINARY)
    assert set(page.state.values()) == {"present"}
    assert "Unlabelled 125" in _text(page, "data")
    assert "3 images: truncated file" in _text(page, "data")
    assert "best on validation, step 120" in " ".join(_text(page, "curves").split())
    assert "Validation loss" in _text(page, "curves")
    assert "logistic regression on the same features" in _text(page, "scores")
    assert "Before temperature scaling" in _text(page, "calibration")
    assert "the model was surest" in _text(page, "mistakes")
    assert "vesalius predict" in _text(page, "use")


def test_thresholds_stand_with_what_they_come_to(tuned: Tuned, tmp_path: Path) -> None:
    said = " ".join(_text(check(build([tuned("binary")], tmp_path / "page.html"), BINARY), "operating").split())
    assert "both errors weigh alike (Youden)" in said
    assert "sensitivity 95 % on validation" in said
    assert "Sensitivity Specificity PPV NPV Found Missed False alarms Cleared" in said
    assert "probability of pneumonia is at least the threshold" in said
    row = read_run(tuned("binary")).rows("operating")[0]
    assert sum(row["counts"].values()) == 500
    assert f"as {row['counts']['tp'] + row['counts']['fn']} of these 500 images are" in said
    several = check(build([tuned("many_labels")], tmp_path / "many.html"), sections([read_run(tuned("many_labels"))]))
    assert "Question" in _text(several, "operating")
    ten = check(build([tuned("ten")], tmp_path / "ten.html"), sections([read_run(tuned("ten"))]))
    assert "answers yes or no" in _text(ten, "operating")
    chart = roc.section([read_run(tuned("binary"))]).blocks[0].parts["charts"][0]
    assert chart.area(chart.lines[0])
    assert "(0.900 to 0.990)" in chart.lines[0].name
    assert "shaded: that of the curve" in chart.note


def test_a_frozen_encoder_has_its_head_s_strength_for_a_curve(tuned: Tuned, tmp_path: Path) -> None:
    page = check(build([tuned("frozen")], tmp_path / "page.html"), BINARY)
    assert "the one taken, C = 1" in _text(page, "curves")
    assert {name for name, state in page.state.items() if state == "absent"} == {"views", "checkpoints"}
    assert "Better than majority" in _text(page, "verdict")  # it is that regression: only guessing is left to beat


def test_quantities_are_drawn_against_what_they_are(tuned: Tuned, tmp_path: Path) -> None:
    page = check(build([tuned("quantity")], tmp_path / "page.html"), sections([read_run(tuned("quantity"))]))
    assert "confusion" not in page.sections
    assert page.state["predicted"] == "present"
    block = predicted.section([read_run(tuned("quantity"))]).blocks[0]
    assert len(block.parts["chart"].lines[0].points) == 500
    assert not block.parts["chart"].path(block.parts["chart"].lines[0])
    assert sum(int(bar["said"]) for bar in block.parts["bars"]["bars"]) == 500


def test_less_error_is_better(tuned: Tuned, tmp_path: Path) -> None:
    worse = fake_finetune.Tuned(name="worse", kind="regression", classes=(), skill=1.5).write(tmp_path / "worse")
    found = compare.section([read_run(worse, "A"), read_run(tuned("quantity"), "B")])
    tables = {table.metric: table.rows[0] for table in found.parts["tables"]}
    assert tables["r2"].verdict == tables["mean_absolute_error"].verdict == "worse"
    assert tables["r2"].words[-1] == tables["mean_absolute_error"].words[-1] == "paired"


@pytest.mark.parametrize("variant", ["binary", "ten", "many_labels", "ordinal"])
def test_runs_side_by_side_are_paired_by_their_test_predictions(variant: str, tuned: Tuned, tmp_path: Path) -> None:
    first = read_run(tuned(variant), "A")
    changed = fake_finetune.VARIANTS[variant]()
    changed.skill, changed.seed = 1.2, 9
    second = read_run(changed.write(tmp_path / "second"), "B")
    found = compare.section([first, second])
    rows = [row for table in found.parts["tables"] for row in table.rows]
    assert {row.words[-1] for row in rows} == {"paired"}
    assert rows[0].verdict == "better"


def test_a_page_of_two_overlays_what_has_one_curve(tuned: Tuned, tmp_path: Path) -> None:
    runs = [tuned("binary"), tuned("frozen")]
    page = check(build(runs, tmp_path / "page.html"), ["compare", *BINARY])
    assert "A · pneumonia" in _text(page, "roc")
    joined = roc.section([read_run(path, letter) for path, letter in zip(runs, "AB")])
    assert len(joined.blocks) == 1
    assert [line.name[:1] for line in joined.blocks[0].parts["charts"][0].lines] == ["A", "B", "b"]


def test_a_pretraining_and_a_fine_tuning_share_a_page(tuned: Tuned, fake: Tuned, tmp_path: Path) -> None:
    runs = [fake("full"), tuned("binary"), tuned("predict")]
    page = check(build(runs, tmp_path / "page.html"), sections([read_run(run) for run in runs]))
    assert {"probes", "scores", "answers"} <= page.sections.keys()


def test_seeds_show_mean_spread_and_every_curve(tuned: Tuned, tmp_path: Path) -> None:
    page = check(build([tuned("seeds")], tmp_path / "page.html"), sections([read_run(tuned("seeds"))]))
    assert "±" in _text(page, "scores")
    assert "over 3 seeds" in _text(page, "verdict")
    assert "seed 3" in _text(page, "curves")
    assert "seed-1" in _text(page, "use")


def test_seeds_are_compared_by_welch() -> None:
    from scipy.stats import ttest_ind

    a, b = [0.9, 0.92, 0.94], [0.8, 0.83, 0.83]
    found = compare.seeds_interval(a, b)
    slow = ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert found == pytest.approx((slow.low, slow.high))
    assert compare.seeds_interval([0.9], [0.8, 0.7]) is None
    assert compare.seeds_interval([0.9, 0.9], [0.8, 0.8]) is None


def test_a_confusion_matrix_by_row() -> None:
    results = {"confusion": {"classes": ["a", "b", "c"], "counts": [[8, 2, 0], [0, 0, 0], [1, 0, 3]]}}
    block = confusion.section([RunRecord(Path(), results=results)]).blocks[0]
    assert [cell["share"] for cell in block.parts["rows"][0]["cells"][:2]] == ["80\u00a0%", "20\u00a0%"]
    assert [cell["share"] for cell in block.parts["rows"][1]["cells"]] == ["–"] * 3
    assert "11 of 14" in block.parts["sentence"]
    assert "a is taken for b" in block.parts["sentence"]
    assert "No image of b" in block.parts["none"]


def test_many_classes_are_a_picture_and_a_list(tuned: Tuned) -> None:
    block = confusion.section([read_run(tuned("forty"))]).blocks[0]
    assert block.parts["picture"].startswith("data:image/png")
    assert len(block.parts["pairs"]) == 12


def test_a_prediction_is_put_in_words(tuned: Tuned) -> None:
    run = read_run(tuned("predict"))
    assert kind(run) == "predict"
    first, second, third = answers.sentences(run)
    assert first == "500 images of folder 1a2b3c were predicted."
    assert "Most often it is" in second
    assert third.startswith("3 could not be read")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    variant=st.sampled_from(["binary", "quantity", "predict"]),
    damages=st.lists(st.tuples(st.lists(st.integers(0, 50), min_size=1, max_size=5), _JUNK), min_size=1, max_size=6),
)
def test_results_of_any_shape_give_a_page(
    variant: str, damages: list[tuple[list[int], Any]], tuned: Tuned, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = tmp_path_factory.mktemp("damaged") / "run"
    shutil.copytree(tuned(variant), run, ignore=shutil.ignore_patterns("*.html", "examples", "views.png"))
    value = json.loads((run / "results.json").read_text())
    for path, change in damages:
        value = _damage(value, path, change)
    (run / "results.json").write_text(json.dumps(value))
    check(build([run]), sections([read_run(run)]))
    shutil.rmtree(run)


def test_the_three_lines_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.labelled import encoder
    from vesalius.data.task import classification
    from vesalius.encoders import load_encoder
    from vesalius.report import use
    from vesalius.tasks import heads
    from vesalius.tasks.classifier import Classifier

    task = classification("ill", "ill", ("no", "yes"))
    given = load_encoder(encoder(tmp_path / "encoder"))
    Classifier(given, heads.empty(task, given.card.dim), 1.3).save(tmp_path / "tuned")
    results = {"kind": "finetune", "data": {"labelled": {"task": task.as_dict()}}}
    (tmp_path / "tuned" / "results.json").write_text(json.dumps(results))
    monkeypatch.chdir(tmp_path)
    section = use.section([read_run(tmp_path / "tuned")])
    parts = section.blocks[0].parts
    assert section.title == "Use the model"
    assert parts["shell"] == "vesalius predict tuned FOLDER --out predictions.csv"
    assert len(parts["code"].splitlines()) == 3
    there: dict[str, Any] = {}
    exec(parts["code"], there)
    assert there["probabilities"].shape == (8, 2)
    assert parts["code"].endswith("# (8, 2)")
