"""Every claim of speed or memory against its named peer: ``python -m benchmarks [--full] [--again] [NAME ...]``.

What ``claims.yaml`` lists is run one after the other, each a process of its own, in a short form of about a minute; ``--full`` runs the
whole of each. Results are kept, so that the same command goes on where it was stopped; ``--again`` measures all of it anew, and names run
only those, always anew. Each time ``docs/benchmarks.md`` is written from what there is. ``python -m benchmarks.NAME`` runs one alone
with words of its own and keeps nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

from benchmarks import _page
from benchmarks._catalogue import Benchmark, benchmarks
from benchmarks._running import LIMIT, ROOT, Measured, keep, kept, measure


def say(text: str) -> None:
    """To the terminal, at once."""
    print(text, file=sys.stderr, flush=True)


def run(one: Benchmark, at: str, full: bool) -> Measured:
    """Run and keep ``one``, and say how it went."""
    words = one.words(full)
    say(f"{at} {' '.join(('python -m benchmarks.' + one.name, *words))} ...")
    found = measure(one, words, None if full or one.page else LIMIT)
    keep(found)
    for line in found.lines:
        print(json.dumps(line), flush=True)
        if "ratio" in line:
            say(f"    {line['name']}: {line['ours']:g} beside {line['peer']:g} {line['unit'].split(',')[0]}, ratio {line['ratio']:.4g}")
    say(f"    {found.note + '; ' if found.note else ''}{found.seconds:.0f} s")
    return found


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only these, whether kept or not")
    parser.add_argument("--full", action="store_true", help="the whole of each, without a limit")
    parser.add_argument("--again", action="store_true", help="forget what was kept")
    parser.add_argument("--list", action="store_true", help="name them, with what is kept, and end")
    given = parser.parse_args()
    known = benchmarks()
    if unknown := [n for n in given.names if n not in known]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    old = {name: found for name, one in known.items() if (found := kept(one, given.full)) is not None}
    if given.list:
        print("\n".join(f"{name}{f'  (kept, {old[name].when}, {old[name].seconds:.0f} s)' if name in old else ''}" for name in known))
        return
    claimed = [name for name, one in known.items() if not one.page]
    asked = given.names or [name for name in claimed if given.again or name not in old]
    began = time.monotonic()
    new: dict[str, Measured] = {}
    try:
        for number, name in enumerate(asked, 1):
            new[name] = run(known[name], f"[{number}/{len(asked)}]", given.full)
    except KeyboardInterrupt:
        say("Stopped; the same command goes on.")
    _page.write({**_all_kept(known), **new})
    left = [name for name in claimed if name not in new and name not in old]
    say(f"{_page.PAGE.relative_to(ROOT)}: {len(new)} measured in {(time.monotonic() - began) / 60:.1f} min, {len(set(old) - set(new))} kept")
    if not asked:
        say("Nothing was measured: all of it is kept. --again (make bench AGAIN=1) measures anew.")
    if left:
        say(f"Not measured yet: {', '.join(left)}.")
    sys.exit(len(new) < len(asked) or any(found.failed for found in new.values()))


def _all_kept(known: dict[str, Benchmark]) -> dict[str, Measured]:
    """What the page shows of those that are not run now, of either form."""
    return {name: found for name, one in known.items() if (found := kept(one, False)) is not None}


if __name__ == "__main__":
    main()
