"""Issue 9's line on ``make bench``: what it kept, read again. ``python -m docs.proofs.benched`` prints it and measures nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping

from benchmarks._catalogue import Benchmark, benchmarks
from benchmarks._running import Measured, kept
from docs.prove import FAIL, NOT_RUN, PASS, Line, Outcome, Step


def steps() -> list[Step]:
    """One step."""
    return [Step("make bench", ("python", "-m", "docs.proofs.benched"), check)]


def check(_outcome: Outcome) -> list[Line]:
    """From what is kept beside the benchmarks."""
    known = {name: one for name, one in benchmarks().items() if not one.page}
    return lines(known, {name: found for name, one in known.items() if (found := kept(one, False)) is not None})


def lines(known: Mapping[str, Benchmark], found: Mapping[str, Measured]) -> list[Line]:
    """That every benchmark ran and printed every line it is to print, and which bars were reached."""
    claim = "`make bench` runs every claim of speed or memory against its peer, none fails"
    if not found:
        return [Line(claim, "nothing is kept: run `make bench`", NOT_RUN)]
    missing = [name for name in known if name not in found or found[name].note]
    printed = {name: {line["name"]: line for line in one.lines} for name, one in found.items()}
    silent = [f"{name}: {c.line}" for name, one in known.items() if name not in missing for c in one.claims if c.line not in printed[name]]
    figure = f"{len(known) - len(missing)} of {len(known)} benchmarks, {sum(one.seconds for one in found.values()) / 60:.0f} min"
    figure += "".join(f"; {what}: {', '.join(names)}" for what, names in (("not measured", missing), ("lines not printed", silent)) if names)
    told = [(c, printed[name][c.line]) for name, one in known.items() if name in printed for c in one.claims if c.line in printed[name]]
    bars = [(c, line, c.reached(line)) for c, line in told if c.reached(line) is not None]
    below = [f"{c.line} ({c.bar()}; ratio {line['ratio']:g}, ours {line['ours']:g})" for c, line, reached in bars if not reached]
    reached = Line("Bars that were set before, as they are", f"{len(bars) - len(below)} of {len(bars)} reached", PASS, note="; ".join(below))
    return [Line(claim, figure, FAIL if missing or silent else PASS), *([reached] if bars else [])]


def main() -> None:
    """Print what the step reads."""
    for line in check(Outcome(0, "", "", 0.0)):
        print(json.dumps({"name": line.claim, "found": line.figure, "verdict": line.verdict}))


if __name__ == "__main__":
    main()
