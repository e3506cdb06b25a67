"""What issue 4 had to show, in steps."""

from __future__ import annotations

import os

from docs.prove import FAIL, NOT_RUN, PASS, Line, Outcome, Step, by_tests, named

TITLE = "chest radiographs end to end, tracked, on clusters and remote data"
FOLDER = os.environ.get("PROVE_DATA")
"""The folder of pneumoniamnist.npz, where it is not to be downloaded."""


def divided(outcome: Outcome) -> list[Line]:
    """Patients on both sides of a division of the published tables."""
    lines = []
    known = {"chexpert": 0.81, "nih-chestxray14": 0.71}
    for row in named(outcome, "radiograph splits")["rows"]:
        theirs, worst = row["by_image"]["shared"], max(ours["shared"] for ours in row["ours"])
        what = f"{row['source']}, the published table ({row['images']:,} images of {row['patients']:,} patients)"
        lines.append(
            Line(
                f"{what}: test images whose patient is also learnt from, divided by image as the transfer study's code does ({known[row['source']]:.0%})",
                f"{theirs:.1%} of {row['by_image']['test']:,}",
                PASS if abs(theirs - known[row["source"]]) < 0.01 else FAIL,
            )
        )
        lines.append(
            Line(
                f"{what}: the same in our splits, {len(row['ours'])} seeds, validation and test: none",
                f"{worst:.1%} of {row['ours'][0]['test']:,}",
                PASS if worst == 0 else FAIL,
            )
        )
    return lines


def matched(outcome: Outcome) -> list[Line]:
    """Radiographs found again by their perceptual hash."""
    copies, others, time = (named(outcome, f"matching/{part}") for part in ("copies", "others", "time"))
    what = f"{copies['copies']} JPEG DICOM copies (quality 75 and 95, 10 % smaller and larger) of 100 real radiographs as PNG among {copies['others']} others"
    claim = "Pairs of different chest radiographs of PneumoniaMNIST within the distance: none"
    searched = f"{time['mine']:,} hashes among {time['others']:,}, on {time['threads']} threads, all right"
    return [
        Line(f"{what}: recall at least 99 %", f"{copies['recall']:.1%}, at most {copies['farthest']} of {copies['bits']} bits apart",
             PASS if copies["recall"] >= 0.99 else FAIL, copies["recall"]),
        Line(f"The same, and {copies['strangers']} that are not there: no false match within {copies['distance']} bits", f"{copies['false']}",
             PASS if copies["false"] == 0 else FAIL),
        Line(claim, f"nearest {others['nearest']} bits, of {others['pairs']:,} pairs; {others['expected_false_nih_rsna']:.1g} expected in NIH x RSNA",
             PASS if others["nearest"] > copies["distance"] else FAIL),
        Line(searched, f"{time['seconds']:.0f} s, {time['cpu_seconds']:.0f} s of one core", PASS if time["all_right"] else FAIL),
    ]  # fmt: skip


def on_slurm(outcome: Outcome) -> list[Line]:
    """A job on a real Slurm, told to save and pre-empted."""
    if "Not installed" in outcome.err:
        return [Line("A job on a real Slurm", outcome.err.strip(), NOT_RUN)]
    found = named(outcome, "slurm")
    claim = "A real Slurm runs, tells to save, pre-empts, requeues and resumes a pretraining of two processes: equal to the last bit"
    figure = "; ".join(found["different"]) or f"equal after {found['steps']} steps"
    return [Line(claim, figure, FAIL if found["different"] else PASS, note=f"{found['version']}; transcript in slurm.md")]


def radiograph_views(outcome: Outcome) -> list[Line]:
    """The encoder's augmentation file against two rebuilds of it."""
    lines = []
    for peer, least in (("InnerEye's list in its order and types", 5.0), ("a fair rebuild", 1.5)):
        found = named(outcome, f"radiograph views, 224 px, against {peer}")
        ratio = float(found["ratio"])
        claim = f"Two views at 224 px of a grey image of 1024 px, per core, elastic included, against {peer}: at least {least:g} x"
        lines.append(Line(claim, f"{ratio:.1f} x", PASS if ratio >= least else FAIL, ratio, found["setting"]))
    return lines


