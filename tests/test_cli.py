"""The command line is a public interface: its surface is frozen, it starts quickly, and it refuses in one paragraph."""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from tests.recipes.tiny import blobs, images, tiny
from tests.reliability.harness import compare
from tests.reliability.processes import COMMAND, environment, vesalius
from vesalius import errors
from vesalius.cli import app, main

SNAPSHOT = Path(__file__).parent / "snapshots" / "cli.txt"
SLACK = 3  # other work on the machine; the figures of a quiet machine are in docs/benchmarks.md


def commands(here: Any = app, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command as the words that call it."""
    yield words
    for name in sorted(n for n in here if not n.startswith("-")):
        yield from commands(here[name], (*words, name))


COMMANDS = list(commands())

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """``call("data", "check", ...) -> (exit code, stdout, stderr)`` in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    data = blobs(tmp_path)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny(data)))
    return tmp_path / "tiny.yaml"


def one_paragraph(text: str, *words: str) -> None:
    """One line that ends a sentence, names the thing and is no traceback."""
    assert text.count("\n") == 1, text
    assert text.endswith((".\n", "?\n")), text
    assert "Traceback" not in text
    for word in words:
        assert word in text, (word, text)


# ---- the surface


def surface() -> str:
    """Help of every command, and the exit codes."""
    parts = []
    for words in COMMANDS:
        text = io.StringIO()
        app.help_print(list(words), console=Console(file=text, width=110, force_terminal=False, color_system=None))
        shown = "\n".join(line.rstrip() for line in text.getvalue().strip().splitlines())
        parts.append(f"$ vesalius {' '.join((*words, '--help'))}\n\n{shown}\n")
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.VesaliusError)]
    codes = sorted((kind.exit_code, kind.__name__) for kind in kinds if kind is not errors.VesaliusError)
    parts.append("Exit codes\n\n" + "".join(f"{code:>3} {name}\n" for code, name in [(0, "done"), (1, "a bug"), *codes, (130, "interrupted")]))
    return ("\n" + "=" * 110 + "\n").join(parts)


def test_the_command_surface_is_frozen() -> None:
    """After a change that is meant: VESALIUS_UPDATE_SNAPSHOTS=1 pytest tests/test_cli.py, and a line in CHANGELOG.md."""
    found = surface()
    if os.environ.get("VESALIUS_UPDATE_SNAPSHOTS"):
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(found, encoding="utf-8")
    assert found == SNAPSHOT.read_text(encoding="utf-8")


