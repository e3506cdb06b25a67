"""The three sentences: what they say follows from the intervals."""

from typing import Any

import pytest

from vesalius.evaluate.pretrained.verdict import sentences


def results(fresh: tuple[float, float, float], pca: tuple[float, float, float], chosen: int = 100) -> dict[str, Any]:
    """A pretraining at 0.8, this far from random initialisation and from pixel PCA (value, low, high)."""

    def row(encoder: str, value: float) -> dict[str, Any]:
        probe = "constant" if encoder == "majority" else "linear"
        interval = {"value": value, "low": value - 0.02, "high": value + 0.02, "n": 1000, "unit": "subjects"}
        return {"encoder": encoder, "probe": probe, "metric": "accuracy", **interval}

    def apart(b: str, numbers: tuple[float, float, float]) -> dict[str, Any]:
        return {"a": "pretrained", "b": b, "probe": "linear", "metric": "accuracy", **dict(zip(("value", "low", "high"), numbers, strict=True))}

    return {
        "probes": [row("pretrained", 0.8), row("random init", 0.8 - fresh[0]), row("pixel PCA", 0.8 - pca[0]), row("majority", 0.1)],
        "differences": [apart("random init", fresh), apart("pixel PCA", pca), apart("majority", (0.7, 0.6, 0.8))],
        "checkpoints": {"exported": {"step": 100}, "chosen_by_labels": {"step": chosen, "name": "best-knn"}},
    }


UP, EVEN, DOWN = (0.1, 0.05, 0.15), (0.01, -0.02, 0.04), (-0.1, -0.15, -0.05)


@pytest.mark.parametrize(
    ("fresh", "said"),
    [(UP, "It learnt: a linear probe reaches accuracy 0.800 (0.780 to 0.820) on 1,000 test subjects, +0.100 (+0.050 to +0.150) over random"),
     (EVEN, "It cannot be told from random initialisation"), (DOWN, "It is worse than no training")],
)  # fmt: skip
def test_the_first_says_whether_it_learnt(fresh: tuple[float, float, float], said: str) -> None:
    assert sentences(results(fresh, EVEN), [], "")[0].startswith(said)


@pytest.mark.parametrize(
    ("pca", "said"),
    [(UP, "It also beats the strongest baseline without a network, pixel PCA (0.700"), (EVEN, "Against the baseline pixel PCA"),
     (DOWN, "The baseline pixel PCA (0.900 (0.880 to 0.920)) is better by +0.100 (+0.050 to +0.150).")],
)  # fmt: skip
def test_the_second_names_the_strongest_baseline(pca: tuple[float, float, float], said: str) -> None:
    assert sentences(results(UP, pca), [], "")[1].startswith(said)


def test_the_third_says_what_to_do() -> None:
    rising = [{"monitor/knn/accuracy": v} for v in (0.1, 0.2, 0.3, 0.4)]
    collapsed = [{"monitor/spread/collapsed": 1.0}]
    assert "Train longer, or look at the views" in sentences(results(EVEN, UP), [], "")[2]
    assert "the simple baseline is as good" in sentences(results(UP, DOWN), [], "")[2]
    assert "still rising" in sentences(results(UP, UP), rising, "")[2]
    assert "best at step 40" in sentences(results(UP, UP, chosen=40), [], "")[2]
    assert "label more where the mistakes are" in sentences(results(UP, UP), [], "")[2]
    assert "collapsed" in sentences(results(UP, UP), [*rising, *collapsed], "")[2]


def test_without_labels_it_speaks_of_the_loss_alone() -> None:
    falling = [{"loss": 3.0}, {"loss": 2.0}, {"loss": 1.0}]
    first, second, third = sentences({}, falling, "No labels.")
    assert first == "The loss fell from 3.000 to 2.000."
    assert second == "What the encoder is worth was not measured. No labels."
    assert "Give a few hundred labelled images" in third
    assert sentences({}, [{"loss": 1.0}, {"loss": 5.0}], "x")[0].startswith("The loss did not fall")
    assert "too short" in sentences({}, [], "x")[0]


def test_what_was_painted_is_set_beside_answers_that_need_no_network() -> None:
    start = "monitor/reconstruction/"
    rows = [{f"{start}l1": 0.3, f"{start}identity_l1": 0.1, f"{start}mean_l1": 0.2}, {f"{start}l1": 0.15, f"{start}identity_l1": 0.1, f"{start}mean_l1": 0.2}]
    said = sentences({"data": {"train": {"plan": {}}}}, rows, "No labels.")
    assert said[1] == "On validation its L1 is 0.150: not below copying what was seen (0.100) and below answering the mean (0.200)."
    assert said[-1].startswith("Fine-tune a segmenter")
    (same,) = sentences({}, [{f"{start}l1": 0.2069, f"{start}identity_l1": 0.26, f"{start}mean_l1": 0.2071}], "x")[1:2]
    assert same.endswith("and not below answering the mean (0.207)."), "what is the same as it is printed is not called less"
    assert len(sentences({}, [], "No labels.")) == 3
