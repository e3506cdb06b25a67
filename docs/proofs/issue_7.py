"""What issue 7 had to show, in steps."""

from __future__ import annotations

from docs.prove import FAIL, PASS, Line, Outcome, Step, by_tests, named

TITLE = "train, embed, select: which images to label next"


def million_names(outcome: Outcome) -> list[Line]:
    """The index alone, and the whole command around it."""
    lines = []
    for name, bar in (("the index", 60.0), ("vesalius select", None)):
        row = named(outcome, name)
        figure = f"{row['seconds']} s from start to end, {row['processor_seconds']} s of processor time, {row['gib']} GiB at most"
        good = row["code"] == 0 and row["files"] >= 1_000_000 and (bar is None or row["seconds"] < bar)
        within = f", under {bar:g} s" if bar else ", a random selection of 50 with its report, as it is"
        lines.append(Line(f"{row['files']:,} file names, {name}{within}", figure if row["code"] == 0 else row["said"], PASS if good else FAIL))
    return lines


def steps() -> list[Step]:
    """Every step, the cheap ones first."""
    return [
        by_tests(
            "object crops",
            "Boxes of COCO, YOLO, VOC and Lightly read alike, as labelformat reads them; bad ones counted and named; padding and tiles by their definitions; "
            "crops of one image on one side of a split; BCCD's 4,888 boxes",
            "tests/data/boxes",
            "tests/data/test_crops.py",
            "tests/data/sources/test_crops.py",
            "tests/measures/test_boxes.py",
            "tests/select/test_objects.py",
            "tests/coverage/test_lightly_crops.py",
            least=60,
        ),
        Step("a million file names", ("python", "-m", "docs.proofs.million_names"), million_names, timeout=1800),
    ]
