"""What issue 9 had to show: one product, from clean clone to conviction."""

from __future__ import annotations

from docs.proofs import benched, clean_clone, repeated, structured, walked, wheel
from docs.prove import Step, by_tests

TITLE = "One product: from clean clone to conviction"


def steps() -> list[Step]:
    """The steps, in the order of the issue."""
    return [
        by_tests("coverage", "Coverage: 121 rows, none open; each names its command and tests", "tests/test_coverage.py"),
        by_tests(
            "feature table",
            "Feature table: every true cell leads to a file that exists, or to a public page of the peer",
            "tests/docs/test_compared.py",
        ),
        by_tests(
            "outside examples",
            "A data set, a method, a protocol, a strategy and a zoo family from somebody else's package, found by `list`, and run",
            "tests/examples/test_from_outside.py",
        ),
        *walked.steps(),
        *clean_clone.steps(),
        *benched.steps(),
        by_tests(
            "snippets",
            "Every command and snippet of the documents is run by a test, or understood by the real command line with its reason",
            "tests/docs/test_snippets.py",
            least=100,
        ),
        by_tests("citations", "Every method, measure, data set and network with its paper, as the code names it", "tests/docs/test_citations.py"),
        *repeated.steps(),
        *structured.steps(),
        *wheel.steps(),
        by_tests("security", "Each claim of SECURITY.md leads to a test, and no server is asked that was not named", "tests/test_security.py"),
        by_tests("site", "`make docs`: the site builds offline, strict, and its pages ask for nothing from elsewhere", "tests/docs/test_site.py"),
    ]
