"""Rounds of a growing data set: nothing twice, nothing lost, nobody named."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.select import datapool
from vesalius.select.datapool import Datapool


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_DATAPOOLS", str(tmp_path / "pools"))
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))


def table(root: Path, names: list[str]) -> SampleTable:
    root.mkdir(exist_ok=True)
    for name in names:
        if not (root / name).exists():
            (root / name).write_bytes(name.encode())
    return SampleTable.of("folder", root, sorted(names))


def vectors(data: SampleTable, dim: int = 4, seed: int = 0) -> np.ndarray:
    """One for each id, whatever the order of rows."""
    return np.stack([np.random.default_rng([seed, int(i)]).normal(size=dim) for i in data.ids]).astype(np.float32)


def test_a_pool_that_is_not_there_is_empty(tmp_path: Path) -> None:
    data = table(tmp_path / "data", ["a", "b"])
    pool = Datapool.open("mine")
    assert pool.new_rows(data).all()
    assert not pool.stale("e", 4)
    assert len(pool.ids) == 0
    assert pool.history() == []
    assert datapool.every() == []
    joined = pool.joined(["a", "b"], data.ids, vectors(data))
    assert joined.names == ["a", "b"]
    assert len(joined.chosen) == 0


def test_a_round_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    data = table(tmp_path / "data", ["a", "b", "c"])
    known = vectors(data)
    pool = Datapool.open("mine").add("r1", "e", data.ids[[2, 0]], known[[2, 0]], looked_at=data, title="first")
    again = Datapool.open("mine")
    for one in (pool, again):
        assert (one.ids == data.ids[[2, 0]]).all()
        assert (one.vectors == known[[2, 0]]).all()
        assert one.encoder == "e"
    facts = again.history()[0]
    assert (facts["round"], facts["run"], facts["selected"], facts["looked_at"], facts["members"], facts["title"]) == (1, "r1", 2, 3, 2, "first")
    assert datapool.every() == ["mine"]


def test_only_new_and_changed_files_are_looked_at(tmp_path: Path) -> None:
    data = table(tmp_path / "data", ["a", "b", "c"])
    pool = Datapool.open("mine").add("r1", "e", data.ids[:1], vectors(data)[:1], looked_at=data)
    assert not pool.new_rows(data).any()
    assert pool.new_rows(data, process_all=True).tolist() == [False, True, True]  # what was selected is never chosen again
    more = table(tmp_path / "data", ["a", "b", "c", "d"])
    (tmp_path / "data" / "a").write_bytes(b"another")  # selected: it stays what it was
    (tmp_path / "data" / "b").write_bytes(b"another")
    assert pool.new_rows(more).tolist() == [False, True, False, True]
    pool = pool.add("r2", "e", more.ids[:0], vectors(more)[:0], looked_at=more.subset(pool.new_rows(more)))
    assert not pool.new_rows(more).any()


def test_what_was_selected_counts_as_chosen_even_when_its_file_has_vanished(tmp_path: Path) -> None:
    data = table(tmp_path / "data", ["a", "b"])
    known = vectors(data)
    pool = Datapool.open("mine").add("r1", "e", data.ids, known, looked_at=data)
    (tmp_path / "data" / "a").unlink()
    later = table(tmp_path / "data", ["b", "c"])
    fresh = later.subset(pool.new_rows(later))
    joined = pool.joined(["c"], fresh.ids, vectors(fresh))
    assert joined.names == ["c", *(f"(datapool) {int(i):016x}" for i in data.ids)]
    assert joined.chosen.tolist() == [1, 2]
    assert (joined.vectors[1:] == known).all()
    everything = pool.joined(["b", "c"], later.ids, vectors(later))  # process_all: b is a row already
    assert everything.names[:2] == ["b", "c"]
    assert everything.chosen.tolist() == [0, 2]


def test_another_encoders_round_replaces_the_members_vectors(tmp_path: Path) -> None:
    data = table(tmp_path / "data", ["a", "b", "c", "d"])
    first = vectors(data)
    pool = Datapool.open("mine").add("r1", "old", data.ids[[1, 0]], first[[1, 0]], looked_at=data)
    assert not pool.stale("old", 4)
    assert pool.stale("new", 6)
    other = vectors(data, 6, seed=1)
    with pytest.raises(UserError, match=r"holds vectors of 4 numbers, and these have 6"):
        pool.joined(["c"], data.ids[2:3], other[2:3])
    with pytest.raises(ValueError, match="another encoder"):
        pool.add("r2", "new", data.ids[2:3], other[2:3], looked_at=data)
    pool = pool.add("r2", "new", data.ids[2:3], other[2:3], looked_at=data, again=other[[1, 0]])
    pool = pool.add("r3", "new", data.ids[3:], other[3:], looked_at=data)
    assert (Datapool.open("mine").vectors == other[[1, 0, 2, 3]]).all()
    assert [facts["embedded_again"] for facts in pool.history()] == [False, True, False]
    with pytest.raises(UserError, match=r"1 of its 4 images are not there any more") as told:
        pool.refuse(1)
    assert "\n" not in str(told.value)


def test_the_same_encoder_with_another_length_is_refused(tmp_path: Path) -> None:
    data = table(tmp_path / "data", ["a"])
    pool = Datapool.open("mine").add("r1", "file", data.ids, vectors(data), looked_at=data)
    with pytest.raises(UserError, match="holds vectors of 4 numbers, and these have 5"):
        pool.stale("file", 5)


def test_a_resumed_run_adds_its_round_once(tmp_path: Path) -> None:
    data = table(tmp_path / "data", ["a", "b"])
    before = Datapool.open("mine")
    before.add("r1", "e", data.ids[:1], vectors(data)[:1], looked_at=data)
    assert len(before.add("r1", "e", data.ids[:1], vectors(data)[:1], looked_at=data).rounds) == 1
    assert len(Datapool.open("mine").add("r1", "e", data.ids[:1], vectors(data)[:1], looked_at=data).rounds) == 1


def test_a_round_that_did_not_know_of_another_is_refused(tmp_path: Path) -> None:
    data = table(tmp_path / "data", ["a", "b"])
    mine, theirs = Datapool.open("mine"), Datapool.open("mine")
    theirs.add("r1", "e", data.ids[:1], vectors(data)[:1], looked_at=data)
    with pytest.raises(UserError, match="Another run has added a round"):
        mine.add("r2", "e", data.ids[:1], vectors(data)[:1], looked_at=data)
    assert len(Datapool.open("mine").rounds) == 1
    with pytest.raises(ValueError, match="selected twice"):
        Datapool.open("mine").add("r2", "e", data.ids[:1], vectors(data)[:1], looked_at=data)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4), st.booleans(), st.booleans()), min_size=1, max_size=5), st.integers(0, 99))
def test_no_image_is_ever_selected_twice(tmp_path_factory: pytest.TempPathFactory, rounds: list[tuple[int, int, bool, bool]], seed: int) -> None:
    """Rounds that add files, change or delete some, and choose of the new ones or of all."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for number, (adding, choosing, process_all, deleting) in enumerate(rounds):
        data = table(root, [*(p.name for p in root.iterdir()), *(f"{number}-{i}" for i in range(adding))])
        pool = Datapool.open(f"mine-{root.name}")
        fresh = np.flatnonzero(pool.new_rows(data, process_all))
        picked = rng.permutation(fresh)[:choosing]
        pool.add(f"run-{number}", "e", data.ids[picked], np.zeros((len(picked), 3)), looked_at=data.subset(fresh), title="")
        chosen += data.ids[picked].tolist()
        for file in sorted(root.iterdir())[:1]:
            file.unlink() if deleting else file.write_bytes(os.urandom(9))
    pool = Datapool.open(f"mine-{root.name}")
    assert pool.ids.tolist() == chosen
    assert len(set(chosen)) == len(chosen)
    assert pool.history()[-1]["members"] == len(chosen)


