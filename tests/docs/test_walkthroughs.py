"""docs/walkthroughs.md: every wrong command of the four journeys is refused as the page says; the page holds every command."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.walkthroughs import folders, page
from docs.walkthroughs.journeys import Journey, Typed, journey, there

from tests.coverage.command_line import vesalius

SHELL = ("mkdir", "cp", "rm", "touch", "printf", "mv", "head", "chmod")
"""First words of commands that prepare what comes after them, and take no time."""


@pytest.fixture(scope="module", params=there())
def walked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """A journey, in the user's folder, after what its wrong commands need."""
    one = journey(request.param)
    here = tmp_path_factory.mktemp(one.name)
    getattr(folders, one.prepare)(here)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        patch.setenv("VESALIUS_CACHE", str(here.parent / "walked-cache"))
        patch.delenv("VESALIUS_RUNS", raising=False)
        for line in one.given:
            done = vesalius(*_words(line))
            assert done.code == 0, f"{line}\n{done.said}"
        yield one


def _words(line: str) -> list[str]:
    program, *words = shlex.split(line)
    assert program == "vesalius", line
    return words


def _tried(step: Typed) -> bool:
    return not step.alone and (step.code != 0 or shlex.split(step.line)[0] in SHELL)


def test_every_wrong_command_is_refused_as_the_page_says(walked: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VESALIUS_RUNS", raising=False)
    failed = []
    for step in filter(_tried, walked.steps):
        if shlex.split(step.line)[0] in SHELL:
            subprocess.run(["bash", "-c", step.line], check=step.code == 0)
            continue
        done = vesalius(*_words(step.line))
        failed += [f"{step.line}: {wrong}\n{done.said}" for wrong in step.missing(done.code, done.said)]
        assert "Traceback" not in done.said, step.line
    assert not failed, "\n\n".join(failed)


def test_ten_wrong_commands_of_different_kinds(walked: Journey) -> None:
    said = {step.says for step in walked.wrong}
    assert len(walked.wrong) >= 10
    assert len(said) >= 10, "wrong commands that are refused with the same words are one stumble"


@pytest.mark.parametrize("name", there())
def test_the_page_holds_every_command(name: str) -> None:
    text = page.PAGE.read_text()
    for step in journey(name).steps:
        assert step.line.splitlines()[0] in text, f"{name}: {step.line}; python -m docs.walkthroughs --page writes the page anew"


def test_the_page_names_no_place_of_a_machine() -> None:
    text = page.PAGE.read_text()
    for word in ("/tmp/", "/root/", "/home/", "site-packages"):
        assert word not in text, word


def test_what_is_printed_is_shown_short_and_without_places(tmp_path: Path) -> None:
    from docs.walkthroughs.journeys import plain

    assert plain(f"\x1b[1mSaved\x1b[0m {tmp_path}/runs/first\n10 %\r100 %", tmp_path) == "Saved runs/first\n100 %"
    step = Typed("vesalius lst", 2, ("Did you mean list?",))
    assert step.missing(2, "Did you\nmean list?") == []
    assert step.missing(1, "") == ["left with 1, not 2", "did not say 'Did you mean list?'"]
