"""The errors a user can mend, each with the exit code the command line ends with.

Every message is one paragraph: what went wrong, where, and what to do next.
"""

from __future__ import annotations


class VesaliusError(Exception):
    """Base of every error that is not a bug. ``exit_code`` is what the command line ends with."""

    exit_code = 2


class UserError(VesaliusError):
    """The input cannot be used as given: an unknown key, a missing folder, labels where none are."""

    exit_code = 2


class NonFinite(VesaliusError):
    """A loss or gradient was not finite; the weights were not touched and a bundle replays the step."""

    exit_code = 3


class TooManyBadFiles(VesaliusError):
    """More files than the allowed share could not be read."""

    exit_code = 4


class NoRoom(VesaliusError):
    """The disk is full, or reading or writing failed."""

    exit_code = 5


class Mismatch(VesaliusError):
    """What should be equal is not: an export and its encoder, of which nothing is left, or a run and its repetition, which both are."""

    exit_code = 1


class Preempted(VesaliusError):
    """A stop was asked for; the run was saved and goes on when the same command is run with ``--resume``."""

    exit_code = 75
