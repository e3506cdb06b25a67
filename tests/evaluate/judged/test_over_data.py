"""Ranks over data sets and correlations between protocols, against scipy and published numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evaluate.judged import published
from vesalius.evaluate.judged import over_data


def part(scores: np.ndarray, metric: str = "roc_auc") -> dict:
    names = [f"e{i}" for i in range(scores.shape[1])]
    return {
        "cells": [
            {"encoder": name, "data": f"d{row}", "metric": metric, "primary": True, "value": float(scores[row, column])}
            for row in range(len(scores))
            for column, name in enumerate(names)
        ]
    }


def test_demsars_example():
    """Demsar 2006, section 3.2.2 and table 6: four classifiers on 14 data sets; Friedman's chi-square 9.28, critical difference 1.25."""
    scores = np.array([
        [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967], [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931], [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875], [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970],
    ])  # fmt: skip
    found = over_data.ranked(scores, ["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"], [str(i) for i in range(14)])
    mean = {row["encoder"]: row["rank"] for row in found["ranks"]}
    assert [mean[name] for name in ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf")] == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=0.02)
    assert found["critical_difference"] == pytest.approx(1.25, abs=0.01)
    assert found["friedman_p"] < 0.05
    assert found["ranks"][0]["encoder"] == "C4.5+m+cf"


def test_ranks_need_three_data_sets_and_leave_baselines_out():
    scores = np.random.default_rng(0).random((3, 4))
    (found,) = over_data.ranks({"linear": part(scores)}, ["e3"])
    assert found["protocol"] == "linear"
    assert {row["encoder"] for row in found["ranks"]} == {"e0", "e1", "e2"}
    assert sum(row["rank"] for row in found["ranks"]) == pytest.approx(6)
    assert over_data.ranks({"linear": part(scores[:2])}, []) == []
    (lower,) = over_data.ranks({"linear": part(scores, "nll")}, ["e3"])
    assert [row["encoder"] for row in lower["ranks"]] == [row["encoder"] for row in found["ranks"]][::-1]


def test_protocols_correlate_over_encoders():
    rng = np.random.default_rng(1)
    worth = rng.random(8)
    a, b = worth + 0.01 * rng.random((2, 8)), worth + 0.3 * rng.random((2, 8))
    found, *single = over_data.correlations({"linear": part(a), "knn": part(b)}, [], 1)
    assert [row["on"] for row in (found, *single)] in ([None, "d0", "d1"], [None, "d1", "d0"])
    x, y = a.mean(0), b.mean(0)
    assert found["pearson"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert found["spearman"] == pytest.approx(np.corrcoef(x.argsort().argsort(), y.argsort().argsort())[0, 1])
    assert found["low"] <= found["spearman"] <= found["high"]
    assert found["n"] == 8
    few, *_ = over_data.correlations({"linear": part(a[:, :4]), "knn": part(b[:, :4])}, [], 1)
    assert few["low"] is None
    assert over_data.correlations({"linear": part(a[:, :2]), "knn": part(b[:, :2])}, [], 1) == []
    (undirected, *_) = over_data.correlations({"linear": part(a), "rank": part(b, "rankme")}, [], 1)
    assert (undirected["b"], undirected["b_metric"], undirected["data"], undirected["on"]) == ("rank", "rankme", ["d0", "d1"], None)
    (without, *_) = over_data.correlations({"linear": part(a), "knn": part(b)}, ["e0", "e1"], 1)
    assert without["n"] == 6


def test_the_originals_coefficients_come_out_of_its_table():
    found = published.correlated()
    each = {row["on"]: row for row in found if row["a"] == "ImageNet top-1"}
    assert {name: each[name]["pearson"] for name in published.FOUND} == pytest.approx(published.FOUND, abs=0.01)
    assert (each["shenzhen"]["pearson_p"], each["cifar10"]["pearson_p"]) == pytest.approx((0.07, 0.01), abs=0.005)
    assert {row["n"] for row in found} == {8}
    assert all(row["pearson_low"] < row["pearson"] < row["pearson_high"] for row in found)
    assert each["cifar10"]["p"] < 0.05 < each["cifar10"]["p_holm"], "of ten data sets one such p-value is to be expected"
    assert each[None]["data"] == list(published.FOUND)


def test_further_measures_are_held_against_scores_only():
    rng = np.random.default_rng(2)
    looked = part(rng.random((2, 6)), "feature_error")
    looked["cells"] += [{**row, "primary": False, "metric": "psnr"} for row in part(rng.random((2, 6)))["cells"]]
    turned = part(rng.random((1, 6)), "whitened_cosine")
    turned["cells"] += [
        {**row, "primary": False, "metric": metric}
        for metric in ("mahalanobis", "whitened_cosine@rotation", "whitened_cosine@hue")
        for row in part(rng.random((1, 6)))["cells"]
    ]
    found = over_data.correlations({"linear": part(rng.random((2, 6))), "reconstruction": looked, "invariance": turned}, [], 1)
    pairs = {(row["a_metric"], row["b_metric"]) for row in found if row["on"] is None}
    assert pairs == {
        *(("roc_auc", metric) for metric in ("feature_error", "psnr", "whitened_cosine", "mahalanobis")),
        *(("roc_auc", f"whitened_cosine@{name}") for name in ("rotation", "hue")),
        ("feature_error", "whitened_cosine"),
    }
    assert {row["family"] for row in found if row["on"] is None} == {7}
    assert [abs(row["spearman"]) for row in found if row["on"] is None] == sorted((abs(row["spearman"]) for row in found if row["on"] is None), reverse=True)
    assert {tuple(row["data"]) for row in found if row["b_metric"] == "whitened_cosine"} == {("d0",)}, "means over the data sets that both have"
