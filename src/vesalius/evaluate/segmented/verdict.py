"""What repetitions of a segmentation say of pretraining and of the number of labels, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ENOUGH = 3
"""Seeds from which on a difference between twins may be called one."""


def sentences(rows: Sequence[Mapping[str, Any]], gains: Sequence[Mapping[str, Any]], seeds: int) -> list[str]:
    """``rows`` and ``gains`` of ``repeated`` in the results."""
    said = [_gain(gain, rows, seeds) for gain in gains]
    if not gains:
        said = [f"With {_volumes(r)} it reaches a mean Dice of {_mean(r)}." for r in rows if r["model"] == "fine-tuned"]
    last = [r for r in rows if r["volumes"] == rows[-1]["volumes"] and r["value"] is not None]
    own = {r["model"]: r["value"] for r in last if r["model"] in ("fine-tuned", "from random weights")}
    for r in last:
        better = [name for name, value in own.items() if value < r["value"]]
        if r["model"] == "intensity k-means" and better:
            said.append(f"Clusters of intensity reach {r['value']:.3f}, more than what is {' and '.join(better)}.")
    return said


def _gain(gain: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], seeds: int) -> str:
    own, twin = (next(r for r in rows if r["volumes"] == gain["volumes"] and r["model"] == name) for name in ("fine-tuned", "from random weights"))
    first = f"With {_volumes(gain)} the pretrained encoder reaches a mean Dice of {_mean(own)}, the same network from random weights {_mean(twin)}"
    if gain["value"] is None or gain["low"] is None:
        return f"{first}."
    ahead = sum(value > 0 for value in gain["values"])
    apart = f"a difference of {gain['value']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f} over {gain['unit']}), "
    apart += f"in favour of pretraining with {ahead} of {seeds} seed{'s' * (seeds != 1)}"
    if seeds < ENOUGH:
        verdict = f"fewer than {ENOUGH} seeds tell nothing of pretraining"
    elif gain["low"] > 0 and ahead == seeds:
        verdict = "pretraining helps here"
    elif gain["high"] < 0 and ahead == 0:
        verdict = "pretraining harms here"
    else:
        verdict = "the two are not told apart"
    return f"{first}: {apart}; {verdict}."


def _volumes(row: Mapping[str, Any]) -> str:
    return f"{row['volumes']:,} training volume{'s' * (row['volumes'] != 1)}"


def _mean(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return "no value"
    return f"{row['value']:.3f}" + (f" ± {row['spread']:.3f}" if row["spread"] is not None else "")
