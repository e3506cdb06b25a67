"""What the report of a look inside an encoder had to show: every picture where it belongs, legible on a screen, on a phone and in the dark."""

from __future__ import annotations

from docs.prove import Step, by_tests


def steps() -> list[Step]:
    """The tests of the sections, and their page in a real browser."""
    return [
        by_tests(
            "pages of pictures",
            "Saliency, invariance, reconstruction and perceptual distance in the report: every picture with its number, names escaped, within bytes; in a "
            "browser without network nothing is fetched, clipped or below the contrast of WCAG 2.2 at 1,280 and 390 pixels, light and dark",
            "tests/report/looking",
            "tests/report/test_browser.py",
            "-k",
            "looking",
            least=25,
        )
    ]
