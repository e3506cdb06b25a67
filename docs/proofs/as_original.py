"""SSL_medicalimaging's commands, files and coefficients: ``python -m docs.proofs.as_original`` prints ours beside its notebook's.

A JSON line for each data set: Pearson's coefficient of eight encoders' few-shot accuracy and ImageNet top-1 accuracy, of its published table.
"""

from __future__ import annotations

import json

from docs.prove import FAIL, PASS, Line, Outcome, Step, by_tests


def coefficients(outcome: Outcome) -> list[Line]:
    """One line for all data sets, and one for what the intervals and Holm's correction leave of them."""
    rows = [row for row in outcome.lines if row["name"] == "published coefficients"]
    near = [abs(row["ours"] - row["theirs"]) <= 0.01 for row in rows]
    figure = ", ".join(f"{row['data']} {row['ours']:+.2f} ({row['theirs']:+.2f})" for row in rows)
    claim = "Pearson's coefficients of the original's published table, ours (its notebook's): few-shot accuracy and ImageNet top-1 of eight encoders, to 0.01"
    open_ = sum(row["low"] <= 0 <= row["high"] for row in rows)
    least = min((row["p_holm"] for row in rows), default=1.0)
    left = f"{open_} of {len(rows)} intervals of Pearson's hold 0; the least p-value of Spearman's by Holm is {least:.2f}"
    return [
        Line(claim, figure, PASS if len(rows) == 10 and all(near) else FAIL),
        Line("What eight encoders say of it, as it is", left, PASS if len(rows) == 10 else FAIL),
    ]


def steps() -> list[Step]:
    """The coefficients, and the tests of commands, tree, logs and plots."""
    looking = "tests/coverage/test_transfer_looking.py"
    return [
        Step("published coefficients", ("python", "-m", "docs.proofs.as_original"), coefficients),
        by_tests(
            "correlations",
            "Scores, attentive diffusion, invariances, ranks and ImageNet top-1 are held against each other by both coefficients, with intervals "
            "and plots; two evaluations of the same encoders too; coefficients are SciPy's, Fisher's interval covers what it says",
            "tests/measures/test_correlation.py",
            "tests/evaluate/judged/test_over_data.py",
            "tests/report/test_evaluations.py",
            "tests/docs/test_looking.py",
            f"{looking}::test_measures_and_scores_are_held_against_each_other_in_plots",
            least=40,
        ),
        by_tests(
            "commands of the original",
            "Every command of its document for saliency, reconstruction, perceptual distance and invariances is on the page and run; under "
            "compat the run's folder holds its tree and its logs with their last lines",
            "tests/docs/test_migration_transfer.py",
            "tests/evaluate/compat",
            "tests/evaluate/test_arguments.py",
            least=25,
        ),
        by_tests("coverage of E5 to E11", "Coverage rows E5 to E11", looking, "tests/coverage/test_transfer_protocols.py", "tests/test_coverage.py", least=10),
    ]


def main() -> None:
    """Print the lines."""
    from tests.evaluate.judged.published import FOUND, correlated

    for row in correlated():
        if row["on"] in FOUND:
            told = {"ours": row["pearson"], "theirs": FOUND[row["on"]], "low": row["pearson_low"], "high": row["pearson_high"], "p_holm": row["p_holm"]}
            print(json.dumps({"name": "published coefficients", "data": row["on"], **told}))


if __name__ == "__main__":
    main()
