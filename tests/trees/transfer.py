"""The sets of Anton et al. as they are downloaded, or as their README lays them out below ``data``, small."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.sources.native import cifar
from tests.trees import chexpert, nih

SIDE = 20


def picture(path: Path, number: int, side: int = SIDE, *, grey: bool = False) -> None:
    """A picture that no other number has, in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(number)
    Image.fromarray(rng.integers(0, 256, (side, side) if grey else (side, side, 3)).astype(np.uint8)).save(path)


def bach(root: Path, each: int = 3, *, layout: str = "ICIAR2018_BACH_Challenge/Photos", table: bool = True, first: int = 40) -> Path:
    """``each`` images of each class from number ``first`` on, so that eva's split divides them."""
    rows = []
    for place, (prefix, name) in enumerate((("b", "Benign"), ("is", "InSitu"), ("iv", "Invasive"), ("n", "Normal"))):
        for number in range(first, first + each):
            picture(root / layout / name / f"{prefix}{number:03d}.tif", 100 * place + number)
            rows.append(f"{prefix}{number:03d}.tif,{name}")
    picture(root / layout.partition("/")[0] / "WSI" / "thumbnails" / "A01.png", 1)
    if table:
        (root / layout / "microscopy_ground_truth.csv").write_text("\n".join(rows) + "\n")
    return root


def amd(root: Path, each: int = 4, *, folders: bool = True, table: bool = False) -> Path:
    """``each`` with and without, in folders or together, with outlines of the same names beside them."""
    rows = ["image,label"]
    for place, (letter, name) in enumerate((("A", "AMD"), ("N", "Non-AMD"))):
        for number in range(1, each + 1):
            stem = f"{letter}{number:04d}"
            picture(root / "Training400" / (name if folders else "") / f"{stem}.jpg", 100 * place + number)
            picture(root / "Training400" / "Disc_Masks" / f"{stem}.bmp", 1)
            rows.append(f"{stem},{1 - place}")
    if table:
        (root / "amd_labels.csv").write_text("\n".join(rows) + "\n")
    return root


def pm(root: Path, each: int = 4, *, nested: bool = True, table: bool = False) -> Path:
    """``each`` normal, highly myopic and pathological."""
    rows = ["ID,imgName,Fovea_X,Fovea_Y,label"]
    for grade, letter in enumerate("NHP"):
        for number in range(1, each + 1):
            name = f"{letter}{number:04d}.jpg"
            picture(root / "PALM-Training400" / ("PALM-Training400" if nested else "") / name, 100 * grade + number)
            picture(root / "PALM-Training400-Annotation-Lession" / "Atrophy" / name.replace("jpg", "bmp"), 1)
            rows.append(f"{number},{name},1.0,1.0,{grade}")
    if table:
        (root / "PALM-Training400" / "fovea_location_csv.csv").write_text("\n".join(rows) + "\n")
    return root


def montgomery(root: Path, count: int = 12, *, outer: bool = True, readings: bool = True, table: str = "") -> Path:
    """Every third is not normal; outlines of the lungs bear the images' names."""
    home, rows = root / "MontgomerySet" if outer else root, ["study_id,sex,age,findings"]
    for number in range(1, count + 1):
        ill = int(number % 3 == 0)
        stem, finding = f"MCUCXR_{number:04d}_{ill}", ("normal", "RUL infiltrate")[ill]
        picture(home / "CXR_png" / f"{stem}.png", number, grey=True)
        picture(home / "ManualMask" / "leftMask" / f"{stem}.png", 1, grey=True)
        if readings:
            (home / "ClinicalReadings").mkdir(exist_ok=True)
            text = f"Patient's Sex: {'FM'[number % 2]}\nPatient's Age: {20 + number:03d}Y\n{finding}\n"
            (home / "ClinicalReadings" / f"{stem}.txt").write_text(text)
        rows.append(f"{stem}.png,{('female', 'male')[number % 2]},{20 + number},{finding}")
    if table:
        (root / table).write_text("\n".join(rows) + "\n")
    return root


