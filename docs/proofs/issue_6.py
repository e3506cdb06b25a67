"""What issue 6 had to show, in steps."""

from __future__ import annotations

from docs.prove import FAIL, NOT_RUN, PASS, Line, Outcome, Step, by_tests, named

TITLE = "what an encoder is worth: the zoo of public encoders, and every protocol from one pass over the images"


def fine_tuning(outcome: Outcome) -> list[Line]:
    """The protocol's own setting timed and stopped, and a shorter one to its end; what came out is reported, whatever it is."""
    long, short = (named(outcome, name) for name in ("fine-tuning at 5,000 steps, stopped after its estimate", "fine-tuning within a shorter budget"))
    stopped = long["exit_code"] == 75 and (long["saved_step"] or 0) >= 50
    claim, told = "`finetune` at its own 5,000 steps, PneumoniaMNIST, EfficientNet-Lite0: timed for 50 steps", long["said"]
    figure = f"exit code {long['exit_code']}, saved at step {long['saved_step']}"
    lines = [
        Line(claim, told or "nothing was said", PASS if told else NOT_RUN),
        Line("Asked to stop then, it is saved and can be gone on with", figure, PASS if stopped else FAIL),
    ]
    for row in short["cells"]:
        figure = f"{row['metric']} {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}], {row['n']} images"
        lines.append(Line(f"Within {short['steps']} steps, one training: {row['encoder']}, as it is", figure, PASS))
    return [*lines, Line("Both trainings of the shorter budget, as it is", f"{short['seconds']:.0f} s", PASS)]


def steps() -> list[Step]:
    """All of them, quick ones first."""
    return [
        by_tests(
            "data sets of the transfer study",
            "The ten sets in the original's data tree, as downloaded and packed: labels by names, folders or hand-made tables, contradictions counted; "
            "nobody in two parts; parts of zips joined, checked, resumed, harm refused; one paragraph for each wrong tree; the page's commands",
            "tests/coverage/test_transfer_data.py",
            "tests/data/sources/test_bach.py",
            "tests/data/sources/test_ichallenge.py",
            "tests/data/sources/test_tuberculosis.py",
            "tests/data/sources/test_eyepacs.py",
            "tests/data/sources/test_stoic.py",
            "tests/files/test_parts.py",
            "tests/data/test_unpacking.py",
            "tests/docs/test_transfer_data.py",
            least=80,
        ),
        by_tests(
            "the original's divisions",
            "compat ssl-medicalimaging divides as its own lines of pandas and numpy; on the published tables 81.2 % (CheXpert) and 71.1 % (ChestX) of the "
            "test images show a patient of the training part, and a look-up without images is right for 76.0 %",
            "tests/data/test_shuffled.py",
            "tests/evaluate/test_originals.py",
            env=(("VESALIUS_REQUIRE_DATA", "1"),),
            least=22,
        ),
        by_tests(
            "fine-tuning protocols",
            "finetune and lp-ft: the original's settings, six trainings of a search of which one sees the test split, early stopping that restores, a kill "
            "within a training gone on with to the same answers, divergence told",
            "tests/evaluate/protocols/test_finetune.py",
            "tests/docs/test_finetune_protocol.py",
            "tests/coverage/test_transfer_protocols.py",
            least=11,
        ),
        by_tests(
            "coming from SSL_medicalimaging",
            "Every command of its document has a line, each run on small trees in the documented layout, with its log where the original wrote it",
            "tests/docs/test_migration_transfer.py",
            "tests/docs/test_migration.py",
            least=17,
        ),
        Step("fine-tuning", ("python", "-m", "docs.proofs.finetune_budget"), fine_tuning, timeout=3 * 3600),
    ]
