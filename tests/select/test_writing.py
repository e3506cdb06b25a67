"""``--write FORMAT=PATH``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import vesalius
from tests.select.handing.selections import images, of_folder
from vesalius import registry
from vesalius.errors import UserError
from vesalius.select.writing import targets, write
from vesalius.terminal import Terminal

QUIET = Terminal(quiet=True)


class Heard(Terminal):
    """What was said."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def test_formats_are_files_of_the_folder() -> None:
    known = {"parquet", "csv", "filenames", "copies", "links", "lightly-csv", "label-studio", "cvat", "fiftyone", "lightly-studio", "embedding-atlas"}
    assert known <= set(registry.names("formats"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["out.csv"], "does not say a format and a place. Say FORMAT=PATH; formats: "),
        (["csv="], "does not say a format"),
        (["cvs=out.csv"], "Did you mean csv"),
        (["csv=out", "parquet=./out"], "Two formats are to be written to out"),
        (["csv=there.csv"], "there.csv is there already, and nothing was written"),
        (["copies=full"], "full is there already"),
    ],
)
def test_what_cannot_be_written_is_refused_before_any_work(words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.csv").write_text("mine")
    Path("full").mkdir()
    Path("full", "mine.txt").write_text("mine")
    with pytest.raises(UserError) as told:
        targets(words)
    assert said in str(told.value)
    assert "\n" not in str(told.value)
    assert Path("there.csv").read_text() == "mine"


def test_a_path_may_hold_an_equals_sign_and_a_name_an_underscore(tmp_path: Path) -> None:
    (found,) = targets([f"lightly_csv={tmp_path}/a=b"])
    assert (found.format, found.out) == ("lightly-csv", tmp_path / "a=b")


def test_a_job_that_is_gone_on_with_writes_what_is_left(tmp_path: Path) -> None:
    selected = of_folder(tmp_path / "data")
    words = [f"csv={tmp_path}/out.csv", f"copies={tmp_path}/copies", f"filenames={tmp_path}/new/out.txt"]
    write(selected, targets(words[:1]), QUIET)
    (tmp_path / "copies").mkdir()
    heard = Heard()
    left = targets(words, heard, resumed=True)
    assert [target.format for target in left] == ["copies", "filenames"]
    assert heard.lines == [f"csv: {tmp_path}/out.csv was written before."]
    write(selected, left, heard)
    assert (tmp_path / "new" / "out.txt").is_file()
    assert f"copies: 3 files in {tmp_path}/copies." not in heard.lines  # up to three are named
    assert any(line.startswith("copies: ") and "eins.png" in line for line in heard.lines)


def test_the_command_that_opens_it_is_said(tmp_path: Path) -> None:
    heard = Heard()
    write(of_folder(tmp_path / "data"), targets([f"embedding-atlas={tmp_path}/out.parquet"]), heard)
    assert any(line.startswith(f"Open it with: embedding-atlas {tmp_path}/out.parquet --x x") for line in heard.lines)


@pytest.mark.parametrize(("lacking", "words"), [("vectors", "needs embeddings"), ("map", "needs a map of the embeddings"), ("table", "needs the images")])
def test_what_a_format_needs_is_said_and_nothing_is_written(lacking: str, words: str, tmp_path: Path) -> None:
    selected = of_folder(tmp_path / "data")
    bare = replace(selected, candidates=replace(selected.candidates, vectors=None)) if lacking == "vectors" else replace(selected, **{lacking: None})
    with pytest.raises(UserError, match=words):
        write(bare, targets([f"csv={tmp_path}/out.csv", f"embedding-atlas={tmp_path}/out.parquet"]), QUIET)
    assert not (tmp_path / "out.csv").exists()


def test_a_format_that_needs_embeddings_is_refused_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    images(tmp_path / "data")
    with pytest.raises(UserError, match="embedding-atlas needs embeddings: give an encoder") as told:
        vesalius.select(data=str(tmp_path / "data"), n=2, strategy="random", write=[f"embedding-atlas={tmp_path}/out.parquet"], quiet=True)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "runs").exists()


def test_a_killed_job_writes_what_is_left_or_what_is_asked_for_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    images(tmp_path / "data")
    from vesalius.select.handing import filenames

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    words = [f"csv={tmp_path}/out.csv", f"filenames={tmp_path}/out.txt"]
    with monkeypatch.context() as patch:
        patch.setattr(filenames, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            vesalius.select(data=str(tmp_path / "data"), n=2, strategy="random", write=words, out=tmp_path / "run", quiet=True)
    before = (tmp_path / "out.csv").stat().st_mtime_ns
    done = vesalius.select(resume=tmp_path / "run", quiet=True)
    assert (tmp_path / "out.txt").read_text().split("\n")[:-1] == done.names
    assert (tmp_path / "out.csv").stat().st_mtime_ns == before
    vesalius.select(resume=tmp_path / "run", write=[f"filenames={tmp_path}/again.txt"], quiet=True)
    assert (tmp_path / "again.txt").read_text() == (tmp_path / "out.txt").read_text()
    with pytest.raises(UserError, match="is there already"):
        vesalius.select(resume=tmp_path / "run", write=[f"filenames={tmp_path}/again.txt"], quiet=True)


def test_a_place_that_takes_no_files_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot be written: .* nothing was begun"):
        targets([f"filenames={tmp_path}/file/names.txt"])