def shenzhen(root: Path, count: int = 12, *, outer: bool = True, readings: bool = True, table: str = "") -> Path:
    """Half are not normal; readings as that hospital wrote them."""
    home, rows = root / "ChinaSet_AllFiles" if outer else root, ["study_id,sex,age,findings"]
    for number in range(1, count + 1):
        ill = int(number > count // 2)
        stem, finding = f"CHNCXR_{number:04d}_{ill}", ("normal", "bilateral PTB")[ill]
        picture(home / "CXR_png" / f"{stem}.png", number, grey=True)
        if readings:
            (home / "ClinicalReadings").mkdir(exist_ok=True)
            (home / "ClinicalReadings" / f"{stem}.txt").write_text(f"{('female', 'Male,')[number % 2]} {30 + number}yrs\r\n{finding}\r\n")
        rows.append(f"{stem}.png,{('Female', 'Male')[number % 2]},{30 + number},{finding}")
    if table:
        (root / table).write_text("\n".join(rows) + "\n")
    return root


def eyepacs(root: Path, people: int = 10, *, held: int = 5, solution: str = "testLabels.csv", pictures: bool = True) -> Path:
    """Both eyes of ``people`` to train on and of ``held`` to test with, graded by number."""
    root.mkdir(parents=True, exist_ok=True)
    for part, first, count, table in (("train", 10, people, "trainLabels.csv"), ("test", 1000, held, solution)):
        usage = table == "retinopathy_solution.csv"
        rows = ["image,level,Usage" if usage else "image,level"]
        for person in range(first, first + count):
            for place, side in enumerate(("left", "right")):
                if pictures:
                    picture(root / part / f"{person}_{side}.jpeg", 2 * person + place)
                rows.append(f"{person}_{side},{(person + place) % 5}" + (",Private" if usage else ""))
        if table:
            (root / table).write_text("\n".join(rows) + "\n")
    return root


def stoic(root: Path, people: int = 6, *, shape: Sequence[int] = (12, 10, 9)) -> Path:
    """Volumes of voxels that say where they are: HU = -1000 + 100 z + 10 y + x, and lung in one slice of each."""
    (root / "metadata").mkdir(parents=True, exist_ok=True)
    (root / "data" / "mha").mkdir(parents=True, exist_ok=True)
    rows = ["PatientID,probCOVID,probSevere"]
    x, y, z = np.meshgrid(*(np.arange(side) for side in shape), indexing="ij")
    for person in range(people):
        values = (-400 + 50 * z + 4 * y + x + 10 * person).astype("<i2")
        values[2:10, 2:8, 2] = -800
        header = (
            "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
            "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 0.7 0.7 1.5\n"
            f"DimSize = {' '.join(map(str, shape))}\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
        )
        (root / "data" / "mha" / f"{5 + person}.mha").write_bytes(header.encode() + values.tobytes(order="F"))
        rows.append(f"{5 + person},{person % 2},{int(person % 4 == 3)}")
    (root / "metadata" / "reference.csv").write_text("\n".join(rows) + "\n")
    return root


def original(data: Path) -> Path:
    """The README's ``data`` tree, whole: every set in the folder and under the names that it has there."""
    bach(data / "bach")
    nih.write(data / "chestx", 28, follow_ups=1, layout="images", lists=False, side=SIDE)
    home = chexpert.write(data / "chexpert", 20, version="CheXpert-v1.0", side=SIDE)
    (home / "train.csv").rename(data / "chexpert" / "train.csv")
    cifar(data / "CIFAR10", "cifar10", 6)
    eyepacs(data / "diabetic_retinopathy")
    amd(data / "ichallenge_amd", table=True)
    pm(data / "ichallenge_pm", table=True)
    montgomery(data / "montgomerycxr", table="montgomery_metadata.csv")
    shenzhen(data / "shenzhencxr", table="shenzhencxr_metadata.csv")
    stoic(data / "stoic", 10)
    return data


ORIGINALS = ("bach", "chestx", "chexpert", "cifar10", "diabetic_retinopathy", "ichallenge_amd", "ichallenge_pm", "montgomerycxr", "shenzhencxr", "stoic")
"""What the original's code calls these sets."""
