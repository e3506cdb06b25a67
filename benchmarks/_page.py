"""``docs/benchmarks.md``: a table for each subject, every claim beside what was found; and a few of the ratios in the README."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from typing import Any

from benchmarks._catalogue import Benchmark, Claim, benchmarks, elsewhere
from benchmarks._running import ROOT, Measured, version

PAGE = ROOT / "docs" / "benchmarks.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- measured: written by make bench -->\n", "<!-- end of measured -->\n"
COMMON = ("name", "ours", "peer", "ratio", "unit", "setting")
HEAD = ("what is claimed", "bar", "ours", "peer", "ratio", "reached", "unit; setting", "the peer", "command")


def write(found: Mapping[str, Measured]) -> None:
    """The page of what there is, and the README's few ratios."""
    PAGE.write_text(page(benchmarks(), found))
    README.write_text(readme(README.read_text(), benchmarks(), found))


def readme(text: str, known: Mapping[str, Benchmark], found: Mapping[str, Measured]) -> str:
    """The README ``text`` with a column for each claim that is to stand there and was measured: what, the ratio, beside whom."""
    lines = {line["name"]: line for one in found.values() for line in one.lines if "ratio" in line}
    told = [(*claim.readme.split(": "), lines[claim.line]) for one in known.values() for claim in one.claims if claim.readme and claim.line in lines]
    ratios = [f"**{shown(line['ratio'])}** times" for _, _, line in told]
    rows = [[what for what, _, _ in told], [":-:"] * len(told), ratios, [f"beside {peer}" for _, peer, _ in told]]
    before, rest = text.split(BEGIN)
    return before + BEGIN + "".join(f"{_row(tuple(row))}\n" for row in rows if told) + END + rest.split(END)[1]


def page(known: Mapping[str, Benchmark], found: Mapping[str, Measured]) -> str:
    """The page's text; ``found`` may lack some."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    text = [
        "# Benchmarks",
        "",
        "Every claim of speed or memory that these pages make, beside a named peer on the same data in the same run. Ratios above 1 are in our",
        "favour; read them, and not the times, which belong to the machine:",
        f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, torch {version('torch')}.",
        "",
        "```bash",
        "make bench",
        "python -m benchmarks --list",
        "python -m benchmarks nt_xent",
        "```",
        "",
        "The first measures what is not measured yet and writes this page (some twenty minutes on two quiet cores; `make bench FULL=1` the whole,",
        "hours; `make bench AGAIN=1` anew); the third measures one again. A * at the command: its short form, and the setting says what that is.",
        "Bars are those that were set before it was measured; what misses its bar stands here as it is.",
    ]
    subjects = dict.fromkeys(one.subject for one in known.values() if not one.page)
    for subject in subjects:
        rows = [row for one in known.values() if one.subject == subject for row in _rows(one, found.get(one.name))]
        text += ["", f"## {subject}", "", _row(HEAD), "|" + "---|" * len(HEAD), *rows]
    text += ["", "## Measured by a command of its own", "", "| what is claimed | measured by |", "|---|---|"]
    text += [_row((_quoted(one.claim, one.stated), f"`{one.command}`")) for one in elsewhere()]
    text += ["", *_further(known, found), *_not_run(known, found)]
    experiments = [one for one in known.values() if one.page]
    if experiments:
        text += ["## Not of speed", "", "Experiments in the same folder, run by name, written down elsewhere: "]
        text[-1] += ", ".join(f"[{one.name}]({_beside(one.page)})" for one in experiments) + "."
    return "\n".join(text).rstrip() + "\n"


def _rows(one: Benchmark, measured: Measured | None) -> list[str]:
    """A row for each claim, measured or not, and for each other line with a ratio."""
    lines = {line["name"]: line for line in measured.lines if "ratio" in line} if measured else {}
    owned = {claim.line for claim in one.claims}
    others = {claim.line for other in benchmarks().values() for claim in other.claims} - owned
    claims = [*one.claims, *(Claim(name) for name in lines if name not in owned | others)]
    return [_row(_cells(one, claim, lines.get(claim.line), measured)) for claim in claims]


def _cells(one: Benchmark, claim: Claim, line: dict[str, Any] | None, measured: Measured | None) -> tuple[str, ...]:
    words = tuple(measured.words) if measured else one.short
    command = f"`python -m benchmarks.{' '.join((one.name, *words))}`{'' if one.whole(words) else '*'}"
    peer = "; ".join(part for part in (one.peer_is, ", ".join(f"{name} {version(name)}" for name in one.peer)) if part)
    said = f"{claim.line}: {_quoted(claim.claim, claim.stated)}" if claim.claim else claim.line
    if line is None:
        return said, claim.bar(), "", "", "", "not measured", "", peer, command
    reached = claim.reached(line)
    if reached is None:
        verdict = ""
    else:
        verdict = "yes" if reached else "**no**" if one.whole(words) else "**no**, shortened"
    return said, claim.bar(), shown(line["ours"]), shown(line["peer"]), shown(line["ratio"]), verdict, f"{line['unit']}; {line['setting']}", peer, command


def _quoted(claim: str, stated: str) -> str:
    return f"“{claim}” ([{stated.removeprefix('docs/')}]({_beside(stated)}))"


def _beside(place: str) -> str:
    """A place of the project as the page links it."""
    return place.removeprefix("docs/") if place.startswith("docs/") else f"../{place}"


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _further(known: Mapping[str, Benchmark], found: Mapping[str, Measured]) -> list[str]:
    """What lines say beside their ratio."""
    text: list[str] = []
    for name in known:
        for line in found[name].lines if name in found and not known[name].page else ():
            more = {k: v for k, v in line.items() if k not in COMMON}
            if more:
                text += [f"### {line['name']}", ""]
                text += [str(line["setting"]), ""] if "ratio" not in line and line.get("setting") else []
                for key, value in more.items():
                    text += _one_more(key, value)
    return ["## More of some", "", *text] if text else []


def _one_more(key: str, value: Any) -> list[str]:
    """One more field of a line: a table of rows with one value a seed, a list of shares, or a word."""
    if isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
        columns = list(dict.fromkeys(c for row in value.values() for c in row))
        head = [f"| {key} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        return [*head, *(_row((str(name), *(shown(row.get(c)) for c in columns))) for name, row in value.items()), ""]
    if isinstance(value, dict):
        return [f"| {key} | |", "|---|---|", *(_row((str(name), shown(v))) for name, v in value.items()), ""]
    return [f"{key.replace('_', ' ')}: {shown(value)}", ""]


def _not_run(known: Mapping[str, Benchmark], found: Mapping[str, Measured]) -> list[str]:
    """What failed, was stopped, could not be run here, or waits."""
    notes = [f"- `{name}` {found[name].note}." for name in known if name in found and found[name].note]
    waiting = [f"`{name}`" for name, one in known.items() if name not in found and not one.page]
    if waiting:
        notes.append(f"- Not measured yet on this machine: {', '.join(waiting)}.")
    return ["## Not measured", "", *notes, ""] if notes else []


def shown(value: Any) -> str:
    """A value in a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(v) for v in value)
    if isinstance(value, (int, float)) and abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
