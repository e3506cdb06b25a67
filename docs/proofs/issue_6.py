"""What issue 6 had to show, in steps."""

from __future__ import annotations

import os
from collections.abc import Callable

from docs.prove import FAIL, NOT_RUN, PASS, Line, Outcome, Step, at_least, by_tests, named

TITLE = "what an encoder is worth: the zoo of public encoders, and every protocol from one pass over the images"


def round_trips(outcome: Outcome) -> list[Line]:
    """The models whose files torch writes, at full size, against torchvision's own network."""
    lines = []
    for row in outcome.lines:
        form = "zip" if row["zipped"] else "the format before torch 1.6"
        claim = f"{row['name']} from its published nesting ({form}): torchvision's {row['network']}, evaluation mode"
        lines.append(Line(claim, f"largest difference {row['difference']:.1e} of the largest feature", PASS if row["difference"] <= 1e-5 else FAIL))
    return lines if len(lines) == 11 else [*lines, Line("Eleven models of torch round-trip", f"{len(lines)} did", FAIL)]


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
    return [*lines, Line("All trainings of the shorter budget, as it is", f"{short['seconds']:.0f} s", PASS)]


def original(outcome: Outcome) -> list[Line]:
    """A full-size checkpoint of the original's own library, read here, against that library's forward."""
    if outcome.code:
        said = (outcome.err.strip().splitlines() or ["failed"])[-1]
        verdict = NOT_RUN if "names no Python" in said else FAIL
        return [Line("Features against the original network's own forward, full size", said, verdict)]
    row = outcome.lines[-1]
    name, worst = row["name"], max(row["difference"].values())
    apart = ", ".join(f"{side} px {value:.0e}" for side, value in row["difference"].items())
    lines = [
        Line(f"{name}, written by its own library, against that library's forward: within 1e-5 of the largest feature", apart, PASS if worst < 1e-5 else FAIL),
        Line(f"{name}: prepared, as it is", f"{row['bytes'] / 1e6:.0f} MB in {row['seconds']} s, {row['gib']} GiB at most", PASS),
        Line(f"{name}: with torch's padding, images of noise, as it is", ", ".join(f"{side} px {value:.0e}" for side, value in row["symmetric"].items()), PASS),
    ]
    if (found := row.get("effect")) is not None:
        figure = f"{found['change']:.1%} of the features, {found['of_distance']:.2f} of the distance of two images; {found['neighbours']:.0%} keep neighbours"
        lines.append(Line(f"{name}: with torch's padding, {found['images']} photographs, 224 px, as it is", figure, PASS))
    return lines


def second_protocol(outcome: Outcome) -> list[Line]:
    """From the call until the cached features are in hand."""
    found = named(outcome, "a second protocol begins")
    claim = "A second protocol on the same encoder and data begins within a second of its call"
    return [Line(claim, f"{found['ours']} s ({found['setting']})", PASS if float(found["ours"]) < 1 else FAIL)]


def logistic(what: str) -> Callable[[Outcome], list[Line]]:
    """The path of the linear probe beside scikit-learn's, both to the same gradient."""

    def check(outcome: Outcome) -> list[Line]:
        row = next(line for line in outcome.lines if line["name"].startswith("linear probe, 45 strengths"))
        peer = "float32" if "in float32" in row["setting"] else "float64"
        steep, ended, chosen = row["gradient"], row["none_stopped"], row["chosen"]
        same = chosen["ours"]["c"] == chosen["peer"]["c"] or chosen["ours"]["validation_loss"] <= chosen["peer"]["validation_loss"] + 1e-4
        reached = max(steep["ours"], steep[peer]) <= 1.1e-4 and ended["ours"] and ended[peer]
        above, below = row["objective_above_peers"], row["objective_below_peers"]
        scores = f"accuracy {row['accuracy_difference']:.1e}, AUC {row['auc_difference']:.1e}"
        memory = f"{row['peak_megabytes']['ours']} MB against {row['peak_megabytes']['peer']} MB"
        strengths = " and ".join(f"C = {one['c']:g} ({one['validation_loss']:.4f})" for one in (chosen["ours"], chosen["peer"]))
        gradients = f"{steep['ours']:.2e} and {steep[peer]:.2e}"
        within = row["accuracy_difference"] <= 1e-3 and row["auc_difference"] <= 1e-3
        return [
            at_least(f"{what}: 45 strengths against scikit-learn's warm-started path", float(row["ratio"]), 1, note=row["setting"]),
            Line(f"{what}: both to 1e-4 of the first gradient, none stopped by its iterations", gradients, PASS if reached else FAIL),
            Line(f"{what}: the objective is nowhere above scikit-learn's by more than 1e-4", f"{above:.1e} at most", PASS if above <= 1e-4 else FAIL),
            Line(f"{what}: scikit-learn's, stopped by the same gradient, above ours at most, as it is", f"{below:.1e}", PASS),
            Line(f"{what}: the same strength, or one that is no worse on validation", strengths, PASS if same else FAIL),
            Line(f"{what}: test accuracy and AUC within 1e-3", scores, PASS if within else FAIL),
            Line(f"{what}: peak memory of the process, as it is", memory, PASS),
        ]

    return check


