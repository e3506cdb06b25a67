"""Trying again where a server may come round: broken connections, time-outs, throttling, failures of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

from vesalius.errors import UserError

PATIENCE = 60.0
"""Seconds for which one file is tried again; a driver's own attempts come on top."""
FIRST_CONTACT = 10.0
"""Seconds for which a place is tried that has not answered yet: its name may be wrong."""

UNREACHED = "It could not be fetched"
"""How the sentence of a file begins that may be had another time."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 10.0
_DRIVERS = frozenset(["adlfs", "aiobotocore", "aiohttp", "azure", "botocore", "fsspec", "gcsfs", "google", "http", "requests", "s3fs", "urllib3"])
_NO_CREDENTIALS = frozenset({
    "ClientAuthenticationError", "CredentialRetrievalError", "DefaultCredentialsError", "NoCredentialsError",
    "PartialCredentialsError", "ProfileNotFound", "RefreshError",
})  # fmt: skip

_CUT_SHORT = frozenset({"ClientPayloadError", "IncompleteReadError", "ResponseStreamingError"})  # aiohttp's has a 400 of its own inside
_NO_PLACE = frozenset({"InvalidURL", "ParamValidationError"})

T = TypeVar("T")

_limit: ContextVar[float | None] = ContextVar("limit", default=None)  # of the caller, for what it calls


class Unreachable(OSError):
    """It was tried for a while and is not to be had now. The sentence names no address and repeats no driver's words."""


def patiently(action: Callable[[], T], patience: float | None = None) -> T:
    """``action()``, again and again with growing pauses while it fails in passing, for ``patience`` seconds (``PATIENCE``).

    Raises Unreachable then; at once FileNotFoundError, PermissionError, and whatever is no failure of a connection.
    """
    limit = patience if patience is not None else _limit.get() or PATIENCE
    began, pause = time.monotonic(), _FIRST_PAUSE
    while True:
        token = _limit.set(limit)
        try:
            return action()
        except Exception as error:
            if not passing(error):
                final = _final(error)
                if final is error:
                    raise
                raise final from None
            name = type(error).__name__
        finally:
            _limit.reset(token)
        spread = 0.75 + 0.5 * (threading.get_ident() % 97) / 97  # threads that failed together do not come back together
        if time.monotonic() - began + pause > limit:
            raise Unreachable(f"{UNREACHED} in {limit:.0f} seconds ({name}).") from None
        time.sleep(pause * spread)
        pause = min(2 * pause, _LONGEST_PAUSE)


def passing(error: BaseException) -> bool:
    """Whether another try may end otherwise."""
    if isinstance(error, FileNotFoundError):  # fsspec's web driver says this of everything that kept it from looking
        return error.__cause__ is not None and passing(error.__cause__)
    if isinstance(error, PermissionError | IsADirectoryError | NotADirectoryError | Unreachable | UserError):
        return False
    if type(error).__name__ in _NO_CREDENTIALS | _NO_PLACE:
        return False
    if isinstance(error, ConnectionError | TimeoutError) or type(error).__name__ in _CUT_SHORT:
        return True
    status = _status(error)
    if status is not None:
        return status in (408, 425, 429) or status >= 500
    of_driver = any(kind.__module__.partition(".")[0] in _DRIVERS for kind in type(error).__mro__)
    return of_driver or isinstance(error, OSError)


def _final(error: Exception) -> Exception:
    """``error`` as one of Python's own kinds where a driver has a kind of its own."""
    status = _status(error)
    if isinstance(error, OSError) and not status:
        return error
    if type(error).__name__ in _NO_CREDENTIALS or status in (401, 403):
        return PermissionError("no credentials, or not enough")
    return FileNotFoundError("not there") if status in (404, 410) or type(error).__name__ in _NO_PLACE else error


def _status(error: BaseException | None) -> int | None:
    """The HTTP status behind an error of any driver."""
    while error is not None:
        answer = getattr(error, "response", None)
        if isinstance(answer, dict):
            answer = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if isinstance(answer, int):
                return answer
        for name in ("status", "status_code", "code"):
            found = getattr(error, name, None)
            if isinstance(found, int) and 100 <= found < 600:
                return found
        error = error.__cause__
    return None
