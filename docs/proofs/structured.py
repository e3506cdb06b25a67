"""The structure: what a reader opens from the command line to the loss, and how long files are.

``python -m docs.proofs.structured`` prints the numbers of ``docs/structure.md``.
"""

from __future__ import annotations

import json

from docs.prove import FAIL, PASS, Line, Outcome, Step, by_tests, named

FILES, LINES = 4, 700
"""What a reader may have to open, at most."""


def steps() -> list[Step]:
    """The numbers, and the page on the structure, which a test holds current."""
    return [
        Step("reader path", ("python", "-m", "docs.proofs.structured"), _check),
        by_tests("structure", "The structure's page is what the code is: layers, both walks, the lengths of files", "tests/docs/test_structure.py"),
    ]


def _check(outcome: Outcome) -> list[Line]:
    found = named(outcome, "structure")
    files, lines = found["reader's files"], found["reader's lines"]
    claim = f"`vesalius pretrain cifar10-simclr`, from the command line to the loss: at most {FILES} files and {LINES} lines"
    return [
        Line(claim, f"{files} files, {lines} lines", PASS if files <= FILES and lines <= LINES else FAIL),
        Line("The longest file and the median file", f"{found['longest file']} and {found['median file']:g} lines, of {found['files']} files", PASS),
        Line("Lines of tests to a line of source", f"{found['lines of tests to a line of source']:g}", PASS),
    ]


def main() -> None:
    """Print them."""
    from docs.structure import numbers

    print(json.dumps({"name": "structure", **numbers()}))


if __name__ == "__main__":
    main()