def leakage(outcome: Outcome) -> list[Line]:
    """The originals' divisions on the real label tables, and the same tables divided by subject."""
    if outcome.code and "PROVE_XRAYVISION" in outcome.err:
        return [Line("Patients on both sides on the label tables that torchxrayvision ships", "PROVE_XRAYVISION names no folder with its wheel", NOT_RUN)]
    found = {(row["source"], row["division"]): row for row in outcome.lines}
    lines = []
    for source, share in (("chexpert", 81.2), ("nih-chestxray14", 71.1)):
        row = found[source, "original"]
        own = 100 * row["share_of_images"]
        figure = f"{own:.1f} % ({row['images_of_shared_subjects']:,} of {row['images']:,})"
        claim = f"Test images of {source} whose patient is in training, by the original's division: {share} %"
        lines.append(Line(claim, figure, PASS if abs(own - share) < 0.05 else FAIL))
    row = found["chexpert", "original"]
    figure = f"accuracy {100 * row['accuracy']:.1f} %, AUC {row['roc_auc']:.3f}; majority {100 * row['majority']:.1f} %"
    claim = "Looking labels up by study and patient, without an image, CheXpert: 76.0 %"
    lines.append(Line(claim, figure, PASS if abs(100 * row["accuracy"] - 76.0) < 0.05 else FAIL))
    for source in ("chexpert", "nih-chestxray14"):
        row = found[source, "by subject"]
        none = row["images_of_shared_subjects"] == 0 and row["roc_auc"] == 0.5
        figure = f"{row['images_of_shared_subjects']} of {row['images']:,}, AUC {row['roc_auc']:.3f}"
        lines.append(Line(f"{source} divided by subject: none, and the lookup knows nothing", figure, PASS if none else FAIL))
    return lines


def coverage(outcome: Outcome) -> list[Line]:
    """95 % intervals by subject and by image on simulated people with several images."""
    lines = []
    for setting, least in (("half are ill", 0.92), ("about ten are ill", None)):
        row = named(outcome, f"interval coverage, {setting}")
        by = row["covered"]
        claim = f"Intervals of 95 % over {row['sets']} simulated sets of 80 people with several images, {setting}" + ("" if least else ", as it is")
        figure = f"by subject {by['subject']:.1%}, by image {by['image']:.1%} ({', '.join(row['methods'])})"
        lines.append(Line(claim, figure, PASS if least is None or (by["subject"] >= least and by["image"] < 0.8) else FAIL))
    return lines


def few_shot(outcome: Outcome) -> list[Line]:
    """All episodes from one pass, against 20 that were really forwarded again."""
    cold, warm = (named(outcome, f"few-shot, {name}") for name in ("cold", "warm"))
    same = cold["equal_episodes"] == cold["episodes_forwarded"] >= 20
    about = f"; distances apart by {cold['largest_relative_difference_of_distances']:g} of themselves at most, as batches differ"
    return [
        Line(
            "Every episode that was really forwarded again (ResNet-50, 224 px, 2-way, 20-shot, 15 queries) is right equally often",
            f"{cold['equal_episodes']} of {cold['episodes_forwarded']}{about}",
            PASS if same else FAIL,
            note=cold["setting"],
        ),
        at_least("Cold, our 662 forwards included, against forwarding every episode again (63 is the ceiling)", float(cold["ratio"]), 50, note=cold["setting"]),
        at_least("Warm, the features in the cache", float(warm["ratio"]), 1000, note=f"{warm['ours']} s for 600 episodes with both intervals"),
    ]


def few_shot_intervals(outcome: Outcome) -> list[Line]:
    """200 simulated data sets: which interval holds the accuracy of the population."""
    found = named(outcome, "few-shot intervals")
    sets, held, inner = found["sets"], found["held_by_subjects"], found["held_by_monte_carlo"]
    widths = f"{100 * found['half_width_by_subjects']:.1f} points to each side; the value varies by {100 * found['spread_of_the_value']:.1f}"
    return [
        Line(f"The interval over subjects holds the truth in 180 to 198 of {sets} simulated sets", f"{held}, {widths}", PASS if 180 <= held <= 198 else FAIL),
        Line(
            "The Monte-Carlo interval, as the original reports it, in far fewer",
            f"{inner}, {100 * found['half_width_by_monte_carlo']:.1f} points to each side",
            PASS if inner < 100 else FAIL,
        ),
    ]


