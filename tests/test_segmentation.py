"""Segmentation from the user's side: a run and what it writes, resume, twins and sizes, plans, and what is refused."""

# Proves recipes.segmentation.config, recipes.segmentation.material too: see mirrors.yaml.

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch

import vesalius
from tests.segmented import PLAN, RECIPE, heads
from vesalius.encoders import build_encoder, save_encoder
from vesalius.errors import Preempted, UserError
from vesalius.finetune import Finetuned
from vesalius.tasks.segmenter import Segmenter
from vesalius.training.stop import StopRequests

MODELS = ("fine-tuned", "majority", "intensity k-means")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Heads in ``list.json``, the finished run ``run`` of them, all in a folder of their own."""
    folder = tmp_path_factory.mktemp("segmented")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(folder / "cache"))
        patch.setenv("VESALIUS_RUNS", str(folder / "runs"))
        heads(folder)
        tune(folder, folder / "run", steps=24)
        yield folder


def tune(place: Path, out: Path, *, data: dict[str, Any] | None = None, **changes: Any) -> Finetuned:
    given = {"train": str(place / "list.json"), "plan": PLAN, **(data or {})}
    return vesalius.finetune(RECIPE, out=out, quiet=True, data=given, **changes)


def dice(results: dict[str, Any], model: str = "fine-tuned", metric: str = "dice") -> float:
    (row,) = [r for r in results["scores"] if (r["model"], r["metric"]) == (model, metric)]
    return float(row["value"])


def rows(run: Path, kind: str) -> list[dict[str, Any]]:
    return [row for line in (run / "metrics.jsonl").read_text().splitlines() if (row := json.loads(line))["kind"] == kind]


def test_a_run(place: Path) -> None:
    run = Finetuned(place / "run")
    results = run.results
    assert {"segmenter.safetensors", "segmenter.json", "encoder.safetensors", "encoder.json", "views.png", "report.html"} <= {
        p.name for p in run.path.iterdir()
    }
    assert dice(results) > dice(results, "majority") + 0.1
    assert dice(results, "intensity k-means") > dice(results, "majority")
    assert {r["metric"] for r in results["scores"]} == {"dice", "surface_dice", "hausdorff95", "surface_distance"}
    assert all(r["split"] == "test" and r["n"] == 2 for r in results["scores"])
    found = results["segmentation"]
    assert found["classes"] == ["skin", "brain", "ventricle"]
    assert [row["class"] for row in found["per_class"]] == found["classes"]
    assert dice(results) == pytest.approx(np.mean([case["dice"] for case in found["cases"]]))
    assert sorted(p.stem for p in (run.path / "segmentations").iterdir()) == sorted(found["pictures"])
    # the best by validation, which the monitor measured, is the run's model
    looks = {row["step"]: row["monitor/validation/dice"] for row in rows(run.path, "monitor")}
    chosen = results["checkpoints"]["chosen_by_labels"]
    assert chosen["value"] == max(looks.values()) == looks[chosen["step"]]
    best = run.path / "checkpoints" / "best-validation"
    assert (best / "segmenter.safetensors").read_bytes() == (run.path / "segmenter.safetensors").read_bytes()
    page = (run.path / "report.html").read_text()
    for words in ("Segmentations", "Dice by class and case", "ventricle", "zscore"):
        assert words in page
    assert "case_00" not in page
    assert str(place) not in page


def test_the_score_is_that_of_the_files_own_voxels(place: Path, tmp_path: Path) -> None:
    """The same heads stored with other axes have the same score, measured on their own voxels; counted by hand once."""
    heads(tmp_path, axes="LPS")
    model = Segmenter.load(place / "run")
    from vesalius.data.dataset import open_data, resolve
    from vesalius.data.volumes.geometry import labels_onto_source
    from vesalius.tasks.sliding import Windows, probabilities
    from vesalius.terminal import Terminal

    plan = model.encoder.card.plan
    assert plan is not None
    scores = []
    for folder in (place, tmp_path):
        table = resolve(str(folder / "list.json"))
        data = open_data("heads", table, plan, Terminal(quiet=True))  # type: ignore[arg-type]
        store: Any = data.store
        at = int(data.rows("test")[0])
        found = labels_onto_source(probabilities(model, store, at, Windows(plan.patch)), store.geometry(at))
        truth = np.asarray(nibabel.load(folder / "labelsTr" / "case_006.nii.gz").dataobj)  # type: ignore[attr-defined]
        assert found.shape == truth.shape
        each = [2 * ((found == k) & (truth == k)).sum() / ((found == k).sum() + (truth == k).sum()) for k in (1, 2, 3)]
        scores.append(float(np.mean(each)))
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)
    assert any(case["dice"] == pytest.approx(scores[0], abs=1e-6) for case in Finetuned(place / "run").results["segmentation"]["cases"])


def test_resume_is_bit_exact(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tune(place, tmp_path / "whole")
    calls = iter(range(100))
    with monkeypatch.context() as patch:
        patch.setattr(StopRequests, "agreed", lambda self: next(calls) == 4)
        with pytest.raises(Preempted):
            tune(place, tmp_path / "halted")
    vesalius.finetune(resume=tmp_path / "halted", quiet=True)
    for name in ("segmenter.safetensors", "encoder.safetensors"):
        assert (tmp_path / "halted" / name).read_bytes() == (whole.path / name).read_bytes()
    one, two = ([(r["step"], r["loss"], r["grad_norm"]) for r in rows(tmp_path / name, "train")] for name in ("whole", "halted"))
    assert one == two
    assert Finetuned(tmp_path / "halted").results["scores"] == whole.results["scores"]


def test_twins_and_sizes_by_one_command(place: Path, tmp_path: Path) -> None:
    given: Any = {"encoder": str(place / "run"), "steps": 3, "validate_every": {"steps": 3}}
    recipe = {key: value for key, value in RECIPE.items() if key != "encoder"}
    run = vesalius.finetune(
        recipe, out=tmp_path / "twins", quiet=True, twin=True, seeds=[3], sizes=[2, 4], data={"train": str(place / "list.json")}, **given
    )
    parts = {f"{size}-volumes-{arm}-seed-3" for size in (2, 4) for arm in ("pretrained", "scratch")}
    assert parts <= {p.name for p in run.path.iterdir()}
    each = {part: json.loads((run.path / part / "results.json").read_text()) for part in parts}
    (small, large) = run.results["repeated"]["gains"]
    own, twin = (dice(each[f"4-volumes-{arm}-seed-3"]) for arm in ("pretrained", "scratch"))
    assert (small["volumes"], large["volumes"]) == (2, 4)
    assert large["value"] == pytest.approx(own - twin)
    assert large["relative"] == pytest.approx((own - twin) / twin)
    assert large["low"] <= large["value"] <= large["high"]
    assert "fewer than 3 seeds tell nothing" in " ".join(run.results["verdict"])
    # twins share network, plan, budget and order; only what the encoder begins with differs
    cards = [json.loads((run.path / f"4-volumes-{arm}-seed-3" / "encoder.json").read_text()) for arm in ("pretrained", "scratch")]
    assert all(cards[0][key] == cards[1][key] for key in ("architecture", "options", "size", "plan"))
    assert cards[1]["trained_on"].startswith("random initialisation")
    page = (run.path / "report.html").read_text()
    assert "What pretraining adds" in page
    assert "Mean Dice by number of training volumes" in page
    # interrupted, it goes on with what is not done
    facts = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**facts, "state": "failed"}))
    stamp = (run.path / "2-volumes-scratch-seed-3" / "results.json").stat().st_mtime_ns
    vesalius.finetune(resume=run.path, quiet=True)
    assert (run.path / "2-volumes-scratch-seed-3" / "results.json").stat().st_mtime_ns == stamp


def test_the_encoder_s_plan_is_kept_and_every_override_is_said(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = {key: value for key, value in RECIPE.items() if key != "encoder"} | {"steps": 1}
    data = {"train": str(place / "list.json")}
    vesalius.finetune(recipe, encoder=place / "run", out=tmp_path / "same", data=data)
    assert "Prepared as mr, axes RAS, 2×2×3 mm, intensities by zscore, patches of 16×16×16" in capsys.readouterr().err
    plan = {"spacing": [3.0, 3.0, 3.0], "intensity": {"rule": "percentiles"}}
    other = vesalius.finetune(recipe, encoder=place / "run", out=tmp_path / "other", data={**data, "plan": plan})
    said = capsys.readouterr().err
    assert "data.plan.spacing is 3×3×3, but the encoder learnt from volumes prepared with 2×2×3" in said
    assert "data.plan.intensity is percentiles 0.5 to 99.5, but the encoder learnt from volumes prepared with zscore" in said
    assert sum("data.plan." in text for text in other.results["warnings"]) == 2
    kept = other.segmenter.encoder.card.plan
    assert kept is not None
    assert (kept.spacing, kept.intensity.rule, kept.patch) == ((3.0, 3.0, 3.0), "percentiles", (16, 16, 16))


def test_transfer_is_counted_and_a_wrong_file_is_refused(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """UNETR takes all 161 tensors of a transformer of twelve layers, and says so."""
    small = {"hidden_size": 12, "mlp_dim": 16, "num_heads": 2}
    encoder = build_encoder("monai:vit", channels=1, size=(16, 16, 16), **small)
    save_encoder(encoder, tmp_path / "vit")
    recipe = {key: value for key, value in RECIPE.items() if key != "encoder"} | {"steps": 1, "decoder": {"name": "unetr", "feature_size": 2}}
    data = {"train": str(place / "list.json"), "plan": PLAN}
    run = vesalius.finetune(recipe, encoder=tmp_path / "vit", out=tmp_path / "run", data=data)
    assert "161 of 161 tensors" in capsys.readouterr().err
    assert run.segmenter.name == "unetr"
    from safetensors.torch import load_file, save_file

    tensors = load_file(tmp_path / "vit" / "encoder.safetensors")
    save_file({f"part{n}": value for n, value in enumerate(tensors.values())}, tmp_path / "vit" / "encoder.safetensors")
    with pytest.raises(UserError, match="Only 0% of the network's tensors were found"):
        vesalius.finetune(recipe, encoder=tmp_path / "vit", out=tmp_path / "none", quiet=True, data=data)


def test_frozen_encoders_stay_as_they_are(place: Path, tmp_path: Path) -> None:
    frozen = tune(place, tmp_path / "frozen", steps=2, **{"encoder.freeze": True})
    given = build_encoder("monai:segresnet", channels=1, size=(16, 16, 16), seed=1, init_filters=4, blocks_down=[1, 1])
    kept = frozen.segmenter.encoder.network.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in given.network.state_dict().items())


def test_the_tutorial_s_rules_come_back(place: Path, tmp_path: Path) -> None:
    run = tune(place, tmp_path / "compat", steps=1, compat="monai-tutorial", data={"plan": {**PLAN}})
    results = run.results
    assert results["checkpoints"]["chosen_by_labels"]["metric"] == "validation/dice_monai_tutorial"
    assert {r["split"] for r in results["scores"]} == {"val"}
    assert {r["n"] for r in results["scores"]} == {4}, "what was the test chooses too"
    assert any("running means" in text for text in results["warnings"])


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"data.limit": 9}, "9 training volumes are asked for"),
        ({"data.plan": {"spacng": [1, 1, 1]}}, "a plan has no 'spacng'"),
        ({"decoder": {"name": "unetr"}}, "needs a vision transformer"),
        ({"encoder": "resnet18"}, "stages|decoder|fits"),
        ({"views": "simclr"}, "volumes"),
        ({"twin": True, "encoder.scratch": True}, "leave encoder.scratch out"),
        ({"sizes": [2, 2]}, "holds one twice"),
        ({"steps": None}, "exactly one of epochs and steps"),
        ({"data.classes": ["one"]}, "say what the values"),
    ],
)
def test_what_is_refused(place: Path, tmp_path: Path, changes: dict[str, Any], match: str) -> None:
    given = {"data.train": str(place / "list.json"), "data.plan": PLAN, **changes}
    with pytest.raises(UserError, match=match):
        vesalius.finetune(RECIPE, out=tmp_path / "run", quiet=True, **given)
    assert not (tmp_path / "run").exists()


def test_volumes_without_labels_are_refused(place: Path, tmp_path: Path) -> None:
    said = json.loads((place / "list.json").read_text())
    bare = {part: [{"image": str(place / entry["image"])} for entry in said[part]] for part in ("training", "validation")}
    (tmp_path / "bare.json").write_text(json.dumps(bare))
    with pytest.raises(UserError, match="has no label volumes"):
        tune(place, tmp_path / "run", data={"train": str(tmp_path / "bare.json")})
