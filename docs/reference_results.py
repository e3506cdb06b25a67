"""``docs/reference-results.md``: every number that the four documents state. Run as ``python -m docs.reference_results``."""

from __future__ import annotations

from docs.migration import ROOT

from vesalius.stated import stated

PAGE = ROOT / "docs" / "reference-results.md"
_BEGINNING = """# Reference results

Every number that the documents of the four systems state, the command that should give it, how far from it a run may end, and why our default
measures otherwise. Written by `python -m docs.reference_results` from `src/vesalius/stated/numbers.yaml`; a test keeps it so.

```bash
vesalius evaluate --check-reference
```

prints them with what runs of yours found, stated and found side by side; for what was not run, the commands. A run counts where it was told the document's
`compat`, so that it measures what the document measured.

None of them was run here: the data need accounts or agreements, most weights a download, and MONAI's table a GPU. What could be had is measured
on other images and stands in [the proofs](index.md#proof): the same protocols on PneumoniaMNIST and BCCD, the tutorial's network and loop on
averaged anatomy.
"""
_END = """## InnerEye and the Lightly Worker

InnerEye's documents state no accuracy of a trained model. What its tests pin of smoke runs (a loss after one step on a constant image) follows from
its random numbers and says nothing of a model; the losses, schedules and shapes behind them are held against independent versions in `tests/`. The
Worker's document states counts of files and tensors (a checkpoint of 139, vectors of 32 and 512 numbers), and they are tested; that pretraining of
its own kind helps, it claims without a number: [what came out here](does-selection-help.md).

## Stated elsewhere

The relative improvements of MONAI's table (11.13, 4.58 and 4.29 %) follow from the six values of Dice. Tables that stand in the repositories and not
in the documents, such as all few-shot results of the transfer study, are used by tests: the correlations with ImageNet's top-1 that its authors
computed come out to the second digit.
"""


def text() -> str:
    """The page."""
    parts = [_BEGINNING]
    for document in dict.fromkeys(one.document for one in stated()):
        rows = [one for one in stated() if one.document == document]
        parts += [f"## {document}\n", "| of | stated | within | command | why our default differs |\n|---|---|---|---|---|"]
        parts += ["\n".join(f"| {one.of} | {one.value:.4g} | ± {one.tolerance:g} | `{one.command}` | {one.why} |" for one in rows) + "\n"]
    return "\n".join([*parts, _END])


def main() -> None:
    """Write it."""
    PAGE.write_text(text())


if __name__ == "__main__":
    main()
