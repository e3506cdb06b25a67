"""What a page or a tracker is told of the user's data: which source, never which folder or file (see docs/decisions/0011)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from vesalius import registry

HIDDEN = "(in config.yaml)"
_LISTED = ("run", "encoder", "data", "images", "backbones")
"""Of an evaluation: lists of references."""
_FILES = ("embeddings", "relevant_filenames_file", "preselected", "images", "backbones", "reconstructed", "originals")
"""Of a selection and of an evaluation: files of the user's."""
_PLACES = ("train", "monitor", "root", "monitor_root", "labels_file", "mapping", "subject")


def without_paths(config: Mapping[str, Any], text: str) -> tuple[Mapping[str, Any], str]:
    """``config`` and its ``text`` with every reference to data that is not a public source's name put out of sight."""
    shown = {key: _shown(key, value) for key, value in config.items()}
    if shown == config:
        return config, text
    return shown, yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)


def _shown(key: str, value: Any, inside: str = "") -> Any:
    if isinstance(value, Mapping):
        return {name: _shown(str(name), item, key) for name, item in value.items()}
    if key == "plugins" and isinstance(value, list):
        return [str(item).replace("\\", "/").rpartition("/")[2] for item in value]
    if key == "write" and isinstance(value, list):
        return [f"{str(item).partition('=')[0]}={HIDDEN}" for item in value]
    if isinstance(value, list):
        return [_shown(key, item, inside) if isinstance(item, Mapping) or key in _LISTED else item for item in value]
    if not isinstance(value, str):
        return value
    if key == "uri":  # of a tracker: a server may be named, a file lies in somebody's folder
        return value if value.startswith(("http://", "https://", "azureml://", "databricks")) else HIDDEN
    if key in _FILES:
        return HIDDEN
    if key == "data" or (inside == "data" and key in _PLACES):
        source, at, rest = value.partition("@")
        task = f":{rest.rpartition(':')[2]}" if ":" in rest and "/" not in rest.rpartition(":")[2] else ""
        public = source.partition(":")[0].lower().replace("_", "-") in registry.names("sources") and "/" not in source
        return f"{source}{'@…' if at else ''}{task}" if public else HIDDEN
    if value.startswith(("mlflow:", "https://", "http://")):
        place, query, rest = value.partition("?")  # a signature lets anybody read the file
        return f"{place}#{rest.partition('#')[2]}" if query and "#" in rest else place
    if key in ("encoder", "weights", "code", "views", "run") and ("/" in value or "\\" in value):
        name, named, _ = value.partition("=")
        return f"{f'{name}=' if named and '/' not in name else ''}…/{value.replace(chr(92), '/').rpartition('/')[2]}"
    return value