def comparison(outcome: Outcome) -> list[Line]:
    """Every protocol of frozen features at its documented settings, killed once and gone on with; what came out, whatever it is."""
    found = named(outcome, "full comparison")
    seconds, cells = sum(found["seconds"]), found["cells"]
    lines = [
        Line(
            f"Seven protocols, two encoders with their twins and the pixels on PneumoniaMNIST, {cells} cells: less than ten minutes, both parts together",
            f"{seconds / 60:.1f} min ({', '.join(f'{name} {value:.0f} s' for name, value in found['by_stage'].items())} after the kill)",
            PASS if seconds < 600 else FAIL,
            note=found["setting"],
        ),
        Line(
            f"Killed after {found['before']} cells and gone on with: none of them measured again, none absent",
            f"{found['again']} again, {len(found['absent'])} absent",
            PASS if found["before"] and not found["again"] and not found["absent"] else FAIL,
        ),
    ]
    for name, rows in found["scores"].items():
        bounds = ("" if row["low"] is None else f" ({row['low']:.3g} to {row['high']:.3g})" for row in rows)
        figure = "; ".join(f"{row['encoder']} {row['value']:.3g}{bound}" for row, bound in zip(rows, bounds, strict=True))
        lines.append(Line(f"{name}: {rows[0]['metric']}, as it is", figure, PASS))
    return lines


