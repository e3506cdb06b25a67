"""What issue 7 had to show, in steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from docs.prove import FAIL, NOT_RUN, PASS, Line, Outcome, Step, at_least, by_tests, named

TITLE = "train, embed, select: which images to label next"


def million_names(outcome: Outcome) -> list[Line]:
    """The index alone, and the whole command around it."""
    lines = []
    for name, bar in (("the index", 60.0), ("vesalius select", None)):
        row = named(outcome, name)
        figure = f"{row['seconds']} s from start to end, {row['processor_seconds']} s of processor time, {row['gib']} GiB at most"
        good = row["code"] == 0 and row["files"] >= 1_000_000 and (bar is None or row["seconds"] < bar)
        within = f", under {bar:g} s" if bar else ", a random selection of 50 with its report, as it is"
        lines.append(Line(f"{row['files']:,} file names, {name}{within}", figure if row["code"] == 0 else row["said"], PASS if good else FAIL))
    return lines


def killed(outcome: Outcome) -> list[Line]:
    """A job killed in each stage, then gone on with."""
    lines = []
    for row in outcome.lines:
        stage = row["name"].removeprefix("killed in ")
        where = f", the training from step {row['step']}" if row["step"] else ""
        again, equal = ", ".join(row["again"]) or "none", "equal" if row["same"] else "not equal"
        figure = f"killed while {row['going_on']} went on{where}; done again: {again}; picks and vectors {equal}"
        good = row["code"] == 0 and row["same"] and not row["again"] and row["going_on"] == stage and row["step"] != 0
        lines.append(Line(f"A job killed in {stage} goes on: no finished stage again, the same result bit for bit", figure, PASS if good else FAIL))
    return lines if len(lines) == 4 else [*lines, Line("Killed in each of four stages", f"{len(lines)} were", FAIL)]


def handed_to(tool: str, claim: str, **expected: Any) -> Callable[[Outcome], list[Line]]:
    """What another tool found in the files that were written for it."""

    def check(outcome: Outcome) -> list[Line]:
        if outcome.code:
            said = (outcome.err.strip().splitlines() or ["failed"])[-1]
            return [Line(claim, said, NOT_RUN if "names no Python" in said else FAIL)]
        row = named(outcome, f"a selection in {tool}")
        figure = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in row.items() if key not in ("name", "version"))
        return [Line(claim, figure, PASS if all(row[key] == value for key, value in expected.items()) else FAIL, note=f"{tool} {row['version']}")]

    return check


def _handed(tool: str, claim: str, **expected: Any) -> Step:
    return Step(f"a selection in {tool}", ("python", "-m", "docs.proofs.viewers", tool), handed_to(tool, claim, **expected), timeout=600)


def on_pneumonia(outcome: Outcome) -> list[Line]:
    """Every way of selecting beside random ones; what came out, whatever it is."""
    lines = []
    for row in outcome.lines:
        ways = row["ways"]
        random = next(iter(ways.values()))
        each = "; ".join(f"{way} {one['value']:.3f}, {_span(one)}" for way, one in ways.items())
        claim = f"PneumoniaMNIST, probe on {row['labels']} labels, ROC-AUC beside {random['seeds']} random selections ({random['random']:.3f}), as it is"
        lines.append(Line(claim, each, PASS, note=row["setting"]))
    return lines if len(lines) == 3 else [*lines, Line("Probes on 50, 100 and 200 labels", f"{len(lines)} sizes", FAIL)]


def on_cells(outcome: Outcome) -> list[Line]:
    """Fifty images by the diversity of their cells, of whole images, and at random."""
    counts, probe = (named(outcome, f"selection on BCCD, {part}") for part in ("counts", "cell types"))
    lines = []
    for way, row in counts["ways"].items():
        figure = ", ".join(f"{key} {value:.3g}" for key, value in row.items())
        lines.append(Line(f"BCCD, {counts['selected']} images selected: {way}, as it is", figure, PASS, note=counts["setting"]))
    for way, row in probe["probes"].items():
        one = row["balanced_accuracy"]
        claim = f"BCCD, probe for cell types on {probe['selected']} images: {way}, balanced accuracy, as it is"
        figure = f"{one['value']:.3f}, {_span(one)}; {row['cells']:,} cells labelled, tested on the cells of {probe['tested']['images']} other images"
        lines.append(Line(claim, figure, PASS))
    return lines


def the_claim(outcome: Outcome) -> list[Line]:
    """What is in the embeddings of three kinds of models, and what they select."""
    lines = []
    for row in outcome.lines:
        for model, found in row["models"].items():
            if row["name"].startswith("embeddings"):
                keys = ("kNN balanced accuracy", "kNN, flipped labels balanced accuracy", "brightness", "blur", "rotation")
                figure = ", ".join(f"{key} {found[key]:.3f} ({found[f'{key}, low']:.3f} to {found[f'{key}, high']:.3f})" for key in keys)
            else:
                metric = "roc_auc" if "roc_auc value" in found else "balanced_accuracy"
                figure = f"{metric} {found[f'{metric} value']:.3f}, {_span({key.removeprefix(f'{metric} '): value for key, value in found.items()})}"
            lines.append(Line(f"{row['name']}: {model}, as it is", figure, PASS, note=row["setting"]))
    return lines if len(lines) == 16 else [*lines, Line("Four models on two data sets", f"{len(lines)} lines of 16", FAIL)]


def _span(row: Mapping[str, Any]) -> str:
    """The difference from random selections, and what its interval says."""
    low, high = row["difference_low"], row["difference_high"]
    return f"{row['difference']:+.3f} ({low:+.3f} to {high:+.3f}) {'better' if low > 0 else 'worse' if high < 0 else 'not told apart'}"


def _experiment(name: str, check: Callable[[Outcome], list[Line]]) -> Step:
    """One of the experiments at length; what it trained lies below ``runs`` and is not trained again."""
    return Step(name.replace("_", " "), ("python", "-W", "ignore", f"benchmarks/{name}.py", "--full"), check, timeout=5400)


def neighbour_graph(outcome: Outcome) -> list[Line]:
    """What typicality and coverage are made from, beside scikit-learn's, which gives the same distances."""
    row = named(outcome, "exact neighbour graph")
    figure = f"{row['ours']} s against {row['peer']} s, {row['rate']} {row['rate_unit']}"
    return [at_least("The exact graph of nearest neighbours, to 1e-5 scikit-learn's, faster than it", row["ratio"], 1, note=f"{row['setting']}; {figure}")]


