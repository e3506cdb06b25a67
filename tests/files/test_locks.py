"""One holder at a time; the dead lose their lock, the living keep it."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from vesalius.errors import UserError
from vesalius.files import Lock, LockLost, sweep_leftovers

fork = multiprocessing.get_context("fork")


def _count_up(folder: Path, times: int) -> None:
    for _ in range(times):
        with Lock(folder / "lock", poll=0.002):
            number = int((folder / "count").read_text())
            time.sleep(0.001)
            (folder / "count").write_text(str(number + 1))


def test_processes_and_threads_take_turns(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    workers: list[object] = [fork.Process(target=_count_up, args=(tmp_path, 15)) for _ in range(3)]
    for worker in workers:
        worker.start()  # type: ignore[attr-defined]
    threads = [threading.Thread(target=_count_up, args=(tmp_path, 15)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for each in [*workers, *threads]:
        each.join()  # type: ignore[attr-defined]
    assert (tmp_path / "count").read_text() == "75"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["count"]


def _hold(path: Path) -> None:
    with Lock(path):
        path.with_name("held").touch()
        time.sleep(60)


def _held(path: Path) -> multiprocessing.process.BaseProcess:
    holder = fork.Process(target=_hold, args=(path,))
    holder.start()
    while not path.with_name("held").exists():
        time.sleep(0.01)
    return holder


def test_a_killed_holder_is_replaced_at_once(tmp_path: Path) -> None:
    holder = _held(tmp_path / "lock")
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    began = time.monotonic()
    with Lock(tmp_path / "lock") as lock:
        assert lock.waited
        assert time.monotonic() - began < 5
        lock.check()
    assert not (tmp_path / "lock").exists()


def test_a_living_holder_is_waited_for(tmp_path: Path) -> None:
    holder = _held(tmp_path / "lock")
    try:
        with pytest.raises(UserError, match="another process"), Lock(tmp_path / "lock", patience=0.3):
            pass
    finally:
        holder.kill()
        holder.join()


def test_a_silent_holder_of_another_machine_is_replaced_and_notices(tmp_path: Path) -> None:
    mine = Lock(tmp_path / "lock", beat=1000)
    with mine:
        token = (tmp_path / "lock").read_bytes()
        other = token.replace(b'"host": "', b'"host": "elsewhere-')
        mine._token = other  # as if another machine held it: its process number says nothing here
        (tmp_path / "lock").write_bytes(other)
        with Lock(tmp_path / "lock", stale=0.3, poll=0.02) as taken:
            taken.check()
            with pytest.raises(LockLost):
                mine.check()
    assert not (tmp_path / "lock").exists()


def test_the_heartbeat_keeps_a_slow_holder(tmp_path: Path) -> None:
    with Lock(tmp_path / "lock", beat=0.05) as mine:
        token = (tmp_path / "lock").read_bytes()
        mine._token = token.replace(b'"host": "', b'"host": "elsewhere-')
        (tmp_path / "lock").write_bytes(mine._token)
        with pytest.raises(UserError), Lock(tmp_path / "lock", stale=0.4, poll=0.02, patience=1.2):
            pass
        mine.check()


def test_where_files_cannot_be_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    with Lock(tmp_path / "lock") as lock:
        lock.check()
        with pytest.raises(UserError, match="another process"), Lock(tmp_path / "lock", patience=0.2):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_holder_may_sweep_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link, swept = os.link, []

    def late(draft: Path, place: Path) -> None:
        if not swept:
            swept.append(draft)
            sweep_leftovers(tmp_path)  # by the holder, between a waiter's draft and its link
        link(draft, place)

    monkeypatch.setattr(os, "link", late)
    with Lock(tmp_path / "lock", poll=0.001) as lock:
        lock.check()
        assert swept
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_vanishes_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "gone" / "lock"

    def away(draft: Path, _: Path) -> None:
        draft.unlink()
        place.parent.rmdir()
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(draft))

    monkeypatch.setattr(os, "link", away)
    with pytest.raises((OSError, UserError), match="gone"), Lock(place):
        raise AssertionError("never held")