def steps() -> list[Step]:
    """All of them, quick ones first."""
    photographs = (f"{os.environ['PROVE_DATA']}/bccd",) if "PROVE_DATA" in os.environ else ()
    return [
        Step("models of torch", ("python", "-m", "tests.encoders.zoo.all_round_trips"), round_trips),
        by_tests(
            "the zoo",
            "Eleven models of torch by the rules of their files, in both formats; the whole zoo prepared in one command from a server that hangs up; "
            "tensors missing, renamed, turned, too few, too many, another model's file, web pages, wicked pickles refused by name; cards, near names",
            "tests/coverage/test_transfer_zoo.py",
            "tests/encoders/zoo/test_round_trip.py",
            "tests/encoders/zoo/test_refusals.py",
            "tests/test_models.py",
            "tests/docs/test_zoo.py",
            "tests/views/operations/test_equalise.py",
            "tests/files/test_downloads.py",
            least=95,
        ),
        by_tests(
            "a zoo file of the user's",
            "EfficientNet-Lite0 from the package index, converted by a zoo file of 64 lines into timm's network, names what is in two real photographs; "
            "its name is an encoder in evaluate, embed and export; an entry point needs no plugin",
            "tests/examples/test_efficientnet_zoo.py",
            least=5,
        ),
        by_tests(
            "SimCLR-v1 and BYOL",
            "TensorFlow's checkpoint and Haiku's pickle, written by TensorFlow and by jax, dm-haiku and dill: features of their own forward, of torchvision's "
            "network at odd sizes and with its padding; tensors missing, renamed, turned, too few or too many by name; wicked, cut and lying files refused",
            "tests/encoders/zoo/test_originals.py",
            "tests/encoders/test_haiku_pickle.py",
            "tests/encoders/test_tensor_bundle.py",
            "tests/encoders/test_sstable.py",
            "tests/encoders/test_crc32c.py",
            "tests/encoders/test_padding.py",
            least=190,
        ),
        Step("SimCLR-v1 by TensorFlow", ("python", "-m", "docs.proofs.originals", "simclr-v1", *photographs), original),
        Step("BYOL by Haiku", ("python", "-m", "docs.proofs.originals", "byol", *photographs), original),
        by_tests(
            "measures",
            "Every measure equals scikit-learn's, torchmetrics' and MedMNIST's rule on random inputs; a weight is that many copies; patients with one image "
            "each are images; what is calibrated has an error below 0.01",
            "tests/measures/test_every.py",
            "tests/measures/test_metrics.py",
            "tests/measures/test_bootstrap.py",
            least=75,
        ),
        by_tests(
            "statistics",
            "Every cell with intervals, repeats apart, temperature from held-out answers, subgroups and gaps; paired differences with Holm's correction, ties, "
            "Demsar's example; controls and the leakage report beside every table; folds of whole subjects",
            "tests/evaluate/judged/test_judging.py",
            "tests/evaluate/judged/test_standing.py",
            "tests/evaluate/judged/test_over_data.py",
            "tests/evaluate/fitting/test_folds.py",
            "tests/evaluate/judged/test_leaks.py",
            "tests/evaluate/judged/test_controls.py",
            "tests/evaluate/judged/test_beside.py",
            least=40,
        ),
        Step("leakage", ("python", "-m", "docs.proofs.leakage"), leakage),
        Step("interval coverage", ("python", "-m", "docs.proofs.interval_coverage"), coverage),
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
            "tests/evaluate/pairs/test_originals.py",
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
        by_tests(
            "tables and the page",
            "Tables as CSV and as LaTeX that compiles, on the terminal and in a notebook; the page of one encoder and of many in a browser at two widths, "
            "light and dark: best and ties by the paired test, controls, absent cells, curves, critical differences, subgroups, calibration, agreement",
            "tests/evaluate/test_tables.py",
            "tests/evaluate/test_showing.py",
            "tests/report/test_evaluations.py",
            "tests/report/test_browser.py",
            "-k",
            "evaluat or table or latex or csv or notebook or score",
            least=40,
        ),
        Step("logistic path", ("python", "benchmarks/logistic_path.py", "--full"), logistic("10,000 x 2,048, 10 classes")),
        Step("logistic path, two classes", ("python", "benchmarks/logistic_path.py", "--binary"), logistic("3,000 x 1,024, two classes")),
        Step("logistic path, labels", ("python", "benchmarks/logistic_path.py", "--multilabel"), logistic("3,000 x 1,024, ten labels")),
        Step("logistic path, separable", ("python", "benchmarks/logistic_path.py", "--separable"), logistic("3,000 x 1,024, separable")),
        by_tests(
            "linear probes",
            "45 strengths chosen on held-out samples, fitted again to both, as scikit-learn's at the chosen one; folds of small sets; multi-label, binary, "
            "ordered and separable classes; the original's rule; label efficiency nested, by subject, with its t-intervals and area; attentive probes "
            "trained together as alone",
            "tests/measures/test_logistic.py",
            "tests/measures/test_lbfgs.py",
            "tests/evaluate/fitting/test_fractions.py",
            "tests/evaluate/fitting/test_attending.py",
            "tests/evaluate/protocols/test_linear.py",
            "tests/evaluate/protocols/test_label_efficiency.py",
            "tests/evaluate/protocols/test_attentive_probe.py",
            "tests/docs/test_linear_probes.py",
            least=60,
        ),
        by_tests(
            "ranks",
            "RankMe, effective rank, alpha-ReQ (within 0.05) and LiDAR recover known ranks; their intervals are as wide as a bootstrap's that decomposes "
            "each time; images without labels are enough",
            "tests/measures/test_rank.py",
            "tests/measures/test_spectra.py",
            "tests/evaluate/protocols/test_rank.py",
            least=45,
        ),
        by_tests(
            "one pass, pairs, errors",
            "Each image forwarded once whatever asks for it, pooled or as a map, in 32 or 16 bits; every pair and baseline a cell that is found again "
            "after a kill; sizes and a capped draw as axes; missing files, one class, features that are no numbers, other channels: one paragraph each",
            "tests/features",
            "tests/evaluate/test_verb.py",
            "tests/evaluate/pairs/test_capping.py",
            "tests/evaluate/pairs/test_shelf.py",
            "tests/encoders/test_resizing.py",
            "tests/evaluate/test_config.py",
            least=60,
        ),
        Step("second protocol", ("python", "benchmarks/feature_cache.py"), second_protocol),
        Step(
            "full comparison",
            ("python", "-m", "docs.proofs.full_comparison", "--picture", "--epochs", "5", "--", "--image-size", "96"),
            comparison,
            timeout=3600,
        ),
        by_tests(
            "few-shot, neighbours, retrieval, transfer",
            "Episodes balanced, disjoint in subjects, the same for every encoder and a function of their number; all at once as one by one; influences exact "
            "where episodes are linear; votes and average precision as counted slowly; a probe asked about another data set, paired with that one's own; "
            "too few images or subjects, one class, other classes: one paragraph each",
            "tests/measures/test_episodes.py",
            "tests/measures/test_prototypes.py",
            "tests/measures/test_episode_scores.py",
            "tests/measures/test_knn.py",
            "tests/measures/test_retrieval.py",
            "tests/evaluate/pairs/test_crossing.py",
            "tests/evaluate/protocols/test_few_shot.py",
            "tests/evaluate/protocols/test_knn.py",
            "tests/evaluate/protocols/test_retrieval.py",
            "tests/evaluate/protocols/test_transfer.py",
            "tests/coverage/test_transfer_few_shot.py",
            "tests/docs/test_few_shot.py",
            least=60,
        ),
        Step("few-shot intervals", ("python", "-m", "docs.proofs.few_shot_intervals"), few_shot_intervals),
        Step("few-shot", ("python", "benchmarks/few_shot.py"), few_shot),
        Step("fine-tuning", ("python", "-m", "docs.proofs.finetune_budget"), fine_tuning, timeout=3 * 3600),
    ]
