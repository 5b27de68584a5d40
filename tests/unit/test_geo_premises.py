"""Licensed premises in information reports: many spellings are one business, no other drawn in."""

from datetime import date

import polars as pl
import pytest

from geo.premises import match_premises
from profile_pipeline import tables

REGISTER = [
    ("L1", "The Copper Kettle", "12 Mill Lane", "DY1 7ZH"),
    ("L2", "Copper Cars", "3 High Street", "DY1 7ZJ"),
    ("L3", "Crown Inn", "5 Park Road", "DY2 1AA"),
    ("L4", "Crown Inn", "9 Bell Lane", "DY3 1AA"),
    ("L5", "Kettle Wines", "12 Mill Lane", "DY1 7ZH"),
    ("L6", "Golden Pizza", "12 High Street", "DY4 1AA"),
    ("L7", "Golden Pizza", "99 Low Road", "DY4 1AB"),
    ("L8", "Star Taxis", "7 Hill Road, Upton", "DY4 1AC"),
    ("L9", "Star Taxis", "7 Hill Road, Downton", "DY4 1AD"),
]


def _match(name: str | None, address: str | None) -> tuple[str | None, str | None]:
    places = pl.DataFrame(
        [
            {"place_id": i, "name": n, "address": a, "postcode": p, "kind": "licensed_premises"}
            for i, n, a, p in REGISTER
        ]
    ).with_columns(
        pl.lit(None, dtype=pl.String).alias("category"),
        pl.lit(1.0).alias("easting_m"),
        pl.lit(1.0).alias("northing_m"),
        pl.lit(None, dtype=pl.Float64).alias("capacity"),
    )
    table = tables.MEASURES["information_report"]
    row = {column: [None] for column in table.polars_schema} | {
        "dataset": ["d"],
        "file": ["f"],
        "row": [0],
        "quarter": ["2015-16 Q4"],
        "date": [date(2016, 2, 1)],
        "premises_name": [name],
        "premises_address": [address],
    }
    reports = pl.DataFrame(row, schema=table.polars_schema)
    matched = match_premises(reports, tables.conform(places, tables.PLACE))
    return matched.select("premises_id", "matched_by").row(0) if matched.height else (None, "none")


@pytest.mark.parametrize(
    ("name", "address", "expected"),
    [
        ("COPPER KETTLE", "12 Mill Ln", ("L1", "name and address")),
        ("The Coper Kettle Ltd", "dy17zh", ("L1", "name and address")),
        ("Kettle hotel", "3 Mill Lane", (None, None)),
        ("The Copper Kettle", None, ("L1", "name")),
        ("Crown Inn", None, (None, None)),
        ("Crown Inn", "9 Bell Lane, DY3 1AA", ("L4", "name and address")),
        ("Copper", "3 High Street", ("L2", "address")),
        ("Copper Kettle", "3 High Street", (None, None)),
        ("Blue Dragon", "DY2 1AA", (None, None)),
        (None, None, (None, "none")),
        # A town behind the street, a street's kind in short, commas where people put them.
        ("GOLDEN PIZZA", "12 High St., Millbrook", ("L6", "name and address")),
        ("Golden Pizza", "12 High St Millbrook", ("L6", "name and address")),
        ("golden pizza", "99, Low Rd, Millbrook", ("L7", "name and address")),
        ("Golden Pizza", "12 High Street North", (None, None)),
        ("Golden Pizza", "12 High Street, Millbrook, DY9 9ZZ", (None, None)),
        ("Star Taxis", "7 Hill Rd, Downton", ("L9", "name and address")),
        ("Star Taxis", "7 Hill Rd", (None, None)),
    ],
)
def test_premises_are_matched_on_evidence_alone(name, address, expected) -> None:
    assert _match(name, address) == expected
