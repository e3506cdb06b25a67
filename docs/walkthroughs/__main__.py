"""Walk the journeys and write ``docs/walkthroughs.md``.

    python -m docs.walkthroughs [NAME ...] [--clone] [--page] [--table]

Names: images, volumes, encoders, selection; all without. What is found is kept beside each journey's file, so that one can be walked again alone.
``--clone``: from a clean clone, whose installation counts (minutes; needs a package index). ``--page``: only write the page from what is kept.
``--table``: write nothing, print a JSON line for each journey.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from docs.walkthroughs import page
from docs.walkthroughs.journeys import journey, there
from docs.walkthroughs.run import clone, keep, walk


def main() -> None:
    """The command; leaves with 1 where a command did not do what its journey's file says."""
    parser = argparse.ArgumentParser(prog="python -m docs.walkthroughs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(there()))
    parser.add_argument("--clone", action="store_true")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    if unknown := set(given.names) - set(there()):
        parser.error(f"no journey {', '.join(sorted(unknown))}; there are {', '.join(there())}")
    names = given.names or there()
    if given.table:
        for row in page.rows():
            print(json.dumps(row, ensure_ascii=False))
        return
    if not given.page:
        with tempfile.TemporaryDirectory() as folder:
            programs, seconds = clone(Path(folder) / "vesalius") if given.clone else (Path(sys.executable).parent, None)
            for name in names:
                keep(name, walk(journey(name), programs, seconds))
    page.PAGE.write_text(page.text())
    sys.exit(any(row["open"] for row in page.rows() if row["name"] in names))


if __name__ == "__main__":
    main()
