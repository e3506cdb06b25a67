"""What issue 2 had to show, in steps."""

from __future__ import annotations

import json
import math
import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from docs.prove import FAIL, PASS, Line, Outcome, Step, above, at_least, by_tests, named, there
from scipy.stats import t

TITLE = "pretrain a 2D encoder on real unlabelled images and watch it learn"
MINUTES, SEEDS = float(os.environ.get("PROVE_MINUTES", "8")), int(os.environ.get("PROVE_SEEDS", "3"))
KILLS = os.environ.get("PROVE_KILLS", "20")


def start(outcome: Outcome) -> list[Line]:
    """Times of the first answer."""
    lines = []
    for name, bar in (("vesalius --help", 0.4), ("import vesalius", 0.3)):
        found = float(named(outcome, name)["ours"])
        lines.append(Line(f"`{name}` in under {bar} s", f"{found:.3f} s, median", PASS if found < bar else FAIL))
    return lines


def no_worse(claim: str, mine: Sequence[float], other: Sequence[float], note: str) -> Line:
    """Seeds differ by most of a point: the difference of the means stands beside its 95 % interval over seeds, paired, by Student's t."""
    gaps = np.asarray(mine) - np.asarray(other)
    figure = f"{100 * np.mean(mine):.1f} % against {100 * np.mean(other):.1f} %, mean of {len(gaps)} seed(s)"
    if len(gaps) < 2:
        return Line(claim, figure, PASS if gaps[0] >= 0 else FAIL, note=note)
    reach = float(t.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / math.sqrt(len(gaps)))
    figure += f", difference {100 * gaps.mean():+.1f} points ({100 * (gaps.mean() - reach):+.1f} to {100 * (gaps.mean() + reach):+.1f})"
    figure += "" if abs(gaps.mean()) > reach else ", not told apart"
    return Line(claim, figure, PASS if gaps.mean() + reach >= 0 else FAIL, note=note)


def training(outcome: Outcome) -> list[Line]:
    """The four rows of the training benchmark."""
    table = named(outcome, "SimCLR training, table")
    rows, baselines = table["rows"], table["baselines"]
    short = [] if MINUTES >= 8 and SEEDS >= 3 else [f"shortened: {MINUTES:g} minutes of 8, {SEEDS} seed(s) of 3"]
    if not all(table["bf16"]):
        which = "this processor" if not any(table["bf16"]) else f"of {len(table['bf16'])} seeds {table['bf16'].count(False)} ran where the processor"
        short.append(f"{which} multiplies no bf16: (b) and (d) run in fp32")
    note = "; ".join(short)

    def middle(row: str, key: str) -> float:
        return statistics.median(rows[row][key])

    def ratio(top: str, bottom: str) -> float:
        return statistics.median(mine / theirs for mine, theirs in zip(rows[top]["speed"], rows[bottom]["speed"], strict=True))

    speeds = ", ".join(f"({r}) {middle(r, 'speed'):.0f}" for r in "abcd")
    outside = middle("d", "outside")
    lines = [
        Line("Training, images/s of each row", speeds, PASS, note=note),
        at_least("Training: ours (d) over the peer (a), images/s", ratio("d", "a"), 3, note=note),
        at_least("Training: ours (d) over the peer with our recipe (b), images/s", ratio("d", "b"), 1.2, note=note),
        at_least(
            "Training: ours with the peer's recipe (c) over the peer (a), images/s", ratio("c", "a"), 1.1, note=note
        ),
        no_worse("kNN after equal epochs: (c) no worse than (a)", rows["c"]["equal_epochs"], rows["a"]["equal_epochs"], note),
        no_worse("kNN after equal epochs: (d) no worse than (b)", rows["d"]["equal_epochs"], rows["b"]["equal_epochs"], note),
        above("kNN after equal time: (d) above (a)", middle("d", "equal_time"), middle("a", "equal_time"), note=note),
    ]
    for name in ("random initialisation", "raw pixels"):
        lines.append(
            above(f"kNN after equal time: (d) above {name}", middle("d", "equal_time"), baselines[name][0], note=note)
        )
    pca = baselines["pixel PCA"][0]
    lines.append(
        Line(
            "kNN after equal time: (d) beside pixel PCA",
            f"{100 * middle('d', 'equal_time'):.1f} % beside {100 * pca:.1f} %",
            PASS,
            note=note,
        )
    )
    lines.append(
        Line(
            "Views and data take at most 10 % of a step (d)",
            f"{100 * outside:.1f} %",
            PASS if outside <= 0.10 else FAIL,
            note=note,
        )
    )
    speed = 100 * (middle("c", "equal_time") - middle("a", "equal_time"))
    recipe = 100 * (middle("d", "equal_time") - middle("c", "equal_time"))
    lines.append(
        Line(
            "The gain after equal time, split",
            f"{speed:+.1f} points by speed ((c) - (a)), {recipe:+.1f} by the recipe ((d) - (c))",
            PASS,
            note=note,
        )
    )
    return lines


