"""Trackers follow a run's folder in a thread of their own: they read what the run writes and can never stop it.

The folder is the truth. What a tracker does not have yet is sent; what fails is warned of once, sent again later, and
listed in ``run.json`` where it did not arrive until the end. So a resumed run doubles no point, and
``vesalius runs track RUN`` sends what is missing whenever the tracker can be reached again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vesalius import registry
from vesalius.errors import UserError
from vesalius.runs.run import Run
from vesalius.runs.sending import Sender
from vesalius.runs.tracker import Tracker, needed_to_go_on, newest_step

POLL = 2.0
"""Seconds between looks at the folder."""
PATIENCE = 300.0
"""Seconds without any sign of life after which the end of a run waits no longer for its trackers."""
_STAGE = ".tracking"


def trackers(run: Run, entries: Sequence[Mapping[str, Any]]) -> dict[str, Tracker]:
    """The trackers that ``entries`` name, each ``{name, its own fields}``. Raises UserError for what cannot be used."""
    found: dict[str, Tracker] = {}
    for given in entries:
        fields = {key: value for key, value in given.items() if key != "name"}
        module = registry.entry("trackers", str(given["name"]))
        found[str(given["name"])] = module.build(module.Config(**fields), run)
    return found


def refuse_unusable(entries: Sequence[Mapping[str, Any]]) -> None:
    """Raise UserError where a tracker's package is not installed: before an hour of decoding."""
    for given in entries:
        module = registry.entry("trackers", str(given["name"]))
        if hasattr(module, "require"):
            module.require(module.Config(**{key: value for key, value in given.items() if key != "name"}))


@contextmanager
def tracked(run: Run, entries: Sequence[Mapping[str, Any]], first: bool, say: Callable[[str], None]) -> Iterator[None]:
    """Inside, the ``first`` rank's trackers follow ``run``; at the end they get the rest, however it ends."""
    if not first or not entries:
        yield
        return
    tracking = Tracking(run, trackers(run, entries), say)
    tracking.start()
    run.on_save.append(tracking.saved)
    try:
        yield
    finally:
        run.on_save.remove(tracking.saved)
        tracking.finish()


def send(run: Run, entries: Sequence[Mapping[str, Any]], say: Callable[[str], None]) -> None:
    """Give the trackers of a run that is over what they have not got. Raises UserError where they cannot be reached."""
    tracking = Tracking(run, trackers(run, entries), lambda text: None)
    tracking.start()
    missing = tracking.finish()
    for name, left in missing.items():
        if not left:
            say(f"{name} has all of {run.path.name}.")
    if any(missing.values()):
        words = "; ".join(f"{name} did not get {', '.join(left)} ({tracking.why(name)})" for name, left in missing.items() if left)
        raise UserError(f"{words}. Check that it can be reached, then say this again.")


class Tracking:
    """The trackers of one run at work; ``start``, ``saved`` at each checkpoint, ``finish``."""

    def __init__(self, run: Run, found: Mapping[str, Tracker], say: Callable[[str], None]) -> None:
        self.run, self.say = run, say
        self.senders = [Sender(name, tracker, run, say) for name, tracker in found.items()]
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._stages = run.path / _STAGE
        shutil.rmtree(self._stages, ignore_errors=True)

    def start(self) -> None:
        """Follow the folder from now on."""
        self._thread.start()

    def saved(self) -> None:
        """Keep what the newest checkpoint needs, by hard links, until those who asked for every one have it."""
        waiting = [sender for sender in self.senders if sender.tracker.checkpoints == "every"]
        step = newest_step(self.run)
        if not waiting or step is None:
            return
        try:
            stage = Path(tempfile.mkdtemp(prefix=f"{step}-", dir=_made(self._stages)))
            for name, source in needed_to_go_on(self.run, step).items():
                _linked(source, stage / name, copy=name == "metrics.jsonl")
        except OSError as error:
            self.run.log(f"tracking: {step} was not kept for sending ({type(error).__name__})")
            return
        for sender in waiting:
            sender.offer(step, stage)

    def why(self, name: str) -> str:
        """What failed last of the tracker ``name``."""
        return next(sender.failure for sender in self.senders if sender.name == name)

    def finish(self) -> dict[str, list[str]]:
        """Send the rest and close, waiting as long as the trackers give signs of life; returns what each has not got."""
        found: dict[str, list[str]] = {}
        self._ends.set()
        while self._thread.is_alive() and time.monotonic() - max(s.alive for s in self.senders) < PATIENCE:
            self._thread.join(0.2)
        for sender in self.senders:
            missing = found[sender.name] = sender.missing()
            facts = self.run.facts().get("tracked", {})
            known = {**facts.get(sender.name, {}), "missing": missing}
            with suppress(OSError):
                self.run.record(tracked={**facts, sender.name: {k: v for k, v in known.items() if v}})
            if missing:
                self.say(
                    f"{sender.name} did not get everything: {', '.join(missing)}. The run is whole in {self.run.path}; "
                    f"`vesalius runs track {self.run.path}` sends what is missing."
                )
        shutil.rmtree(self._stages, ignore_errors=True)
        return found

    def _work(self) -> None:
        while True:
            ends = self._ends.is_set()
            for sender in self.senders:
                sender.go(ends)
            if ends:
                return
            self._ends.wait(POLL)


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _linked(source: Path, target: Path, *, copy: bool) -> None:
    """``target`` is ``source`` as it is now: files of a run are replaced whole, but for those that grow."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not copy:
        with suppress(OSError):  # no hard links here
            os.link(source, target)
            return
    shutil.copyfile(source, target)
