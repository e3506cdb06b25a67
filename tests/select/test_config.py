"""One job said in three ways: the Worker's dictionaries, a file of ours, a line of words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vesalius.errors import UserError
from vesalius.runs.references import without_paths
from vesalius.select.config import SelectConfig, configured
from vesalius.select.dictionaries import translated
from vesalius.select.job import fields_of, written
from vesalius.select.short_form import amount, objective

DIVERSE = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}
SELECTION = {"n_samples": 50, "strategies": [DIVERSE]}


def job(**given: Any) -> SelectConfig:
    return configured({"data": "images", "selection_config": SELECTION, **given})[0]


def test_the_documents_job() -> None:
    config, said = configured(
        {
            "worker_config": {"enable_training": True},
            "selection_config": SELECTION,
            "lightly_config": {"loader": {"batch_size": 128}, "trainer": {"max_epochs": 100}},
        },
        data="images",
    )
    assert config.training is not None
    assert (config.training.batch_size, config.training.epochs, config.selection.n_samples, said) == (128, 100, 50, [])


def test_camel_case_is_snake_case() -> None:
    snake = {
        "worker_config": {"enable_training": True, "use_datapool": True, "datasource": {"process_all": True}},
        "selection_config": {"n_samples": 3, "strategies": [{**DIVERSE, "strategy": {"type": "DIVERSITY", "stopping_condition_minimum_distance": 0.1}}]},
        "lightly_config": {"trainer": {"max_epochs": 7}, "collate": {"input_size": 32}},
    }  # fmt: skip
    camel = {
        "workerConfig": {"enableTraining": True, "useDatapool": True, "datasource": {"processAll": True}},
        "selectionConfig": {"nSamples": 3, "strategies": [{**DIVERSE, "strategy": {"type": "DIVERSITY", "stoppingConditionMinimumDistance": 0.1}}]},
        "lightlyConfig": {"trainer": {"maxEpochs": 7}, "collate": {"inputSize": 32}},
    }  # fmt: skip
    assert configured(camel, data="x") == configured(snake, data="x")
    with pytest.raises(UserError, match=r"worker_config.enable_training is given twice, once as enableTraining"):
        job(worker_config={"enable_training": True, "enableTraining": True})


def test_names_of_classes_stay_as_they_are() -> None:
    selection = {"n_samples": 3, "strategies": [{"input": {"type": "METADATA", "key": "kind"}, "strategy": {"type": "BALANCE", "target": {"redCell": 0.5}}}]}
    fields, _ = translated({"selection_config": selection}, compat=False)
    assert fields["selection.strategies"][0]["strategy"]["target"] == {"redCell": 0.5}


@pytest.mark.parametrize(
    ("given", "place", "meant"),
    [
        ({"worker_confg": {}}, "worker_confg", "worker_config"),
        ({"encodr": "x"}, "encodr", "encoder"),
        ({"worker_config": {"enable_trainig": True}}, "worker_config.enable_trainig", "enable_training"),
        ({"worker_config": {"datasource": {"proces_all": True}}}, "worker_config.datasource.proces_all", "process_all"),
        ({"worker_config": {"batch_size": 2}}, "worker_config.batch_size", "lightly_config.loader.batch_size"),
        ({"lightly_config": {"max_epochs": 2}}, "lightly_config.max_epochs", "lightly_config.trainer.max_epochs"),
        ({"lightly_config": {"collate": {"cj_brigth": 0.1}}}, "lightly_config.collate.cj_brigth", "cj_bright"),
        ({"selection_config": {"n_sample": 3, "strategies": [DIVERSE]}}, "selection_config.n_sample", "n_samples"),
        (
            {"selection_config": {"n_samples": 3, "strategies": [DIVERSE, {"input": {"type": "RANDOM"}, "strategy": {"typ": "WEIGHTS"}}]}},
            "selection_config.strategies[1].strategy.typ", "type",
        ),
        (
            {"selection_config": {"n_samples": 3, "strategies": [{"imput": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}]}},
            "selection_config.strategies[0].imput", "input",
        ),
        (
            {"selection_config": {**SELECTION, "auto_tasks": [{"type": "TILING", "name": "t", "num_row": 2, "num_cols": 2}]}},
            "selection_config.auto_tasks[0].num_row", "num_rows",
        ),
    ],
)  # fmt: skip
def test_a_typo_is_named_with_its_place_and_what_was_meant(given: dict[str, Any], place: str, meant: str) -> None:
    with pytest.raises(UserError) as error:
        job(**given)
    assert str(error.value) == f'There is no key "{place}". Did you mean "{meant}"?'


def test_exactly_one_number() -> None:
    assert job(selection_config={"n_samples": -1, "proportion_samples": 0.1, "strategies": [DIVERSE]}).selection.proportion_samples == 0.1
    with pytest.raises(UserError, match="Both of n_samples and proportion_samples"):
        job(selection_config={"n_samples": 5, "proportion_samples": 0.1, "strategies": [DIVERSE]})
    with pytest.raises(UserError, match="Nothing says how many"):
        job(selection_config={"n_samples": -1, "strategies": [DIVERSE]})
    with pytest.raises(UserError, match="Nothing says how many"):
        configured(None, data="images", encoder="resnet18")


def test_a_checkpoint_or_a_runs_and_not_both() -> None:
    config = job(worker_config={"checkpoint": "file:///a.ckpt"})
    assert (config.encoder, config.encoder_run) == ("file:///a.ckpt", False)
    config = job(worker_config={"checkpoint": "", "checkpointRunId": "20261122-1"})
    assert (config.encoder, config.encoder_run) == ("20261122-1", True)
    with pytest.raises(UserError, match="checkpoint_run_id both say which encoder"):
        job(worker_config={"checkpoint": "a", "checkpoint_run_id": "b"})


def test_a_training_is_as_long_as_it_is_said_to_be() -> None:
    assert job().training is None
    assert job(worker_config={"enable_training": True}).training.epochs == 100  # type: ignore[union-attr]
    config, said = configured(
        {"worker_config": {"enable_training": True}, "lightly_config": {"trainer": {"max_epochs": 0}}, "selection_config": SELECTION}, data="x"
    )
    assert config.training is None
    assert any("embedded only" in sentence for sentence in said)
    _, said = configured({"lightly_config": {"loader": {"batch_size": 8}}, "selection_config": SELECTION}, data="x")
    assert any("lightly_config.loader has no effect" in sentence for sentence in said)
    with pytest.raises(UserError, match="embeddings are given, so nothing is trained"):
        job(worker_config={"enable_training": True, "embeddings": "own.csv"})


def test_a_stated_model_is_kept_where_nothing_is_trained() -> None:
    config = job(worker_config={"checkpoint": "a.ckpt"}, lightly_config={"model": {"name": "resnet-50", "num_ftrs": 16}})
    assert (config.training, config.model.name, config.model.num_ftrs, config.model.width) == (None, "resnet-50", 16, None)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("50", {"n_samples": 50}), (50, {"n_samples": 50}), ("1,000", {"n_samples": 1000}), ("10%", {"proportion_samples": 0.1}),
        (0.1, {"proportion_samples": 0.1}),
    ],
)  # fmt: skip
def test_a_number_or_a_share(text: Any, number: dict[str, Any]) -> None:
    assert amount(text) == number


@pytest.mark.parametrize("text", ["many", "-5", "0", "1.5", "nan", "", "120%", "0%", "-3%"])
def test_no_number_and_no_share(text: str) -> None:
    with pytest.raises(UserError, match="it should be a number of images"):
        amount(text)


@pytest.mark.parametrize(
    ("text", "source", "strategy"),
    [
        ("diversity", {"type": "EMBEDDINGS"}, {"type": "DIVERSITY"}),
        ("hierarchical-kmeans", {"type": "EMBEDDINGS"}, {"type": "HIERARCHICAL_KMEANS"}),
        ("diversity:objects/cells,strength=2", {"type": "EMBEDDINGS", "task": "cells"}, {"type": "DIVERSITY", "strength": 2}),
        ("weights:lightly.sharpness,strength=-1", {"type": "METADATA", "key": "lightly.sharpness"}, {"type": "WEIGHTS", "strength": -1}),
        ("weights:scores/cells/uncertainty_margin", {"type": "SCORES", "task": "cells", "score": "uncertainty_margin"}, {"type": "WEIGHTS"}),
        ("balance:predictions/cells", {"type": "PREDICTIONS", "task": "cells", "name": "CLASS_DISTRIBUTION"}, {"type": "BALANCE"}),
        ("balance:view", {"type": "METADATA", "key": "view"}, {"type": "BALANCE"}),
        ("threshold:age>=18", {"type": "METADATA", "key": "age"}, {"type": "THRESHOLD", "threshold": 18, "operation": "BIGGER_EQUAL"}),
        ("threshold:age<18.5", {"type": "METADATA", "key": "age"}, {"type": "THRESHOLD", "threshold": 18.5, "operation": "SMALLER"}),
        ("random", {"type": "RANDOM"}, {"type": "WEIGHTS"}),
        ("similarity:query/a/liked.txt", {"type": "EMBEDDINGS", "query": {"names": "a/liked.txt"}}, {"type": "SIMILARITY"}),
        ("similarity:query/v.npy,strength=-1", {"type": "EMBEDDINGS", "query": {"vectors": "v.npy"}}, {"type": "SIMILARITY", "strength": -1}),
    ],
)
def test_a_strategy_in_words(text: str, source: dict[str, Any], strategy: dict[str, Any]) -> None:
    assert objective(text) == {"input": source, "strategy": strategy}


def test_the_short_form() -> None:
    said = "--encoder resnet18 --data 2024 --n 10% --seed 3 --training.epochs 2 --diversity.strength 2 --write csv=a.csv"
    fields = fields_of(said.split())
    config, _ = configured(None, **fields, strategy=["diversity", "random"])
    assert (config.data, config.seed, config.write, config.training.epochs) == ("2024", 3, ["csv=a.csv"], 2)  # type: ignore[union-attr]
    assert [entry.strategy for entry in config.selection.strategies] == [{"type": "DIVERSITY", "strength": 2}, {"type": "WEIGHTS"}]
    with pytest.raises(UserError, match=r'no key "diversity.strengt". Did you mean "strength"'):
        configured(None, data="x", n=5, **{"diversity.strengt": 2})
    with pytest.raises(UserError, match=r"--weights\.strength is given, but WEIGHTS is none of the strategies"):
        configured(None, data="x", n=5, **{"weights.strength": 2})


def test_fields_lie_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"data: images\nseed: 4\nworkerConfig: {{enableTraining: true}}\nselection_config: {json.dumps(SELECTION)}\n")
    config, _ = configured(file, n=7, seed=5, **{"training.epochs": 2, "worker_config.use_datapool": True})
    assert (config.selection.n_samples, config.seed, config.training.epochs, config.datapool.use) == (7, 5, 2, True)  # type: ignore[union-attr]
    assert configured(file, training=False)[0].training is None


def test_a_job_that_was_written_is_the_same_job() -> None:
    config, _ = configured(
        {"worker_config": {"enable_training": True}, "selection_config": SELECTION, "lightly_config": {"model": {"name": "resnet-34"}}},
        data="images", compat="lightly-worker",
    )  # fmt: skip
    again, said = configured(written(config))
    assert again.model_dump(mode="json") == config.model_dump(mode="json")
    assert said == []
    assert written(config)["lightly"]["model"] == {"name": "resnet-34", "width": 1.0, "num_ftrs": 32, "out_dim": 128}


def test_old_names_are_taken_as_todays() -> None:
    config, said = configured(
        {
            "worker_config": {
                "method": "coreset", "stopping_condition": {"n_samples": 0.1, "min_distance": 0.2}, "datapool": {"name": "mine", "keep_history": True},
            }
        },
        data="x",
    )  # fmt: skip
    assert config.selection.proportion_samples == 0.1
    assert config.selection.strategies[0].strategy == {"type": "DIVERSITY", "stopping_condition_minimum_distance": 0.2}
    assert (config.datapool.use, config.datapool.name) == (True, "mine")
    assert sum("is taken as" in sentence for sentence in said) == 2
    level = {"object_level": {"task_name": "cells", "padding": 0.1}, "stopping_condition": {"n_samples": 5}}
    config = configured({"worker_config": level}, data="x")[0]
    assert (config.selection.strategies[0].input, config.padding) == ({"type": "EMBEDDINGS", "task": "cells"}, 0.1)
    config = configured({"worker_config": {"method": "random", "stopping_condition": {"n_samples": 5}}}, data="x")[0]
    assert config.selection.strategies[0].input == {"type": "RANDOM"}


def test_old_names_that_leave_open_what_they_mean_are_refused() -> None:
    with pytest.raises(UserError, match="selection_config replaced it"):
        job(worker_config={"method": "coreset"})
    with pytest.raises(UserError, match="two strategies instead"):
        configured({"worker_config": {"method": "coral", "stopping_condition": {"n_samples": 5}}}, data="x")
    with pytest.raises(UserError, match="no meaning with method random"):
        configured({"worker_config": {"method": "random", "stopping_condition": {"n_samples": 5, "min_distance": 0.1}}}, data="x")


def test_a_page_is_not_told_where_files_lie() -> None:
    config = job(worker_config={"embeddings": "smith/own.csv", "relevant_filenames_file": "smith.txt"}, write=["csv=smith/a.csv"], preselected="smith/b.txt")
    shown, text = without_paths(written(config), "")
    assert "smith" not in str(shown) + text
    assert shown["write"] == ["csv=(in config.yaml)"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no file .*nowhere\.yaml\. Name a YAML file"):
        configured(tmp_path / "nowhere.yaml")


def test_every_strategy_of_the_original_is_taken_with_its_own_keys() -> None:
    embeddings, metadata = {"type": "EMBEDDINGS"}, {"type": "METADATA", "key": "kind"}
    entries = [
        ({**embeddings, "task": "cells"}, {"type": "DIVERSITY", "stopping_condition_minimum_distance": 0.1, "strength": 2.0}),
        ({**embeddings, "dataset_id": "d", "tag_name": "t"}, {"type": "SIMILARITY", "strength": -1.0}),
        (embeddings, {"type": "TYPICALITY", "num_nearest_neighbors": 20, "stopping_condition_minimum_typicality": 0.2}),
        ({"type": "SCORES", "task": "cells", "score": "uncertainty_entropy"}, {"type": "WEIGHTS", "stopping_condition_max_sum": 5.0}),
        ({"type": "RANDOM", "random_seed": 3}, {"type": "WEIGHTS"}),
        ({"type": "METADATA", "key": "lightly.sharpness"}, {"type": "THRESHOLD", "threshold": 20, "operation": "BIGGER_EQUAL"}),
        ({"type": "PREDICTIONS", "task": "cells", "name": "CATEGORY_COUNT", "categories": ["wbc"]}, {"type": "TARGET_RANGE", "min_sum": 1, "max_sum": 9}),
        ({"type": "PREDICTIONS", "task": "cells", "name": "CLASS_DISTRIBUTION"}, {"type": "BALANCE", "target": {"wbc": 0.5}}),
        (metadata, {"type": "BALANCE", "distribution": "UNIFORM"}),
    ]
    strategies = [{"input": source, "strategy": strategy} for source, strategy in entries]
    tiles = {"type": "TILING", "name": "grid", "num_rows": 2, "num_cols": 3}
    config, said = configured({"selection_config": {"n_samples": 5, "strategies": strategies, "auto_tasks": [tiles]}}, data="images")
    assert [(entry.input, entry.strategy) for entry in config.selection.strategies] == entries
    assert config.tiles[0].model_dump() == {"name": "grid", "num_rows": 2, "num_cols": 3, "overlap": 0.0}
    assert said == []


def test_a_threshold_without_a_condition_says_how_one_is_written() -> None:
    with pytest.raises(UserError, match=r"there is no condition. Write threshold:age>5"):
        objective("threshold:age")
    assert objective("threshold:age,threshold=5,operation=BIGGER")["strategy"]["threshold"] == 5


def test_a_folder_or_a_run_in_place_of_a_file_is_told_from_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is a folder. Say which images these are by --data"):
        configured(str(tmp_path), n=3)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UserError, match="is a run: go on with it by --resume"):
        configured(str(tmp_path), n=3)


def test_a_strategy_that_is_not_in_two_parts_is_shown_them() -> None:
    with pytest.raises(UserError, match=r"has an input and a strategy: \{input: \{type: EMBEDDINGS\}"):
        job(selection_config={"n_samples": 5, "strategies": [{"type": "DIVERSITY"}]})
