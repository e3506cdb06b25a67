"""``docs/walkthroughs.md`` from the journeys' files and what was found when they were last walked."""

from __future__ import annotations

from typing import Any

from docs.walkthroughs.journeys import ROOT, Journey, Typed, journey, there
from docs.walkthroughs.run import kept

PAGE = ROOT / "docs" / "walkthroughs.md"
_BEGINNING = """# Walkthroughs

Four journeys, walked by somebody who had a clean clone and the README: every command typed, wrong ones too, what was printed, and what was
changed in Vesalius because of it. The folders hold real images of installed packages, and odd files among them. Written by
`python -m docs.walkthroughs` from `docs/walkthroughs/`; each command's code and what it says are checked there, the wrong ones in every test run.

"""
_LONGEST = 24
"""Lines shown of what one command printed."""
_WIDEST = 400
"""Characters shown of a line."""


def rows() -> list[dict[str, Any]]:
    """One row a journey: minutes from clone to result, commands, wrong ones, stumbles mended, and what was not as it must be."""
    return [_row(journey(name)) for name in there()]


def text() -> str:
    """The page."""
    lines = ["| journey | minutes | commands | wrong ones | stumbles mended | result |", "|---|---|---|---|---|---|"]
    for row in rows():
        cells = [f"[{row['title']}](#{row['anchor']})", row["minutes"], row["commands"], row["wrong"], row["mended"], row["result"]]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return _BEGINNING + "\n".join(lines) + "\n" + "".join(_journey(journey(name)) for name in there())


def _row(one: Journey) -> dict[str, Any]:
    found = kept(one.name)
    walked = {step["line"]: step for step in found["steps"]}
    open_ = [step.line for step in one.steps if step.line not in walked or walked[step.line]["missing"]]
    minutes = f"{(found['seconds'] + (found['installing'] or 0)) / 60:.1f}" if found["steps"] else "not walked"
    return {
        "name": one.name,
        "title": one.title,
        "anchor": "".join(c for c in one.title.lower().replace(" ", "-") if c.isalnum() or c == "-"),
        "minutes": minutes,
        "cloned": found["installing"] is not None,
        "commands": len(one.steps),
        "wrong": len(one.wrong),
        "mended": one.mended,
        "open": open_,
        "result": one.result,
    }


def _journey(one: Journey) -> str:
    found = kept(one.name)
    walked = {step["line"]: step for step in found["steps"]}
    parts = [f"\n## {one.title}\n\nEnds with: {one.result}"]
    if found["steps"]:
        before = "an environment that was there" if found["installing"] is None else f"clone and installation, {found['installing']:.0f} s"
        parts.append(f"After {before}, {found['seconds']:.0f} s of commands. {found['date']}, {found['machine']}.")
    for number, step in enumerate(one.steps, 1):
        parts.append(_step(number, step, walked.get(step.line)))
    return "\n\n".join(parts) + "\n"


def _step(number: int, step: Typed, found: dict[str, Any] | None) -> str:
    head = f"**{number}.** {step.why}".rstrip()
    shown = [f"$ {line}" if i == 0 else f"> {line}" for i, line in enumerate(step.line.splitlines())]
    if found is None:
        return f"{head}\n\n```text\n" + "\n".join(shown) + "\n```\n\nNot walked yet."
    ends = f"Left with {found['code']}, {found['seconds']:.1f} s."
    changed = f" **Changed:** {step.changed}" if step.changed else ""
    wrong = f" **Not as it must be:** {'; '.join(found['missing'])}." if found["missing"] else ""
    return f"{head}\n\n```text\n" + "\n".join([*shown, *_trimmed(found["printed"])]) + f"\n```\n\n{ends}{changed}{wrong}"


def _trimmed(printed: str) -> list[str]:
    lines = [line if len(line) <= _WIDEST else f"{line[:_WIDEST]} ..." for line in printed.replace("```", "'''").splitlines()]
    if len(lines) <= _LONGEST:
        return lines
    half = _LONGEST // 2
    return [*lines[:half], f"... {len(lines) - 2 * half} lines ...", *lines[-half:]]