def dicom_speed(outcome: Outcome) -> list[Line]:
    """Headers and pixels against pydicom's own functions."""
    lines = []
    for part, least in (("headers", 3.0), ("store", 1.0)):
        found = named(outcome, f"read_dicom/{part}")
        ratio, figure = float(found["ratio"]), f"{found['ours']:,} against {found['peer']:,} {found['unit']}"
        claim = f"DICOM {part} against the same by pydicom's functions: at least {least:g} x"
        lines.append(Line(claim, figure, PASS if ratio >= least else FAIL, ratio, found["setting"]))
    return lines


def remote_store(outcome: Outcome) -> list[Line]:
    """A store built from S3, near and far."""
    lines = []
    bars = {"S3 near, against the local disk": 0.0, "S3 20 ms away, against near": 0.5, "S3 20 ms away, against one file after the other": 2.0}
    for what, least in bars.items():
        found = named(outcome, f"store from {what}")
        ratio, bar = float(found["ratio"]), f": at least {least:g} x" if least else ", as it is"
        figure = f"{ratio:.2f} x: {found['ours']:,} against {found['peer']:,} {found['unit']}"
        lines.append(Line(f"A store from {what}{bar}", figure, PASS if ratio >= least else FAIL, ratio, found["setting"]))
    return lines


