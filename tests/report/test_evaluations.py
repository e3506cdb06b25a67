"""The page of an evaluation of encoders: what it concludes, what it shows beside it, and what it leaves out with a reason."""

from __future__ import annotations

import re
import shlex
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.report import fake_evaluation
from tests.report.fake_evaluation import PIXELS, RANDOM, SETS, ZOO, results
from vesalius.report import (
    build,
    chosen,
    correlations,
    evaluated,
    gradual,
    leakage,
    overview,
    ranks,
    reproduce,
    subgroups,
    temperature,
    verdict,
    wording,
)
from vesalius.report.evaluations import of
from vesalius.report.grid import grid
from vesalius.report.labels import placed
from vesalius.report.reading import RunRecord

EVERY = ("few-shot", "linear", "knn", "label-efficiency")


def run(found: dict[str, Any], **more: Any) -> RunRecord:
    return RunRecord(Path("x"), results=found, **more)


def only(section: Any) -> Any:
    (block,) = section.blocks
    return block.parts


def scored(**values: float) -> dict[str, Any]:
    """``linear`` on one data set with these values and intervals of a tenth each way."""
    found = results([name for name in values if name not in (RANDOM, PIXELS)], ("montgomery",), ("linear",))
    part = found["linear"]
    for cell in part["cells"]:
        if cell["primary"]:
            cell |= {"value": values[cell["encoder"]], "low": values[cell["encoder"]] - 0.1, "high": values[cell["encoder"]] + 0.1}
    for row in part["differences"]:
        gap = values[row["a"]] - values[row["b"]]
        row |= {"value": gap, "low": gap - 0.05, "high": gap + 0.05, "p_holm": 0.01 if abs(gap) > 0.05 else 0.5}
    best = max((name for name in values if name not in (RANDOM, PIXELS)), key=lambda name: values[name])
    part["ties"] = [{"data": "montgomery", "metric": "roc_auc", "best": best, "tied": []}]
    return found


def test_every_section_is_there_for_the_page_of_many() -> None:
    names = of(run(results(ZOO, SETS, EVERY)))
    sometimes = ["gradual", "ranks", "subgroups", "temperature", "correlations", "chosen"]
    assert names == ["verdict", "leakage", "evaluated", *sometimes, "cost", "reproduce", "config", "warnings"]


def test_what_one_encoder_cannot_have_is_not_missed() -> None:
    names = of(run(results(ZOO[:1], SETS[:1], ("knn",))))
    assert not {"ranks", "gradual", "subgroups", "robustness"} & set(names)


def test_an_evaluation_of_runs_keeps_its_page() -> None:
    assert of(run({"protocols": ["robustness"], "robustness": {"curves": []}})) == ["verdict", "robustness", "config", "warnings"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"ours": 0.9, RANDOM: 0.6, PIXELS: 0.5}, f"Better than {RANDOM} and {PIXELS}"),
        ({"ours": 0.9, RANDOM: 0.88, PIXELS: 0.5}, f"Not told apart from {RANDOM}"),
        ({"ours": 0.7, RANDOM: 0.9, PIXELS: 0.5}, f"Worse than {RANDOM}"),
    ],
)
def test_the_first_screen_says_whether_it_is_better_than_nothing(values: dict[str, float], said: str) -> None:
    assert overview.parts(run(scored(**values)))["state"]["text"] == said


def test_the_first_screen_says_which_is_best_and_by_how_much() -> None:
    parts = overview.parts(run(scored(**{"ours": 0.9, "theirs": 0.8, RANDOM: 0.6, PIXELS: 0.5})))
    assert parts["sentences"] == [], "of one comparison the protocol's own sentence says it"
    assert [tile["value"] for tile in parts["numbers"]] == ["0.900", "+0.300", "+0.400"]
    assert parts["numbers"][1]["more"] == "95 %: +0.250 to +0.350"