def test_every_command_of_the_design_is_there() -> None:
    expected = "demo|pretrain|embed|export|report|data list|data show|data check|data index|data locate|data prune"
    expected += "|runs list|runs show|runs latest|runs checkpoint|recipes list|recipes show|submit slurm|submit azureml"
    assert {tuple(c.split()) for c in expected.split("|")} <= set(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_fills_its_lines(words: tuple[str, ...], call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = call(*words, "--help")
    assert code == 0
    prose = [line.rstrip() for line in out.partition("\u256d")[0].splitlines()]
    for line, following in itertools.pairwise(prose):
        assert not line or not following or len(line) + 1 + len(following.split()[0]) > 80, line


def test_help_is_quick(tmp_path: Path) -> None:
    """Each command's --help under 0.4 s, the package under 0.3 s, with slack; and no heavy package is the reason."""
    for words in COMMANDS:
        tries = []
        while len(tries) < 3 and (not tries or min(tries) > 0.4 * SLACK):
            began = time.perf_counter()
            subprocess.run([*COMMAND, *words, "--help"], check=True, capture_output=True, env=environment(tmp_path))
            tries.append(time.perf_counter() - began)
        assert min(tries) < 0.4 * SLACK, (words, tries)


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, vesalius.cli\n"
        "try: vesalius.cli.main(['embed', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(' '.join(sorted({n.partition('.')[0] for n in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment(tmp_path))
    heavy = {"torch", "numpy", "pandas", "timm", "torchvision", "sklearn", "matplotlib", "nilearn", "pydantic", "PIL"}
    assert not heavy & set(done.stderr.split())


# ---- one paragraph, exit code 2


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (["--epoch", "4"], ["'epoch'", "Did you mean epochs"]),
        (["--method.temprature", "1"], ["'temprature'", "Did you mean temperature"]),
        (["--method", "simclrr"], ["'simclrr'", "Did you mean simclr"]),
        (["--encoder.name", "resnet19"], ["'resnet19'", "Did you mean resnet18"]),
        (["--encoder.widht", "1"], ["'widht'", "Did you mean 'width'"]),
        (["--monitors.lineer.lr", "1"], ["'lineer'", "Did you mean linear"]),
        (["--views", "simclrr"], ["'simclrr'"]),
        (["--data.train", "{}/nowhere"], ["nowhere", "Give a folder of images"]),
        (["--data.train", "nowhere"], ["'nowhere' is neither a source nor a folder", "Or give a path"]),
        (["--data.train", "{}/empty"], ["empty holds no images", "check the path"]),
        (["--data.train", "{}/one"], ["one holds 1 image", "Add images"]),
        (["--data.train", "{}/lonely.csv"], ["lonely.csv", "Add images"]),
        (["--batch_size", "1000"], ["1000", "holds 96", "Lower --batch_size to 96"]),
        (["--data.train", "{}/flat", "--data.monitor", "{}/flat"], ["have no labels", "one sub-folder per class"]),
        (["--device", "tpu"], ["'tpu'", "cpu"]),
        (["--device", "cpu:x"], ["'cpu:x'"]),
        (["--device", "cuda"], ["cuda", "--device cpu"]),
        (["--accumulate", "2"], ["accumulate is 2", "Raise --batch_size"]),
        (["--views", "{}/image.yaml"], ["needs 2 view(s) named 'global'", "image (1)"]),
        (["--plugins", "{}/nothing.py"], ["nothing.py", "is not a file"]),
        (["stray"], ["'stray' is not understood", "--name value"]),
    ],
)
def test_input_that_cannot_be_used(call: Call, recipe: Path, tmp_path: Path, tokens: list[str], words: list[str]) -> None:
    import torch

    if "cuda" in tokens and torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    (tmp_path / "empty").mkdir()
    images(tmp_path / "one", 1)
    images(tmp_path / "flat", 8)
    (tmp_path / "image.yaml").write_text("image: {count: 1, size: 16, operations: []}")
    (tmp_path / "lonely.csv").write_text("path\none/0000.png\n")
    code, out, err = call("pretrain", recipe, *[token.format(tmp_path) for token in tokens])
    assert (code, out) == (2, "")
    one_paragraph(err, *words)
    assert not (tmp_path / "runs").exists(), "nothing was begun"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pretrain", ["Name a recipe", "recipes list"]),
        ("pretrain nope", ["no recipe 'nope'", "recipes list"]),
        ("pretrain cifar10-simclrr", ["Did you mean cifar10-simclr"]),
        ("pretrain broken.yaml", ["broken.yaml is not valid YAML at line 3"]),
        ("pretrain missing.yaml", ["missing.yaml could not be read"]),
        ("pretrain --resume nope", ["no run 'nope'", "runs list"]),
        ("pretrain --resume latest", ["There is no run below"]),
        ("embed --encoder resnet18", ["--data", "vesalius embed --help"]),
        ("embed --encoder nope --data x", ["no encoder 'nope'"]),
        ("embed --encodr x", ["Did you mean --encoder"]),
        ("report", ["Name at least one run"]),
        ("report nope", ["no run 'nope'"]),
        ("nope", ["\"nope\"", "vesalius --help"]),
        ("data nope", ["\"nope\"", "vesalius data --help"]),
        ("data check nope", ["'nope' is neither"]),
        ("data check", ["vesalius data check --help"]),
        ("data show a b", ["['b']"]),
        ("data index {} --size big", ["--size is 'big'"]),
        ("data index {} --channels 2", ["--channels is '2'"]),
        ("data locate {} 12", ["has the id 12"]),
        ("data prune", ["Say what to delete"]),
        ("data prune --max-gb lots", ["--max-gb"]),
        ("runs show nope", ["no run 'nope'"]),
        ("runs latest", ["There is no run below"]),
        ("runs checkpoint nope", ["no run 'nope'"]),
        ("recipes show nope", ["no recipe 'nope'"]),
        ("recipes show demo --views nope", ["'nope' is neither"]),
        ("recipes show demo --views {} --count 0", ["--count is 0"]),
    ],
)
def test_commands_refuse_in_one_paragraph(call: Call, tmp_path: Path, line: str, words: list[str]) -> None:
    (tmp_path / "broken.yaml").write_text("a: 1\nb: [1\n")
    data = images(tmp_path / "set", 4)
    code, out, err = call(*line.format(data).split())
    assert (code, out) == (2, "")
    one_paragraph(err, *words)


