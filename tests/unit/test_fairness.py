"""Accuracy and what can't be linked, by group: told only where enough is known."""

import polars as pl
import pytest

from profile_pipeline import tables
from profile_pipeline.linkage import fairness
from profile_pipeline.linkage.decisions import STATE_SCHEMA


def test_wilson_limits_are_the_published_ones() -> None:
    """Newcombe, Statistics in Medicine 1998, table I: 81/263, 15/148, 0/20, 1/29 (method 3)."""
    frame = pl.DataFrame({"k": [81, 15, 0, 1], "n": [263, 148, 20, 29]})
    lower, upper = fairness.wilson(pl.col("k"), pl.col("n"))
    found = frame.select(lower.alias("lower"), upper.alias("upper"))
    assert found["lower"].to_list() == pytest.approx([25.53, 6.24, 0.0, 0.61], abs=0.006)
    assert found["upper"].to_list() == pytest.approx([36.62, 16.05, 16.11, 17.18], abs=0.006)


def records(group: str, count: int, bare: int, start: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "row": range(start, start + count),
            "ethnic_group": [group] * count,
            "too_little": [place < bare for place in range(count)],
        }
    ).with_columns(
        pl.lit("school").alias("dataset"), pl.lit("f").alias("file"), pl.lit("child").alias("role"),
        pl.lit("female").alias("sex"), pl.lit(None, dtype=pl.String).alias("ethnicity_code"),
        pl.lit(False).alias("alone"),
    )  # fmt: skip


def test_a_group_whose_records_cant_be_linked_stands_out_only_beyond_chance() -> None:
    rows = pl.concat(
        [records("Asian", 200, 30, 0), records("Black", 40, 2, 200), records("Mixed", 900, 20, 240)]
    )
    found = fairness.unlinkable_share(rows, rows)
    groups = found.filter(pl.col("dimension") == "ethnic_group")
    assert dict(groups.select("category", "beyond_chance").iter_rows()) == {
        "Asian": True,
        "Black": False,
        "Mixed": False,
    }
    assert groups.filter(category="Asian")["percent"].item() == 15.0


def world(wrong_asian: int) -> tuple[pl.DataFrame, ...]:
    """100 linked pairs of White British children, 100 of Asian; some of the latter are wrong."""
    pairs = [(f"{group}{i:03}a", f"{group}{i:03}b", group, i) for group in "wz" for i in range(100)]
    evidence = pl.DataFrame(
        {
            "identity_a": [a for a, *_ in pairs],
            "identity_b": [b for _, b, *_ in pairs],
            "match_weight": 12.0,
            "linked": True,
            "role": "child",
        }
    )
    sides = [(side, group, i) for a, b, group, i in pairs for side in (a, b)]
    identity = pl.DataFrame(
        {
            "dataset": "school", "file": "f", "row": range(len(sides)), "role": "child",
            "record_id": [side for side, *_ in sides], "identity": [side for side, *_ in sides],
        }
    )  # fmt: skip
    record_person = identity.select("dataset", "file", "row", "role").with_columns(
        pl.Series("person_id", [f"{group}{i:03}" for _, group, i in sides])
    )
    person = pl.DataFrame(
        {
            "person_id": [f"{group}{i:03}" for group in "wz" for i in range(100)],
            "ethnic_group": ["White"] * 100 + ["Asian"] * 100,
            "ethnicity_code": ["WBRI"] * 100 + ["APKN"] * 100,
            "sex": "female",
        }
    )
    answers = [
        (a, b, "different" if group == "z" and i < wrong_asian else "same")
        for a, b, group, i in pairs
    ]
    decision = pl.DataFrame(
        [
            (a, b, word, "AB", "2016-04-30", "", "x.xlsx, sheet Sample", "", a, b, "counts")
            for a, b, word in answers
        ],
        schema=STATE_SCHEMA,
        orient="row",
    )
    return evidence, decision, identity, record_person, person


NO_CARE = tables.empty(tables.MEASURES["looked_after"])


def test_a_group_with_more_wrong_links_than_chance_explains_is_named() -> None:
    found = fairness.linkage_accuracy(*world(wrong_asian=20), NO_CARE, seed=1)
    groups = found.filter(dimension="ethnic_group", measure="precision")
    assert dict(groups.select("category", "beyond_chance").iter_rows()) == {
        "Asian": True,
        "White British": False,
    }
    asian = groups.filter(category="Asian")
    assert asian["lower"].item() < 0.8 < asian["upper"].item()
    assert asian["pairs_decided"].item() == 100


def test_pairs_drawn_for_a_group_tell_of_the_group_and_of_nothing_else() -> None:
    evidence, decision, *rest = world(wrong_asian=20)
    asian = pl.col("identity_a").str.starts_with("z")
    drawn = decision.with_columns(
        pl.when(asian).then(pl.lit("x.xlsx, sheet Groups")).otherwise("source").alias("source")
    )
    found = fairness.linkage_accuracy(evidence, drawn, *rest, NO_CARE, seed=1).filter(
        measure="precision"
    )
    decided = dict(found.select("category", "pairs_decided").iter_rows())
    assert (decided["Asian"], decided["all"], decided["female"]) == (100, 100, 100)
    # All of the sample's pairs were right: the group's errors are not the whole's.
    assert found.filter(dimension="all")["upper"].item() == 1.0
    assert found.filter(category="Asian")["upper"].item() < 1.0


def test_no_group_is_named_for_one_wrong_link_in_a_hundred() -> None:
    found = fairness.linkage_accuracy(*world(wrong_asian=1), NO_CARE, seed=1)
    assert not found["beyond_chance"].any()


def test_without_decisions_a_row_says_so_and_no_figure_is_given() -> None:
    evidence, decision, *rest = world(wrong_asian=0)
    found = fairness.linkage_accuracy(evidence, decision.clear(), *rest, NO_CARE, seed=1)
    overall = found.filter(dimension="all", measure="precision").row(0, named=True)
    assert overall["value"] is None
    assert "no pair of the sample has been decided" in overall["note"]


def test_answers_on_the_review_sheet_dont_count_as_a_sample() -> None:
    """They are chosen for being doubtful: an estimate from them would doubt all links."""
    evidence, decision, *rest = world(wrong_asian=50)
    chosen = decision.with_columns(pl.lit("x.xlsx, sheet Review").alias("source"))
    found = fairness.linkage_accuracy(evidence, chosen, *rest, NO_CARE, seed=1)
    assert found["value"].null_count() == len(found)
