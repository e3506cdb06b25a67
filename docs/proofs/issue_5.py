"""What issue 5 had to show, in steps."""

from __future__ import annotations

from docs.prove import FAIL, PASS, Line, Outcome, Step, at_least, by_tests, named

TITLE = "volumes: pretraining on unlabelled CT and MR, segmentation, prediction"


def volume_patches(outcome: Outcome) -> list[Line]:
    """Patches from the store against MONAI's chain, and when building it has paid."""
    read, once, packed, paid = (
        named(outcome, name)
        for name in (
            "patches from the store, against MONAI reading the files again",
            "a patch read from the store, against numpy's copy of the same box",
            "a patch read raw, against packed by Blosc2",
            "epochs after which building the store has paid",
        )
    )
    return [
        at_least("Patches of 96 voxels, read and scaled, against the tutorial's chain from gzip NIfTI", float(read["ratio"]), 10, note=read["setting"]),
        Line("A patch of 96 voxels is read from the page cache in less than 1 ms", f"{once['ours']} ms, numpy's copy of the box {once['peer']} ms",
             PASS if once["ours"] < 1 else FAIL),
        Line("Packed by Blosc2: beside raw, as it is", f"{packed['peer']} against {packed['ours']} {packed['unit']}", PASS),
        Line("Epochs after which building the store has paid, as it is", f"{paid['ours']} ({paid['setting'].rpartition('; ')[2]})", PASS),
    ]  # fmt: skip


def restoration_step(outcome: Outcome) -> list[Line]:
    """A step of the document's configuration against the tutorial's code, and what it takes."""
    outside, whole, mae, memory, store = (
        named(outcome, name)
        for name in (
            "restoration, all but the network, against MONAI's tutorial",
            "restoration, whole step in fp32, against MONAI's tutorial",
            "MAE, whole step, against restoration",
            "memory of a restoration step, against 8 GiB",
            "building the store, against an epoch of the tutorial's reading",
        )
    )
    bf16 = [row for row in outcome.lines if row.get("name") == "restoration, whole step in bf16, against MONAI's tutorial"]
    return [
        at_least("Reading, views, loss forward and backward, against the tutorial's code", float(outside["ratio"]), 10, note=outside["setting"]),
        at_least("The whole step in fp32 against the tutorial's code", float(whole["ratio"]), 1.8, note=whole["setting"]),
        *(at_least("The whole step in the automatic precision, bf16", float(row["ratio"]), 3.5, note=row["setting"]) for row in bf16),
        *([] if bf16 else [Line("The whole step in the automatic precision", "this processor multiplies no bf16: it is the step in fp32", PASS)]),
        at_least("MAE's whole step against restoration's", float(mae["ratio"]), 2, note=mae["setting"]),
        Line("A full-size step (89 M, 96 voxels, batch 8) fits in 8 GiB", f"{memory['ours']} GiB", PASS if memory["ours"] < 8 else FAIL),
        Line("Building the store, as it is", f"{store['ours']} s; {store['setting'].rpartition('; ')[2]}", PASS),
    ]  # fmt: skip


def volume_views(outcome: Outcome) -> list[Line]:
    """Two corrupted views and the clean patch against the tutorial's transforms."""
    found = named(outcome, "views of volumes, restoration, 96 voxels, against the tutorial's transforms on MONAI")
    ratio, what = float(found["ratio"]), "Clean patch and two corrupted views, against the tutorial's transforms from its crops on"
    return [at_least(what, ratio, 2, note=found["setting"])]


def unetr_step(outcome: Outcome) -> list[Line]:
    """A step of the document's fine-tuning at full size."""
    memory, loss = named(outcome, "memory of a UNETR step, against 8 GiB"), named(outcome, "Dice and cross-entropy, against MONAI's DiceCELoss")
    claim = "A full-size step of UNETR (96 voxels, 4 patches, 14 classes) fits in 8 GiB and runs"
    figure = f"{memory['ours']} GiB, {memory['seconds']} s"
    return [
        Line(claim, figure, PASS if memory["ours"] < 8 else FAIL, note=memory["setting"]),
        Line("Dice and cross-entropy beside MONAI's, as it is", f"{loss['ratio']:.1f} x faster", PASS, float(loss["ratio"]), loss["setting"]),
    ]


