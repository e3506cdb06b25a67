"""Names and numbers as a reader wants to see them: titles of metrics, units, percentages, times, counts."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

_TITLES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "std": "Embedding deviation",
    "rankme": "RankMe",
    "effective_rank": "Effective rank",
    "alpha": "α-ReQ",
    "alpha_req": "α-ReQ",
    "lidar": "LiDAR",
    "ece": "Calibration error",
    "loss": "Loss",
    "val_loss": "Loss of the monitors",
    "lr": "Learning rate",
    "grad_norm": "Gradient norm",
    "images_per_second": "Images per second",
    "wait_share": "Share of time waiting for data",
    "momentum": "Momentum of the target network",
    "top1": "Top-1 accuracy",
    "f1": "F1",
    "r2": "R²",
    "mcc": "Matthews correlation",
    "kappa": "Quadratic kappa",
    "sensitivity_at_95_specificity": "Sensitivity at 95 % specificity",
    "ace": "Adaptive calibration error",
    "brier": "Brier score",
    "nll": "Log loss",
    "participation_ratio": "Participation ratio",
    "stable_rank": "Stable rank",
    "aulc": "Area under the label curve",
    "quadratic_kappa": "Quadratic kappa",
    "feature_error": "Feature error",
    "clipped_feature_error": "Feature error of the picture within 0 and 1",
    "psnr": "PSNR in dB",
    "ssim": "SSIM",
    "surface_dice": "Surface Dice",
    "hausdorff95": "Hausdorff distance, 95 %, in mm",
    "surface_distance": "Mean distance of surfaces in mm",
    "dice_monai_tutorial": "Dice by the MONAI tutorial's rule",
    "mahalanobis": "Mahalanobis distance",
    "pairing_auc": "AUC of pairs against what is none",
    "unpaired_cosine": "Whitened cosine of what is no pair",
}
_HUNDRED = {"attentive_diffusion"}
"""Of which a value is in per cent as it is."""
_PERCENT = {"accuracy", "balanced_accuracy", "top1", "wait_share", "sensitivity_at_95_specificity", "neighbours_kept"}
_UNIT_INTERVAL = {"accuracy", "balanced_accuracy", "top1", "roc_auc", "pr_auc", "f1", "dice", "surface_dice", "dice_monai_tutorial"}
_UNIT_INTERVAL |= {"sensitivity_at_95_specificity"}
_ERRORS = {"loss", "val_loss", "mean_absolute_error", "root_mean_squared_error", "hausdorff95", "surface_distance", "ece", "ace", "brier", "nll"}
_ERRORS |= {"perceptual_distance", "feature_error"}
_UNDIRECTED = {"rankme", "effective_rank", "alpha", "alpha_req", "lidar", "std", "participation_ratio", "stable_rank", "uniformity", "alignment"}
_UNDIRECTED |= {"attentive_diffusion", "whitened_cosine", "centred_cosine", "mahalanobis", "neighbours_kept", "unpaired_cosine", "pairing_auc", "mean_saliency"}
_UNDIRECTED |= {"feature_error", "clipped_feature_error", "psnr", "ssim"}
"""Of which more is not better, nor less."""
_THREE_DECIMALS = {"perceptual_distance"}
_CALIBRATED = "_calibrated"
_AT = {"map": "mAP", "precision": "Precision", "recall": "Recall", "ndcg": "nDCG"}
_NETWORKS = {"alexnet": "AlexNet", "vgg": "VGG", "squeezenet": "SqueezeNet"}
_PROBES = {"linear": "linear probe", "knn": "nearest neighbours", "constant": "constant"}
MINUS = "−"  # the sign, not the hyphen
PERCENT = "\u00a0%"  # stays with its number


def title(metric: str) -> str:
    """``balanced_accuracy`` to ``Balanced accuracy``; unknown names keep their words."""
    if metric.endswith(_CALIBRATED):
        return f"{title(metric.removesuffix(_CALIBRATED))}, calibrated"
    if "@" in metric:
        name, _, at = metric.partition("@")
        return f"{title(name)} at {at}" if at[:1].isdigit() else f"{title(name)}, {_NETWORKS.get(at, at.replace('_', ' '))}"
    if found := re.fullmatch(r"(map|precision|recall|ndcg)_at_(\d+)", metric):
        return f"{_AT[found[1]]}@{found[2]}"
    return _TITLES.get(metric) or _capital(metric.replace("_", " ").strip()) or "Value"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def probe(name: str) -> str:
    """``knn`` to ``nearest neighbours``; unknown names as they are."""
    return _PROBES.get(name, name)


def is_percent(metric: str) -> bool:
    """Whether ``metric`` is a share of one that is shown in per cent."""
    return metric.partition("@")[0] in _PERCENT


def _in_percent(metric: str) -> bool:
    return is_percent(metric) or metric in _HUNDRED


def is_score(metric: str) -> bool:
    """Whether ``metric`` lies between 0 and 1 and more is better."""
    return metric.partition("@")[0] in _UNIT_INTERVAL or re.fullmatch(r"(map|precision|recall|ndcg)_at_\d+|aulc", metric) is not None


def is_error(metric: str) -> bool:
    """Whether less of ``metric`` is better."""
    return metric.partition("@")[0].removesuffix(_CALIBRATED) in _ERRORS


def is_directed(metric: str) -> bool:
    """Whether one value of ``metric`` can be better than another."""
    return metric.partition("@")[0].removesuffix("_centred") not in _UNDIRECTED


def score(value: float | None, metric: str) -> str:
    """A value of ``metric``: 0.8724 to ``87.2 %`` for accuracies, ``0.872`` for areas under curves."""
    if value is None:
        return "–"
    if _in_percent(metric):
        return f"{_signed(value if metric in _HUNDRED else 100 * value, 1)}{PERCENT}"
    return _signed(value, 3) if is_score(metric) or metric.partition("@")[0] in _THREE_DECIMALS else figure(value)


def short_score(value: float | None, metric: str) -> str:
    """``score`` for the tick of an axis: without a last zero."""
    return score(value, metric).replace(f".0{PERCENT}", PERCENT) if _in_percent(metric) else figure(value)


def difference(value: float | None, metric: str) -> str:
    """A difference of two values of ``metric``, with its sign: ``+12.3`` (points) or ``+0.041``."""
    if value is None:
        return "–"
    scaled, digits = (100 * value, 1) if is_percent(metric) else (value, 1 if metric in _HUNDRED else 3)
    shown = _signed(scaled, digits)
    return shown if shown.startswith(MINUS) or float(shown) == 0 else f"+{shown}"


def interval(low: float | None, high: float | None, metric: str, *, signed: bool = False) -> str:
    """``86.1 to 88.3`` in the unit of ``metric``; a dash when a bound is missing."""
    if low is None or high is None:
        return "–"
    show = difference if signed else score
    return f"{show(low, metric)} to {show(high, metric)}".replace(f"{PERCENT} to", " to")


def unit_of_difference(metric: str) -> str:
    """What a difference of ``metric`` counts: percentage points for accuracies, nothing for other scores."""
    return "percentage points" if _in_percent(metric) else ""


def count(value: float | None) -> str:
    """``50 000``: thousands set apart by a narrow space that does not break."""
    return "–" if value is None else f"{round(value):,}".replace(",", "\u202f").replace("-", MINUS)


def figure(value: float | None, digits: int = 3) -> str:
    """``digits`` significant digits: ``0.0012``, ``1.2e−05``, ``540``, ``12 300``."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e7 or size < 1e-4:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(exponent)}".replace("-", MINUS)
    if size >= 10 ** (digits - 1):
        return count(value)
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    shown = f"{value:.{decimals}f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown).replace("-", MINUS)