def k_centre(outcome: Outcome) -> list[Line]:
    """Ours beside the loops that measure all rows to each pick, on three kinds of vectors."""
    lines = []
    for kind in ("uniform", "clustered", "manifold"):
        row = named(outcome, f"k-centre, {kind}")
        lines.append(at_least(f"Greedy k-centre, {kind}: faster than per-pick NumPy", row["ratio"], 6, note=row["setting"]))
        lines.append(at_least(f"Greedy k-centre, {kind}: faster than the same loop in torch", row["torch"]["ratio"], 2))
        radius, pair = row["cover_radius"], row["min_pair"]
        figure = f"{radius['ours']:.4f}, of the loop {radius['loop']:.4f}, at random {radius['random']:.4f}; {row['same_picks']:.1%} of the picks the same"
        good = radius["ours"] <= 1.01 * radius["loop"]
        lines.append(Line(f"Greedy k-centre, {kind}: cover radius within 1 % of the loop's", figure, PASS if good else FAIL))
        figure = f"{pair['ours']:.4f}, of the loop {pair['loop']:.4f}, at random {pair['random']:.4f}"
        lines.append(Line(f"Greedy k-centre, {kind}: least distance of a pair of picks, as it is", figure, PASS))
    return lines


def k_centre_memory(outcome: Outcome) -> list[Line]:
    """A million vectors in a file."""
    row = named(outcome, "k-centre from a file, memory")
    return [
        Line(f"Greedy k-centre, {row['setting']}: under 1.5 GiB", f"{row['ours']} GiB", PASS if row["ours"] < 1.5 else FAIL),
        Line("Its time, as it is", f"{row['seconds']} s; cover radius {row['cover_radius']:.4f}, least pair {row['min_pair']:.4f}", PASS),
        Line("Progress is shown", f"a bar, told {row['shown']:,} times", PASS if row["shown"] > 1 else FAIL),
    ]