def real_anatomy(outcome: Outcome) -> list[Line]:
    """Pretrain, fine-tune twins, predict: on warps of one brain, which is no result."""
    found = named(outcome, "real anatomy")
    scores, gain, l1 = found["scores"], found["gain"], found["reconstruction"]
    less, figure = l1["l1"] < l1["mean_l1"], f"{l1['l1']:.4f} against {l1['mean_l1']:.4f}"
    lines = [Line("L1 of the reconstruction below that of predicting the mean", figure, PASS if less else FAIL)]
    for model in ("fine-tuned", "from random weights"):
        one = scores[model]
        figure = f"{one['value']:.3f} ± {one['spread']:.3f} over {len(one['values'])} seeds; k-means {scores['intensity k-means']['value']:.3f}"
        higher = one["value"] > max(0.45, scores["majority"]["value"]) and len(one["values"]) >= 3
        claim = f"Mean foreground Dice, {model}: above 0.45 and the majority class ({scores['majority']['value']:.3f})"
        lines.append(Line(claim, figure, PASS if higher else FAIL))
    apart = f"{gain['value']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f}); by seed {', '.join(f'{value:+.3f}' for value in gain['values'])}"
    return [
        *lines,
        Line("Pretrained less random weights, as it is (warps of one template: no result)", apart, PASS),
        Line("Predicted label volumes have their scans' affine and shape", f"{found['predicted']} scans", PASS if found["same_grid"] else FAIL),
        Line("Through the command line in less than ten minutes", f"{found['total'] / 60:.1f} min; {found['setting']}", PASS if found["total"] < 600 else FAIL),
    ]


def robustness(outcome: Outcome) -> list[Line]:
    """Fine-tuned runs and their twins from random weights, disturbed alike: seven perturbations, five strengths; what came out."""
    lines = []
    for kind in ("images", "volumes"):
        for number, pair in enumerate(named(outcome, f"robustness of {kind}")["pairs"], 1):
            whole = len(pair["strengths"]) == 7 and set(pair["strengths"].values()) == {5} and pair["intervals"]
            a, b, apart = pair["areas"]["A"], pair["areas"]["B"], pair["difference"]
            figure = (
                f"{pair['metric']} undisturbed {pair['clean']['A']:.3f} and {pair['clean']['B']:.3f}, disturbed {a['value']:.3f} ({a['low']:.3f} to "
                f"{a['high']:.3f}) and {b['value']:.3f} ({b['low']:.3f} to {b['high']:.3f}); what is taken, A less B: {apart['change']:+.3f} "
                f"({apart['change_low']:+.3f} to {apart['change_high']:+.3f}); {pair['n']} {pair['unit']}"
            )
            claim = f"Robustness, {kind}, seed {number}: 7 perturbations of 5 strengths, with intervals; pretrained (A) and its twin (B), as it is"
            lines.append(Line(claim, figure, PASS if whole else FAIL, note=" ".join(pair["words"][3:])))
    return lines


def nnunet(outcome: Outcome) -> list[Line]:
    """Our residual encoder beside the package it comes from, and its export in nnU-Net's own hands."""
    beside = named(outcome, "tests beside dynamic-network-architectures")
    ours = beside["code"] == 0 and "skipped" not in beside["said"]
    found = named(outcome, "nnU-Net loads our export")
    whole = found["reported"] == found["tensors"] == 448 and found["stem"] == 8
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return [
        Line("resenc-l beside dynamic-network-architectures: equal names, equal outputs from equal weights", beside["said"], PASS if ours else FAIL),
        Line(
            "nnunetv2 of PyPI builds its network from our adaptation plan, and its loader reports every tensor of encoder and stem",
            f"{found['reported']} of {found['tensors']}, {found['parameters'] / 1e6:.2f} M parameters with 14 classes",
            PASS if whole else FAIL,
            note=versions,
        ),
        Line("Its encoder then gives our maps, in fp64", f"largest difference {found['difference']:.1e} of the largest value",
             PASS if found["difference"] < 1e-6 else FAIL),
    ]  # fmt: skip


