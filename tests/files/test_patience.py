"""What is tried again, for how long, and what is final at once."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from vesalius.errors import UserError
from vesalius.files import patience
from vesalius.files.patience import Unreachable, passing, patiently


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST_PAUSE", 0.001)


class ClientError(Exception):
    """As botocore's: the status is in a dictionary."""

    def __init__(self, status: int) -> None:
        self.response = {"ResponseMetadata": {"HTTPStatusCode": status}}


class ResponseError(Exception):
    """As aiohttp's and azure-core's."""

    def __init__(self, status: int, name: str = "status") -> None:
        setattr(self, name, status)


ResponseError.__module__ = "aiohttp.client_exceptions"


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(), TimeoutError(), OSError(errno.EIO, "cut"), ResponseError(503), ResponseError(429, "status_code"),
        caused(OSError(errno.EBUSY, "SlowDown"), ClientError(503)), caused(FileNotFoundError("x"), ConnectionResetError()),
        caused(TimeoutError(), ClientError(400)), ResponseError(408, "code"),
        caused(type("ClientPayloadError", (Exception,), {})(), ResponseError(400, "code")),
    ],
)  # fmt: skip
def test_what_passes_is_tried_again(error: Exception) -> None:
    left = [error, error]

    def action() -> str:
        if left:
            raise left.pop()
        return "there"

    assert patiently(action) == "there"


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (FileNotFoundError("x"), FileNotFoundError),
        (caused(FileNotFoundError("x"), ResponseError(404)), FileNotFoundError),
        (PermissionError("x"), PermissionError),
        (caused(PermissionError("x"), ClientError(403)), PermissionError),
        (ResponseError(403), PermissionError),
        (ResponseError(401, "status_code"), PermissionError),
        (ResponseError(404), FileNotFoundError),
        (type("NoCredentialsError", (Exception,), {})(), PermissionError),
        (UserError("x"), UserError),
        (KeyError("x"), KeyError),
        (ZeroDivisionError(), ZeroDivisionError),
    ],
)
def test_what_is_final_is_said_at_once(error: Exception, becomes: type[Exception]) -> None:
    calls: list[int] = []

    def action() -> Any:
        calls.append(1)
        raise error

    with pytest.raises(becomes):
        patiently(action)
    assert len(calls) == 1


def test_patience_ends_and_repeats_no_drivers_words() -> None:
    def action() -> Any:
        raise ConnectionResetError("https://host/x?sig=Canary")

    with pytest.raises(Unreachable, match=r"in 0 seconds \(ConnectionResetError\)") as caught:
        patiently(action, 0.02)
    assert "Canary" not in str(caught.value)
    assert not passing(caught.value), "an inner patience is not repeated by an outer one"
