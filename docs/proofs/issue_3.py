"""What issue 3 had to show, in steps."""

from __future__ import annotations

import os

from docs.prove import FAIL, PASS, Line, Outcome, Step, by_tests, named

TITLE = "more methods, classifiers on top, and encoders that travel"
KILLS = os.environ.get("PROVE_KILLS", "20")
SECONDS = os.environ.get("PROVE_SECONDS", "120")
FOLDER = os.environ.get("PROVE_DATA")
"""The folder of pneumoniamnist.npz, where it is not to be downloaded."""
NEW = "moco or vicreg or dino or mae or lejepa"


def masked(outcome: Outcome) -> list[Line]:
    """MAE's step against encoding everything."""
    lines = []
    for peer in ("the ViT alone", "all patches encoded"):
        found = named(outcome, f"MAE's step against {peer}")
        share = 1 / float(found["ratio"])
        claim = f"MAE's step at 75 % masking against {peer}: at most 0.5 x"
        lines.append(Line(claim, f"{share:.2f} x", PASS if share <= 0.5 else FAIL, share, found["setting"]))
    return lines


def compared(outcome: Outcome) -> list[Line]:
    """Each method beside random initialisation, for the same time."""
    rows = named(outcome, "methods compared")["rows"]
    return [
        Line(
            f"{method}, {SECONDS} s on Fashion-MNIST: linear probe, and its gain over random initialisation, as they are",
            f"{100 * row['linear']:.1f} %, {100 * row['gain']:+.1f} points, interval from {100 * row['low']:+.1f}",
            PASS,
        )
        for method, row in rows.items()
    ]


def continued(outcome: Outcome) -> list[Line]:
    """Real ImageNet weights, before and after."""
    found = named(outcome, "continued pretraining")
    return [
        Line(
            "EfficientNet-Lite0 from ImageNet, continued on PneumoniaMNIST: before and after, as they are",
            str(row),
            PASS,
        )
        for row in found["rows"]
    ]


def finetuned(outcome: Outcome) -> list[Line]:
    """A classifier on PneumoniaMNIST, frozen and not."""
    found = named(outcome, "finetune numbers")
    lines = []
    for row in found["rows"]:
        claim = f"PneumoniaMNIST at 28 px, {row['model']}, three seeds: test AUC at least {found['wanted']}"
        lines.append(
            Line(
                claim,
                f"{row['roc_auc']:.3f}, accuracy {row['accuracy']:.3f}",
                PASS if row["roc_auc"] >= found["wanted"] else FAIL,
            )
        )
    return lines


def steps() -> list[Step]:
    """All of them, quick ones first."""
    return [
        by_tests(
            "losses",
            "Each new method's loss equals lightly's and a slow version, values and gradients",
            "tests/methods",
            least=60,
        ),
        by_tests(
            "parity",
            "Two and three gloo processes equal one, each new method",
            "tests/reliability/test_parity.py",
            "-k",
            NEW,
            least=15,
        ),
        by_tests(
            "kills",
            f"SIGKILL at {KILLS} random times and resumed: bit-identical, each new method, one and two processes",
            "tests/reliability/test_kill.py",
            "-k",
            NEW,
            env=(("VESALIUS_KILLS", KILLS),),
            least=10,
        ),
        by_tests(
            "kills of fine-tuning",
            "A fine-tuning that is killed and resumed ends bit-identical",
            "tests/reliability/test_kill_finetune.py",
        ),
        by_tests(
            "local crops", "DINO's local crops are anti-aliased", "tests/views", "tests/methods", "-k", "alias", least=1
        ),
        by_tests(
            "encoders in",
            "Every foreign layout of the table, written by its library where there is one",
            "tests/encoders",
            least=100,
        ),
        by_tests(
            "encoders out",
            "Exports to timm, torchvision, ONNX and the hub give our features to 1e-4",
            "tests/docs/test_export.py",
            "tests/encoders/exporting",
            least=20,
        ),
        by_tests(
            "predict",
            "Interrupted predict and embed resume; what cannot be read is named and the rest predicted",
            "tests/test_predict.py",
            "tests/test_embed.py",
            least=20,
        ),
        by_tests(
            "labels",
            "Missing labels, an absent class, text, one class only: right, or one paragraph",
            "tests/test_finetune.py",
            "tests/tasks",
            least=30,
        ),
        by_tests(
            "layers",
            "Layer-wise rates, positions, channels: continued pretraining",
            "tests/encoders/test_depth.py",
            "tests/encoders/test_positions.py",
            "tests/training/test_optimizers.py",
            least=20,
        ),
        by_tests(
            "checkpoints",
            "Which checkpoint: labels, RankMe, alpha-ReQ, LiDAR",
            "tests/training/monitors",
            "tests/measures/test_rank.py",
            least=20,
        ),
        by_tests("report", "The report of a fine-tuned run, in headless Chromium, offline", "tests/report", least=50),
        by_tests(
            "coverage", "Coverage rows: InnerEye 15, 22, 25, 26", "tests/coverage", "tests/test_coverage.py", least=100
        ),
        Step("masking", ("python", "benchmarks/mae_step.py"), masked),
        Step("methods compared", ("python", "-m", "docs.compare_methods", "--seconds", SECONDS, "--numbers"), compared),
        Step(
            "continued",
            ("python", "-m", "docs.continued", *(("--data", FOLDER) if FOLDER else ()), "--numbers"),
            continued,
        ),
        Step(
            "fine-tuning",
            (
                "python",
                "-m",
                "docs.finetune_numbers",
                *(("--data", f"{FOLDER}/pneumoniamnist.npz") if FOLDER else ()),
                "--numbers",
            ),
            finetuned,
        ),
    ]