def large(value: float | None) -> str:
    """``11.2 M``, ``1.8 G``: a large number with its prefix."""
    if value is None:
        return "–"
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{figure(value / size)}\u202f{prefix}"
    return figure(value)


def duration(seconds: float | None) -> str:
    """``42 s``, ``5 min 3 s``, ``2 h 14 min``, ``3 d 4 h``."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{figure(seconds, 2)} s"
    whole = round(seconds)
    for unit, name, part, part_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= unit:
            rest = whole % unit // part
            return f"{whole // unit} {name} {rest} {part_name}" if rest else f"{whole // unit} {name}"
    return f"{whole} s"


def memory(megabytes: float | None) -> str:
    """``812 MB``, ``3.4 GB``."""
    if megabytes is None:
        return "–"
    return f"{figure(megabytes / 1024)} GB" if megabytes >= 1024 else f"{figure(megabytes)} MB"


def listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join([*([", ".join(names[:-1])] if len(names) > 1 else []), *names[-1:]])


def share(value: float | None) -> str:
    """A share of one in per cent: ``3 %``, ``0.4 %``."""
    if value is None:
        return "–"
    percent = 100 * value
    if 0 < percent < 0.1:
        return f"< 0.1{PERCENT}"
    return f"{figure(percent, 2) if abs(percent) < 10 else count(percent)}{PERCENT}"


def _signed(value: float, digits: int) -> str:
    shown = f"{value:.{digits}f}"
    return shown.removeprefix("-") if float(shown) == 0 else shown.replace("-", MINUS)
