from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.evaluate.compat.words import ALL, SENTENCES, measure, most, original_key, placed, sentences


def test_each_protocol_says_what_is_brought_back() -> None:
    assert sentences([]) == [ALL]
    assert sentences(["few-shot", "unknown"]) == [ALL, SENTENCES["few-shot"]]
    assert all(text.startswith("compat ssl-medicalimaging") for text in (ALL, *SENTENCES.values()))


@pytest.mark.parametrize(
    ("name", "key", "metric"),
    [("eyepacs", "diabetic_retinopathy", "balanced_accuracy"), ("bach", "bach", "accuracy"), ("stoic", "stoic", "balanced_accuracy")],
)
def test_the_originals_names_and_measures(name: str, key: str, metric: str) -> None:
    assert original_key(name) == key
    assert measure(name) == metric


def test_only_episodes_of_large_sets_are_of_a_part() -> None:
    assert most("eyepacs", ["few-shot"]) == 10_000
    assert most("cifar10", ["few-shot"]) is None
    assert most("eyepacs", ["few-shot", "linear"]) is None


def test_the_originals_folder_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VESALIUS_DATA", raising=False)
    assert placed("bach") == "bach"
    (tmp_path / "data" / "bach").mkdir(parents=True)
    assert placed("bach") == "bach@data/bach"
    assert placed("bach@elsewhere") == "bach@elsewhere"
    assert placed("no-such-set") == "no-such-set"
    monkeypatch.setenv("VESALIUS_DATA", str(tmp_path))
    assert placed("bach") == "bach"
