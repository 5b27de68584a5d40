"""The tables of an edition as files: one CSV each, and one workbook of them all.

Takes tables that `safe_tables` has made; nothing is judged or changed here but formula starts.
"""

from collections.abc import Mapping

import polars as pl

from profile_pipeline.plan.settings import Edition
from profile_pipeline.sharing.editions import describe
from profile_pipeline.tables import NOT_HELD, PROFILE, SUPPRESSED
from profile_pipeline.workbooks import Sheet, csv_bytes, workbook_bytes


def table_files(safe: Mapping[str, pl.DataFrame], edition: Edition | None) -> dict[str, bytes]:
    """Return the files of an edition's tables by name: `<table>.csv` each and `tables.xlsx`.

    CSV is UTF-8 with one header row; suppressed cells are `[c]`, figures nobody supplied `[x]`.
    Tables that aren't of the profile (regional summary, key findings) are left out. The same tables
    give the same bytes.

    Args:
        safe: tables as `safe_tables` returns them.
        edition: the edition they were made for; None for the restricted one.
    """
    chosen = {name: safe[name] for name in PROFILE if name in safe}
    files = {f"{name}.csv": csv_bytes(frame) for name, frame in chosen.items()}
    contents = pl.DataFrame(
        {
            "table": list(chosen),
            "what it holds": [PROFILE[name].description for name in chosen],
            "rows": [str(frame.height) for frame in chosen.values()],
            "suppressed cells": [
                str(sum(frame[c].to_list().count(SUPPRESSED) for c in frame.columns))
                for frame in chosen.values()
            ],
            "figures not held": [
                str(sum(frame[c].to_list().count(NOT_HELD) for c in frame.columns))
                for frame in chosen.values()
            ],
        },
        schema=dict.fromkeys(
            ("table", "what it holds", "rows", "suppressed cells", "figures not held"), pl.String
        ),
    )
    columns = pl.DataFrame(
        [
            (name, column.name, column.description)
            for name in chosen
            for column in PROFILE[name].columns
        ],
        schema=dict.fromkeys(("table", "column", "meaning"), pl.String),
        orient="row",
    )
    sheets = [
        Sheet("contents", contents, (describe(edition),)),
        Sheet("columns", columns),
        *(Sheet(name, frame) for name, frame in chosen.items()),
    ]
    return files | {"tables.xlsx": workbook_bytes(sheets, "Problem profile: tables")}
