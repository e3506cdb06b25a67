"""A lock file with a heartbeat: one process works, the others wait, and a dead holder's lock is taken over."""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from vesalius.errors import UserError, VesaliusError
from vesalius.files.room import naming_failures
from vesalius.files.writing import sibling

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class LockLost(VesaliusError):
    """Another process took this lock over because its heartbeat had stopped (a suspended machine, a stalled disk)."""

    exit_code = 5


class Lock:
    """``with Lock(path):`` holds the lock file ``path``; entering waits for as long as its holder lives.

    The holder touches the file every ``beat`` seconds. A waiter takes over when the holder's process is gone (same
    machine), or when the file has not been touched for ``stale`` seconds of the *waiter's* clock, so that clocks of
    several machines need not agree. Works between threads, processes and machines that share a file system.
    ``patience``: seconds after which entering raises UserError instead of waiting on.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        beat: float = 2.0,
        stale: float = 60.0,
        poll: float = 0.1,
        patience: float | None = None,
    ) -> None:
        self.path = Path(path)
        self._patience = patience
        self._beat, self._stale, self._poll = beat, stale, poll
        self._token = json.dumps({**_identity(), "pid": os.getpid(), "nonce": os.urandom(8).hex()}).encode()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.waited = False

    def __enter__(self) -> Lock:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        seen: tuple[bytes, int] | None = None
        started = since = time.monotonic()
        while not self._take():
            self.waited = True
            now = self._look()
            if now != seen:
                seen, since = now, time.monotonic()
            if now is not None and (_holder_is_gone(now[0]) or time.monotonic() - since > self._stale):
                self._evict(now[0])
                continue
            if self._patience is not None and time.monotonic() - started > self._patience:
                raise UserError(f"{self.path.stem} is being worked on by another process. Wait for it, then try again.")
            time.sleep(self._poll)
        self._stop.clear()
        self._thread = threading.Thread(target=self._touch, name=f"heartbeat of {self.path.name}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._mine():
            self.path.unlink(missing_ok=True)

    def check(self) -> None:
        """Raise LockLost when another process has taken the lock over; call before making work visible."""
        if not self._mine():
            raise LockLost(
                f"Another process took over {self.path}, which gave no sign of life for {self._stale:.0f} s. "
                "Nothing was damaged; run the same command again."
            )

    def _take(self) -> bool:
        with naming_failures(self.path):
            # Written under another name and linked into place: nobody ever sees a lock file without its token.
            draft = sibling(self.path)
            try:
                draft.write_bytes(self._token)
                os.link(draft, self.path)
            except FileExistsError:
                return False
            except FileNotFoundError:  # the holder swept the folder, and the draft with it
                if not self.path.parent.is_dir():
                    raise
                return False
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                return self._create()
            finally:
                draft.unlink(missing_ok=True)
            return True

    def _create(self) -> bool:
        """On file systems without hard links: the token follows a moment after the file."""
        try:
            with open(self.path, "xb") as file:
                file.write(self._token)
        except FileExistsError:
            return False
        return True

    def _look(self) -> tuple[bytes, int] | None:
        with suppress(FileNotFoundError):
            return self.path.read_bytes(), self.path.stat().st_mtime_ns
        return None

    def _mine(self) -> bool:
        with suppress(FileNotFoundError):
            return self.path.read_bytes() == self._token
        return False

    def _evict(self, token: bytes) -> None:
        """Remove the lock of the dead holder ``token``, and no other: the rename gives it to one waiter only."""
        aside = sibling(self.path)
        with suppress(FileNotFoundError):
            os.rename(self.path, aside)
            if aside.read_bytes() != token:  # a live holder came between look and rename: give it back
                with suppress(OSError):
                    os.link(aside, self.path)
            aside.unlink(missing_ok=True)

    def _touch(self) -> None:
        while not self._stop.wait(self._beat):
            with suppress(OSError):
                if self._mine():
                    os.utime(self.path)


def _identity() -> dict[str, str]:
    """What must be equal for a process number to mean the same process here and there."""
    identity = {"host": socket.gethostname()}
    with suppress(OSError):
        identity["boot"] = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        identity["pids"] = os.readlink("/proc/self/ns/pid")
    return identity


def _holder_is_gone(token: bytes) -> bool:
    try:
        holder = json.loads(token)
        pid = int(holder["pid"])
    except (ValueError, KeyError, TypeError):
        return False
    if any(holder.get(key) != value for key, value in _identity().items()) or os.name == "nt":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