def test_of_many_comparisons_it_says_in_how_many() -> None:
    found = results(("ours", "theirs"), SETS[:3], ("linear", "knn"))
    for name in ("linear", "knn"):
        found[name]["ties"] = [{"data": one, "metric": tie["metric"], "best": "ours", "tied": []} for one, tie in zip(SETS, found[name]["ties"])]
    found["knn"]["ties"][0]["tied"] = ["theirs"]
    found["knn"]["ties"][1]["best"] = "theirs"
    said = "ours is best in 5 of 6 comparisons by 2 protocols over 3 data sets, told apart from every other encoder in 4 of them."
    assert overview.parts(run(found))["sentences"] == [said]


def test_the_first_screen_quotes_one_protocol_and_folds_the_others() -> None:
    found = results(("ours", "theirs"), SETS[7:8], ("few-shot", "linear"))
    found["verdict"] = ["few-shot on montgomery: a.", "b.", "linear on montgomery: c.", "d."]
    parts = only(verdict.section([run(found)]))
    assert parts["sentences"][1:] == ["linear on montgomery: c.", "d."]
    assert parts["further"] == ["few-shot on montgomery: a.", "b."]
    found["verdict"] = ["Something else."]
    assert only(verdict.section([run(found)]))["further"] == ["Something else."]


def test_of_an_error_less_is_better() -> None:
    found = scored(**{"ours": 0.1, RANDOM: 0.5, PIXELS: 0.6})
    for row in (*found["linear"]["cells"], *found["linear"]["differences"]):
        row["metric"] = "nll" if row["metric"] == "roc_auc" else row["metric"]
    found["linear"]["ties"] = []
    assert overview.parts(run(found))["state"]["text"] == f"Better than {RANDOM} and {PIXELS}"
    table = only(evaluated.section([run(found)]))["protocols"][0]["differences"][0]
    assert {row.verdict for row in table.rows} == {"better"}


def test_of_effective_rank_none_is_best() -> None:
    found = scored(**{"ours": 0.9, RANDOM: 0.6, PIXELS: 0.5})
    for cell in found["linear"]["cells"]:
        cell["metric"] = "rankme" if cell["primary"] else cell["metric"]
    found["linear"]["ties"] = []
    assert not any(cell.best for cell in grid(found, "linear").cells.values())
    assert "state" not in overview.parts(run(found))


def test_mean_ranks_share_what_is_equal() -> None:
    table = grid(scored(**{"a": 0.9, "b": 0.9, RANDOM: 0.6, PIXELS: 0.5}), "linear")
    assert [evaluated.mean_rank(table, name) for name in ("a", "b", RANDOM, PIXELS)] == [1.5, 1.5, 3.0, 4.0]


def test_differences_are_from_the_best_whichever_way_they_were_written() -> None:
    found = scored(**{"ours": 0.7, "theirs": 0.9, RANDOM: 0.6, PIXELS: 0.5})
    (table,) = only(evaluated.section([run(found)]))["protocols"][0]["differences"]
    assert [row.words[0] for row in table.rows] == ["theirs − ours", f"theirs − {RANDOM}", f"theirs − {PIXELS}"]
    assert [row.numbers[0] for row in table.rows] == ["+0.200", "+0.300", "+0.400"]
    assert table.rows[0].numbers[1] == "+0.150 to +0.250"


def test_controls_stand_beside_and_what_is_absent_says_why() -> None:
    found = scored(**{"ours": 0.9, RANDOM: 0.6, PIXELS: 0.5})
    found["linear"]["absent"] = [{"encoder": "theirs", "data": "montgomery", "reason": "too few channels"}]
    part = only(evaluated.section([run(found)]))["protocols"][0]
    assert [row.words[0] for row in part["tables"][0].rows] == ["ours", RANDOM, PIXELS, "majority", "metadata only", "patient lookup", "shuffled labels"]
    assert part["absent"] == ["theirs on montgomery: too few channels"]


