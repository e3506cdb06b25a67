"""A run done again to the bit, and the dependency floors."""

from __future__ import annotations

from docs.prove import FAIL, NOT_RUN, PASS, Line, Outcome, Step, by_tests, named


def steps() -> list[Step]:
    """The two."""
    return [
        by_tests(
            "repeat",
            "The record of a run reproduces it to the bit: pretrain (also one that was interrupted), finetune, embed, evaluate, select",
            "tests/test_repeat.py",
            least=12,
        ),
        Step("floors", ("python", "-m", "docs.proofs.floors"), _floors),
    ]


def _floors(outcome: Outcome) -> list[Line]:
    found = named(outcome, "floors")
    claim = "The lowest versions that pyproject.toml allows: every module is imported, tests of files, views, stores and each verb pass"
    lent = f"not run: the floors of {' and '.join(found['lent'])}, which were {', '.join(found['versions'][name] for name in found['lent'])}"
    return [
        Line(claim, found["tests"], PASS if found["passed"] else FAIL, note=f"{len(found['versions'])} packages"),
        Line("The floors of torch and torchvision", lent, NOT_RUN),
    ]
