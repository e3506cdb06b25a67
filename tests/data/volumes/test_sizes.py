"""A header that has a volume's spacing wrong costs that volume, and not the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.volumes import head, write
from vesalius.data import store
from vesalius.data.checking import check
from vesalius.data.plan import Plan
from vesalius.data.references import resolve
from vesalius.data.volumes.sizes import refused_size

PLAN = Plan(spacing=(2, 2, 3), patch=(16, 16, 16))


def test_a_volume_that_would_swell_is_left_out(tmp_path: Path) -> None:
    for number in range(3):
        image, _, affine = head(20, number)
        write(tmp_path / "scans" / f"{number}.nii.gz", image, affine * 200 if number == 1 else affine)
    table = resolve(str(tmp_path / "scans"))
    built = store.build(table, PLAN, cache=tmp_path / "cache", max_bad_share=0.5)
    assert len(built) == 2
    ((_, reason),) = built.left_out
    assert reason.startswith("It would have 3801 x 3801 x 3801 voxels at the plan's spacing; its own are 400 x 400 x 600 mm, ")
    ((one,),) = (check(str(tmp_path / "scans"), decode=True)["unreadable"],)
    assert one["reason"] == reason


@pytest.mark.parametrize(
    ("own", "there", "refused"),
    [
        ((512, 512, 2000), (512, 512, 2000), False),
        ((1500, 1500, 1500), (1500, 1500, 1500), False),  # fine as it is: what its file holds can be stored
        ((40, 40, 40), (1200, 1200, 1200), False),
        ((40, 40, 40), (1300, 1300, 1300), True),
        ((1 << 16, 2, 2), (1 << 16, 2, 2), True),
    ],
)
def test_what_is_too_large(own: tuple[int, ...], there: tuple[int, ...], refused: bool) -> None:
    assert bool(refused_size(own, (1, 1, 1), there)) == refused