def _add_and_die(name: str, data: SampleTable, at: str) -> None:
    """A process that is killed when it syncs or renames its round, or just after."""
    killed = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
    from vesalius.files import writing

    setattr(writing, at, killed)
    Datapool.open(name).add("r2", "e", data.ids[1:2], vectors(data)[1:2], looked_at=data)


@pytest.mark.parametrize("at", ["sync_folder", "publish"])
def test_a_killed_update_leaves_the_state_before(tmp_path: Path, at: str) -> None:
    data = table(tmp_path / "data", ["a", "b", "c"])
    Datapool.open("mine").add("r1", "e", data.ids[:1], vectors(data)[:1], looked_at=data)
    process = multiprocessing.get_context("fork").Process(target=_add_and_die, args=("mine", data, at))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    pool = Datapool.open("mine")
    assert len(pool.rounds) == 1
    assert pool.ids.tolist() == data.ids[:1].tolist()
    pool.add("r2", "e", data.ids[1:2], vectors(data)[1:2], looked_at=data)  # the dead one's lock does not hinder
    assert sorted(p.name for p in pool.folder.iterdir()) == ["round-0001", "round-0002"]


def _choose(name: str, data: SampleTable, run: int, go: object) -> None:
    go.wait()  # type: ignore[attr-defined]
    for _ in range(200):
        pool = Datapool.open(name)
        row = np.flatnonzero(pool.new_rows(data, process_all=True))[:1]
        try:
            pool.add(f"run-{run}", "e", data.ids[row], vectors(data)[row], looked_at=data)
            return
        except UserError:
            continue
    raise AssertionError("never in 200 attempts")


