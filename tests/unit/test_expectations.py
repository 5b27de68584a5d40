"""From `expect:` entries to failing rows: which row, which rule, and no value anywhere."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from expectations.rules import Rule, automatic_rules, rules_for, volume_rules
from expectations.run import run_suite
from profile_pipeline.errors import ContractError, PlanError
from profile_pipeline.plan.expect import Expect
from profile_pipeline.tables import EXPECTATION, Dtype, conform

AS_AT = dt.date(2016, 3, 31)
SECRET = "Zebedee"


def entry(**values: Any) -> Expect:
    return Expect.model_validate(values)


def judge(frame: pl.DataFrame, *entries: Expect, **options: Any) -> tuple[set[Any], pl.DataFrame]:
    rules = rules_for(entries, frame.schema, as_at=AS_AT, **options)
    failures, results = run_suite(frame, rules)
    return set(failures.select("_index", "rule").iter_rows()), results


def test_each_condition_names_the_rows_that_break_it() -> None:
    day, moment = dt.date, dt.datetime
    frame = pl.DataFrame(
        {
            "date": [
                day(2016, 3, 31),
                day(2016, 4, 1),
                day(9999, 1, 1),
                day(1, 1, 1),
                None,
            ],
            "seen": [moment(2016, 3, 31, 23), moment(2016, 4, 1), None, None, None],
            "upn": ["A1", "A1", "b2", "A12", " "],
            "score": ["3", "11", "x", "", "-1"],
            "sex": ["1", "2", "9", " ", None],
        }
    )
    failed, results = judge(
        frame,
        entry(column="date", between=["2014-04-01", "as_at"]),
        entry(column="date", after="seen"),
        entry(column="date", before="seen"),
        entry(column="seen", between=[None, "as_at"]),
        entry(column="upn", matches="[A-Z][0-9]"),
        entry(column="upn", unique=True),
        entry(column="upn", not_null=True),
        entry(column="score", between=[0, 10]),
        entry(column="sex", in_set=[1, 2]),
    )
    assert failed == {
        (1, "date_between"),
        (2, "date_between"),
        (3, "date_between"),
        (1, "seen_between"),
        (2, "upn_matches"),
        (3, "upn_matches"),
        (0, "upn_unique"),
        (1, "upn_unique"),
        (4, "upn_not_null"),
        (1, "score_between"),
        (2, "score_between"),
        (4, "score_between"),
        (2, "sex_in_set"),
    }
    counts = dict(results.select("rule", "failed").iter_rows())
    assert counts["date_between"] == 3
    assert counts["date_after_seen"] == counts["date_before_seen"] == 0  # the same day passes
    assert results["checked"].unique().to_list() == [5]


def test_results_meet_the_contract_and_hold_no_value() -> None:
    frame = pl.DataFrame({"name": [SECRET, SECRET], "id": [7, 9]})
    rules = rules_for(
        [entry(column="name", in_set=["x"]), entry(column="name", unique=True)],
        frame.schema,
        as_at=AS_AT,
    )
    failures, results = run_suite(frame, rules, key="id")
    assert failures["id"].to_list() == [7, 7, 9, 9]
    conform(results.with_columns(dataset=pl.lit("d")), EXPECTATION)
    assert SECRET not in failures.write_json() + results.write_json()


def test_what_becomes_of_a_row_follows_severity_and_the_plan() -> None:
    frame = pl.DataFrame({"a": ["", "1"], "b": ["", "1"], "c": ["", "1"]})
    rules = rules_for(
        [
            entry(column="a", not_null=True),
            entry(column="b", not_null=True, severity="warning"),
            entry(column="c", not_null=True, row="warn"),
        ],
        frame.schema,
        as_at=AS_AT,
    )
    failures, _ = run_suite(frame, rules)
    assert dict(failures.select("rule", "action").iter_rows()) == {
        "a_not_null": "quarantine",
        "b_not_null": "warn",
        "c_not_null": "warn",
    }


@pytest.mark.parametrize(("at_least", "passed"), [(50, True), (51, False)])
def test_completeness_is_judged_of_the_dataset(at_least: int, passed: bool) -> None:
    frame = pl.DataFrame({"a": ["x", " ", None, "y"]})
    failed, results = judge(frame, entry(column="a", not_null=True, at_least=at_least))
    assert failed == set()
    assert results.select("level", "failed", "passed").rows() == [("dataset", 2, passed)]


def test_a_quarter_of_unusual_size_fails() -> None:
    rows = {"2015-16 Q1": 3, "2015-16 Q2": 5, "2015-16 Q3": 4, "2015-16 Q4": 9}
    frame = pl.DataFrame({"quarter": [q for q, n in rows.items() for _ in range(n)]})
    failures, results = run_suite(frame, volume_rules([entry(rows_within=50)], rows))
    assert failures.height == 0
    assert results.select("rule", "checked", "passed").rows() == [
        ("rows_2015_16_q3", 4, True),  # mean of the quarters before: 4
        ("rows_2015_16_q4", 9, False),
    ]


def test_automatic_rules() -> None:
    frame = pl.DataFrame(
        {
            "ref": ["1", None, "3", "3"],
            "file": ["f", "f", "f", "f"],
            "date": [
                dt.date(1994, 4, 1),
                AS_AT,
                dt.date(1994, 3, 31),
                dt.date(2016, 4, 1),
            ],
        }
    )
    rules = automatic_rules(
        frame.schema,
        required=["ref", "not delivered"],
        key=["file", "ref"],
        period_start=dt.date(2014, 4, 1),
        as_at=AS_AT,
    )
    failures, results = run_suite(frame, rules)
    assert failures.select("_index", "rule").rows() == [
        (1, "ref_given"),
        (2, "date_plausible"),
        (3, "date_plausible"),
    ]
    assert results.filter(rule="key_unique").select("failed", "passed").rows() == [(2, False)]


def test_a_condition_on_dates_uses_the_field_made_of_the_column() -> None:
    frame = pl.DataFrame({"Date missing": ["1/4/16"], "date": [dt.date(2016, 4, 1)]})
    failed, results = judge(
        frame,
        entry(column="Date missing", between=["2014-04-01", "as_at"]),
        aliases={"Date missing": "date"},
    )
    assert failed == {(0, "date_missing_between")}
    assert results["description"][0].startswith("Date missing lies between 2014-04-01")


def test_a_column_that_was_not_delivered_is_not_passed_and_stops_nothing() -> None:
    schema: Mapping[str, Dtype] = {"a": pl.String, "b": pl.String}
    rules = rules_for(
        [entry(column="a", not_null=True), entry(column="b", not_null=True)],
        schema,
        as_at=AS_AT,
    )
    _, results = run_suite(pl.DataFrame({"b": ["x"]}), rules)
    assert results.select("checked", "passed").rows() == [(0, False), (1, True)]


def test_rules_of_one_id_are_told_apart() -> None:
    frame = pl.DataFrame({"n": ["5"]})
    failed, results = judge(
        frame, entry(column="n", between=[0, 9]), entry(column="n", between=[6, 9])
    )
    assert failed == {(0, "n_between_2")}
    assert results["rule"].to_list() == ["n_between", "n_between_2"]


def test_a_broken_rule_raises_its_id_and_no_value() -> None:
    rule = Rule(
        "bad",
        "ExpectColumnValuesToMatchRegex",
        ("a",),
        "text",
        "critical",
        "row",
        "warn",
        "broken",
        {"regex": "("},
    )
    with pytest.raises(ContractError) as caught:
        run_suite(pl.DataFrame({"a": [SECRET]}), [rule])
    assert str(caught.value) == "expectation bad could not run"


def test_every_entry_that_does_not_fit_is_told_at_once() -> None:
    schema: Mapping[str, Dtype] = {
        "date": pl.Date,
        "Ref": pl.String,
        "ids": pl.List(pl.String),
    }
    entries = [
        entry(column="dat", not_null=True),
        entry(column="Ref", between=["2014-04-01", "as_at"]),
        entry(column="date", between=[1, 2]),
        entry(column="ids", unique=True),
        entry(column="Ref", not_null=True),
    ]
    with pytest.raises(PlanError) as caught:
        rules_for(entries, schema, as_at=AS_AT, where="plan.yaml, police")
    assert [str(problem) for problem in caught.value.problems] == [
        "plan.yaml, police, expect 1: this dataset has no column 'dat'. Did you mean 'date'?",
        (
            "plan.yaml, police, expect 2: column 'Ref' holds text, not dates. "
            "Map it to a field with its date format first, or use another condition."
        ),
        (
            "plan.yaml, police, expect 3: column 'date' holds dates. "
            "Give dates, such as 2014-04-01, or as_at."
        ),
        (
            "plan.yaml, police, expect 4: column 'ids' may hold several values. "
            "Only not_null fits it."
        ),
    ]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"column": "a"}, "exactly one"),
        ({"column": "a", "unique": True, "matches": "x"}, "exactly one"),
        ({"unique": True}, "name the column"),
        ({"column": "a", "rows_within": 5}, "name the column"),
        ({"column": "a", "between": [2, 1]}, "highest value comes second"),
        ({"column": "a", "between": [None, None]}, "lowest or the highest"),
        ({"column": "a", "between": ["2014-04-01", 3]}, "both ends"),
        ({"column": "a", "between": ["soon", "as_at"]}, "between"),
        ({"column": "a", "matches": "("}, "pattern"),
        ({"column": "a", "matches": "(?=x)"}, "pattern"),
        ({"column": "a", "in_set": [True]}, "in quotes"),
        ({"column": "a", "unique": True, "at_least": 5}, "at_least"),
        (
            {"column": "a", "unique": True, "row": "quarantine", "severity": "warning"},
            "critical",
        ),
        ({"column": "a", "not_null": True, "at_least": 5, "row": "warn"}, "as a whole"),
        ({"column": "a", "unqiue": True}, "unqiue"),
    ],
)
def test_an_entry_that_makes_no_sense(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Expect.model_validate(values)
