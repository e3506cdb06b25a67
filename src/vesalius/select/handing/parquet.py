"""``parquet``: a row for each image that was selected, with its vector: for pandas, polars, DuckDB, Spark."""

from __future__ import annotations

from pathlib import Path

from vesalius.select import picked
from vesalius.select.handed import Handed
from vesalius.select.selected import Selected

NEEDS: tuple[str, ...] = ()


def write(selected: Selected, out: Path) -> Handed:
    """Order, name, id, gain, nearest, distance, reasons, labels, and ``vector`` (D float32) where images were embedded."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from vesalius.features.writing import whole

    table = pa.Table.from_pandas(picked.rows(selected), preserve_index=False)
    vectors = picked.vectors(selected, selected.picks.rows)
    if vectors is not None:
        table = table.append_column("vector", pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1]))
    with whole(out) as temporary:
        pq.write_table(table, temporary)
    return Handed((out,))
