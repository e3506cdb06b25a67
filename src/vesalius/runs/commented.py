"""A configuration as YAML in which comments say where its values come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

HEAD = "# A comment says where a value comes from; one without is the default.\n"


def commented(text: str, notes: Mapping[str, str]) -> str:
    """The YAML ``text`` with ``notes`` (by dotted field, entries of lists by their ``name``) behind the values they are about.

    ``text`` holds block collections, as ``yaml.dump`` writes them; what it means stays the same.
    """
    if not notes:
        return text
    lines = text.splitlines()
    for name, line in _places(yaml.compose(text, Loader=yaml.SafeLoader), "", 0):
        parts = name.split(".")
        note = next((notes[key] for n in range(len(parts), 0, -1) if (key := ".".join(parts[:n])) in notes), None)
        if note is not None:
            lines[line] += f"  # {note}"
    return HEAD + "\n".join(lines) + "\n"


def _places(node: Any, prefix: str, line: int) -> Iterator[tuple[str, int]]:
    """Dotted names of the values in ``node``, and the line behind which there is room; ``line`` is the key's."""
    if isinstance(node, yaml.MappingNode) and node.value:
        for key, value in node.value:
            yield from _places(value, f"{prefix}.{key.value}" if prefix else str(key.value), key.end_mark.line)
    elif isinstance(node, yaml.SequenceNode) and node.value and all(_name(entry) for entry in node.value):
        for entry in node.value:
            fields = [pair for pair in entry.value if pair[0].value != "name"]
            for key, value in fields:
                yield from _places(value, f"{prefix}.{_name(entry)}.{key.value}", key.end_mark.line)
            if not fields:
                yield f"{prefix}.{_name(entry)}", entry.start_mark.line
    elif isinstance(node, yaml.ScalarNode):
        yield prefix, node.end_mark.line if node.end_mark.column else node.end_mark.line - 1
    else:
        yield prefix, line


def _name(node: Any) -> str:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((str(value.value) for key, value in pairs if key.value == "name"), "")
