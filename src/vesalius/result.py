"""What a verb returns: the run it made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vesalius.encoders.encoder import Encoder


class Result:
    """One finished verb: ``path`` of its run, ``results``, ``encoder``, ``report()``; a notebook shows the verdict."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def results(self) -> dict[str, Any]:
        """``results.json``, or an empty mapping where the verb writes none."""
        file = self.path / "results.json"
        found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return found

    @property
    def encoder(self) -> Encoder:
        """The run's default encoder, in evaluation mode. Raises UserError where the run holds none."""
        from vesalius.encoders import load_encoder

        return load_encoder(self.path)

    def report(self) -> Path:
        """Write ``report.html`` again and return its path."""
        from vesalius.report import build

        return build([self.path])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def _repr_html_(self) -> str:
        from html import escape

        results = self.results
        rows = "".join(
            f"<tr><td>{escape(str(p['encoder']))}</td><td>{escape(str(p['probe']))}</td><td>{escape(str(p['metric']))}</td>"
            f"<td>{p['value']:.3f}</td><td>{p['low']:.3f} to {p['high']:.3f}</td></tr>"
            for p in results.get("probes", [])
            if p.get("value") is not None and p.get("low") is not None
        )
        verdict = escape(" ".join(results.get("verdict", [])))
        table = f"<table><tr><th>encoder<th>probe<th>metric<th>value<th>interval</tr>{rows}</table>" if rows else ""
        return f"<p><b>{escape(self.path.name)}</b> {verdict}</p>{table}"
