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


def steps() -> list[Step]:
    """All of them, quick ones first."""
    return [
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
        Step("volume patches", ("python", "-m", "benchmarks.volume_patches", "--full"), volume_patches),
    ]