def test_two_processes_never_choose_the_same(tmp_path: Path) -> None:
    data = table(tmp_path / "data", [f"{i}" for i in range(6)])
    context = multiprocessing.get_context("fork")
    go = context.Event()
    processes = [context.Process(target=_choose, args=("mine", data, run, go)) for run in range(4)]
    for process in processes:
        process.start()
    go.set()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    pool = Datapool.open("mine")
    assert len(pool.rounds) == 4
    assert len(np.unique(pool.ids)) == 4


def test_nothing_in_it_names_a_file_or_a_folder(tmp_path: Path) -> None:
    root = tmp_path / "Vermeer Johannes"
    data = table(root, ["Vermeer.png", "b.png"])
    pool = Datapool.open(str(root)).add("r1", "e", data.ids, vectors(data), looked_at=data)
    assert Datapool.open(str(root)).ids.tolist() == data.ids.tolist()
    assert "Vermeer" not in str(pool.folder.relative_to(tmp_path))
    for file in pool.folder.rglob("*"):
        assert "Vermeer" not in file.name
        assert file.is_dir() or b"Vermeer" not in file.read_bytes()


@pytest.mark.parametrize("harm", ["vectors.npy", "round.json", "gone"])
def test_a_damaged_pool_is_refused_in_one_paragraph(tmp_path: Path, harm: str) -> None:
    data = table(tmp_path / "data", ["a", "b"])
    pool = Datapool.open("mine").add("r1", "e", data.ids[:1], vectors(data)[:1], looked_at=data)
    pool = pool.add("r2", "e", data.ids[1:], vectors(data)[1:], looked_at=data)
    file = pool.folder / "round-0001" / harm
    if harm == "gone":
        (pool.folder / "round-0001").rename(pool.folder / "aside")
    else:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(UserError, match="cannot be read") as told:
        Datapool.open("mine")
    assert "\n" not in str(told.value)


def test_a_round_says_nothing_but_numbers(tmp_path: Path) -> None:
    data = table(tmp_path / "data", ["a"])
    pool = Datapool.open("mine").add("r1", "e", data.ids, vectors(data), looked_at=data)
    facts = json.loads((pool.folder / "round-0001" / "round.json").read_text())
    assert set(facts) == {"round", "run", "time", "encoder", "dim", "selected", "looked_at", "members", "embedded_again"}