def steps() -> list[Step]:
    """All of them, quick ones first."""
    return [
        by_tests(
            "tracking",
            "A real MLflow server on localhost and the local file: logged, listed, fetched by id, resumed bit-exact on another machine; "
            "gone in the middle; TensorBoard's reader; no telemetry",
            "tests/runs/trackers",
            "tests/runs/test_tracking.py",
            "tests/recipes/test_recovery.py",
            least=35,
        ),
        by_tests(
            "NIH and CheXpert",
            "NIH ChestX-ray14 and CheXpert in every layout they are downloaded in: tables, splits, tasks, uncertain labels, filters",
            "tests/data/sources/test_nih_chestxray14.py",
            "tests/data/sources/test_chexpert.py",
            "tests/data/test_uncertain.py",
            "tests/data/test_filtering.py",
            least=60,
        ),
        by_tests(
            "radiographs by the command line",
            "data check, pretrain on NIH watched on CheXpert, finetune, predict, embed on the trees, through the command line",
            "tests/test_radiographs.py",
            least=5,
        ),
        by_tests(
            "published tables",
            "NIH's and CheXpert's published tables: counts, and no subject on two sides of our splits",
            "tests/docs/test_radiograph_splits.py",
            least=4,
        ),
        by_tests(
            "DICOM pixels",
            "Every file with pixels of pydicom's and pydicom-data's: as pydicom's own modality, window and palette functions read it, or "
            "refused by name from a list of four; none crashes; windows, tables, padding, signs by hand",
            "tests/data/readers",
            least=195,
        ),
        by_tests(
            "DICOM folders",
            "A folder of DICOM files as it is: frames, patients, views, spacing, chosen columns, what is passed over, labels by a CSV",
            "tests/data/sources/test_dicom.py",
            "tests/data/test_label_files.py",
            "tests/docs/test_dicom.py",
            least=30,
        ),
        by_tests(
            "DICOM canary",
            "A name in every DICOM text element (more than 1,500), in paths and an unused column, through check, index, pretrain, embed, finetune, "
            "predict, report, export and locate by the command line: in nothing written but config.yaml, where it was typed",
            "tests/reliability/test_dicom_privacy.py",
            least=3,
        ),
        Step("DICOM speed", ("python", "-m", "benchmarks.read_dicom"), dicom_speed),
        by_tests(
            "augmentation files",
            "InnerEye's YAML files: every key, type, default and the order; each operation against torchvision and SciPy; stacks; the page",
            "tests/views/test_innereye.py",
            "tests/views/test_stacks.py",
            "tests/views/test_turning.py",
            "tests/views/operations",
            "tests/recipes/test_augmentation.py",
            "tests/docs/test_augmentation_files.py",
            "tests/coverage/test_innereye_augmentation.py",
            least=120,
        ),
        Step("radiograph views", ("python", "benchmarks/radiograph_views.py"), radiograph_views),
        by_tests(
            "RSNA and covid-cxr",
            "RSNA as Kaggle and as InnerEye have it, its real label table (30,227 rows, 26,684 images), covid-cxr: mapping, check, finetune, predict",
            "tests/data/sources/test_rsna_pneumonia.py",
            "tests/data/sources/test_covid_cxr.py",
            "tests/data/test_nih_names.py",
            "tests/data/test_borrowing.py",
            "tests/test_radiographs_rsna.py",
            least=40,
        ),
        by_tests(
            "held out",
            "A pretraining on an NIH tree watched on an RSNA tree leaves out the shared images and people, through the command line",
            "tests/recipes/test_held_out.py",
            least=6,
        ),
        Step(
            "matching",
            ("python", "-m", "docs.matching_numbers", *(("--data", f"{FOLDER}/pneumoniamnist.npz") if FOLDER else ()), "--numbers"),
            matched,
        ),
        by_tests(
            "Azure ML",
            "azure-ai-ml's own schema accepts the job; data assets by id, by the environment, by name; local folders go first",
            "tests/submit/test_azureml.py",
            least=30,
        ),
        by_tests(
            "torchrun",
            "Two processes by torchrun give the same curve as one: pretraining, and fine-tuning end to end",
            "tests/reliability/test_torchrun.py",
            least=4,
        ),
        by_tests(
            "submitted",
            "A line is checked before it is submitted; a job of submitit's local executor, interrupted, ends as if it had not been",
            "tests/submit/test_slurm.py",
            "tests/submit/test_durations.py",
            "tests/submit/test_clusters_page.py",
            least=40,
        ),
        by_tests(
            "remote roots, S3",
            "A local S3 server behind a proxy that breaks every fifth to ninth request: stores and final weights equal to the local ones, a killed "
            "build reads nothing twice, a lost server ends it and nothing is lost, every source and verb, no credential written; web servers",
            "tests/remote/test_s3.py",
            "tests/remote/test_web.py",
            "tests/files/test_addresses.py",
            "tests/files/test_patience.py",
            "tests/files/test_objects.py",
            least=45,
        ),
        by_tests(
            "remote roots, Azure and Google",
            "Azurite and gcp-storage-emulator: a build and a pretraining by the command line through breaking connections equal the local ones",
            "tests/remote/test_emulators.py",
            least=4,
        ),
        Step("remote store", ("python", "benchmarks/remote_store.py"), remote_store),
        by_tests(
            "native trees",
            "data check, pretrain, finetune, predict on RSNA's, NIH's, the COVID-19 and a hospital's DICOM tree, through the command line",
            "tests/test_native_trees.py",
            least=4,
        ),
        by_tests(
            "the originals' commands",
            "Every documented command of the two originals has its line in docs/migrate/innereye.md, and each line runs",
            "tests/coverage/test_innereye_radiographs.py",
            least=20,
        ),
        by_tests(
            "of one's own",
            "docs/extend.md, block by block: a recipe that extends ours, a VisionDataset, a registered name, an operation of views",
            "tests/coverage/test_innereye_own.py",
            "tests/data/own",
            "tests/test_registry.py",
            "tests/recipes/test_layers.py",
            least=45,
        ),
        by_tests(
            "operating points",
            "Thresholds chosen on validation and measured on test by subject; ROC curves with intervals by subject",
            "tests/measures/test_operating.py",
            "tests/evaluate/finetuned/test_operating_points.py",
            least=15,
        ),
        Step(
            "Slurm",
            ("python", "-m", "tests.submit.slurm_here", "python", "-m", "tests.submit.slurm_story", "docs/proofs/slurm.md"),
            on_slurm,
        ),
        Step("patients on both sides", ("python", "-m", "docs.radiograph_splits"), divided),
    ]
