"""What a selection comes to, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_NAMES = {"roc_auc": "ROC-AUC", "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy"}
Found = Mapping[str, Any]


def verdict(picked: int, pool: int, before: int, stopped: str, quality: Found, balance: Sequence[Found], probe: Found) -> list[str]:
    """How many were chosen, how well they cover the pool, how even they are, and what a probe makes of them: each beside chance."""
    more = f", beside {before:,} that were selected before" if before else ""
    said = [f"{picked:,} of {pool:,} images {'is' if picked == 1 else 'are'} selected{more}{f': {stopped}' if stopped else ''}."]
    if "cover_radius" in quality:
        said += _covering(quality)
    said += [line for one in balance if (line := _even(one))]
    rows = [row for row in probe.get("rows", ()) if row["labels"] == max(r["labels"] for r in probe["rows"])]
    return said + [_probed(row, probe) for row in rows[:1]]


def _covering(quality: Found) -> list[str]:
    radius, random = quality["cover_radius"]["selection"], quality["cover_radius"]["random"]
    beside = f"{random['mean']:.3g} ({random['least']:.3g} to {random['greatest']:.3g})"
    word = "closer than any of" if radius < random["least"] else "farther than any of" if radius > random["greatest"] else "within what is usual for"
    return [
        f"No image lies farther than {radius:.3g} from a selected one, {word} {quality['seeds']} random selections of equal size, which leave {beside}.",
    ]


def _even(one: Found) -> str:
    even = one.get("evenness", {})
    if not even or any(even[name] != even[name] for name in ("pool", "selection")):
        return ""
    missing = f"; {one['missing']} of its classes {'is' if one['missing'] == 1 else 'are'} not there" if one["missing"] else ""
    random = even["random"]
    beside = f"{_percent(random['mean'])} ({_percent(random['least'])} to {_percent(random['greatest'])})"
    return f"By {one['title']} the selection is {_percent(even['selection'])} even, the pool {_percent(even['pool'])}, random selections {beside}{missing}."


def _probed(row: Found, probe: Found) -> str:
    name, low, high = _NAMES.get(row["metric"], row["metric"]), row["difference_low"], row["difference_high"]
    word = "better" if low > 0 else "worse" if high < 0 else "not told apart"
    scale, digits = (100, 1) if "accuracy" in row["metric"] else (1, 3)

    def show(value: float) -> str:
        return f"{value * scale:.{digits}f}{' %' if scale == 100 else ''}"

    return (
        f"A linear probe on the {row['labels']:,} labels reaches {name} {show(row['value'])} on {probe['tested_on']}; on random selections "
        f"{show(row['random'])}: {word} (difference {row['difference'] * scale:+.{digits}f}, 95 % {low * scale:+.{digits}f} to {high * scale:+.{digits}f})."
    )


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
