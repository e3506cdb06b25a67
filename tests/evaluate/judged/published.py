"""What SSL_medicalimaging published of eight encoders: few-shot accuracies, ImageNet's, and the coefficients of both."""

from __future__ import annotations

from typing import Any

from vesalius.evaluate.judged import over_data

PUBLISHED = {
    "simclr-v1": (69.3, 74.46, 63.20, 80.61, 74.90, 94.92, 59.73, 51.63, 32.78, 29.86, 91.70),
    "moco-v2": (71.1, 73.76, 63.54, 82.53, 74.91, 94.21, 57.39, 50.96, 34.07, 28.69, 90.69),
    "swav": (75.3, 75.22, 67.38, 82.78, 70.94, 94.69, 57.61, 52.51, 34.47, 27.76, 92.22),
    "byol": (74.3, 76.29, 70.98, 83.28, 74.58, 95.83, 58.44, 52.79, 33.66, 30.28, 91.92),
    "pirl": (61.7, 77.48, 63.58, 81.02, 75.26, 93.49, 58.51, 50.61, 34.19, 28.52, 88.70),
    "supervised_r50": (77.2, 70.86, 62.31, 80.49, 75.70, 94.80, 56.14, 51.32, 31.32, 27.71, 94.68),
    "supervised_r18": (72.12, 74.16, 62.94, 80.78, 74.59, 93.68, 57.69, 52.54, 32.96, 28.58, 94.07),
    "supervised_d121": (74.98, 73.43, 65.31, 81.21, 77.12, 94.86, 57.41, 51.99, 33.49, 27.88, 93.29),
}
"""SSL_medicalimaging's results/full_data.csv: ImageNet top-1 and 20-shot accuracy in per cent, CIFAR10 of two classes."""
FOUND = {"shenzhen": -0.67, "montgomery": 0.29, "bach": 0.23, "amd": -0.11, "pm": 0.61, "chexpert": -0.59, "stoic": 0.60, "eyepacs": -0.39}
FOUND |= {"chestx": -0.26, "cifar10": 0.83}
"""Pearson's coefficients that its notebook found."""


def correlated() -> list[dict[str, Any]]:
    """Our coefficients of that table: over the ten data sets, and on each."""
    cells = [
        {"encoder": name, "data": data, "metric": "accuracy", "primary": True, "value": value / 100}
        for name, (_, *values) in PUBLISHED.items()
        for data, value in zip(FOUND, values, strict=True)
    ]
    return over_data.correlations({"few-shot": {"cells": cells}}, [], 1, {name: row[0] for name, row in PUBLISHED.items()})