def steps() -> list[Step]:
    """Every step, the cheap ones first."""
    return [
        by_tests(
            "the declarative job",
            "Every key of the three dictionaries: in the table once, setting the field it names, or accepted or refused with its sentence; ranges; snake and "
            "camel case; typos at any depth answered with place and the key that was meant; the Worker's own numbers under compat; the page's commands",
            "tests/select/test_keys.py",
            "tests/select/test_config.py",
            "tests/select/test_training.py",
            "tests/docs/test_select.py",
            "tests/coverage/test_lightly_journey.py",
            least=180,
        ),
        Step("a killed job", ("python", "-m", "docs.proofs.killed_selection"), killed, timeout=1800),
        by_tests(
            "object crops",
            "Boxes of COCO, YOLO, VOC and Lightly read alike, as labelformat reads them; bad ones counted and named; padding and tiles by their definitions; "
            "crops of one image on one side of a split; BCCD's 4,888 boxes",
            "tests/data/boxes",
            "tests/data/test_crops.py",
            "tests/data/sources/test_crops.py",
            "tests/measures/test_boxes.py",
            "tests/select/test_objects.py",
            "tests/coverage/test_lightly_crops.py",
            least=60,
        ),
        by_tests(
            "strategies on neighbourhoods",
            "Typicality, similarity, coverage and hierarchical k-means against slow references (scikit-learn, the whole matrix, water-filling) and coverage's "
            "bound against every subset; with others the product by enumeration, negative strengths too; chosen and barred images; at once as one by one; "
            "the order of files changes nothing",
            "tests/measures/test_neighbours.py",
            "tests/measures/test_kmeans.py",
            "tests/measures/test_facility.py",
            "tests/measures/test_balanced.py",
            "tests/select/strategies/test_typicality.py",
            "tests/select/strategies/test_similarity.py",
            "tests/select/strategies/test_coverage.py",
            "tests/select/strategies/test_hierarchical_kmeans.py",
            "tests/select/inputs/test_embeddings.py",
            "tests/docs/test_selection.py",
            least=60,
        ),
        by_tests(
            "checkpoints",
            "Lightly's six depths with a batch-norm and a 1×1 convolution: ours give lightly 1.6's numbers to 1e-5, 139 tensors under SimCLR; theirs read in "
            "five forms and missing ones named; ours loaded by the document's loader; by run id, path, file:// and http address, the newest of a data set, "
            "or one paragraph; what is stated is checked; the Client's six calls",
            "tests/encoders/test_lightly_resnet.py",
            "tests/encoders/layouts/test_worker.py",
            "tests/encoders/exporting/test_lightly.py",
            "tests/runs/test_checkpoints.py",
            "tests/select/test_checkpoints.py",
            "tests/test_client.py",
            "tests/coverage/test_lightly_checkpoints.py",
            "tests/coverage/test_lightly_client.py",
            least=60,
        ),
        by_tests(
            "the document's Python",
            "Every block of docs/migrate/lightly.md is run in order beside lightly 1.6: train, use again by itself, run id and address, the external model, "
            "other parameters, download, both loaders (the same numbers to 1e-5), the classifier",
            "tests/docs/test_migration_lightly.py",
        ),
        by_tests(
            "every strategy",
            "Each strategy equals a slow reference; five objectives at once equal an enumeration of their product, in whatever order they are listed; "
            "thresholds, minimum distances, sums and preselected images exact; every target of a balance that n images can have is met by n; the order of "
            "files changes nothing",
            "tests/select/strategies",
            "tests/select/test_greedy.py",
            least=90,
        ),
        by_tests(
            "inputs that are not embeddings",
            "Computed metadata by their definitions, each file read once; .lightly/metadata and .lightly/predictions, broken files refused by name; keys of "
            "file names; scores of active learning by closed forms; relevant files with the original's example; equal and vanished files said; one job in the "
            "original's spelling",
            "tests/select/inputs",
            "tests/select/test_relevant.py",
            "tests/select/test_path_keys.py",
            "tests/select/test_duplicates.py",
            "tests/data/test_computed.py",
            "tests/data/test_lightly_metadata.py",
            "tests/data/test_lightly_predictions.py",
            "tests/measures/test_uncertainty.py",
            "tests/coverage/test_lightly_inputs.py",
            "tests/docs/test_selection_inputs.py",
            least=120,
        ),
        by_tests(
            "the report",
            "The page of a selection: every section or why it is absent; in headless Chromium, opened from disk with the network off: nothing is fetched, "
            "hover tells of an image, filters by selected, class and search work, nothing is wider than the window at 1280 and 390 pixels; no file is named",
            "tests/report/test_selections.py",
            "tests/select/test_describing.py",
            least=40,
        ),
        _experiment("selection_bccd", on_cells),
        _experiment("selection_pneumonia", on_pneumonia),
        _experiment("embedding_claim", the_claim),
        by_tests(
            "wrong input",
            "Duplicate, corrupt and vanished files are named; more than there are, none at all, an empty pool, embeddings that are NaN, all the same, too few "
            "or of another length: one paragraph; a job gone on with repeats no stage, and one that is done stands whatever becomes of its images",
            "tests/select/test_verb.py",
            "tests/select/test_soundness.py",
            "tests/select/test_material.py",
            "tests/select/test_selection.py",
            "tests/select/test_stages.py",
            least=35,
        ),
        by_tests(
            "coverage",
            "Every row of the Lightly Worker's promises in docs/coverage.yaml, and the tests that they name",
            "tests/test_coverage.py",
            "tests/coverage/test_lightly_journey.py",
            "tests/coverage/test_lightly_checkpoints.py",
            "tests/coverage/test_lightly_client.py",
            "tests/coverage/test_lightly_runs.py",
            "tests/coverage/test_lightly_crops.py",
            "tests/coverage/test_lightly_claim.py",
            least=100,
        ),
        Step("a million file names", ("python", "-m", "docs.proofs.million_names"), million_names, timeout=1800),
        by_tests(
            "diversity",
            "Diversity alone is exact greedy k-centre: the same picks on 5,000 points, on grids, duplicates, outliers and tight clusters, with images chosen "
            "before, barred ones and a minimum distance; of small cases every one by all pairs; objects by definition; de-duplication by definition; "
            "the order of files changes nothing",
            "tests/measures/test_kcentre.py",
            "tests/measures/test_distances.py",
            "tests/measures/test_near_pairs.py",
            "tests/select/strategies/test_diversity.py",
            "tests/select/strategies/test_deduplicate.py",
            least=60,
        ),
        Step("k-centre beside the loops", ("python", "-m", "benchmarks.k_centre"), k_centre, timeout=1800),
        Step("k-centre from a file", ("python", "-m", "benchmarks.k_centre_memory"), k_centre_memory, timeout=1800),
        _handed("embedding-atlas", "embedding-atlas opens our file in headless Chromium, nothing is fetched from elsewhere", shown=True, asked_elsewhere=[]),
        _handed("lightly-studio", "LightlyStudio, analytics off, opens ours in headless Chromium, no other address is asked", shown=True, asked_elsewhere=[]),
        _handed("fiftyone", "FiftyOne's importer reads ours: samples, tags, labels, boxes, vectors", images=800, selected=40, found=800, classes=800, dim=32),
        _handed("label-studio", "Label Studio's validators accept interface, tasks and drafts", selected=40, drafts=40, wrong=[]),
        _handed("cvat", "Datumaro reads ours as CVAT's annotations with their images", selected=40, classes=40, read=40),
        by_tests(
            "what is written of a selection",
            "Every format by its layout; copies and links gone on with after a kill; vanished and broken files named; pictures of what no browser shows; "
            "Lightly's own functions read its CSV; embeddings of one's own, each fault one paragraph; names in what was asked for alone",
            "tests/select/handing",
            "tests/select/test_writing.py",
            "tests/select/test_embeddings_file.py",
            "tests/reliability/test_selection_privacy.py",
            "tests/docs/test_selection_results.py",
            least=60,
        ),
        by_tests(
            "the datapool",
            "Rounds never select an image twice, whatever is added, changed or deleted; a killed update leaves the state before; two processes never choose "
            "the same; another encoder embeds again or is refused; nobody is named",
            "tests/select/test_datapool.py",
            "tests/coverage/test_lightly_datapool.py",
            least=17,
        ),
        Step("the neighbour graph", ("python", "-m", "benchmarks.neighbour_graph"), neighbour_graph, timeout=600),
    ]
