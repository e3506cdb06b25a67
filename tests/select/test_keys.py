"""Every key of the Worker's dictionaries: it is in the table, sets what it says it sets, or is told of."""

from __future__ import annotations

from typing import Any

import pytest

from vesalius.errors import UserError
from vesalius.select.config import SelectConfig, configured
from vesalius.select.keys import KEYS, NONE, Key

WORKER = """enable_training training.task_name checkpoint checkpoint_run_id embeddings normalize_embeddings use_datapool datasource.process_all
    datasource.enable_datapool_update datasource.bypass_verify datasource.input_expiration.min_days_to_expiration
    datasource.input_expiration.handling_strategy corruptness_check.corruption_threshold enable_corruptness_check remove_exact_duplicates
    crops.enable_upload crops.enable_upload_for_tasks pretagging pretagging_upload relevant_filenames_file selected_sequence_length
    num_processes num_threads output_image_format cache_size upload_report shutdown_when_job_finished dump_dataset dump_sampled_embeddings
    output_image_size n_example_images memory_requirement_in_GB show_video_sampling_timeline scorer scorer_config.frequency_penalty
    scorer_config.min_score method stopping_condition.n_samples stopping_condition.min_distance object_level.task_name
    object_level.crop_dataset_name object_level.padding datapool.name datapool.keep_history"""
LIGHTLY = """model.name model.out_dim model.num_ftrs model.width loader.batch_size loader.shuffle loader.num_workers loader.drop_last trainer.gpus
    trainer.max_epochs trainer.precision criterion.temperature criterion.memory_bank_size optimizer.lr optimizer.weight_decay collate.input_size
    collate.cj_prob collate.cj_bright collate.cj_contrast collate.cj_sat collate.cj_hue collate.min_scale collate.random_gray_scale
    collate.gaussian_blur collate.kernel_size collate.sigmas collate.vf_prob collate.hf_prob collate.rr_prob collate.rr_degrees
    checkpoint_callback.save_last checkpoint_callback.save_top_k seed"""
SELECTION = """n_samples proportion_samples lightly_path_regex auto_tasks[].type auto_tasks[].name auto_tasks[].num_rows auto_tasks[].num_cols
    auto_tasks[].overlap strategies[].input.type strategies[].input.dataset_id strategies[].input.tag_name strategies[].input.task
    strategies[].input.score strategies[].input.key strategies[].input.name strategies[].input.categories strategies[].input.random_seed
    strategies[].strategy.type strategies[].strategy.strength strategies[].strategy.stopping_condition_minimum_distance
    strategies[].strategy.stopping_condition_max_sum strategies[].strategy.threshold strategies[].strategy.operation
    strategies[].strategy.target strategies[].strategy.distribution strategies[].strategy.num_nearest_neighbors
    strategies[].strategy.stopping_condition_minimum_typicality strategies[].strategy.min_sum strategies[].strategy.max_sum"""
DIVERSE = {"n_samples": 5, "strategies": [{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}]}
OLD = ("method", "stopping_condition", "object_level")
MODEL = SelectConfig.model_fields["model"].default
OTHER: dict[str, Any] = {
    "checkpoint": "weights.ckpt", "checkpoint_run_id": "20261122-101010-abcdef", "training.task_name": "cells", "embeddings": "own.csv",
    "relevant_filenames_file": "meant.txt", "num_threads": 2, "datapool.name": "mine", "seed": 7, "trainer.precision": 16, "trainer.max_epochs": 3,
    "model.name": "resnet-50", "collate.sigmas": [0.5, 1.0], "collate.rr_degrees": 15.0, "collate.kernel_size": 0.2, "collate.input_size": 48,
    "object_level.padding": 0.1, "lightly_path_regex": "(?P<camera>[a-z]+)", "n_samples": 9,
}  # fmt: skip
"""For each key that works a value that is not the default; other values are told from the key's type."""


def job(path: str, value: Any, **more: Any) -> tuple[SelectConfig, list[str]]:
    """The job with one key set, trained where the key is of a training."""
    given: dict[str, Any] = {"worker_config": {}, "selection_config": dict(DIVERSE), "lightly_config": {}, **more}
    name, _, rest = path.partition(".")
    if name == "lightly_config" or rest == "training.task_name":
        given["worker_config"]["enable_training"] = True
    *folders, last = rest.split(".")
    place = given[name]
    for folder in folders:
        place = place.setdefault(folder, {})
    place[last] = value
    return configured(given, data="images")


