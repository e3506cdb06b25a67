"""Each of the eighteen transforms of invariance beside torchvision's."""

from __future__ import annotations

from typing import Any

from docs.prove import FAIL, PASS, Line, Outcome, Step, by_tests

MOVING = ("rotation", "translation", "scale", "shear", "deform")
"""What reads between pixels, whose places float32 rounds."""
BARS = ((1e-4, "what reads between pixels, bilinearly"), (2e-5, "the others"))


def equal(outcome: Outcome) -> list[Line]:
    """Two lines: the largest difference of each transform, over every parameter of ours and every fifth of the original's."""
    lines = []
    for (bar, what), rows in zip(BARS, (_of(outcome, moving=True), _of(outcome, moving=False))):
        good = bool(rows) and all(row["largest"] <= bar for row in rows)
        figure = ", ".join(f"{row['name']} {row['largest']:.1g}" for row in rows)
        claim = f"Each transform equals torchvision's on the same parameters, {what}: {len(rows)} transforms, at most {bar:g} on floats from 0 to 1"
        views = f"{sum(row['views'] for row in rows):,} views of a retina and a slide of tissue at 224 px"
        lines.append(Line(claim, figure, PASS if good else FAIL, note=views))
    complete = len(outcome.lines) == 18
    return lines if complete else [*lines, Line("All eighteen were compared", f"{len(outcome.lines)} were", FAIL)]


def _of(outcome: Outcome, *, moving: bool) -> list[dict[str, Any]]:
    return [row for row in outcome.lines if (row["name"] in MOVING) == moving]


def steps() -> list[Step]:
    """Real images, and the tests."""
    return [
        Step("transforms and torchvision", ("python", "-m", "tests.evaluate.transformed.differences"), equal),
        by_tests(
            "transforms",
            "Images, parameters and batches of transforms do not mix; the identity of each changes nothing; the card's steps come after the transform on both "
            "sides; no module is in training mode",
            "tests/evaluate/transformed/test_applying.py",
            "tests/evaluate/transformed/test_viewing.py",
            "tests/evaluate/transformed/test_transforms.py",
            least=80,
        ),
    ]
