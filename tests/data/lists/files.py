"""Lists of every form, with empty files where they say that volumes are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def touch(root: Path, *paths: str) -> Path:
    """Empty files at ``paths`` below ``root``."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def write(path: Path, content: Any) -> Path:
    """``content`` as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def nnunet(
    root: Path,
    cases: int = 4,
    *,
    channels: int = 1,
    ending: str = ".nii.gz",
    labels: Any = None,
    test: Sequence[int] = (),
) -> Path:
    """An nnU-Net data set of version 2; ``test``: cases of imagesTs with labels."""
    for part, numbers in (("Tr", range(cases)), ("Ts", test)):
        for number in numbers:
            touch(root, *(f"images{part}/liver_{number:03}_{channel:04}{ending}" for channel in range(channels)))
            touch(root, f"labels{part}/liver_{number:03}{ending}")
    meaning = {"background": 0, "liver": 1, "tumour": 2} if labels is None else labels
    said = {"channel_names": {"0": "CT"}, "labels": meaning, "numTraining": cases, "file_ending": ending}
    return write(root / "dataset.json", said)


def nnssl(root: Path, subjects: int = 3, *, prefix: str = "$nnssl_raw/Dataset007_OURS/") -> Path:
    """An nnssl collection of one data set: two sessions a subject, a T1 and a T2 each, with masks."""
    folder = root / "Dataset007_OURS"
    said: dict[str, Any] = {}
    for who in range(subjects):
        sessions = {}
        for when in range(2):
            images = []
            for kind in ("T1w", "T2w"):
                name = f"sub-{who}/ses-{when}/{kind}"
                touch(folder, f"{name}.nii.gz", f"{name}_anon.nii.gz")
                masks = {"anatomy_mask": None, "anonymization_mask": f"{prefix}{name}_anon.nii.gz"}
                images.append(
                    {
                        "name": f"{kind}.nii.gz",
                        "modality": kind,
                        "image_info": {},
                        "image_path": f"{prefix}{name}.nii.gz",
                        "associated_masks": masks,
                    }
                )
            sessions[f"ses-{when}"] = {"session_id": f"ses-{when}", "session_info": {}, "images": images}
        said[f"sub-{who}"] = {"subject_id": f"sub-{who}", "subject_info": {}, "sessions": sessions}
    content = {
        "collection_index": 7,
        "collection_name": "Dataset007_OURS",
        "datasets": {"ours": {"dataset_index": "1", "dataset_info": {}, "subjects": said}},
    }
    return write(folder / "pretrain_data.json", content)
