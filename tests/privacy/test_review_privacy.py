"""What the profile prints of the linkage: no small count can be read from it."""

import polars as pl

from profile_pipeline import tables
from profile_pipeline.plan.settings import Edition
from profile_pipeline.sharing.linkage_out import safe_linkage

EDITION = Edition(suppress_up_to=4)


def shares(*rows: tuple[str, int, int]) -> pl.DataFrame:
    full = [
        ("child", "dataset", name, records, bare, 0, 100 * bare / records, 1.0, 9.0, True)
        for name, records, bare in rows
    ]
    schema = tables.UNLINKABLE_SHARE.polars_schema
    return pl.DataFrame(full, schema=schema, orient="row")


def test_a_share_of_few_records_or_of_a_small_whole_is_withheld() -> None:
    found = safe_linkage(
        tables.empty(tables.LINKAGE_ACCURACY),
        shares(("many", 500, 50), ("few", 500, 3), ("all but few", 500, 498), ("small", 8, 0)),
        EDITION,
    )["unlinkable_share"]
    assert dict(found.select("category", "percent").iter_rows()) == {
        "many": "10.0",
        "few": "[c]",
        "all but few": "[c]",
        "small": "[c]",
    }
    withheld = found.filter(percent="[c]")
    assert set(withheld["lower"]) | set(withheld["upper"]) == {"[c]"}
    assert set(withheld["higher"]) == {""}


def test_accuracy_of_fewer_pairs_than_the_edition_asks_for_is_not_printed() -> None:
    row = ("ethnic_group", "Other", "recall", 0.9, 0.8, 0.95, 7, 40, False, None)
    accuracy = pl.DataFrame([row], schema=tables.LINKAGE_ACCURACY.polars_schema, orient="row")
    found = safe_linkage(accuracy, tables.empty(tables.UNLINKABLE_SHARE), EDITION)
    assert found["linkage_accuracy"].row(0)[3:6] == ("", "", "")
