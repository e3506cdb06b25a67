"""``docs/compared.md``: what Vesalius and its peers do, every cell with the page that shows it; and the README's shorter table of it.

Run as ``python -m docs.compared``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from docs.migration import ROOT

PAGE = ROOT / "docs" / "compared.md"
README = ROOT / "README.md"
_BEGIN, _END = "<!-- compared: written by python -m docs.compared -->\n", "<!-- end of compared -->\n"
TABLE: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "compared.yaml").read_text())
_BEGINNING = """# Compared with others

What each does, by what its own pages and code show; every mark leads there. Peers were read in mid-2026. An empty cell says that it was not found
there, not that it cannot be done with it. Four of them are what Vesalius unites ([InnerEye](migrate/innereye.md),
[MONAI's tutorial](migrate/monai-tutorial.md),
[SSL_medicalimaging](migrate/ssl-medicalimaging.md), [the Lightly Worker](migrate/lightly.md)); three are its neighbours. How fast: [benchmarks](benchmarks.md).

Written by `python -m docs.compared` from `docs/compared.yaml`; a test looks for every file of ours.

"""


def text() -> str:
    """The page."""
    return _BEGINNING + _table(TABLE["rows"], "of")


def readme() -> str:
    """The README with its table: of the rows that have a short name."""
    before, rest = README.read_text().split(_BEGIN)
    after = rest.split(_END)[1]
    return before + _BEGIN + _table([row for row in TABLE["rows"] if "short" in row], "short", "docs/") + _END + after


def _table(rows: Sequence[Mapping[str, str]], name: str, folder: str = "") -> str:
    peers = TABLE["peers"]
    lines = [("", "Vesalius", *peers), ("---", *[":-:"] * (len(peers) + 1))]
    for row in rows:
        ours = f"[yes]({folder}{row['ours']})" if "ours" in row else ""
        lines.append((row[name], ours, *(f"[yes]({base}{row[peer]})" if peer in row else "" for peer, base in peers.items())))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main() -> None:
    """Write both."""
    PAGE.write_text(text())
    README.write_text(readme())


if __name__ == "__main__":
    main()
