"""Lengths of time as people and schedulers write them."""

from __future__ import annotations

import re

from vesalius.errors import UserError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str, option: str) -> int:
    """``3.5h``, ``90m``, ``2d``, ``30s``, or Slurm's ``MINUTES``, ``HH:MM:SS``, ``D-HH``, ``D-HH:MM[:SS]`` -> seconds.

    Raises UserError, naming ``option``, for anything else and for no time at all.
    """
    given = text.strip().lower()
    found = None
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", given):
        found = float(match[1]) * _UNITS[match[2]]
    elif re.fullmatch(r"\d+", given):
        found = float(given) * 60
    elif match := re.fullmatch(r"(\d+)-(\d+)(?::(\d+))?(?::(\d+))?", given):
        days, hours, minutes, rest = (int(part or 0) for part in match.groups())
        found = float(((days * 24 + hours) * 60 + minutes) * 60 + rest)
    elif match := re.fullmatch(r"(?:(\d+):)?(\d+):(\d+)", given):
        hours, minutes, rest = (int(part or 0) for part in match.groups())
        found = float((hours * 60 + minutes) * 60 + rest)
    if not found:
        raise UserError(f"{option} is {text!r}. Give a length of time: 3.5h, 90m, 2d, or as Slurm writes it, 1-12:00:00 or minutes.")
    return round(found)
