"""Results of evaluations of encoders on data sets, as the verb writes them, with numbers that are made up but agree with each other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

RANDOM, PIXELS = "random init", "pixel PCA"
ZOO: tuple[str, ...] = ("byol", "pirl", "moco-v2", "simclr-v1", "swav", "supervised_r50", "supervised_r18", "supervised_d121")
ZOO += ("mimic-chexpert_lr_0.01", "mimic-chexpert_lr_0.1", "mimic-chexpert_lr_1.0", "mimic-cxr_r18_lr_1e-4", "mimic-cxr_d121_lr_1e-4")
SETS = ("bach", "chestx", "chexpert", "cifar10", "diabetic_retinopathy", "ichallenge_amd", "ichallenge_pm", "montgomery", "shenzhen", "stoic")


def one() -> dict[str, Any]:
    """One encoder on one data set."""
    return results(ZOO[:1], ("pneumoniamnist",), ("linear",))


def many() -> dict[str, Any]:
    """More encoders than colours and more data sets than fit, with a cell that could not be measured and names that are not kind."""
    found = results([*ZOO[:9], "<script>alert(1)</script> 50 % & more", "x" * 60], SETS[:5], ("few-shot", "linear", "label-efficiency"))
    lost = ("byol", "bach")
    found["linear"]["cells"] = [cell for cell in found["linear"]["cells"] if (cell["encoder"], cell["data"]) != lost]
    found["linear"]["absent"] = [{"encoder": lost[0], "data": lost[1], "reason": "byol takes three channels, bach has one."}]
    return found


VARIANTS = {"evaluated_one": one, "evaluated_many": many}


def results(
    encoders: Sequence[str] = ZOO[:3], data: Sequence[str] = ("pneumoniamnist",), protocols: Sequence[str] = ("few-shot", "linear", "knn"), seed: int = 1
) -> dict[str, Any]:
    """``results.json`` of each of ``encoders`` and the two baselines on each of ``data``."""
    rng = np.random.default_rng(seed)
    names = [*encoders, RANDOM, PIXELS]
    worth = {name: 0.55 + 0.35 * rng.random() if name in encoders else 0.5 + 0.1 * rng.random() for name in names}
    hard = {one: 0.12 * rng.random() for one in data}
    parts = {protocol.replace("-", "_"): _part(protocol, names, data, worth, hard, rng) for protocol in protocols}
    controls = ("majority", "metadata only", "patient lookup", "shuffled labels")
    return {
        "kind": "evaluate",
        "title": " and ".join(name.capitalize() for name in protocols),
        "protocols": list(protocols),
        "verdict": [],
        "warnings": [],
        "absent": {},
        "encoders": [_encoder(name, name not in encoders) for name in names],
        "data": [_data(one) for one in data],
        "controls": [
            {"data": one, "control": control, "metric": _metric(one), "value": (v := 0.5 + 0.05 * rng.random()), "low": v - 0.03, "high": v + 0.03, "note": ""}
            for one in data
            for control in controls
        ],
        "leakage": [_leak(one) for one in data],
        "correlations": [
            {"a": a, "b": b, "pearson": 0.8, "spearman": 0.7, "low": 0.3, "high": 0.9, "n": len(encoders)} for a, b in combinations(protocols, 2)
        ],
        "ranks": [_ranks(name, parts[name.replace("-", "_")], encoders, data) for name in protocols if len(data) >= 3],
        "cost": {"seconds": 312.0, "device": "cpu", "threads": 2, "precision": "fp32", "time_by_stage": dict.fromkeys(protocols, 90.0)},
        **parts,
    }


def write(folder: Path, found: Mapping[str, Any], config: Mapping[str, Any] | None = None) -> Path:
    """A run directory of ``found``."""
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    info = {"verb": "evaluate", "name": "compared", "state": "done", "started": "2026-11-22T11:00:00+00:00", "device": "cpu", "versions": {"vesalius": "0.6"}}
    (folder / "run.json").write_text(json.dumps(info))
    (folder / "results.json").write_text(json.dumps(found))
    said = {"protocols": found["protocols"], "encoder": ["byol", "ours=runs/first"], "data": ["pneumoniamnist"], "seed": 1}
    (folder / "config.yaml").write_text(yaml.safe_dump(dict(config or said), sort_keys=False))
    return folder


def _metric(data: str) -> str:
    return "accuracy" if data in ("bach", "cifar10", "chestx", "diabetic_retinopathy") else "roc_auc"


def _encoder(name: str, baseline: bool) -> dict[str, Any]:
    found = {"name": name, "title": name, "architecture": "resnet50", "trained_on": "ImageNet", "dim": 2048, "size": [224, 224], "baseline": baseline}
    return found if baseline else {**found, "imagenet_top1": 60.0 + len(name)}


def _data(name: str) -> dict[str, Any]:
    counts = {split: {"images": n, "subjects": None, "per_class": [n // 2, n - n // 2]} for split, n in (("train", 470), ("val", 52), ("test", 62))}
    task = {"name": "finding", "kind": "binary", "classes": ["no", "yes"], "labels": ["finding"], "metric": _metric(name)}
    return {"name": name, "task": task, "counts": counts, "split_by": "source", "left_out": 0, "warnings": [], "licence": "CC BY 4.0"}


def _leak(name: str) -> dict[str, Any]:
    test = {"images": 62, "subjects": 60, "shared_subjects": 0, "images_of_shared_subjects": 0, "share_of_images": 0.0}
    said = f"No subject and no image of the test part of {name} is in training or validation."
    lookup = {"metric": _metric(name), "value": 0.5, "majority": 0.5}
    return {"data": name, "subjects_known": True, "test": test, "same_pixels": 0, "twice": 3, "lookup": lookup, "sentences": [said]}


def _part(
    protocol: str, names: Sequence[str], data: Sequence[str], worth: Mapping[str, float], hard: Mapping[str, float], rng: np.random.Generator
) -> dict[str, Any]:
    cells, ties, differences, calibration, subgroups, gaps = [], [], [], [], [], []
    top: dict[tuple[str, str], float] = {}
    for one in data:
        for name in names:
            value = float(np.clip(worth[name] - hard[one] + 0.03 * rng.standard_normal(), 0.3, 0.995))
            top[name, one] = value
            for metric in dict.fromkeys((_metric(one), "accuracy", "roc_auc", "ece")):
                shown = value if metric == _metric(one) else 0.04 if metric == "ece" else value - 0.05
                at = {"value": shown, "low": shown - 0.03, "high": min(1.0, shown + 0.03), "margin": 0.002 if protocol == "few-shot" else None}
                size = {"spread": 0.004, "repeats": 3, "n": 624, "units": 600, "unit": "subjects"}
                cells.append({"encoder": name, "data": one, "metric": metric, "primary": metric == _metric(one), **at, **size})
            if protocol == "linear":
                before_and_after = {"ece": 0.08, "ece_calibrated": 0.03, "brier": 0.2, "brier_calibrated": 0.18}
                calibration.append({"encoder": name, "data": one, "temperature": 1.4, **before_and_after})
                for group, less in (("F", 0.0), ("M", 0.05)):
                    at = {"value": value - less, "low": value - less - 0.05, "high": value - less + 0.05}
                    subgroups.append({"encoder": name, "data": one, "metric": _metric(one), "column": "meta.sex", "group": group, "n": 300, "units": 290, **at})
                widest = {"value": 0.05, "low": 0.01, "high": 0.09, "least": "M", "most": "F"}
                gaps.append({"encoder": name, "data": one, "metric": _metric(one), "column": "meta.sex", **widest})
        own = [name for name in names if name not in (RANDOM, PIXELS)]
        best = max(own, key=lambda name: top[name, one])
        tied = [name for name in own if name != best and top[best, one] - top[name, one] < 0.02]
        ties.append({"data": one, "metric": _metric(one), "best": best, "tied": tied})
        for a, b in combinations(names, 2):
            gap = top[a, one] - top[b, one]
            apart = {"value": gap, "low": gap - 0.03, "high": gap + 0.03, "p": 0.01 if abs(gap) > 0.03 else 0.4, "p_holm": 0.03 if abs(gap) > 0.03 else 1.0}
            differences.append({"data": one, "metric": _metric(one), "a": a, "b": b, **apart})
    found: dict[str, Any] = {"takes": "pairs", "cells": cells, "ties": ties, "differences": differences, "absent": []}
    found["rule"] = f"How {protocol} works, in words."
    found["chosen"] = [{"encoder": name, "data": one, "C": 5.6} for name in names for one in data] if protocol == "linear" else []
    if protocol in ("label-efficiency", "few-shot"):
        xs, axis = ((0.01, 0.1, 1.0), {"x": "share of the labels", "log": True}) if protocol != "few-shot" else ((1, 5, 20), {"x": "shots", "log": True})
        found["axis"] = axis
        found["curves"] = [
            {"encoder": name, "data": one, "metric": _metric(one), "x": x, "value": (v := top[name, one] - 0.1 * (2 - i)), "low": v - 0.03, "high": v + 0.03}
            for name in names
            for one in data
            for i, x in enumerate(xs)
        ]
    if protocol == "linear":
        found |= {"calibration": calibration, "subgroups": subgroups, "gaps": gaps}
    return found


def _ranks(protocol: str, found: Mapping[str, Any], names: Sequence[str], data: Sequence[str]) -> dict[str, Any]:
    """Mean ranks, and the critical difference of a handful."""
    top = {(cell["encoder"], cell["data"]): cell["value"] for cell in found["cells"] if cell["primary"]}
    mean = {name: float(np.mean([1 + sum(top[other, one] > top[name, one] for other in names) for one in data])) for name in names}
    rows = [{"encoder": name, "rank": mean[name]} for name in sorted(names, key=lambda name: mean[name])]
    return {"protocol": protocol, "data": list(data), "n": len(data), "ranks": rows, "friedman_p": 0.001, "critical_difference": 2.5, "wilcoxon": []}
