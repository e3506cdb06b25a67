"""What labelling tools and viewers read, as far as it can be told without them; docs/proofs/viewers.py asks the tools themselves."""

# Proves select.annotated too: see mirrors.yaml.

from __future__ import annotations

import ast
import json
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.select import lightly_tree
from tests.select.handing.selections import images, of_folder, selected
from vesalius.data import references
from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.select.handing import cvat, embedding_atlas, fiftyone, label_studio, lightly_studio
from vesalius.select.selected import Selected

PICKED = ["b/é ü.png", "a/eins.png", "b/four's.jpg"]
TOOLS = (label_studio, cvat, fiftyone, lightly_studio)


def predicted(root: Path) -> Selected:
    """With boxes and classes by a model, of the first pick."""
    images(root)
    box = [{"category_id": 7, "bbox": [3, 2, 6, 4], "score": 0.9}]
    lightly_tree.predictions(root, "cells", "object-detection", {7: "white", 9: "red"}, {PICKED[0]: box})
    lightly_tree.predictions(root, "scene", "classification", {0: "day", 1: "night"}, {PICKED[0]: [{"category_id": 1, "probabilities": [0.25, 0.75]}]})
    return of_folder(root)


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_label_studio_tasks_name_files_below_the_root_and_their_first_drafts(tmp_path: Path) -> None:
    handed = label_studio.write(predicted(tmp_path / "data"), tmp_path / "out")
    tasks = read(tmp_path / "out" / "tasks.json")
    assert [unquote(task["data"]["image"]).removeprefix("/data/local-files/?d=") for task in tasks] == PICKED
    assert "é" not in tasks[0]["data"]["image"]
    assert f"LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={tmp_path / 'data'}" in handed.command
    assert not (tmp_path / "out" / "images").exists()  # the user's own files are shown
    config = ET.parse(tmp_path / "out" / "label_config.xml").getroot()
    controls = {control.attrib["name"]: (control.tag, [value.attrib["value"] for value in control]) for control in config[1:]}
    assert controls == {
        "kind": ("Choices", ["good <&>", "bad"]),
        "cells": ("RectangleLabels", ["white", "red"]),
        "scene": ("Choices", ["day", "night"]),
    }
    (draft,) = tasks[0]["predictions"]
    found = {one["from_name"]: one for one in draft["result"]}
    assert all(one["to_name"] == "image" and one["type"] == controls[name][0].lower() for name, one in found.items())
    assert found["kind"]["value"] == {"choices": ["good <&>"]}
    assert found["scene"]["value"] == {"choices": ["night"]}
    box = {key: found["cells"]["value"][key] for key in ("x", "y", "width", "height")}
    assert box == {"x": 25, "y": 25, "width": 50, "height": 50}  # per cent of 12 x 8
    assert (found["cells"]["original_width"], found["cells"]["original_height"]) == (12, 8)
    assert 0 <= draft["score"] <= 1
    assert "predictions" not in tasks[2]  # nothing is known of it


def test_label_studio_offers_free_text_where_no_class_is_known(tmp_path: Path) -> None:
    label_studio.write(of_folder(tmp_path / "data", labelled=False), tmp_path / "out")
    config = ET.parse(tmp_path / "out" / "label_config.xml").getroot()
    assert [control.tag for control in config] == ["Image", "TextArea"]


def test_cvat_gets_copies_of_unique_names_labels_and_annotations_in_its_order(tmp_path: Path) -> None:
    handed = cvat.write(predicted(tmp_path / "data"), tmp_path / "out")
    root = ET.parse(tmp_path / "out" / "annotations.xml").getroot()
    assert root.findtext("version") == "1.1"
    assert root.findtext("meta/task/size") == "3"
    names = [one.findtext("name") for one in root.iterfind("meta/task/labels/label")]
    assert names == [one["name"] for one in read(tmp_path / "out" / "labels.json")] == ["good <&>", "bad", "white", "red", "day", "night"]
    frames = root.findall("image")
    assert [frame.attrib["id"] for frame in frames] == ["0", "1", "2"]
    assert [frame.attrib["name"] for frame in frames] == sorted(name.replace("/", "__") for name in PICKED)
    for frame in frames:
        file = tmp_path / "out" / "images" / frame.attrib["name"]
        assert file.read_bytes() == (tmp_path / "data" / frame.attrib["name"].replace("__", "/")).read_bytes()
        assert (frame.attrib["width"], frame.attrib["height"]) == ("12", "8")
    first = frames[2]
    assert {(tag.attrib["label"], tag.attrib["source"]) for tag in first.iter("tag")} == {("good <&>", "manual"), ("night", "auto")}
    (box,) = first.iter("box")
    assert {key: box.attrib[key] for key in ("label", "xtl", "ytl", "xbr", "ybr")} == {
        "label": "white", "xtl": "3.00", "ytl": "2.00", "xbr": "9.00", "ybr": "6.00",
    }  # fmt: skip
    assert shlex.split(handed.command)[:4] == ["cvat-cli", "task", "create", "my selection"]


