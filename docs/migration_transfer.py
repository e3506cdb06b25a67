"""``docs/migrate/ssl-medicalimaging.md``: every command of SSL_medicalimaging's document beside ours.

What arguments are called here is read from the aliases. Run as ``python -m docs.migration_transfer``.
"""

from __future__ import annotations

from typing import Any

import yaml
from docs.migration import ROOT

from vesalius.evaluate.compat import ALL, SENTENCES
from vesalius.recipes.shipped import aliases

PAGE = ROOT / "docs" / "migrate" / "ssl-medicalimaging.md"
TABLES: dict[str, list[Any]] = yaml.safe_load((ROOT / "docs" / "migration_transfer.yaml").read_text())
COMMANDS = TABLES["commands"]
"""The original's line, ours and a remark; tests run each of ours."""
SAME = ("image-size", "device", "batch-size", "steps", "lr", "early-stopping", "patience", "search", "no-da", "transform")
"""Arguments that have the same name here."""


def text() -> str:
    """The page."""
    return "\n".join(
        [
            "# Coming from SSL_medicalimaging",
            "",
            "Written by `python -m docs.migration_transfer` from the aliases and `docs/migration_transfer.yaml`; a test keeps it so, and another runs",
            'every command. The original: the code of Anton et al., "How well do self-supervised models transfer to medical imaging?" (2022).',
            "",
            "## Commands",
            "",
            "| the original's | ours | |",
            "|---|---|---|",
            *(f"| {was} | `{ours}` | {why} |" for was, ours, why in COMMANDS),
            "",
            "## Arguments",
            "",
            "Of `vesalius evaluate`, with or without `compat`; `--name value` and `--name=value`, `-` for `_`.",
            "",
            "| the original's | here |",
            "|---|---|",
            *_arguments(),
            "",
            "## `--compat ssl-medicalimaging`",
            "",
            "What it brings back is said at the start of the run and stands in its results:",
            "",
            *(f"- {sentence}" for sentence in (ALL, *SENTENCES.values())),
            "",
            "## Folders and files",
            "",
            "| the original's | here |",
            "|---|---|",
            *(f"| {was} | {now} |" for was, now in TABLES["tree"]),
            "",
            "## Numbers of its document",
            "",
            "These were not run here: the data sets need accounts or agreements, and the weights a download. Each should come out of the command",
            "beside it, up to what is said above.",
            "",
            "| its document | of | command |",
            "|---|---|---|",
            *(f"| {number} | {what} | `{command}` |" for number, what, command in TABLES["numbers"]),
            "",
            "## Faults, and what is done here",
            "",
            "| the original | here |",
            "|---|---|",
            *(f"| {was} | {now} |" for was, now in TABLES["faults"]),
            "",
        ]
    )


def _arguments() -> list[str]:
    """The original's arguments by its words."""
    known = aliases()["evaluate"]
    rows = [
        f"| `--{name.replace('_', '-')}` | {', '.join(f'`--{field}`' for field in ([to] if isinstance(to, str) else to))} |"
        for name, to in known["fields"].items()
    ]
    rows += [
        f"| `--{name.replace('_', '-')}` | under `compat`, of {field.partition('.')[0]}: `--{field}` |"
        for name, to in known["under_compat"].items()
        for field in to
    ]
    rows += [f"| {', '.join(f'`--{name}`' for name in SAME)} | the same; of fine-tuning under `compat`, `--batch-size` is a step's (`--finetune.batch`) |"]
    rows += [f"| `--{name.replace('_', '-')}` | {said} |" for name, said in known["without_meaning"].items()]
    return [*rows, *(f"| `--{name.replace('_', '-')}` | refused: {said}. |" for name, said in known["refused"].items())]


if __name__ == "__main__":
    PAGE.write_text(text())
