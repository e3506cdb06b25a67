from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.report import wording as w


def test_scores_are_written_in_their_own_unit() -> None:
    assert w.score(0.8724, "accuracy") == "87.2\u00a0%"
    assert w.score(0.8724, "roc_auc") == "0.872"
    assert w.score(112.94, "rankme") == "113"
    assert w.score(None, "accuracy") == "–"
    assert w.score(41.26, "attentive_diffusion") == "41.3\u00a0%"
    assert w.short_score(0.8, "accuracy") == "80\u00a0%"


def test_differences_carry_their_sign_and_nothing_has_none() -> None:
    assert w.difference(0.123, "accuracy") == "+12.3"
    assert w.difference(-0.0041, "roc_auc") == "−0.004"
    assert w.difference(-0.00001, "accuracy") == "0.0"
    assert w.interval(0.861, 0.883, "accuracy") == "86.1 to 88.3\u00a0%"
    assert w.interval(-0.01, 0.02, "accuracy", signed=True) == "−1.0 to +2.0"
    assert w.interval(None, 0.02, "accuracy") == "–"
    assert w.difference(-3.14, "attentive_diffusion") == "−3.1"
    assert w.unit_of_difference("attentive_diffusion") == "percentage points"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (0.00123, "0.00123"),
        (1.2e-5, "1.2e−5"),
        (540.4, "540"),
        (12345, "12\u202f345"),
        (-2.5, "−2.5"),
        (3e8, "3e8"),
        (0.9999, "1"),
    ],
)
def test_figures(value: float, said: str) -> None:
    assert w.figure(value) == said


@given(st.floats(1e-300, 1e300))
def test_a_figure_is_near_its_value(value: float) -> None:
    said = w.figure(value).replace("\u202f", "").replace("−", "-")
    assert float(said) == pytest.approx(value, rel=6e-3)
    assert w.figure(-value) == "−" + w.figure(value)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.42, "0.42 s"),
        (42, "42 s"),
        (60, "1 min"),
        (303, "5 min 3 s"),
        (8040, "2 h 14 min"),
        (90000, "1 d 1 h"),
        (None, "–"),
    ],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert w.duration(seconds) == said


def test_amounts() -> None:
    assert w.large(11_200_000) == "11.2\u202fM"
    assert w.memory(812) == "812 MB"
    assert w.memory(3482) == "3.4 GB"
    assert w.share(0.004) == "0.4\u00a0%"
    assert w.share(0.865) == "86\u00a0%"
    assert w.count(50000) == "50\u202f000"


def test_unknown_metrics_keep_their_words() -> None:
    assert w.title("cohen_kappa") == "Cohen kappa"
    assert w.title("roc_auc") == "ROC-AUC"
    assert not w.is_score("rankme")


def test_a_measure_of_one_network_is_named_and_directed_as_the_measure_is() -> None:
    assert w.title("perceptual_distance@alexnet") == "Perceptual distance, AlexNet"
    assert w.title("whitened_cosine@h_flip") == "Whitened cosine, h flip"
    assert w.title("sensitivity@0.95") == "Sensitivity at 0.95"
    assert w.is_error("perceptual_distance@vgg")
    assert w.is_error("perceptual_distance")
    assert w.score(0.00855, "perceptual_distance@vgg") == "0.009"
    assert not w.is_directed("rankme@vgg")
