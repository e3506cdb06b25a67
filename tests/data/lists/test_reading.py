from __future__ import annotations

import json
from pathlib import Path

import pytest

from vesalius.data.lists.reading import read_list
from vesalius.errors import UserError


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (["a.nii"], "a plain list"),
        ({"training": [{"image": "a.nii"}], "labels": {"0": "none", "1": "organ"}}, "a list of MONAI or the Decathlon"),
        ({"channel_names": {}, "file_ending": ".nii", "dataset": {"a": {"images": ["a.nii"]}}}, "nnU-Net's dataset.json"),
        (
            {"collection_name": "c", "datasets": {"d": {"subjects": {"p": {"sessions": {"s": {"images": [{"image_path": "a.nii"}]}}}}}}},
            "nnssl's pretrain_data.json",
        ),
    ],
)
def test_each_form_is_known_by_its_content(tmp_path: Path, content: object, form: str) -> None:
    file = tmp_path / "list.json"
    file.write_text(json.dumps(content), encoding="utf-8-sig")
    found = read_list(file, tmp_path)
    assert found.form == form
    assert [entry.image for entry in found.entries] == ["a.nii"]


@pytest.mark.parametrize("text", ["{", "3", "{}", '{"a": [1]}'])
def test_what_lists_no_volumes_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(UserError, match=r"list\.json"):
        read_list(tmp_path / "list.json")
