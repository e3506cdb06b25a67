"""Every odd file is read right or refused by name; ``python -m tests.data.test_odd_files`` writes docs/odd-files.md."""

from __future__ import annotations

import warnings
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFile

from tests.data.odd_files import Odd, all_odd
from vesalius.data import readers
from vesalius.data.outcomes import Decoded, Kind, Unreadable
from vesalius.data.settings import Window

PAGE = Path(__file__).resolve().parents[2] / "docs" / "odd-files.md"

# DESIGN section 7, and what the issue adds to it.
PROMISED = {
    "corrupt", "truncated", "empty", "wrong suffix", "16 bits", "CMYK", "alpha", "EXIF rotation", "animated",
    "many pages", "bomb", "constant", "not finite", "not an image", "missing", "palette", "1 bit", "12 bits",
    "floats and signs", "many channels", "DICOM (pydicom's)",
}  # fmt: skip


@cache
def _all() -> tuple[Odd, ...]:
    return tuple(all_odd())


_known: dict[tuple[str, int, Window], Decoded | Unreadable] = {}


def _outcome(odd: Odd, folder: Path) -> Decoded | Unreadable:
    """What reading the file comes to; once a session, because the bombs take their time."""
    key = odd.name, odd.frame, odd.window
    if key not in _known:
        _known[key] = _read(odd, folder)
    return _known[key]


def _read(odd: Odd, folder: Path) -> Decoded | Unreadable:
    path = folder / odd.name
    if odd.data is not None:
        path.write_bytes(odd.data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return readers.read(path, odd.frame, window=odd.window)
    except Unreadable as refused:
        return refused


@pytest.mark.parametrize("odd", _all(), ids=lambda odd: f"{odd.name}#{odd.frame}#{odd.window}".replace(" ", "-"))
def test_read_right_or_refused_by_name(odd: Odd, tmp_path: Path) -> None:
    outcome = _outcome(odd, tmp_path)
    if isinstance(odd.expected, Kind):
        assert isinstance(outcome, Unreadable), f"read as {outcome}"
        assert outcome.kind is odd.expected
        sentence = str(outcome)
        assert sentence.endswith(".")
        assert len(sentence) < 200
        assert str(tmp_path) not in sentence, "a reason may be written anywhere, so it names no file"
        return
    assert isinstance(outcome, Decoded), f"refused: {outcome}"
    pixels = outcome.pixels
    assert pixels.shape == odd.expected.shape
    assert pixels.dtype == odd.expected.dtype
    assert np.abs(pixels.astype(np.int64) - odd.expected).max() <= odd.tolerance
    white = odd.white or float(np.iinfo(pixels.dtype).max)
    assert outcome.scale == pytest.approx(1 / white)
    assert (pixels * outcome.scale + outcome.offset).max() <= 1
    if odd.low_high is not None:
        assert (outcome.low, outcome.high) == pytest.approx(odd.low_high)


def test_at_least_sixty_files_and_two_of_each_kind() -> None:
    kinds = Counter(odd.kind for odd in _all())
    assert len({(odd.name, odd.frame) for odd in _all()}) >= 60
    assert set(kinds) >= PROMISED
    assert min(kinds.values()) >= 2


def test_truncated_files_stay_refused() -> None:
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_the_page_is_what_the_files_give(tmp_path: Path) -> None:
    assert PAGE.read_text() == page(tmp_path), "run: python -m tests.data.test_odd_files"


def page(folder: Path) -> str:
    lines = [
        "# Odd files",
        "",
        "What becomes of files as the world sends them. Each line is a file that `tests/data/test_odd_files.py` makes,",
        "reads and compares with what was expected; `python -m tests.data.test_odd_files` writes this page, the test",
        "fails when it differs. A file is what its content says, whatever its suffix. What is refused is left out of",
        "the run and reported by its id with the sentence given here; a run in which more than 5 % are refused stops with",
        "exit code 4.",
        "",
        "Decisions: alpha is composited over black (transparent means no signal). White is 1 in every depth: 255, 4095",
        "or 65535. Floats within [0, 1] keep that range; other floats, signed and 32-bit integers are spread from",
        "their least to their greatest value over 16 bits, and the two are recorded (error at most half a step). Grey DICOM",
        "goes through its modality and its window (see dicom.md), or keeps the integers of its file where the window is none;",
        "the rescaled values (HU) of black and white are recorded. No file is completed: what ends",
        "early is refused. Damage inside the compressed pixels of a JPEG cannot be seen: any bits are a valid picture.",
        "",
        f"{len(_all())} files.",
        "",
        "| kind | file | frame | expected | read as (rows, columns, channels), type, range, or refused because |",
        "|---|---|---|---|---|",
    ]
    for odd in _all():
        came_to = _described(_outcome(odd, folder))
        lines.append(f"| {odd.kind} | {odd.name} | {odd.frame} | {odd.words} | {came_to} |")
    return "\n".join(lines) + "\n"


def _described(outcome: Decoded | Unreadable) -> str:
    if isinstance(outcome, Unreadable):
        return f"**{outcome.kind}**: {outcome}"
    pixels = outcome.pixels
    notes = f"; {'; '.join(outcome.notes)}" if outcome.notes else ""
    return f"{pixels.shape}, {pixels.dtype}, {pixels.min()} to {pixels.max()}{notes}"


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as place:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(Path(place)))
    print(f"{len(_all())} files, {PAGE}")
