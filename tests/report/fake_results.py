"""What a fake run found: results.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.report.fake_run import Fake

FRACTIONS = (0.01, 0.1, 1.0)
ENCODERS = {"pretrained": 0.0, "random init": -0.16, "pixel PCA": -0.09, "mean and deviation": -0.31}


def results(fake: Fake) -> dict[str, Any]:
    train = {
        "name": "mni152",
        "images": 24_000,
        "subjects": None,
        "left_out": 3,
        "channels": 1,
        "stored_size": "48",
        "warnings": [],
        "licence": "ICBM, free for research",
    }
    found: dict[str, Any] = {
        "kind": "pretrain",
        "title": fake.title,
        "verdict": _verdict(fake),
        "data": {"train": train},
        "probes": [],
        "differences": [],
        "cost": {
            "images_per_second": 1043.2,
            "seconds": 307.4,
            "steps": fake.steps,
            "epochs": 24,
            "parameters": 2_797_000,
            "flops_per_image": 78.4e6,
            "peak_memory_mb": 1412.0,
            "wait_share": 0.021,
            "device": "cpu",
            "threads": 2,
            "precision": "bfloat16",
            "time_by_stage": {"decode": 7.1, "train": 246.0, "monitor": 21.5, "examine": 32.8},
        },
        "warnings": list(fake.warnings),
        "absent": {},
    }
    if not fake.monitor:
        found["absent"] = {"probes": "No labelled data was given, so there was nothing to examine the encoder with."}
        found["verdict"] = [
            "The loss fell from 5.4 to 2.1.",
            "Without labels there is no baseline to hold it against.",
            "Give --data.monitor.",
        ]
        return found
    n = len(fake.classes)
    share = np.full(n, 1 / n) * np.linspace(1.3, 0.7, n)
    found["data"]["monitor"] = {
        "name": "mni152",
        "task": {"kind": fake.kind, "name": "region", "labels": ["region"], "classes": list(fake.classes)},
        "counts": {
            split: {"images": size, "subjects": None, "per_class": [round(size * float(v)) for v in share]}
            for split, size in (("train", 6000), ("val", 1000), ("test", fake.test))
        },
        "split_by": "image",
        "warnings": ["No subjects are known, so the split is by image."],
    }
    found["data"]["overlap"] = {
        "left_out": 0,
        "sets": {
            "mni152": {
                "images": 0,
                "of_images": 2200,
                "subjects": None,
                "of_subjects": None,
                "compared_by": "stored pixels",
            }
        },
    }
    found["probes"], found["differences"] = _probes(fake)
    found["label_efficiency"] = _efficiency(fake)
    found["calibration"] = _calibration(fake) if fake.kind == "classes" else None
    found["absent"] = (
        {} if fake.kind == "classes" else {"calibration": "Calibration is measured for one class per image."}
    )
    early, metric = fake.steps * 11 // 12, f"linear/{fake.metrics[0]}"
    best = {"name": "best-linear", "step": early, "metric": metric, "value": fake.accuracy}
    found["checkpoints"] = {
        "criteria": [
            {**best, "by_labels": True, "labelled": fake.accuracy, "loss": 0.0},
            {
                "name": "best-spread",
                "step": fake.steps,
                "metric": "spread/rankme",
                "value": 1.02 if fake.collapsed else 112.9,
                "by_labels": False,
                "labelled": fake.accuracy - 0.004,
                "loss": 0.004,
            },
        ],
        "yardstick": best,
        "chosen_by_labels": best,
        "chosen_by_rankme": {"name": "best-spread", "step": fake.steps, "value": 1.02 if fake.collapsed else 112.9},
        "last": {"name": "last", "step": fake.steps, "labelled": fake.accuracy - 0.004, "loss": 0.004},
        "agree": False,
        "sentence": "Against the best by labels, best-spread loses 0.004 and the last 0.004.",
        "exported": {"name": "last", "step": fake.steps},
    }
    return found


def _verdict(fake: Fake) -> list[str]:
    if fake.collapsed:
        return [
            "The encoder did not learn: its features collapsed at step 400 (RankMe 1.0).",
            "The linear probe is no better than on the network it started from.",
            "Lower the learning rate or lengthen the warm-up, then run again.",
        ]
    return [
        "The encoder learned: a linear probe on its frozen features names the region of a patch in "
        f"{100 * fake.accuracy:.1f} % of test images.",
        "The same network with random weights reaches 16 points less and pixel PCA 9 points less; both differences are "
        "larger than their intervals.",
        "RankMe was still rising at the last step, so train longer before changing anything else.",
    ]


def _half(value: float, n: int) -> float:
    return 1.96 * float(np.sqrt(max(value * (1 - value), 1e-4) / n))


def _probes(fake: Fake) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows, differences = [], []
    for metric in fake.metrics:
        lift = 0.06 if "auc" in metric and fake.kind == "classes" else 0.0
        for probe, offset in (("linear", 0.0), ("knn", -0.045)):
            for encoder, gap in ENCODERS.items():
                if encoder != "pretrained" and fake.collapsed:
                    gap = {"random init": 0.002, "pixel PCA": 0.11}.get(encoder, -0.1)
                value = float(np.clip(fake.accuracy + lift + gap + (offset if probe == "knn" else 0.0), 0.05, 0.995))
                half = _half(value, fake.test)
                rows.append(
                    {
                        "encoder": encoder,
                        "probe": probe,
                        "metric": metric,
                        "value": value,
                        "low": value - half,
                        "high": min(1.0, value + half * 0.95),
                        "n": fake.test,
                        "unit": "images",
                        "split": "test",
                    }
                )
                if encoder != "pretrained":
                    own = next(
                        r for r in rows if r["encoder"] == "pretrained" and (r["probe"], r["metric"]) == (probe, metric)
                    )
                    d = own["value"] - value
                    differences.append(
                        {
                            "a": "pretrained",
                            "b": encoder,
                            "probe": probe,
                            "metric": metric,
                            "value": d,
                            "low": d - 0.021,
                            "high": d + 0.02,
                        }
                    )
        value = 0.217 if metric == "accuracy" else 0.5 if metric == "roc_auc" else 1 / max(2, len(fake.classes))
        rows.append(
            {
                "encoder": "majority",
                "probe": "constant",
                "metric": metric,
                "value": value,
                "low": value - 0.02,
                "high": value + 0.02,
                "n": fake.test,
                "unit": "images",
                "split": "test",
            }
        )
    return rows, differences


def _efficiency(fake: Fake) -> list[dict[str, Any]]:
    rows = []
    for encoder, gap in {k: v for k, v in ENCODERS.items() if k != "mean and deviation"}.items():
        for fraction in FRACTIONS:
            loss = {"pretrained": 0.085, "random init": 0.13, "pixel PCA": 0.15}[encoder] * -np.log10(fraction)
            value = float(max(0.15, fake.accuracy + gap - loss))
            half = 0.013 + 0.012 * float(-np.log10(fraction))
            rows.append(
                {
                    "encoder": encoder,
                    "fraction": fraction,
                    "labels": round(6000 * fraction),
                    "metric": fake.metrics[0],
                    "value": value,
                    "low": value - half,
                    "high": value + half,
                }
            )
    return rows


def _calibration(fake: Fake) -> dict[str, Any]:
    edges = np.linspace(0.25, 0.975, 9)
    counts = (np.exp(np.linspace(0, 3.4, 9)) * 14).round()
    bins = [
        {"confidence": float(c), "accuracy": float(np.clip(c - 0.06 * np.sin(np.pi * c), 0, 1)), "count": int(k)}
        for c, k in zip(edges, counts)
    ]
    return {"ece": 0.031, "bins": bins, "note": "Of the linear probe on the pretrained encoder, test split."}