def test_groups_of_the_critical_difference() -> None:
    found = results(ZOO[:3], SETS[:3], ("knn",))
    means = [{"encoder": name, "rank": rank} for name, rank in (("byol", 1.0), ("pirl", 2.0), ("moco-v2", 3.5))]
    found["ranks"] = [{"protocol": "knn", "ranks": means, "friedman_p": 0.2, "critical_difference": 1.6, "n": 3}]
    (made,) = only(ranks.section([run(found)]))["diagrams"]
    assert [row.numbers for row in made["table"].rows] == [["1.00", "a"], ["2.00", "a b"], ["3.50", "b"]]
    assert "does not tell" in made["telling"]


def test_a_curve_for_each_encoder_and_one_name_for_the_many() -> None:
    made = only(gradual.section([run(results(ZOO, SETS[:1], ("label-efficiency",)))]))["charts"][0]
    assert made["chart"].x_title == "share of the labels"
    assert [line.name for line in made["chart"].legend].count("other encoders") == 1
    assert len(made["chart"].lines) == len(ZOO) + 2
    assert len(made["rows"]) == 3 * (len(ZOO) + 2)
    assert not any(line.spans for line in made["chart"].lines), "whiskers of many would hide each other"


def test_subgroups_with_the_widest_gap() -> None:
    table = only(subgroups.section([run(results(ZOO[:1], SETS[7:8], ("linear",)))]))["tables"][0]
    assert [head[0] for head in table["heads"]] == ["F", "M", "Widest gap"]
    assert table["rows"][0][1][-1] == ("+0.050", "F − M, +0.010 to +0.090")


def test_calibration_before_and_after() -> None:
    table = only(temperature.section([run(results(ZOO[:1], SETS[:1], ("linear",)))]))["tables"][0]
    assert table.rows[0].numbers[:2] == ["1.4", "8.0\u00a0% → 3.0\u00a0%"]
    assert len(table.rows[0].whiskers) == 2


def test_protocols_and_imagenet_against_each_other() -> None:
    parts = only(correlations.section([run(results(ZOO, SETS[7:9], ("linear", "knn")))]))
    assert parts["heads"][1:4] == ("Spearman", "95 % interval", "p")
    assert parts["rows"][0][0] == "linear, ROC-AUC and knn, ROC-AUC"
    assert [len(row) for row in parts["rows"]] == [9, 9, 9]
    assert parts["rows"][0][-1] == "13", "baselines do not count"
    assert {row[0] for row in parts["single"]} >= {"linear, ROC-AUC and knn, ROC-AUC on shenzhen"}
    assert parts["family"] == "all 3 over data sets at once, and for all 6 on single ones"
    titles = {"knn, ROC-AUC against linear, ROC-AUC", *(f"{one}, ROC-AUC against ImageNet top-1 (%)" for one in ("linear", "knn"))}
    assert {chart.title for chart in parts["charts"][:3]} == titles
    assert {label.text for label in parts["charts"][0].labels} == {*ZOO, RANDOM, PIXELS}
    assert parts["charts"][0].lines[-1].name == "least squares"


def looked(found: dict, protocol: str, metric: str) -> dict:
    """``found`` with ``protocol`` judged by ``metric``, as what looks into an encoder is."""
    for row in found[protocol]["cells"]:
        row["metric"] = metric if row["primary"] else row["metric"]
    found["correlations"] = []
    return found


def test_what_looks_into_encoders_is_held_against_scores() -> None:
    found = looked(results(ZOO[:4], SETS[7:8], ("linear", "saliency")), "saliency", "attentive_diffusion")
    parts = only(correlations.section([run(found)]))
    assert {row[0] for row in parts["rows"]} >= {"linear, ROC-AUC and saliency, attentive diffusion"}
    assert parts["few"], "of four encoders there is no interval"
    assert {row[2] for row in parts["rows"]} == {"–"}
    chart = next(chart for chart in parts["charts"] if "saliency" in chart.title and "linear" in chart.title)
    assert chart.title == "linear, ROC-AUC against saliency, attentive diffusion (%)"
    assert not any(line.name == "least squares" for line in chart.lines)