def steps() -> list[Step]:
    """All of them, quick ones first."""
    return [
        by_tests(
            "phantoms of CT",
            "HU phantoms in TCIA's and BTCV's layouts through plan and store, voxel by voxel: the window exact, axes turned whatever the file's, "
            "fourteen label values never mixed and in their place, nothing but air cut away",
            "tests/trees/test_phantoms.py",
            "tests/coverage/test_monai_phantoms.py",
            least=9,
        ),
        by_tests(
            "the tutorial on phantoms",
            "tcia-restoration, ct-mae, btcv-unetr (24, 12, 6), its twin, a downloaded best_model.pt (161 of 161 tensors), robustness of both twins and "
            "prediction on the scan's own voxels, a few steps each through the command line in the tutorial's words",
            "tests/coverage/test_monai_pretraining.py",
            "tests/coverage/test_monai_finetuning.py",
            least=35,
        ),
        by_tests(
            "lists and sources",
            "The tutorial's two data sets as downloaded and moved, its four lists (23 people on both sides refused by number, used where allowed), nnU-Net's, "
            "nnssl's and plain lists; missing files by name",
            "tests/data/sources/test_tcia_covid19_ct.py",
            "tests/data/sources/test_btcv.py",
            "tests/data/sources/test_datalist.py",
            least=40,
        ),
        by_tests(
            "the plan",
            "The plan from a fingerprint: CT by its values, thin stacks, windows, patches that fit the memory and cannot grow; what a step keeps, counted "
            "again on MONAI's networks; data plan",
            "tests/data/test_fingerprint.py",
            "tests/data/test_planning.py",
            "tests/test_inspection_plan.py",
            "tests/docs/test_plan.py",
            least=70,
        ),
        by_tests(
            "migration of the tutorial",
            "docs/migrate/monai-tutorial.md: every command run, every number read from the recipes, with and without compat",
            "tests/coverage/test_monai_finetuning.py",
            "tests/docs/test_migration.py",
            "tests/recipes/test_monai_tutorial.py",
            "tests/recipes/test_arguments.py",
            least=30,
        ),
        by_tests(
            "networks of volumes",
            "MONAI's ViT (161 tensors, 88.36 M), Swin, SegResNet and nnU-Net's residual encoder: MONAI's numbers, tokens, stages, depths, positions of "
            "other patches; export to MONAI, loaded strictly; a decoder of one's own on the pretrained ViT, as the page has it",
            "tests/encoders/test_monai_family.py",
            "tests/encoders/test_resenc.py",
            "tests/encoders/test_positions.py",
            "tests/encoders/exporting/test_monai.py",
            "tests/docs/test_volumes_networks.py",
            least=84,
        ),
        by_tests(
            "checkpoints of volumes",
            "MONAI 0.8 to 1.6 (161 of 161, a masked autoencoder's 159 and 2), the tutorial's two files, UNETR, SwinUNETR, Swin's pretrained weights, nnssl: "
            "recognised, the features are the project's; half a dictionary is refused",
            "tests/encoders/layouts/test_volumes.py",
            "tests/encoders/test_checkpoints.py",
            "-k",
            "volumes or full or said or tells or half or plans or tutorial or monai or swin or nnssl",
            least=23,
        ),
        Step("nnU-Net", ("python", "-m", "docs.proofs.nnunet"), nnunet),
        by_tests(
            "volumes in, and back",
            "Volumes read as nibabel and ITK read them (NIfTI, NRRD, MetaImage); real DICOM series of pydicom in the right order and spacing, the one with "
            "gaps refused, localizers and turning projections refused; enhanced multi-frame; NaN, 4D, other grids, labels out of range, patches larger than "
            "volumes, thin stacks, missing files handled or refused by name in `data check`; axes and spacing against MONAI voxel by voxel, and back",
            "tests/data/readers/test_volume.py",
            "tests/data/readers/test_volume_dicom.py",
            "tests/data/volumes/test_geometry.py",
            "tests/data/volumes/test_writing.py",
            "tests/data/volumes/test_pairing.py",
            "tests/data/volumes/test_examining.py",
            "tests/data/sources/test_volumes.py",
            "tests/docs/test_volumes.py",
            least=220,
        ),
        by_tests(
            "store of volumes",
            "Volumes stored: patches equal slices (raw and Blosc2), labels, places, foreground as MONAI crops it, points, percentiles; killed builds "
            "go on, each volume decoded once, as many at a time as the memory holds; refused by name: NaN, 4D, wrong or missing label grids",
            "tests/data/volumes/test_volume_store.py",
            "tests/data/volumes/test_building_volumes.py",
            "tests/data/volumes/test_foreground.py",
            "tests/data/volumes/test_quantising.py",
            "tests/data/volumes/test_statistics.py",
            "tests/docs/test_volumes_store.py",
            "tests/test_data_index.py",
            least=60,
        ),
        by_tests(
            "restoration",
            "Restoration: a slow version, MONAI's losses where they are finite, finite at 0.005 in bf16, ViTAutoEnc's decoder, golden losses",
            "tests/methods/test_restoration.py",
            "tests/methods/test_golden.py",
            "tests/training/monitors/test_reconstruction.py",
            "tests/training/monitors/test_tissue.py",
            "tests/report/test_reconstruction.py",
            least=30,
        ),
        by_tests(
            "pretraining on volumes",
            "Pretraining on volumes: plan in recipe and card, the same damage at every look, resumed to the bit, two processes as one; the page's commands",
            "tests/test_pretrain_volumes.py",
            "tests/docs/test_volume_pretraining.py",
            least=7,
        ),
        by_tests(
            "restoration over processes",
            "Restoration: one process = two and four in fp64, killed and resumed",
            "tests/reliability/test_parity.py",
            "tests/reliability/test_kill.py",
            "-k",
            "restoration",
            least=4,
        ),
        Step("restoration step", ("python", "benchmarks/restoration_step.py", "--full"), restoration_step, timeout=3 * 3600),
        by_tests(
            "views of volumes",
            "Holes: counts and sides exact, two views independent, the target untouched; views against MONAI's transforms by distribution (painted "
            "share 13.8 % and 43.8 %, shuffled 0.43 %, crops, labels, mirrors, quarter turns, shifts); labels follow; one sample at a time",
            "tests/views/operations/test_holes.py",
            "tests/views/operations/test_windows.py",
            "tests/views/operations/test_turn.py",
            "tests/views/operations/test_intensity.py",
            "tests/views/test_volumes.py",
            least=65,
        ),
        Step("volume views", ("python", "-m", "benchmarks.volume_views"), volume_views),
        Step("volume patches", ("python", "-m", "benchmarks.volume_patches", "--full"), volume_patches),
        by_tests(
            "segmentation",
            "Fine-tuning of segmenters: MONAI's networks and names, DiceCE, sliding windows, Dice and surfaces equal to MONAI's; 161 of 161 tensors; the "
            "encoder's plan kept; resume bit-exact; two processes; twins and 6/12/24 by one command; the page",
            "tests/tasks/test_segmenter.py",
            "tests/tasks/test_dice.py",
            "tests/tasks/test_sliding.py",
            "tests/measures/test_segmentation.py",
            "tests/evaluate/segmented/test_repeats.py",
            "tests/test_segmentation.py",
            "tests/docs/test_volume_segmentation.py",
            "tests/reliability/test_torchrun_volumes.py",
            least=55,
        ),
        Step("UNETR step", ("python", "benchmarks/unetr_step.py"), unetr_step),
        Step("real anatomy", ("python", "-m", "docs.proofs.real_anatomy"), real_anatomy),
        by_tests(
            "prediction on new scans",
            "vesalius predict: labels on the scan's own voxels, in its format, whatever way it lies (NIfTI, NRRD, MetaImage, DICOM series), equal to the "
            "voxel; ml, probabilities, preview; what is there is passed over, what is broken is named; classifiers and features of volumes",
            "tests/test_segment_volumes.py",
            "tests/test_volumes_classified.py",
            "tests/docs/test_predict_volumes.py",
            least=14,
        ),
        by_tests(
            "evaluate robustness",
            "vesalius evaluate robustness: strength 0 is the run's own figure, the same disturbance for every run, paired changes and differences, areas; "
            "goes on after a kill; words that claim no more than the intervals; the page",
            "tests/evaluate/protocols/test_robustness.py",
            "tests/evaluate/perturbed/test_segmenter.py",
            "tests/evaluate/perturbed/test_verdict.py",
            "tests/docs/test_robustness.py",
            "tests/views/operations/test_bias_field.py",
            "tests/views/operations/test_low_resolution.py",
            "tests/views/operations/test_motion.py",
            least=36,
        ),
        Step("robustness of twins", ("python", "-m", "docs.proofs.robustness"), robustness, timeout=3 * 3600),
    ]
