"""Prints the lines of an archived day, one JSON array a line, as DuckDB and as pyarrow read them: read-parquet.py READER FOLDER."""

import glob
import json
import sys

COLUMNS = ["time", "source", "ordinal", "level", "message", "fields", "service", "container_id", "slot", "attributes"]
ORDER = ["time", "node_id", "container_id", "source", "ordinal"]


def by_duckdb(folder):
    import duckdb

    rows = duckdb.sql(
        f"SELECT {', '.join(COLUMNS)}, make_timestamp_ns(time)::VARCHAR "
        f"FROM '{folder}/lines-*.parquet' ORDER BY {', '.join(ORDER)}"
    ).fetchall()
    return [(*row[:-1], stamp(row[-1])) for row in rows]


def stamp(text):
    """2026-11-21 12:00:01.5 with all nine digits, as RFC 3339."""
    seconds, _, fraction = text.replace(" ", "T").partition(".")
    return f"{seconds}.{fraction.ljust(9, '0')}Z"


def by_pyarrow(folder):
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pa.concat_tables(pq.read_table(path) for path in sorted(glob.glob(f"{folder}/lines-*.parquet")))
    table = table.sort_by([(name, "ascending") for name in ORDER])
    stamps = pc.strftime(table["time"].cast(pa.timestamp("ns", "UTC")), format="%Y-%m-%dT%H:%M:%SZ")
    return zip(*(table[name].to_pylist() for name in COLUMNS), stamps.to_pylist())


for row in {"duckdb": by_duckdb, "pyarrow": by_pyarrow}[sys.argv[1]](sys.argv[2]):
    print(json.dumps(row))
