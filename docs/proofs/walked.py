"""The four journeys of a stranger: minutes, wrong inputs, stumbles, from what ``python -m docs.walkthroughs`` kept."""

from __future__ import annotations

from docs.prove import FAIL, NOT_RUN, PASS, Line, Outcome, Step, by_tests

WRONG = 10
"""Wrong commands that each journey must have."""


def _journeys(outcome: Outcome) -> list[Line]:
    """One line a journey."""
    lines = []
    for row in outcome.lines:
        figure = f"{row['minutes']} minutes, {row['commands']} commands, {row['wrong']} of them wrong, {row['mended']} stumbles mended"
        good = row["wrong"] >= WRONG and not row["open"]
        verdict = NOT_RUN if row["minutes"] == "not walked" else PASS if good else FAIL
        note = "" if row["cloned"] else "installation not counted: it was walked in an environment that was there"
        if row["open"]:
            note = "; ".join([f"{len(row['open'])} commands did not do what they must", *([note] if note else [])])
        lines.append(Line(f"{row['title']}: minutes from clone to result, at least {WRONG} wrong inputs, stumbles mended", figure, verdict, note=note))
    return lines or [Line("the journeys", "none", FAIL)]


def steps() -> list[Step]:
    """The table, and every wrong command again."""
    return [
        Step("journeys", ("python", "-m", "docs.walkthroughs", "--table"), _journeys),
        by_tests(
            "wrong input", "Every wrong command of the four journeys is refused with the words that the page shows", "tests/docs/test_walkthroughs.py", least=4
        ),
    ]
