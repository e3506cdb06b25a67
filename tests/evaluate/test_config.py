"""What an evaluation may say: fields of several in a shell's words, protocols from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.errors import UserError
from vesalius.evaluate.config import configured

PROTOCOL = '''
from pydantic import BaseModel
TAKES = ("pairs",)
VESALIUS = {"protocols": ["of-a-test"]}
class Config(BaseModel):
    names: tuple[str, ...] = ()
    numbers: tuple[float, ...] = (1.0,)
def examine(config, asked): ...
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (place := tmp_path / "of_a_test.py").write_text(PROTOCOL)
    return place


def test_a_field_of_several_is_said_with_commas_or_as_one(file: Path) -> None:
    given = {"plugins": str(file), "names": "1,no", "numbers": 0.5, "k": 5}
    fields = configured("of-a-test,knn", (), given, ["e"], ["d"]).fields
    assert fields["of-a-test"] == {"names": ["1", "no"], "numbers": [0.5]}
    assert fields["knn"]["k"] == [5]
    assert configured("of-a-test", (), {"plugins": [str(file)], "numbers": "0.1,1e-2"}, ["e"], ["d"]).fields["of-a-test"]["numbers"] == [0.1, 0.01]
    assert configured("knn", (), {"k": [1, 2]}, ["e"], ["d"]).fields["knn"]["k"] == [1, 2]


def test_a_protocol_of_a_file_is_found_from_another_folder(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = configured("of-a-test", (), {"plugins": "of_a_test.py"}, ["e"], ["d"])
    assert config.plugins == [str(file)]
    assert config.protocols == ["of-a-test"]


def test_a_protocol_that_no_file_gives_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match="There is no 'of-no-test' among the protocols"):
        configured("of-no-test", (), {}, ["e"], ["d"])
    with pytest.raises(UserError, match="is not a file"):
        configured("knn", (), {"plugins": "nowhere.py"}, ["e"], ["d"])


@pytest.mark.parametrize("given", ["big", "0", "224,-1"])
def test_a_size_that_is_none_is_refused_as_a_field_of_the_evaluation(given: str) -> None:
    with pytest.raises(UserError, match=r"^In the evaluation, image_size\.\d is "):
        configured("knn", (), {"image_size": given}, ["e"], ["d"])