def views(name: str, bar: float, aim: float | None = None) -> Any:
    """Check of a benchmark of views alone."""

    def check(outcome: Outcome) -> list[Line]:
        found = named(outcome, name)
        note = "" if aim is None else f"the aim is {aim:g}: {'reached' if found['ratio'] >= aim else 'not reached'}"
        lines = [
            at_least(
                f"{name[0].upper()}{name[1:]}, per core, against lightly's PIL pipeline",
                float(found["ratio"]),
                bar,
                note=note,
            )
        ]
        if "shares" in found:
            shares = ", ".join(f"{op} {100 * share:.0f} %" for op, share in found["shares"].items())
            lines.append(Line(f"{name[0].upper()}{name[1:]}: each operation's share", shares, PASS))
        return lines

    return check


def loss(outcome: Outcome) -> list[Line]:
    """NT-Xent."""
    found = named(outcome, "NT-Xent")
    return [
        at_least(
            "NT-Xent against lightly's at N = 1024, forward and backward",
            float(found["ratio"]),
            2,
            note=found["setting"],
        )
    ]


def demo(outcome: Outcome) -> list[Line]:
    """The demo ended well, within its time, with a report."""
    report = Path(outcome.out.strip().splitlines()[0]) if outcome.out.strip() else Path("absent")  # the next is the selection's
    results = json.loads((report.parent / "results.json").read_text())
    size = report.stat().st_size / 1e6
    minutes = outcome.seconds / 60
    lines = [
        Line(
            "`vesalius demo` in at most 6 minutes on two cores",
            f"{minutes:.1f} min",
            PASS if outcome.code == 0 and minutes <= 6 else FAIL,
        ),
        Line("The demo's report, one file under 15 MB", f"{size:.1f} MB", PASS if size < 15 else FAIL),
        Line("The demo's verdict, as it is", " ".join(results["verdict"]), PASS),
    ]
    return lines


def real_images(outcome: Outcome) -> list[Line]:
    """The page's numbers, read from the run that it names."""
    rows = named(outcome, "real images")["rows"]
    lines = []
    for row in rows:
        beats = row["pretrained"] > row["random init"]
        figure = ", ".join(f"{name} {100 * row[name]:.1f} %" for name in ("pretrained", "random init", "pixel PCA"))
        lines.append(
            Line(
                f"Fashion-MNIST, {100 * row['fraction']:g} % of the labels: above random initialisation",
                figure,
                PASS if beats else FAIL,
            )
        )
    return lines


