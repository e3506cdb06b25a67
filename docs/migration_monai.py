"""``docs/migrate/monai-tutorial.md``: every line, field and argument of MONAI's self-supervised tutorial beside ours.

What ours are is read from recipes, plans and aliases. Run as ``python -m docs.migration_monai``.
"""

from __future__ import annotations

from typing import Any

import yaml
from docs.migration import ROOT, own, value

from vesalius.data.plan import Plan
from vesalius.data.sources import btcv, tcia_covid19_ct
from vesalius.recipes.finetune_loading import load_finetune
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.shipped import aliases

PAGE = ROOT / "docs" / "migrate" / "monai-tutorial.md"
WHOSE = "monai-tutorial"
TABLES: dict[str, list[list[str]]] = yaml.safe_load((ROOT / "docs" / "migration_monai.yaml").read_text())
COMMANDS = TABLES["commands"]
"""The original's step, ours and a remark; tests run each of ours."""
CANNOT = (
    "BTCV needs an account at Synapse and TCIA a download, so that its result table was not repeated here;\n[volume pretraining]"
    "(../volume-pretraining.md) and [volume segmentation](../volume-segmentation.md) say what was run instead."
)


def text() -> str:
    """The page."""
    rows = [
        row for row in yaml.safe_load((ROOT / "docs" / "coverage.yaml").read_text()) if row["id"].startswith("monai-")
    ]
    return "\n".join(
        [
            "# Coming from MONAI's self-supervised tutorial",
            "",
            "Written by `python -m docs.migration_monai` from recipes, plans, aliases and `coverage.yaml`; a test keeps it so, and another runs",
            "every command. The tutorial: `self_supervised_pretraining/vit_unetr_ssl` of MONAI's tutorials, its two notebooks (scripts until 2021)",
            f"and its multi-GPU script. {CANNOT}",
            "",
            "## Steps",
            "",
            "| the tutorial | ours | |",
            "|---|---|---|",
            *(f"| {was} | `{ours}` | {why} |" for was, ours, why in COMMANDS),
            "",
            "## Names",
            "",
            "| the tutorial's | here |",
            "|---|---|",
            *_names(),
            "",
            *_numbers("Numbers of pretraining", "tcia-restoration", TABLES["pretraining"]),
            *_numbers("Numbers of fine-tuning", "btcv-unetr", TABLES["finetuning"]),
            "With `compat` each fault of measurement that comes back is said at the start of the run and stands in its results.",
            "",
            *_lines(
                "Transforms, line by line", [[was, _of_plans(ours), why] for was, ours, why in TABLES["transforms"]]
            ),
            *_lines("Networks, loops, what is written", TABLES["loop"]),
            "## Faults that are not brought back",
            "",
            "| the tutorial | here |",
            "|---|---|",
            *(f"| {was} | {now} |" for was, now in TABLES["faults"]),
            "",
            "## What is kept",
            "",
            "| | promise | state |",
            "|---|---|---|",
            *(f"| {row['id'].removeprefix('monai-')} | {row['promise']} | {row['state']} |" for row in rows),
            "",
        ]
    )


def _names() -> list[str]:
    """Recipes, arguments and folders by the tutorial's words."""
    both = [("pretrain", aliases()), ("finetune", aliases()["finetune"])]
    recipes = [
        f"| `{old}` | `vesalius {verb} {new}` |"
        for verb, said in both
        for old, new in said["recipes"].items()
        if old.startswith(("ssl_", "mgpu_"))
    ]
    fields = []
    for verb, said in both:
        for name, alias in own(said["fields"], WHOSE).items():
            renames = ", ".join(f"{int(old)} → {str(new).lower()}" for old, new in alias.get("values", {}).items())
            only = ", of fine-tuning" if verb == "finetune" else ""
            fields.append(f"| `{name}`{only} | `--{alias['to']}`{f' ({renames})' if renames else ''} |")
    fields += [
        f"| {', '.join(f'`{word}`' for word in aliases()['out'])} | `--out`: one folder holds a run; of several words the first counts |"
    ]
    return [*recipes, *fields, "| `epochs`, `batch_size`, `seed`, `deterministic`, `max_epochs` | the same words |"]


def _numbers(title: str, recipe: str, fields: list[list[str]]) -> list[str]:
    ours, back = (_loaded(recipe, changes) for changes in ({}, {"compat": WHOSE}))
    table = [
        f"| `{name}` | {said} | {code} | {value(ours, name)} | {value(back, name)} | {why} |"
        for name, said, code, why in fields
    ]
    head = [
        "| field | the document | its code | ours | with `compat: monai-tutorial` | why |",
        "|---|---|---|---|---|---|",
    ]
    return [f"## {title}", "", f"`{recipe}`:", "", *head, *table, ""]


def _loaded(recipe: str, changes: dict[str, Any]) -> dict[str, Any]:
    if recipe == "tcia-restoration":
        return load_pretrain(recipe, changes)[0].model_dump(mode="json")
    found: Any = load_finetune(recipe, changes, complete=False)
    return found.model_dump(mode="json")  # type: ignore[no-any-return]


def _lines(title: str, lines: list[list[str]]) -> list[str]:
    return [
        f"## {title}",
        "",
        "| the tutorial | here | why |",
        "|---|---|---|",
        *(f"| {was} | {ours} | {why} |" for was, ours, why in lines),
        "",
    ]


class _Words:
    """A plan's fields as they are read aloud."""

    def __init__(self, plan: Plan) -> None:
        self.orientation, self.foreground, self.crop = (
            plan.orientation,
            f"{plan.foreground:g}",
            "on" if plan.crop else "off",
        )
        self.spacing = " × ".join(f"{side:g}" for side in plan.spacing or ()) + " mm"
        self.intensity = f"{plan.intensity.rule} {plan.intensity.low:g} to {plan.intensity.high:g}"
        self.patch = " × ".join(map(str, plan.patch))


def _of_plans(words: str) -> str:
    return words.format(tcia=_Words(tcia_covid19_ct.plan()), btcv=_Words(btcv.plan()))


def main() -> None:
    """See the module."""
    PAGE.write_text(text())


if __name__ == "__main__":
    main()
