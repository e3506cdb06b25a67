"""Issue 8's lines on figures and on the gallery."""

from __future__ import annotations

from docs.prove import FAIL, PASS, Line, Outcome, Step, by_tests, named

_MOST = 310


def steps() -> list[Step]:
    """Figures, the page, and the pictures themselves."""
    return [
        by_tests("figures", "Sheets and tables: no word cut or covered, equal bytes for equal input, colours exact at their ends", "tests/figures", least=25),
        by_tests("the gallery's page", "The gallery's page: every picture there, with source and licence, commands understood", "tests/docs/test_gallery.py"),
        Step("the gallery", ("python", "-m", "docs.gallery"), gallery),
    ]


def gallery(outcome: Outcome) -> list[Line]:
    """Each picture with its size, and what all of it took."""
    if outcome.code:
        return [Line("The gallery is written by one command", (outcome.err.strip().splitlines() or ["failed"])[-1], FAIL)]
    whole, pictures = named(outcome, "the gallery"), [row for row in outcome.lines if "kilobytes" in row]
    sizes = ", ".join(f"{row['name']} {row['kilobytes']} kB" for row in pictures)
    small = all(row["kilobytes"] <= _MOST for row in pictures)
    took = "; ".join(f"{name} {seconds:.0f} s" for name, seconds in whole["runs"].items())
    return [
        Line(f"The gallery's {len(pictures)} pictures, none above {_MOST} kB", sizes, PASS if small and not whole["small"] else FAIL),
        Line("Encoders in it, as it is", ", ".join(whole["encoders"]), PASS),
        Line("What its runs took, as it is", took, PASS),
    ]