def steps() -> list[Step]:
    """All of them, quick ones first."""
    bench = str(Path("benchmarks"))
    found = [
        Step("start", ("python", f"{bench}/start_times.py"), start),
        by_tests(
            "losses",
            "SimCLR's and BYOL's losses equal lightly's to 1e-5 and a slow version, values and gradients",
            "tests/methods",
            "tests/training/test_contrast.py",
            least=10,
        ),
        by_tests(
            "views",
            "Every view: its numbers' distribution, its pixels against torchvision, tested apart",
            "tests/views",
            least=60,
        ),
        by_tests(
            "parity",
            "Two and three gloo processes equal one, loss and gradient, each method",
            "tests/reliability/test_parity.py",
            least=6,
        ),
        by_tests(
            "kills",
            f"SIGKILL at {KILLS} random times and resumed each time: bit-identical, SimCLR and BYOL (the methods that came later: issues 3 and 5), one and "
            "two processes",
            "tests/reliability/test_kill.py",
            "-k",
            "simclr or byol",
            env=(("VESALIUS_KILLS", KILLS),),
            least=4,
        ),
        by_tests(
            "monitors",
            "Monitors touch nothing, see each labelled image once an epoch, score all of the validation set",
            "tests/training/monitors",
            "tests/training/test_monitor.py",
            "tests/features/test_one_pass.py",
            *there("tests/training/test_watch.py"),
            least=10,
        ),
        by_tests(
            "odd files", "Each bad input is read right or reported by name", "tests/data/test_odd_files.py", least=60
        ),
        by_tests(
            "unsafe files",
            "A pickle bomb, a zip-slip archive and a decompression bomb are refused; no other file may unpickle",
            "tests/data/test_unpickle.py",
            "tests/files/test_archives.py",
            "tests/test_unsafe_calls.py",
            least=20,
        ),
        by_tests(
            "not finite",
            "NaN stops before the step with a bundle that replays it",
            "tests/training/test_fit.py",
            "tests/training/test_guard.py",
            "-k",
            "finite or nan or guard or refuse",
            least=2,
        ),
        by_tests(
            "full disk",
            "A full disk (64 MB of tmpfs) loses no earlier checkpoint",
            "tests/test_full_disk.py",
            *there("tests/reliability/test_full_disk.py"),
            least=5,
        ),
        by_tests(
            "errors",
            "Unknown keys, missing, empty, single-image folders, too large a batch, unlabelled monitoring data: one paragraph each, exit code 2",
            *there(
                "tests/test_errors.py",
                "tests/test_cli.py",
                "tests/test_pretrain.py",
                "tests/recipes/test_loading.py",
                "tests/data/test_references.py",
            ),
            least=10,
        ),
        by_tests(
            "report",
            "report.html in headless Chromium, offline: no error, no request, images decode, fits at 1280 and 390 px, contrast AA",
            "tests/report/test_browser.py",
            least=5,
        ),
        by_tests(
            "report in parts",
            "The report's sections by id, each present or absent with a reason; the three lines that load the encoder",
            "tests/report",
            "--ignore=tests/report/test_browser.py",
            least=30,
        ),
        by_tests(
            "two agents",
            "Two torchrun agents (--nnodes 2) give the one-process curve",
            "tests/reliability/test_torchrun.py",
            least=1,
        ),
        by_tests(
            "coverage",
            "Coverage rows: InnerEye 1-5, 9-12, 17 (CIFAR), 18, 19, 21, 27, 28, 31-34, 37-42, 49",
            "tests/coverage",
            "tests/test_coverage.py",
            least=100,
        ),
        by_tests("docs", "The commands of README and tutorial", "tests/test_docs.py", least=3),
        Step("NT-Xent", ("python", f"{bench}/nt_xent.py"), loss),
        Step("views 32", ("python", f"{bench}/views_32.py"), views("views alone, 32 px", 10)),
        Step("views 224", ("python", f"{bench}/views_224.py"), views("views alone, 224 px", 2, 4)),
        Step("demo", ("vesalius", "demo"), demo, timeout=1800),
        Step("real images", ("python", "-m", "docs.real_images", "--numbers"), real_images),
        Step(
            "training",
            (
                "python",
                f"{bench}/simclr_training.py",
                "--minutes",
                f"{MINUTES:g}",
                "--seeds",
                str(SEEDS),
                "--keep",
                f"{bench}/kept/simclr_training",
            ),
            training,
            timeout=6 * 3600,
        ),
    ]
    return found
