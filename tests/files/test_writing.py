"""Files and folders are the old one or the new one, also when the writer dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from vesalius.errors import UserError
from vesalius.files import atomic_folder, atomic_write, recover, sweep_leftovers, writing


def test_writes_text_and_bytes_and_makes_the_folder(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b" / "text.txt"
    assert atomic_write(place, "grüße") == place
    assert place.read_text() == "grüße"
    atomic_write(place, b"\0\1")
    assert place.read_bytes() == b"\0\1"
    assert [p.name for p in place.parent.iterdir()] == ["text.txt"]


def test_mode_is_kept_private(tmp_path: Path) -> None:
    assert atomic_write(tmp_path / "key", b"secret", mode=0o600).stat().st_mode & 0o777 == 0o600


def test_a_failing_rename_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = atomic_write(tmp_path / "file", "old")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        atomic_write(place, "new")
    assert place.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_forbidden_place_is_the_users_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        atomic_write(tmp_path / "file" / "below", "x")


def test_folder_appears_whole_and_replaces(tmp_path: Path) -> None:
    place = tmp_path / "checkpoint"
    for text in ("first", "second"):
        with atomic_folder(place) as folder:
            (folder / "deep").mkdir()
            (folder / "deep" / "weights").write_text(text)
            assert not place.exists() or (place / "deep" / "weights").read_text() == "first"
        assert (place / "deep" / "weights").read_text() == text
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint"]


def test_folder_vanishes_when_filling_it_fails(tmp_path: Path) -> None:
    place = tmp_path / "checkpoint"
    with atomic_folder(place) as folder:
        (folder / "weights").write_text("old")

    def fill() -> None:
        with atomic_folder(place) as folder:
            (folder / "weights").write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fill()
    assert (place / "weights").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint"]


def test_without_exchange_a_crash_between_the_renames_is_recovered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_exchange", lambda a, b: False)
    place = tmp_path / "checkpoint"
    for text in ("old", "newer"):
        with atomic_folder(place) as folder:
            (folder / "weights").write_text(text)
    rename, calls = os.rename, []

    def once(a: Path, b: Path) -> None:
        calls.append(a)
        if len(calls) == 2:
            raise KeyboardInterrupt
        rename(a, b)

    monkeypatch.setattr(os, "rename", once)
    with pytest.raises(KeyboardInterrupt), atomic_folder(place) as folder:
        (folder / "weights").write_text("newest")
    monkeypatch.setattr(os, "rename", rename)
    assert not place.exists()
    assert recover(place)
    assert (place / "weights").read_text() == "newer"
    assert not recover(place)


def _write_forever(folder: Path) -> None:
    for number in range(10**9):
        with atomic_folder(folder / "checkpoint") as temporary:
            for name in ("a", "b", "c"):
                (temporary / name).write_text(str(number) * 1000)
        atomic_write(folder / "file", str(number) * 1000)


def test_killed_at_any_moment_both_load(tmp_path: Path) -> None:
    for round_ in range(8):
        writer = multiprocessing.get_context("fork").Process(target=_write_forever, args=(tmp_path,))
        writer.start()
        time.sleep(0.05 + 0.013 * round_)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        recover(tmp_path / "checkpoint")
        if (tmp_path / "checkpoint").exists():
            texts = {p.read_text() for p in (tmp_path / "checkpoint").iterdir()}
            assert len(texts) == 1, "a mixture of two checkpoints"
            assert len(list((tmp_path / "checkpoint").iterdir())) == 3
        if (tmp_path / "file").exists():
            number = (tmp_path / "file").read_text()
            assert number == number[: len(number) // 1000] * 1000
        sweep_leftovers(tmp_path)
        assert {p.name for p in tmp_path.iterdir()} <= {"checkpoint", "file"}
    assert (tmp_path / "checkpoint").exists()


def test_two_threads_write_one_file(tmp_path: Path) -> None:
    def write(letter: str) -> None:
        for _ in range(30):
            atomic_write(tmp_path / "file", letter * 5000)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "ab"]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if (tmp_path / "file").exists():
            assert (tmp_path / "file").read_text() in ("a" * 5000, "b" * 5000)
    for thread in threads:
        thread.join()