def other(key: Key) -> Any:
    """A value of ``key`` that is not the Worker's."""
    name = key.path.partition(".")[2]
    if name in OTHER:
        return OTHER[name]
    if key.kind is bool:
        return not key.worker
    return 3 if isinstance(key.worker, int) else 0.25


@pytest.mark.parametrize(("dictionary", "names"), [("worker_config", WORKER), ("selection_config", SELECTION), ("lightly_config", LIGHTLY)])
def test_the_table_holds_every_key_and_no_other(dictionary: str, names: str) -> None:
    assert sorted(key.path for key in KEYS if key.path.startswith(dictionary)) == sorted(f"{dictionary}.{name}" for name in names.split())


@pytest.mark.parametrize("key", [key for key in KEYS if key.fate == "accepted"], ids=lambda key: key.path)
def test_what_has_no_meaning_here_is_accepted_with_a_sentence(key: Key) -> None:
    value = {str: "x", int: 1, bool: True}.get(key.kind, "SKIP" if "strategy" in key.path else ["cells"] if "tasks" in key.path else 1)
    _, said = job(key.path, value)
    assert any(key.path in sentence and key.says in sentence for sentence in said)


@pytest.mark.parametrize("key", [key for key in KEYS if key.fate in ("video", "refused")], ids=lambda key: key.path)
def test_what_is_not_to_be_had_is_refused_with_what_to_do_unless_it_asks_for_nothing(key: Key) -> None:
    for value in key.harmless:
        assert not [sentence for sentence in job(key.path, value)[1] if key.path in sentence]
    asks = {bool: not key.harmless[0]}.get(key.kind, 5 if isinstance(key.harmless[0], int) else 0.5)
    with pytest.raises(UserError) as error:
        job(key.path, asks)
    assert str(error.value).startswith(key.path)
    assert len(str(error.value)) > len(key.path) + 60


@pytest.mark.parametrize(
    "key",
    [key for key in KEYS if key.fate == "works" and "[]" not in key.path and key.path.split(".")[1] not in (*OLD, "scorer")],
    ids=lambda key: key.path,
)
def test_a_key_that_works_changes_the_field_it_names(key: Key) -> None:
    training = key.path.startswith("lightly_config") or "training" in key.path
    before, _ = job("worker_config.enable_training", training and key.path != "worker_config.enable_training")
    value = other(key)
    if key.path == "selection_config.proportion_samples":
        after, _ = job(key.path, 0.25, selection_config={"strategies": DIVERSE["strategies"]})
    else:
        after, _ = job(key.path, value)
    was, now = before.model_dump(), after.model_dump()
    for part in key.to.split("."):
        was, now = (None if level is None else level[part] for level in (was, now))
    assert was != now, (key.path, key.to, now)


@pytest.mark.parametrize("key", [key for key in KEYS if key.path.startswith("lightly_config") and key.worker is not NONE], ids=lambda key: key.path)
def test_the_workers_own_default_is_in_its_range(key: Key) -> None:
    if key.worker is not None:
        job(key.path, key.worker)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("lightly_config.collate.cj_prob", 1.1), ("lightly_config.collate.min_scale", -0.1), ("lightly_config.collate.kernel_size", -1),
        ("lightly_config.collate.sigmas", [0.0, 1.0]), ("lightly_config.criterion.temperature", 0), ("lightly_config.optimizer.lr", -1),
        ("lightly_config.optimizer.weight_decay", 2), ("lightly_config.loader.batch_size", 0), ("lightly_config.trainer.max_epochs", -1),
        ("lightly_config.trainer.precision", 64), ("lightly_config.trainer.gpus", -1), ("lightly_config.model.name", "resnet-7"),
        ("worker_config.num_threads", -2), ("worker_config.corruptness_check.corruption_threshold", 2), ("worker_config.enable_training", "perhaps"),
        ("selection_config.n_samples", -2), ("selection_config.proportion_samples", 1.5), ("worker_config.selected_sequence_length", 0),
    ],
)  # fmt: skip
def test_a_value_out_of_its_range_is_named_with_its_place(path: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"{path} was given as "):
        job(path, value)