# ---- the other exit codes


def test_too_many_unreadable_files(call: Call, recipe: Path, tmp_path: Path) -> None:
    data = images(tmp_path / "set", 10)
    for number in (1, 2):
        (data / f"{number:04d}.png").write_bytes(b"no image")
    tokens = ["--data.train", data, "--data.monitor", "null"]
    code, _, err = call("pretrain", recipe, *tokens, "--batch_size", "4")
    assert code == 4
    assert "2 of 10 images of folder could not be read, more than the allowed share of 5%" in err
    assert "Remove or repair them" in err
    assert "0001.png" in err, "the terminal may name files"
    assert call("pretrain", recipe, *tokens, "--batch_size", "4", "--data.max_bad_share", "0.5")[0] == 0
    assert call("data", "check", data)[0] == 0, "looking is no failure"


POISON = '''
import torch
from vesalius.methods.simclr import SimCLR, Config
from vesalius.training.method import Output
VESALIUS = {"methods": ["poison"]}
class Poison(SimCLR):
    def forward(self, batch, at):
        out = super().forward(batch, at)
        return Output({k: v * (float("nan") if at.step == 2 else 1.0) for k, v in out.parts.items()})
def build(encoder, config):
    return Poison(encoder, config)
'''


def test_a_loss_that_is_not_finite(call: Call, recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "poison.py").write_text(POISON)
    tokens = ["--plugins", "poison.py", "--method", "poison", "--method.hidden", "16", "--method.dim", "8", "--out", "run"]
    code, out, err = call("pretrain", recipe, *tokens)
    assert (code, out) == (3, "")
    one_paragraph(err.splitlines(keepends=True)[-1], "Step 2 gave a gradient that is not finite", "checkpoints/nonfinite replays it", "Lower")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "stopped"
    from vesalius.training import checkpoints

    bundle = tmp_path / "run" / "checkpoints" / "nonfinite"
    assert checkpoints.damage(bundle) is None
    assert json.loads((bundle / "state.json").read_text())["step"] == 2
    kept = json.loads((tmp_path / "run" / "run.json").read_text())["plugins"]
    assert (tmp_path / "run" / kept[0]["copy"]).read_text() == POISON
    # the plugin was mended meanwhile, but the run goes on with what it was started with: step 2 fails again
    (tmp_path / "poison.py").write_text(POISON.replace("nan", "1"))
    code, _, err = call("pretrain", "--resume", "run")
    assert code == 3
    assert "Step 2" in err


