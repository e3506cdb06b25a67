"""``docs/migrate/lightly.md``: its last table, the promises of the Lightly Worker's document, from ``docs/coverage.yaml``.

Run as ``python -m docs.migration_lightly``.
"""

from __future__ import annotations

import yaml
from docs.migration import ROOT

PAGE = ROOT / "docs" / "migrate" / "lightly.md"
_LAST = "a test keeps it so.\n"
"""What stands before the table."""


def text() -> str:
    """The page."""
    rows = [row for row in yaml.safe_load((ROOT / "docs" / "coverage.yaml").read_text()) if row["id"].startswith("lightly-")]
    written = PAGE.read_text().partition(_LAST)[0]
    table = [f"| {row['id'].removeprefix('lightly-')} | {row['promise']} | {_command(row)} | {row['state']} |" for row in rows]
    return "\n".join([f"{written}{_LAST}", "| | promise | command | state |", "|---|---|---|---|", *table, ""])


def _command(row: dict[str, str]) -> str:
    return f"`{row['command']}`" if "command" in row else ""


def main() -> None:
    """Write it."""
    PAGE.write_text(text())


if __name__ == "__main__":
    main()
