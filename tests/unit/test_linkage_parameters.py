"""Linkage: parameters that the data themselves settle, fields of other kinds of files, threads."""

import json
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from profile_pipeline.linkage import learnt, model, persons
from profile_pipeline.linkage.identities import collapse
from profile_pipeline.plan.settings import LinkageSettings
from tests.unit.test_linkage_learning import KEY, link, people, records, together

LETTERS = "bcdfghjklmnprstvwz"


def spelt(number: int, length: int, seed: int) -> list[str]:
    """Return invented words, hardly two of them alike."""
    rng = np.random.default_rng(seed)
    letters = [LETTERS, "aeiou"]
    return [
        "".join(
            letters[place % 2][rng.integers(0, len(letters[place % 2]))] for place in range(length)
        )
        for _ in range(number)
    ]


def strangers(number: int, seed: int = 3, days: int = 20_000) -> pl.DataFrame:
    """Return people with names of their own, births spread over `days` and one of many homes."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "person": np.arange(number),
            "forename": spelt(number, 6, seed),
            "surname": spelt(number, 8, seed + 1),
            "date_of_birth": [
                date(1930, 1, 2) + timedelta(int(d)) for d in rng.integers(0, days, number)
            ],
            "postcode": [f"{place}" for place in rng.integers(1000, 3000, number)],
        }
    )


def shares_persons(linked: persons.Linkage, number: int, of: int) -> float:
    """Return the share of the second records that are one person with their first."""
    return sum(together(linked, f"school:{n}", f"school:{of + n}") for n in range(number)) / number


def test_the_chance_that_strangers_agree_is_not_raised_by_one_persons_many_records() -> None:
    # 1,200 people on 400 days: by hand, strangers share a birth in one of 400 pairs. Every person
    # has four records, which alone would make it 1 in 400 and 3 in 4,799 more.
    base = strangers(1200, days=400)
    typed = [
        base.with_columns(pl.col("surname") + letter, pl.col("postcode") + letter)
        for letter in ("x", "q", "k")
    ]
    identities, _ = collapse(records(base, *typed), KEY)
    chance = model.stranger_chances(identities)["same date of birth"]
    assert chance == pytest.approx(1 / 400, rel=0.05)


def test_a_name_is_as_frequent_as_people_bear_it() -> None:
    base = strangers(1600)  # fewer are not counted, but looked up
    many = [
        base.head(1).with_columns(pl.lit(f"{place}99 9").alias("postcode")) for place in range(30)
    ]
    once, often = (
        learnt.frequencies(None, collapse(rows, KEY)[0], KEY)["sur"]
        for rows in (records(base), records(base, *many))
    )
    assert often.equals(once)
    assert often["tf_sur"].sum() == pytest.approx(1)


def test_few_data_tell_that_dates_of_birth_are_often_wrong() -> None:
    # In 500 pairs one date in eight is another one altogether; all else agrees.
    base = strangers(500)
    wrong = base.with_columns(
        pl.when(pl.col("person") % 8 == 0)
        .then(pl.col("date_of_birth").dt.offset_by("-13y5mo9d"))
        .otherwise("date_of_birth"),
        (pl.col("surname") + "h").alias("surname"),
    )
    linked = link(records(base, wrong))
    assert shares_persons(linked, 500, 500) > 0.98


def other_forenames(base: pl.DataFrame) -> pl.DataFrame:
    """Return second records: of 60 people under another forename, of 600 at another home."""
    names = pl.Series("forename", spelt(60, 6, 77))
    moved = base.slice(60, 600).with_columns(pl.format("9{}", "postcode").alias("postcode"))
    return pl.concat([base.head(60).with_columns(names), moved])


def test_births_far_apart_without_siblings_show_that_other_forenames_are_errors() -> None:
    base = strangers(3000)
    linked = link(records(base, other_forenames(base)))
    assert shares_persons(linked, 60, 3000) == 1.0


def test_where_siblings_live_twins_are_expected_and_stay_apart() -> None:
    base = strangers(3000)
    sibling = base.slice(700, 2000).with_columns(
        pl.Series("forename", spelt(2000, 6, 99)),
        pl.col("date_of_birth").dt.offset_by("-3y2mo"),
    )
    linked = link(records(base, other_forenames(base), sibling))
    assert shares_persons(linked, 60, 3000) == 0.0


def test_one_school_year_shows_no_siblings_and_still_holds_twins() -> None:
    base = strangers(3000, days=360)
    linked = link(records(base, other_forenames(base)))
    assert shares_persons(linked, 60, 3000) == 0.0


def test_a_telephone_joins_a_child_who_changed_surname_and_home_but_not_her_brother() -> None:
    base = people(300)
    mine = {"contacts": ["700900123"], "sex": "female"}
    girl = {"forename": "Xandra", "surname": "Ashmere", "date_of_birth": date(2001, 5, 6)}
    brother = {"forename": "Bertram", "surname": "Ashmere", "date_of_birth": date(2003, 9, 8)}
    moved = girl | {"surname": "Wellridge"}
    rows = records(
        base,
        pl.DataFrame([girl | mine | {"postcode": "DY1 1AA"}]),
        pl.DataFrame([moved | mine | {"postcode": "WS9 9ZZ"}]),
        pl.DataFrame([brother | mine | {"sex": "male", "postcode": "DY1 1AA"}]),
    )
    linked = link(rows)
    assert together(linked, "school:300", "school:301")
    assert not together(linked, "school:300", "school:302")
    without = link(rows.with_columns(pl.lit([], dtype=pl.List(pl.String)).alias("contacts")))
    assert not together(without, "school:300", "school:301")


def test_contacts_leave_the_hashes_of_records_without_any_as_they_were() -> None:
    rows = records(people(3))
    some = rows.with_columns(
        pl.when(pl.col("row") == 0)
        .then(pl.lit(["a@b.org"]))
        .otherwise("contacts")
        .alias("contacts")
    )
    before, after = (set(collapse(each, KEY)[0]["identity"]) for each in (rows, some))
    assert len(before & after) == 2


@pytest.mark.parametrize(("years", "joined"), [(0, True), (9, False)])
def test_a_year_of_birth_is_evidence(years: int, joined: bool) -> None:
    base = people(300).with_columns(pl.col("date_of_birth").dt.year().alias("birth_year"))
    base = base.drop("date_of_birth").with_columns(pl.col("birth_year").cast(pl.Int64))
    one = {"forename": "Xandra", "surname": "Vrinwell", "birth_year": 1999, "postcode": "DY1 1AA"}
    one["postcode_sector"] = "DY1 1"
    other = one | {"birth_year": 1999 + years, "postcode": "DY1 1BB"}
    linked = link(records(base, pl.DataFrame([one]), pl.DataFrame([other])))
    assert together(linked, "school:300", "school:301") is joined


def test_threads_and_the_order_of_rows_change_no_byte(tmp_path: Path) -> None:
    base = people(1600)
    wrong = base.head(400).with_columns(pl.col("forename").str.replace("a", "o"))
    rows = records(base, wrong)
    found = []
    for threads in (1, 2, 4):
        con = duckdb.connect()
        con.execute(f"set threads={threads}").fetchall()
        kept = tmp_path / f"{threads}.json"
        linked = persons.link_children(
            rows.sample(fraction=1, shuffle=True, seed=threads),
            settings=LinkageSettings(),
            key=KEY,
            con=con,
            save_model_to=kept,
        )
        parameters = {k: v for k, v in json.loads(kept.read_text()).items() if k != "linker_uid"}
        tables = (
            linked.record_cluster,
            linked.links,
            linked.evidence,
            linked.queue(LinkageSettings()),
        )
        found.append(([table.write_json() for table in tables], parameters))
    assert found[0] == found[1] == found[2]


def test_a_cluster_that_only_a_decision_holds_is_listed_as_loose() -> None:
    one = {"forename": "Ida", "surname": "Ashmere", "date_of_birth": date(2001, 5, 6)}
    numbers = ("9434765919", "4010232137")
    rows = records(
        people(50),
        *(pl.DataFrame([one | {"nhs_number": number}]) for number in numbers),
    )
    apart = link(rows)
    assert apart.oversize.is_empty()
    a, b = apart.record_cluster.filter(pl.col("record_id").is_in(["school:50", "school:51"]))[
        "identity"
    ]
    decision = pl.DataFrame({"identity_a": [a], "identity_b": [b], "decision": ["same"]})
    listed = link(rows, decisions=decision).oversize
    assert listed.select("records", "reason").rows() == [(2, "several NHS numbers")]
