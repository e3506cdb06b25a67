"""Every command and snippet of the documents: run by the test of its page or by this one, or understood by the real command line and said why.

A block that nobody runs or reads fails here, and so does a command whose words or fields the command line does not know.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cyclopts
import numpy as np
import pytest
import yaml

from tests.coverage.command_line import vesalius
from tests.docs.commands import Understood, fenced, inline, lines, understood
from tests.test_docs import images
from tests.volumes import LABELS, write_tree
from vesalius import registry

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = ("docs/proofs/", "docs/walkthroughs")
"""What programs write, with the commands that they ran."""
PAGES = sorted(
    name
    for file in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
    if not (name := file.relative_to(ROOT).as_posix()).startswith(WRITTEN) and re.search(r"^ *```|`vesalius ", file.read_text(), re.MULTILINE)
)
ELSEWHERE = {
    "docs/leakage.md": "tests/docs/test_tutorial_evaluate.py",
    "docs/clusters.md": "tests/submit/test_clusters_page.py",
    "docs/extend.md": "tests/coverage/test_innereye_own.py",
    "docs/remote-data.md": "tests/remote/test_s3.py",
    "docs/repeat.md": "tests/test_repeat.py",
    "docs/select-report.md": "tests/docs/test_selection_numbers.py",
}
"""Pages whose test does not bear their name."""
HERE = ("docs/checkpoints.md", "docs/data.md", "docs/encoders.md", "docs/views.md")
"""Pages that this file runs."""
UNDERSTOOD = {
    "docs/benchmarks.md": "minutes of measuring; `make bench` is a step of the proof",
    "docs/k-centre.md": "tests/docs/test_k_centre.py runs what both measure, smaller",
    "docs/dicom.md": "tests/reliability/test_dicom_privacy.py runs these verbs on a folder of DICOM",
    "docs/gallery.md": "what `make gallery` runs, an hour; tests/docs/test_gallery.py holds them against the generator",
    "docs/methods-compared.md": "eight trainings; a step of the third proof",
    "docs/radiographs.md": "data sets behind an account; tests/test_radiographs*.py run the same on trees laid out as theirs",
    "docs/real-images.md": "ten minutes of training on Fashion-MNIST",
    "docs/reference-results.md": "the originals' data; tests/stated runs the table",
    "docs/statistics.md": "CheXpert; tests/evaluate runs subgroups and intervals on small sets",
    "docs/when-ssl-helps.md": "published weights; tests/docs/test_tutorial_evaluate.py runs these protocols on encoders made there",
    "docs/tracking.md": "a server of MLflow; tests/runs/trackers runs both trackers on files",
}
"""Pages of which no block is run, and why; their commands are understood all the same."""
PARTLY = {
    "docs/evaluate.md": "a model of the zoo has to be fetched; the rest of the page runs",
    "docs/invariance.md": "CheXpert, EyePACS and a table of visits; tests/docs/test_looking.py runs pairs of a table",
    "docs/remote-data.md": "addresses of nobody's; tests/remote runs every verb on servers of its own",
    "docs/zoo.md": "weights that have to be fetched; tests/encoders/zoo prepares stand-ins of each file",
}
"""Pages of which some commands are not run, and why; they are understood like all others."""
OTHERS = {
    "az": "Azure's own client",
    "export": "the shell",
    "mlflow": "needs a server",
    "pip": "an installation: the extra is looked up",
    "srun": "a cluster",
    "tensorboard": "needs a server",
    "torchrun": "several processes: tests/reliability runs them; what follows is understood",
}
"""Programs that are not ours: what cannot be run here, or how it is."""


def text(page: str) -> str:
    return (ROOT / page).read_text()


def runner_of(page: str) -> Path | None:
    """The test that is named after the page, or said to run it."""
    if page in ELSEWHERE:
        return ROOT / ELSEWHERE[page]
    if page in ("README.md", "docs/tutorial.md"):
        return ROOT / "tests" / "test_docs.py"
    named = Path(page).stem.replace("-", "_")
    named = {"ssl_medicalimaging": "transfer", "monai_tutorial": "monai", "lightly": "lightly"}.get(named, named)
    for name in (f"test_{named}.py", f"test_migration_{named}.py"):
        if (ROOT / "tests" / "docs" / name).exists():
            return ROOT / "tests" / "docs" / name
    return None


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the examples, in which commands are understood."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for file in (ROOT / "examples").glob("*.py"):
        (tmp_path / file.name).symlink_to(file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    return tmp_path


def files_of(page: str, folder: Path) -> None:
    """What the page shows as files: blocks that begin with a name, and jobs under the name that its commands give."""
    shell = "\n".join(block for language, block in fenced(text(page)) if language == "bash")
    jobs = list(dict.fromkeys(re.findall(r"select ([\w-]+\.yaml)", shell)))
    for language, block in fenced(text(page)):
        named = re.match(r"# ([\w-]+\.(?:py|yaml))\n", block)
        if named:
            (folder / named[1]).write_text(block)
        elif language == "yaml" and "selection_config" in block and jobs:
            (folder / jobs.pop(0)).write_text(block)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run_or_read_by_somebody(page: str) -> None:
    languages = {language for language, _ in fenced(text(page))}
    assert languages <= {"bash", "python", "yaml", "toml", "json", "text"}, f"{page}: say of every block what it is"
    if not languages & {"bash", "python"} or page in HERE or page in UNDERSTOOD:
        assert not (page in UNDERSTOOD and "python" in languages), f"{page}: its Python is run by nobody"
        return
    test = runner_of(page)
    assert test is not None, f"{page}: no test runs its blocks; write tests/docs/test_{Path(page).stem.replace('-', '_')}.py"
    source = test.read_text()
    assert Path(page).name in source, f"{test.name} does not open {page}"
    assert "python" not in languages or re.search(r"\bexec\(|write_text\(", source), f"{test.name} runs no Python of {page}"
    assert "bash" not in languages or re.search(r"\b(vesalius|main|ran|repeat)\(", source), f"{test.name} runs no command of {page}"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_understood(page: str, beside: Path) -> None:
    files_of(page, beside)
    for language, block in fenced(text(page)):
        for program, *words in lines(block) if language == "bash" else ():
            known(page, program, words)
    for words, whole in inline(text(page)):
        if "VERB" not in words:
            fragment(page, words, whole, beside)


def known(page: str, program: str, words: list[str]) -> None:
    """A line of a block."""
    if program == "vesalius":
        understood(words)
    elif program == "make":
        assert re.search(rf"^{words[0]}:", text("Makefile"), re.MULTILINE), f"{page}: make {words[0]}"
    elif program == "python" and words[0] == "-m":
        assert importlib.util.find_spec(words[1]) is not None, f"{page}: {words[1]}"
    elif program == "python":
        assert (ROOT / words[0]).is_file(), f"{page}: {words[0]}"
    else:
        assert program in OTHERS, f"{page}: {program} is run by nobody"
        if program == "pip":
            extras = tomllib.loads(text("pyproject.toml"))["project"]["optional-dependencies"]
            asked = [extra for word in words for extra in re.findall(r"vesalius\[(.+)\]", word)]
            assert set(",".join(asked).split(",")) - {""} <= set(extras), f"{page}: {words}"
        if "vesalius.cli" in words:
            understood(words[words.index("vesalius.cli") + 1 :])


def fragment(page: str, words: list[str], whole: bool, folder: Path) -> None:
    """A command within the text: its names and options are known; where it is whole, all of it."""
    (folder / "config.yaml").write_text("data: ./images\nencoder: timm:resnet18\nselection_config: {n_samples: 5, strategies: []}\n")
    stand_ins = {"RUN": "runs/one", "E": "timm:resnet18", "ENCODER": "timm:resnet18"}
    said = [stand_ins.get(word, word) for word in words]
    if said[0] == "evaluate" and said[1:] and said[1].startswith("-"):
        said.insert(1, "knn")  # dots stood for the protocols
    try:
        if whole:
            understood(said)
        else:
            from vesalius.cli import app

            app.parse_args(said, exit_on_error=False, print_error=False)
    except cyclopts.MissingArgumentError:
        return  # the text speaks of an option, or of a command by its name
    except Exception as error:
        raise AssertionError(f"{page}: `vesalius {' '.join(words)}`: {error}") from error


@pytest.mark.parametrize("page", [page for page in PAGES if {"yaml", "toml", "json"} & {language for language, _ in fenced(text(page))}])
def test_every_file_that_is_shown_is_read(page: str, beside: Path) -> None:
    from vesalius.recipes.loading import load_pretrain
    from vesalius.select.job import read

    files_of(page, beside)
    for language, block in fenced(text(page)):
        if language == "toml":
            (group,) = tomllib.loads(block)["project"]["entry-points"]
            assert group.removeprefix("vesalius.") in registry.GROUPS, group
        elif language == "json":
            json.loads(block)
        elif language == "yaml":
            given: Mapping[str, Any] = yaml.safe_load(block)
            if "selection_config" in given:
                read(given, {})
            elif "extends" in given:
                load_pretrain(re.match(r"# ([\w-]+\.yaml)", block)[1])  # type: ignore[index]
            else:
                volumes = given.get("views", {}).get("dims") == 3 or "plan" in (given.get("data") or {})
                load_pretrain("tcia-restoration" if volumes else "cifar10-simclr", given)


@pytest.mark.parametrize("page", [*UNDERSTOOD, *PARTLY])
def test_what_is_not_run_is_run_in_another_way(page: str) -> None:
    assert page in PAGES
    for place in re.findall(r"\btests/[\w/*.]+\b\*?", {**UNDERSTOOD, **PARTLY}[page]):
        assert list(ROOT.glob(place)), f"{page}: {place}"


def test_a_command_that_is_wrong_is_not_understood(beside: Path) -> None:
    for words in (["pretrain", "cifar10-simclr", "--epoch", "3"], ["evaluate", "knn", "--encoder", "a", "--data", "b", "--kk", "3"], ["embedd"]):
        with pytest.raises(Exception, match=r"epochs|kk|embed"):
            understood(words)
    with pytest.raises(AssertionError, match="frobnicate"):
        known("page", "frobnicate", [])
    assert issubclass(Understood, BaseException)


def blocks(page: str, language: str) -> list[str]:
    return [block for kind, block in fenced(text(page)) if kind == language]


def test_docs_checkpoints(beside: Path) -> None:
    import torch
    from torchvision.models import resnet18

    images(beside / "images")
    torch.save({"state_dict": resnet18().state_dict()}, beside / "last.ckpt")
    space: dict[str, Any] = {}
    (code,) = blocks("docs/checkpoints.md", "python")
    exec(compile(code, "checkpoints.md", "exec"), space)
    assert space["encoder"].loaded.matched
    (first, *_), _ = (lines(block) for block in blocks("docs/checkpoints.md", "bash"))
    done = vesalius(*first[1:])
    assert done.code == 0, done.said


def test_docs_data(beside: Path) -> None:
    images(beside / "drawn")
    for file in (beside / "drawn").rglob("*.png"):
        place = beside / "my-images" / f"patient{int(file.stem) % 10}" / f"{file.parent.name}-{file.name}"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, place)
    first, second = blocks("docs/data.md", "python")
    space: dict[str, Any] = {}
    exec(compile(first, "data.md", "exec"), space)
    assert set(space["table"].frame["split"]) == {"train", "val", "test"}
    assert (beside / "mine.parquet").is_file()
    exec(compile(second, "data.md", "exec"), space)
    assert len(space["MySet"]().index(beside)) == 3


def test_docs_encoders(beside: Path) -> None:
    import torch

    from vesalius.encoders import build_encoder, save_encoder

    save_encoder(build_encoder("resnet18", width=0.0625, size=(16, 16)).eval(), beside / "runs" / "mine")
    space: dict[str, Any] = {"x": torch.rand(2, 3, 16, 16)}
    (code,) = blocks("docs/encoders.md", "python")
    exec(compile(code, "encoders.md", "exec"), space)
    assert space["z"].shape == (2, 32)


def test_docs_views(beside: Path) -> None:
    from vesalius.data import store
    from vesalius.data.plan import Plan
    from vesalius.data.references import resolve
    from vesalius.data.settings import StoreSettings

    images(beside / "images")
    write_tree(beside / "volumes", 2, side=16)
    pictures = store.build(resolve("images").subset(range(4)), StoreSettings(40, 3), cache=beside / "cache")
    heads = store.build(resolve("./volumes", labels=LABELS), Plan(modality="mr", foreground="nonzero"), cache=beside / "cache")
    space: dict[str, Any] = {}
    for code, built in zip(blocks("docs/views.md", "python"), (pictures, heads), strict=True):
        rows = np.arange(2)
        space |= {"store": built, "rows": rows, "ids": rows.astype(np.uint64), "extents": built.extents[rows], "seed": 1, "epoch": 0}
        exec(compile(code, "views.md", "exec"), space)
    assert space["batch"].views["corrupted"].shape == (2, 2, 1, 96, 96, 96)