def test_fiftyone_samples_hold_tags_labels_boxes_and_vectors(tmp_path: Path) -> None:
    one = predicted(tmp_path / "data")
    handed = fiftyone.write(one, tmp_path / "out")
    assert "version" not in read(tmp_path / "out" / "metadata.json")  # with one it would be another layout
    samples = read(tmp_path / "out" / "samples.json")["samples"]
    assert [sample["filepath"] for sample in samples] == one.candidates.names.tolist()
    assert {sample["filepath"]: sample["order"] for sample in samples if sample["tags"] == ["selected"]} == {name: n + 1 for n, name in enumerate(PICKED)}
    first = next(sample for sample in samples if sample["filepath"] == PICKED[0])
    assert first["kind"] == {"_cls": "Classification", "tags": [], "label": "good <&>"}
    assert first["scene"]["confidence"] == 0.75
    assert first["cells"]["detections"][0]["bounding_box"] == [0.25, 0.25, 0.5, 0.5]
    assert np.allclose([sample["embedding"] for sample in samples], one.candidates.vectors, atol=1e-6)
    words = shlex.split(handed.command)
    assert words[words.index("--kwargs") + 1] == f"rel_dir={tmp_path / 'data'}"


def test_lightly_studio_gets_a_script_that_sends_nothing(tmp_path: Path) -> None:
    one = of_folder(tmp_path / "data", chosen=(3,))
    handed = lightly_studio.write(one, tmp_path / "out")
    script = (tmp_path / "out" / "open_in_lightly_studio.py").read_text()
    lines = [ast.unparse(node) for node in ast.parse(script).body]
    off = lines.index("os.environ['LIGHTLY_STUDIO_ANALYTICS_ENABLED'] = 'false'")
    assert off < min(n for n, line in enumerate(lines) if "lightly_studio" in line and "import" in line)
    assert handed.command == f"python {tmp_path / 'out' / 'open_in_lightly_studio.py'}"
    about = read(tmp_path / "out" / "samples.json")
    assert about["root"] == str(tmp_path / "data")
    assert [sample["file"] for sample in about["samples"]] == one.candidates.names.tolist()
    assert [sample["tags"] for sample in about["samples"]] == [["selected"], [], ["selected"], ["preselected"], ["selected"], []]
    assert about["samples"][0]["about"] == {"kind": "good <&>", "age": 20.0, "order": 2, "gain": 1.5}
    assert (np.load(tmp_path / "out" / "vectors.npy") == one.candidates.vectors).all()
    coco = read(tmp_path / "out" / "images.json")
    assert [(image["file_name"], image["width"], image["height"]) for image in coco["images"]] == [(str(name), 12, 8) for name in one.candidates.names]


