from __future__ import annotations

import pytest

from vesalius.data.volumes.pairing import case_of, paired

LAYOUTS = {
    "nnU-Net": (
        [
            "imagesTr/liver_001_0000.nii.gz",
            "imagesTr/liver_002_0000.nii.gz",
            "imagesTs/liver_009_0000.nii.gz",
            "labelsTr/liver_001.nii.gz",
            "labelsTr/liver_002.nii.gz",
        ],
        {
            "imagesTr/liver_001_0000.nii.gz": "labelsTr/liver_001.nii.gz",
            "imagesTr/liver_002_0000.nii.gz": "labelsTr/liver_002.nii.gz",
            "imagesTs/liver_009_0000.nii.gz": None,
        },
    ),
    "BTCV": (
        ["Training/img/img0001.nii.gz", "Training/label/label0001.nii.gz"],
        {"Training/img/img0001.nii.gz": "Training/label/label0001.nii.gz"},
    ),
    "folders below": (
        ["images/a/x.nrrd", "masks/a/x.nrrd", "images/b/x.nrrd"],
        {"images/a/x.nrrd": "masks/a/x.nrrd", "images/b/x.nrrd": None},
    ),
    "beside each other": (
        ["p1/ct_image.nii", "p1/ct_label.nii", "p2/ct_image.nii"],
        {"p1/ct_image.nii": "p1/ct_label.nii", "p2/ct_image.nii": None},
    ),
    "an ending on one": (
        ["a/one.mha", "a/one_seg.mha", "a/two.mha", "a/two-mask.mha"],
        {"a/one.mha": "a/one_seg.mha", "a/two.mha": "a/two-mask.mha"},
    ),
    "BraTS": (
        ["B-001/B-001-t1c.nii.gz", "B-001/B-001-t2f.nii.gz", "B-001/B-001-seg.nii.gz"],
        {"B-001/B-001-t1c.nii.gz": "B-001/B-001-seg.nii.gz", "B-001/B-001-t2f.nii.gz": "B-001/B-001-seg.nii.gz"},
    ),
    "BIDS": (
        ["sub-1/anat/sub-1_T1w.nii.gz", "sub-1/anat/sub-1_dseg.nii.gz"],
        {"sub-1/anat/sub-1_T1w.nii.gz": "sub-1/anat/sub-1_dseg.nii.gz"},
    ),
    "no labels": (["labels/x.nii", "sub/y.nii"], {"labels/x.nii": None, "sub/y.nii": None}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str) -> None:
    uris, expected = LAYOUTS[layout]
    found = paired(uris)
    assert dict(zip(found.images, found.masks, strict=True)) == expected
    assert found.alone == []


def test_labels_without_an_image_are_told() -> None:
    found = paired(["imagesTr/a.nii.gz", "labelsTr/a.nii.gz", "labelsTr/b.nii.gz"])
    assert found.alone == ["labelsTr/b.nii.gz"]


def test_cases() -> None:
    names = {
        "x/img0007.nii.gz": "0007",
        "label0007.nii": "0007",
        "case_03_0001.nrrd": "case_03",
        "v_seg.mha": "v",
        "image.nii": "image",
    }
    assert {uri: case_of(uri) for uri in names} == names
