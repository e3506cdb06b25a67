from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.data.lists import nnssl
from vesalius.errors import UserError

FILE = Path("pretrain_data.json")


def content(path: str) -> dict[str, object]:
    image = {"image_path": path, "modality": "T1", "associated_masks": {"anatomy_mask": "$nnssl_raw/m.nii.gz"}}
    session = {"session_id": "s1", "images": [image]}
    return {"collection_name": "c", "datasets": {"d": {"subjects": {"p": {"subject_id": "p", "sessions": {"s1": session}}}}}}


def test_subjects_sessions_and_modalities_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("nnssl_raw", str(tmp_path))
    said = content("$nnssl_raw/a.nii.gz")
    assert nnssl.fits(said)
    found = nnssl.read(said, FILE, None)
    (entry,) = found.entries
    assert (entry.image, entry.subject, entry.study) == ("a.nii.gz", "d/p", "d/p/s1")
    assert entry.meta == {"anatomy_mask": "m.nii.gz", "modality": "T1"}
    assert found.root == tmp_path


def test_an_image_without_a_path_and_preprocessed_files_are_refused() -> None:
    for path in ("", "$nnssl_preprocessed/a.b2nd"):
        with pytest.raises(UserError, match=r"pretrain_data\.json"):
            nnssl.read(content(path), FILE, Path())


def test_other_forms_do_not_fit() -> None:
    assert not nnssl.fits({"datasets": {}})
    assert not nnssl.fits([])
