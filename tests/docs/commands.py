"""Commands as documents show them, understood without being run: by the real command line, and by the recipes whose fields they give."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any
from unittest.mock import patch

from vesalius.cli import app
from vesalius.recipes.arguments import RECOVERED

LEFT_OUT = ("...", "…")
"""What stands for words that a page does not repeat."""
STOPS = {
    "pretrain": ("vesalius.pretrain", ("settle", "run_to_resume")),
    "finetune": ("vesalius.finetune", ("settle", "run_to_resume")),
    "evaluate": ("vesalius.evaluate.verb", ("_require", "run_to_resume")),
    "select": ("vesalius.select.verb", ("settle", "run_to_resume")),
}
"""What each verb calls first after its configuration is checked, or to find the run that it goes on with."""


class Understood(BaseException):
    """Everything that was typed has been read."""


def understood(words: Sequence[str]) -> None:
    """Raises what the command line would say of ``words``, fields of recipes, methods and protocols included; runs nothing."""
    command, bound, _ = app.parse_args(list(words), exit_on_error=False, print_error=False)
    name = command.__name__
    if name in ("slurm", "azureml"):
        if line := list(bound.arguments.get("line", ())):
            understood(line)
    elif name in STOPS and not bound.arguments.get("check_reference"):
        with stopped(name):
            command(*bound.args, **bound.kwargs)


@contextmanager
def stopped(verb: str) -> Iterator[None]:
    """Inside, ``verb`` ends where it would begin to work."""
    place, names = STOPS[verb]
    module = import_module(place)
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(patch.object(module, name, side_effect=Understood))
        for name, other in (("recovered", _without_ids), ("settled", str)):  # both look for a run in the runs' folder
            if hasattr(module, name):
                stack.enter_context(patch.object(module, name, other))
        try:
            yield
        except Understood:
            return
    raise AssertionError(f"{verb} did its work without {' or '.join(names)}")


def _without_ids(_verb: str, _recipe: Any, changes: dict[str, Any], resume: Any, _encoder: Any = None) -> tuple[dict[str, Any], Any]:
    if "run_recovery_id" in changes:
        raise Understood
    given = {key: value for key, value in changes.items() if key not in RECOVERED}
    return (given | {"encoder": "runs/found"} if len(given) < len(changes) else given), resume


def lines(block: str) -> list[list[str]]:
    """The words of each command of a block of shell: continued lines joined; comments, variables and what follows a pipe left out."""
    found = []
    for line in re.sub(r"\\\n\s*", " ", block).splitlines():
        words = shlex.split(line.strip().removeprefix("$ "), comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words.pop(0)
        for mark in ("|", ">", "2>", "&", "&&"):
            words = words[: words.index(mark)] if mark in words else words
        if words:
            found.append(words)
    return found


def fenced(text: str) -> list[tuple[str, str]]:
    """(language, text) of each fenced block, in order."""
    return re.findall(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)


def inline(text: str) -> list[tuple[list[str], bool]]:
    """The words of each `vesalius ...` within the text, and whether it is a whole command: without dots, and with more than its name."""
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    found = []
    for command in dict.fromkeys(re.findall(r"`vesalius ([^`]+)`", prose)):
        words = shlex.split(" ".join(command.split()))
        kept = [word for word in words if word not in LEFT_OUT]
        found.append((kept, kept == words and any(word.startswith("-") or not re.fullmatch("[a-z-]+", word) for word in words)))
    return found
