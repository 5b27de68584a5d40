"""The gap of the linkage: there until it is measured, and when it serves some worse."""

import polars as pl

from profile_pipeline import tables
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.gaps import linkage_accuracy, unequal_linkage


def evidence(accuracy: list[tuple[object, ...]], bare: list[tuple[object, ...]]) -> Evidence:
    frames = {
        "people.linkage_accuracy": pl.DataFrame(
            accuracy, schema=tables.LINKAGE_ACCURACY.polars_schema, orient="row"
        ),
        "people.unlinkable_share": pl.DataFrame(
            bare, schema=tables.UNLINKABLE_SHARE.polars_schema, orient="row"
        ),
    }
    names = pl.DataFrame(schema={"dataset": pl.String, "agency": pl.String, "title": pl.String})
    return Evidence(frames, None, names, names)  # type: ignore[arg-type]


UNTOLD = ("all", "all", "recall", None, None, None, 0, 900, False, "no pair decided")
OVERALL = ("all", "all", "recall", 0.98, 0.97, 0.99, 150, 900, False, None)
ASIAN = ("ethnic_group", "Asian", "recall", 0.9, 0.85, 0.93, 40, 200, True, None)


def test_a_table_without_a_figure_leaves_the_gap_open() -> None:
    assert linkage_accuracy(evidence([UNTOLD], [])).height == 1


def test_an_overall_figure_alone_leaves_the_gap_by_ethnic_group() -> None:
    found = linkage_accuracy(evidence([OVERALL], []))
    assert "by ethnic group" in found["finding"].item()


def test_figures_by_ethnic_group_close_it_and_a_difference_opens_another() -> None:
    told = evidence([OVERALL, ASIAN], [])
    assert linkage_accuracy(told).is_empty()
    found = unequal_linkage(told).row(0, named=True)
    assert "children recorded as Asian, more links are missed" in found["finding"]
    assert found["priority"] == "high"


def test_records_that_cant_be_linked_count_for_children_and_never_for_not_recorded() -> None:
    def row(role: str, category: str) -> tuple[object, ...]:
        return (role, "ethnic_group", category, 500, 90, 0, 18.0, 15.0, 21.0, True)

    found = unequal_linkage(
        evidence([], [row("child", "Black"), row("child", "not recorded"), row("suspect", "Mixed")])
    )
    assert found.height == 1
    assert "Black" in found["finding"].item()