def test_embedding_atlas_gets_places_thumbnails_neighbours_and_states(tmp_path: Path) -> None:
    one = of_folder(tmp_path / "data", chosen=(3,))
    handed = embedding_atlas.write(one, tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    columns = table.to_pydict()
    assert columns["name"] == one.candidates.names.tolist()
    assert columns["selected"] == ["selected", "not selected", "selected", "before", "selected", "not selected"]
    assert columns["order"] == [2, None, 3, None, 1, None]
    assert np.allclose(np.stack([columns["x"], columns["y"]], 1), one.map)
    assert columns["kind"] == ["good <&>", "bad", None, "bad", "good <&>", "bad"]
    assert table.schema.field("vector").type.list_size == 4
    for row, picture in enumerate(columns["thumbnail"]):
        (tmp_path / "one.png").write_bytes(picture["bytes"])
        assert Image.open(tmp_path / "one.png").size == (12, 8), row
    for row, told in enumerate(columns["neighbors"]):
        assert row not in told["ids"]
        assert told["distances"] == sorted(told["distances"])
        far = np.linalg.norm(one.candidates.vectors[told["ids"]] - one.candidates.vectors[row], axis=1)
        assert np.allclose(far, told["distances"], atol=1e-5)
    options = shlex.split(handed.command)
    assert [options[options.index(f"--{name}") + 1] for name in ("x", "y", "vector", "image", "neighbors")] == ["x", "y", "vector", "thumbnail", "neighbors"]
    assert set(options[2:]) - {"--x", "--y", "--vector", "--image", "--neighbors"} <= set(columns)


@pytest.mark.parametrize("tool", TOOLS)
def test_what_no_browser_shows_becomes_a_picture(tool: ModuleType, tmp_path: Path) -> None:
    np.savez(tmp_path / "images.npz", train_images=np.arange(4 * 9 * 7, dtype=np.uint8).reshape(4, 9, 7), train_labels=np.arange(4) % 2)
    table = references.resolve(str(tmp_path / "images.npz"))
    tool.write(selected(table, (2, 0), labelled=False), tmp_path / "out")
    made = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out" / "images").rglob("*.png"))
    assert len(made) == (2 if tool in (label_studio, cvat) else 4)
    frame = next(file for file in made if "-2." in file)
    assert (np.asarray(Image.open(tmp_path / "out" / frame))[..., 0] == np.arange(4 * 9 * 7, dtype=np.uint8).reshape(4, 9, 7)[2]).all()
    assert not list((tmp_path).glob(".out*"))


def test_sixteen_bits_and_browsers_files_lie_together_when_one_has_to_be_made(tmp_path: Path) -> None:
    root = images(tmp_path / "data", ("a.png",))
    Image.fromarray(np.full((5, 6), 65535, np.uint16)).save(root / "deep.tif")
    label_studio.write(selected(SampleTable.of("folder", root, ["a.png", "deep.tif"]), (1, 0), labelled=False), tmp_path / "out")
    tasks = read(tmp_path / "out" / "tasks.json")
    assert [task["data"]["image"] for task in tasks] == [f"/data/local-files/?d=images/{name}" for name in ("deep.tif.png", "a.png")]
    assert np.asarray(Image.open(tmp_path / "out" / "images" / "deep.tif.png")).tolist() == np.full((5, 6, 3), 255).tolist()
    assert (tmp_path / "out" / "images" / "a.png").read_bytes() == (root / "a.png").read_bytes()


@pytest.mark.parametrize("tool", TOOLS)
def test_vanished_and_broken_images_are_named_and_left_out(tool: ModuleType, tmp_path: Path) -> None:
    one = of_folder(tmp_path / "data")
    (tmp_path / "data" / PICKED[0]).unlink()
    (tmp_path / "data" / PICKED[1]).write_bytes(b"no image")
    (note,) = (note for note in tool.write(one, tmp_path / "out").notes if "left out" in note)
    assert note.startswith("2 left out")
    assert PICKED[0] in note
    assert PICKED[1] in note
    for name in PICKED:
        (tmp_path / "data" / name).unlink(missing_ok=True)
    if tool in (label_studio, cvat):
        with pytest.raises(UserError, match="None of the 3 images can be read") as told:
            tool.write(one, tmp_path / "again")
        assert "\n" not in str(told.value)
        assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("tool", [*TOOLS, embedding_atlas])
def test_volumes_are_refused(tool: ModuleType, tmp_path: Path) -> None:
    table = SampleTable.of("folder", tmp_path, ["a.nii.gz", "b.nii.gz"], dims=3)
    with pytest.raises(UserError, match="holds volumes, which no browser shows"):
        tool.write(selected(table, (0,), labelled=False), tmp_path / "out")


def test_atlas_leaves_empty_what_cannot_be_shown(tmp_path: Path) -> None:
    one = of_folder(tmp_path / "data")
    (tmp_path / "data" / PICKED[0]).unlink()
    handed = embedding_atlas.write(one, tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["thumbnail"].null_count == 1
    assert "1 images could not be read" in handed.notes[0]


def test_two_images_of_one_name_are_refused_where_folders_are_forgotten(tmp_path: Path) -> None:
    one = of_folder(tmp_path / "data", ("a/b.png", "a__b.png", "c.png"), rows=(0, 1), labelled=False)
    with pytest.raises(UserError, match=r"would both be written as images/a__b\.png"):
        cvat.write(one, tmp_path / "out")
    label_studio.write(one, tmp_path / "fine")