def test_two_runs_of_the_same_encoders_are_held_against_each_other() -> None:
    scored, seen = results(ZOO[:6], SETS[7:8], ("linear",)), looked(results(ZOO[:6], SETS[7:8], ("saliency",)), "saliency", "attentive_diffusion")
    for found, prefix in ((scored, ""), (seen, "renamed ")):
        for one in found["encoders"]:
            one["weights"] = f"sha of {one['name']}"
            one["name"] = prefix + one["name"]
    for row in seen["saliency"]["cells"]:
        row["encoder"] = f"renamed {row['encoder']}"
    runs = [run(scored, letter="A"), run(seen, letter="B")]
    assert correlations.between(runs)
    (crossed,) = correlations.section(runs).parts["crossed"]
    assert crossed["title"] == "A against B"
    names = {row[0] for row in crossed["rows"]}
    assert "B: saliency, attentive diffusion and A: linear, ROC-AUC" in names
    assert {label.text for label in crossed["charts"][0].labels} == set(ZOO[:6]), "by the first's names"
    for one in seen["encoders"]:
        one["weights"] = f"{one['weights']}, trained on"
    assert not correlations.between([runs[0], run(seen, letter="B")])


def test_names_do_not_lie_on_each_other() -> None:
    labels = placed([(50.0, 50.0, "one"), (50.5, 50.0, "two"), (50.0, 51.0, "three"), (99.0, 2.0, "at the edge")])
    assert next(label for label in labels if label.text == "at the edge").side == "left"
    for nth, one in enumerate(labels):
        for other in labels[nth + 1 :]:
            assert abs(one.top - other.top) >= 4 or one.side != other.side


def test_thirteen_long_names_find_room() -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        points = [(float(x), float(y), name) for (x, y), name in zip(12 + 76 * rng.random((len(ZOO), 2)), ZOO, strict=True)]
        boxes = []
        for label in placed(points):
            wide = min(60.0, 1.75 * len(label.text))
            start = label.left - (wide if label.side == "left" else 0)
            boxes.append((start, label.top - 2.6, start + wide, label.top + 2.6))
        assert all(left > -1 and right < 101 for left, _, right, _ in boxes)
        met = sum(min(a[2], b[2]) > max(a[0], b[0]) + 2 and min(a[3], b[3]) > max(a[1], b[1]) + 2 for a, b in combinations(boxes, 2))
        assert met == 0, f"two names lie on each other ({seed})"


def test_what_is_the_same_for_all_is_said_once() -> None:
    found = results(ZOO[:2], SETS[:1], ("linear",))
    for row, value in zip(found["linear"]["chosen"], (1e-6, 5623.413, 1.0, 1.0)):
        row |= {"C": value, "refitted": True}
    (table,) = only(chosen.section([run(found)]))["tables"]
    assert table["same"] == "Refitted: yes"
    assert table["heads"] == ["Encoder", "Data", "C"]
    assert [row[2] for row in table["rows"]][:2] == ["1e−6", "5\u202f623"]


def test_data_sets_are_counted_and_leaks_told() -> None:
    found = results(ZOO[:1], ("chexpert",))
    test = {"images": 1000, "images_of_shared_subjects": 812, "images_of_shared_studies": 194}
    lookup = {"metric": "roc_auc", "value": 0.8, "majority": 0.5}
    found["leakage"] = [{"data": "chexpert", "subjects_known": True, "test": test, "same_pixels": 2, "twice": 0, "lookup": lookup, "sentences": ["Seen."]}]
    parts = only(leakage.section([run(found)]))
    assert parts["rows"][0][:5] == ["chexpert", "ROC-AUC, 2 classes", "470\nsubjects unknown", "52\nsubjects unknown", "62\nsubjects unknown"]
    assert parts["leaks"] == [["chexpert", "812 (81\u00a0%)", "194", "2", "–", "0", "0.800", "0.500"]]
    assert parts["said"] == ["Seen."]


def test_the_command_is_one_that_a_shell_takes() -> None:
    config = {"protocols": ["linear", "knn"], "encoder": ["a b=x/y", "byol"], "data": ["pneumoniamnist"], "seed": 3, "replicates": 2000, "compat": "none"}
    assert reproduce.command(run({}, config=config)) == "vesalius evaluate linear,knn --encoder 'a b=x/y' --encoder byol --data pneumoniamnist --seed 3"