def test_sigterm_saves_and_resume_ends_the_same(recipe: Path, tmp_path: Path) -> None:
    fields = [str(recipe), "--steps", "47", "--checkpoint_every.steps", "7"]
    whole = vesalius(tmp_path, "pretrain", *fields, "--out", "whole")
    assert whole.returncode == 0, whole.stderr
    words = [*COMMAND, "pretrain", *fields, "--out", "part"]
    child = subprocess.Popen(words, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    facts = tmp_path / "part" / "run.json"
    while not list((tmp_path / "part" / "checkpoints").glob("step-*")):
        assert child.poll() is None
        time.sleep(0.002)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 75, err
    one_paragraph(err.splitlines(keepends=True)[-1], "Stopped as asked after step", "--resume part to go on")
    assert json.loads(facts.read_text())["state"] == "preempted"
    resumed = vesalius(tmp_path, "pretrain", "--resume", "latest")
    assert resumed.returncode == 0, resumed.stderr
    assert compare(tmp_path / "whole", tmp_path / "part") == []


# ---- runs that are there already


def test_a_run_that_exists(call: Call, recipe: Path, tmp_path: Path) -> None:
    assert call("pretrain", recipe, "--out", "mine")[0] == 0
    code, _, err = call("pretrain", recipe, "--out", "mine", "--data.train", "nowhere")
    assert code == 2
    one_paragraph(err, "mine already holds a run", "--resume mine", "--out")
    code, out, err = call("pretrain", "--resume", "mine")
    assert (code, out) == (0, "mine\n")
    one_paragraph(err, "mine is done already")
    for tokens in (["--seed", "5"], ["--method.temperature", "0.9"], ["--epochs", "3"]):
        code, _, err = call("pretrain", "--resume", "mine", *tokens)
        assert code == 2
        one_paragraph(err, "--resume goes on with mine exactly as it was started", "would differ", "start a new run")
    assert call("pretrain", recipe, "--resume", "latest")[0] == 0, "the same recipe may be named"
    assert call("pretrain", "--resume", "mine", "--device", "cpu", "--threads", "2")[0] == 0, "where it runs may change"
    assert call("runs", "latest")[1].strip() == str((tmp_path / "mine").resolve())
    code, out, _ = call("runs", "checkpoint", "mine")
    assert (code, Path(out.strip()).name) == (0, "step-00000004")
    code, _, err = call("runs", "checkpoint", "mine", "best")
    assert code == 2
    one_paragraph(err, "has no checkpoint 'best'. It has: last, best-")


def test_only_a_pretraining_is_resumed(call: Call, recipe: Path, tmp_path: Path) -> None:
    assert call("pretrain", recipe, "--out", "mine")[0] == 0
    assert call("embed", "--encoder", "mine", "--data", images(tmp_path / "set", 4, 1))[0] == 0
    code, _, err = call("pretrain", "--resume", "latest")
    assert code == 2
    one_paragraph(err, "was made by embed")


# ---- what the looking commands print


def test_data_commands(call: Call, tmp_path: Path) -> None:
    for kind in "ab":
        images(tmp_path / "set" / kind, 4)
    code, out, _ = call("data", "check", "set")
    rows = dict(line.split("\t")[:2] for line in out.splitlines())
    assert code == 0
    assert (rows["images"], rows["subjects"], rows["unreadable"]) == ("8", "unknown", "0")
    assert rows["labels class"] == "a 4, b 4"
    code, out, _ = call("data", "index", "set", "--size", "16")
    assert (code, out.startswith("8 images")) == (0, True)
    code, out, _ = call("data", "list")
    assert code == 0
    assert "cifar10" in out
    code, out, _ = call("data", "show", "set")
    sample = out.splitlines()[1].split("\t")[out.splitlines()[0].split("\t").index("id")]
    code, out, _ = call("data", "locate", "set", f"{int(sample):016x}" if sample.isdigit() else sample)
    assert (code, Path(out.strip()).exists()) == (0, True)
    code, out, _ = call("data", "show", "set", "--out", "table.parquet")
    assert (code, (tmp_path / "table.parquet").exists()) == (0, True)
    code, out, _ = call("data", "prune", "--dataset", "set")
    assert (code, out.endswith("freed\n")) == (0, True)
    assert not out.startswith("0 ")


def test_runs_and_recipes(call: Call, recipe: Path, tmp_path: Path) -> None:
    assert call("runs", "list")[:2] == (0, "id\tverb\tname\tstate\tstarted\ttracked\tfolder\n")
    assert call("pretrain", recipe, "--name", "word")[0] == 0
    code, out, _ = call("runs", "list")
    assert (code, out.splitlines()[1].split("\t")[1:4]) == (0, ["pretrain", "word", "done"])
    code, out, _ = call("runs", "show", "latest")
    assert code == 0
    assert "state: done" in out
    assert "batch_size: 16" in out
    code, out, _ = call("recipes", "list")
    assert code == 0
    assert "CIFAR10SimCLR" in out
    code, out, _ = call("recipes", "show", "CIFAR10BYOL")
    assert (code, "method.momentum\t0.99\t" in out) == (0, True)
    code, out, _ = call("recipes", "show", "simclr")
    assert code == 0
    assert "random_resized_crop" in out
    (tmp_path / "views.yaml").write_text(out)
    assert call("recipes", "show", "views.yaml")[1] == out
    assert "batch_size\t16" in call("recipes", "show", recipe)[1]
    code, out, _ = call("recipes", "show", "demo", "--views", images(tmp_path / "set", 3), "--out", "grid.png", "--count", "2")
    assert (code, out) == (0, "grid.png\n")


def test_a_full_disk_that_nobody_expected(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from vesalius import inspection

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(inspection, "runs_list", full)
    code, _, err = call("runs", "list")
    assert code == 5
    one_paragraph(err, "The disk is full", "--resume")


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    from vesalius import inspection

    monkeypatch.setattr(inspection, "runs_list", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["runs", "list"])
