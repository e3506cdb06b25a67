"""What a source may be called: its own name, with _ for -, and the names under which others know it."""

from __future__ import annotations

from collections.abc import Mapping

ALIASES: Mapping[str, str] = {
    "chestx": "nih-chestxray14:single7",
    "diabetic-retinopathy": "eyepacs",
    "montgomery": "montgomerycxr",
    "shenzhen": "shenzhencxr",
}
"""Another name, and the source it stands for, with the task where it means one."""


def plain(name: str) -> str:
    """``ichallenge_amd``, ``iChallenge-AMD`` and ``ichallenge-amd`` are one."""
    return name.lower().replace("_", "-")


def meant(name: str) -> tuple[str, str | None]:
    """The source that ``name`` stands for, and the task that it implies; a name that is no alias stands for itself."""
    source, _, task = ALIASES.get(plain(name), plain(name)).partition(":")
    return source, task or None


def also_called(source: str) -> list[str]:
    """The other names of ``source``, with the task of those that mean one."""
    found = [(alias, target.partition(":")) for alias, target in ALIASES.items()]
    return [f"{alias} ({task})" if task else alias for alias, (name, _, task) in found if name == source]