def test_the_command_says_every_field_that_is_not_the_default() -> None:
    from vesalius.evaluate.config import EvaluateConfig, configured
    from vesalius.evaluate.verb import fields_of
    from vesalius.recipes.data_config import SplitConfig

    plain = EvaluateConfig(protocols=()).model_dump(mode="json")
    assert {key: plain[key] for key in reproduce.MEANT} == reproduce.MEANT
    assert {**SplitConfig(val=0.2).model_dump(mode="json"), **reproduce.SPLIT} == SplitConfig(val=0.2).model_dump(mode="json")
    given = {"few-shot.way": 3, "few-shot.classes": ["a", "b c"], "filter": {"view": "frontal"}, "subgroups": "sex,age", "split.val": 0.3, "max_images": 40}
    asked = configured("few-shot,linear", (), given, ("byol",), ("pneumoniamnist",))
    words = shlex.split(reproduce.command(run({}, config=asked.model_dump(mode="json"))))
    tail = words[words.index("pneumoniamnist") + 1 :]
    assert configured(words[2], (), fields_of(tail), ("byol",), ("pneumoniamnist",)) == asked


def test_no_folder_of_the_user_is_on_the_page(tmp_path: Path) -> None:
    config = {"protocols": ["knn"], "encoder": ["ours=/home/ann/secret/first"], "data": ["/home/ann/patients", "medmnist@/home/ann/med:pneumonia"], "seed": 1}
    page = build([fake_evaluation.write(tmp_path / "run", results(ZOO[:1], SETS[:1], ("knn",)), config)]).read_text()
    assert "/home" not in page
    assert "ours=…/first" in page
    assert "medmnist@…:pneumonia" in page
    assert "--data DATA" in page


@pytest.mark.parametrize("name", fake_evaluation.VARIANTS)
def test_the_page_is_whole(name: str, tmp_path: Path) -> None:
    page = build([fake_evaluation.write(tmp_path / name, fake_evaluation.VARIANTS[name]())]).read_text()
    assert "<script>alert" not in page
    assert not re.search(r"\b(nan|inf|None)\b", re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL))
    assert page.count("<section ") == page.count("</section>")


def test_results_of_nothing_have_reasons() -> None:
    for module in (leakage, evaluated, gradual, ranks, subgroups, temperature, correlations, chosen, reproduce):
        assert module.section([run({})]).reason


def test_controls_do_not_stand_beside_what_is_measured_otherwise() -> None:
    found = results(ZOO[:1], SETS[:1], ("few-shot", "linear"))
    found["few_shot"]["cells"] = [cell for cell in found["few_shot"]["cells"] if cell["primary"]]
    found["controls"] += [{**row, "metric": "roc_auc"} for row in found["controls"]]
    assert grid(found, "few-shot").controls == {}, "an accuracy over episodes is not one over test images"
    assert "majority" in grid(found, "linear").controls


def test_shares_and_shots_are_charts_of_their_own() -> None:
    found = results(ZOO[:1], SETS[:1], ("label-efficiency",))
    rows = found["label_efficiency"]["curves"]
    rows += [{**row, "x": 5, "axis": {"x": "images of each class", "log": True}} for row in rows]
    made = only(gradual.section([run(found)]))["charts"]
    assert [one["chart"].x_title for one in made] == ["share of the labels", "images of each class"]
    assert len(made[0]["rows"]) == 9


def test_measures_have_names() -> None:
    names = ("map_at_10", "roc_auc@0.1", "ece_calibrated", "aulc")
    assert [wording.title(name) for name in names] == ["mAP@10", "ROC-AUC at 0.1", "Calibration error, calibrated", "Area under the label curve"]
    assert wording.score(0.5, "map_at_10") == "0.500"
    assert wording.score(0.5, "accuracy@0.1") == "50.0\u00a0%"
    assert wording.listed(["a"]) == "a"
    assert wording.listed(["a", "b", "c"]) == "a, b and c"
