"""Information reports: what may leave the desk, and that nothing of the rest goes with it."""

import polars as pl
import pytest
from pydantic import ValidationError

from profile_pipeline import tables
from profile_pipeline.analysis.handling import information_reports, withhold
from profile_pipeline.intake.handling import with_release
from profile_pipeline.plan.collection import Dataset
from profile_pipeline.plan.handling import HandlingDefault
from tests.unit.small_plan import dataset, small_plan

REPORT = tables.MEASURES["information_report"]
MAY = {"handling_code": "P", "sanitised": True, "consent": "sought"}


def _reports(*rows: dict[str, object]) -> pl.DataFrame:
    whole = [
        {"dataset": "log", "file": "log.csv", "row": n, "quarter": "2015-16 Q4", **row}
        for n, row in enumerate(rows)
    ]
    return pl.DataFrame(whole, schema=REPORT.polars_schema)


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({}, None),
        ({"handling_code": "p - lawful sharing permitted"}, None),
        ({"handling_code": "2"}, None),
        ({"handling_code": None}, "it has no handling code"),
        ({"handling_code": "C"}, "its handling code sets conditions"),
        ({"handling_code": "1"}, "its handling code sets conditions"),
        ({"handling_code": "Q"}, "its handling code is not known"),
        ({"sanitised": False}, "it is not said to be sanitised"),
        ({"sanitised": None}, "it is not said to be sanitised"),
        ({"consent": None}, "consent is not stated"),
        ({"consent": "limited"}, "consent is limited or was refused"),
        ({"consent": "dispensed with", "consent_reason": "Child at risk of harm"}, None),
        (
            {"consent": "dispensed with", "consent_reason": "N/K"},
            "consent was dispensed with and no reason is given",
        ),
    ],
)
def test_a_report_is_restricted_until_all_that_is_needed_is_stated(change, because) -> None:
    got = with_release(_reports(MAY | change)).row(0, named=True)
    assert (got["restricted_because"], got["releasable"]) == (because, because is None)


def test_an_analyst_s_own_list_says_what_a_code_of_theirs_means(tmp_path) -> None:
    (tmp_path / "handling_code.csv").write_text("spelling,code\nGreen,permitted\n")
    got = with_release(_reports(MAY | {"handling_code": "GREEN"}), tmp_path)
    assert got["releasable"].to_list() == [True]


def test_nothing_that_comes_from_a_restricted_report_is_left_and_all_else_is() -> None:
    said = {"premises_name": "The Crown", "reliability": "4"}
    reports = with_release(_reports(MAY | said, MAY | said | {"handling_code": "C"}))
    rows = pl.DataFrame(
        {
            "dataset": ["log", "log", "other"],
            "file": ["log.csv", "log.csv", "log.csv"],
            "row": [0, 1, 1],
        }
    )
    frames = {
        "records.information_report": reports,
        "records.subject": rows,
        "people.person": pl.DataFrame({"person_id": ["C1"]}),
        "quality.fate": rows,
    }
    got = withhold(frames)
    # The restricted report still counts as one that came, and says nothing any more.
    kept = got["records.information_report"]
    assert kept["row"].to_list() == [0, 1]
    assert kept["premises_name"].to_list() == ["The Crown", None]
    assert kept["reliability"].to_list() == ["4", "4"]
    assert got["records.subject"].rows() == [("log", "log.csv", 0), ("other", "log.csv", 1)]
    assert got["people.person"].height == 1
    assert got["quality.fate"].height == 3


def test_a_report_nobody_judged_counts_as_restricted() -> None:
    unjudged = _reports(MAY | {"premises_name": "The Crown"})
    rows = unjudged.select(tables.ROW_KEY)
    got = withhold({"records.information_report": unjudged, "records.subject": rows})
    assert got["records.subject"].is_empty()
    assert got["records.information_report"]["premises_name"].to_list() == [None]


DECISION = {
    "handling_code": "P",
    "sanitised": True,
    "consent": "dispensed with",
    "consent_reason": "risk of significant harm",
    "decided_by": "Head of bureau",
    "decided_on": "2016-04-04",
    "why": "each entry is sanitised before it is shared",
}


def _log(**decided: object) -> list[Dataset]:
    text = "events: [{measure: information_report}]"
    return [dataset(text, id="log", handling_default={**DECISION, **decided})]


@pytest.mark.parametrize(
    ("stated", "because"),
    [
        ({}, None),
        ({"handling_code": "C"}, "its handling code sets conditions"),
        ({"handling_code": "Q"}, "its handling code is not known"),
        ({"sanitised": False}, "it is not said to be sanitised"),
        ({"consent": "limited"}, "consent is limited or was refused"),
        ({"consent": "dispensed with"}, "consent was dispensed with and no reason is given"),
    ],
)
def test_a_decision_of_the_plan_counts_where_a_report_says_nothing_and_only_there(
    stated, because
) -> None:
    got = with_release(_reports(stated), datasets=_log()).row(0, named=True)
    assert (got["restricted_because"], got["by_default"]) == (because, because is None)
    assert got["handling_code"] == stated.get("handling_code")
    assert with_release(_reports(stated))["releasable"].to_list() == [False]


def test_a_decision_is_one_dataset_s_and_names_who_took_it() -> None:
    other = _reports({}).with_columns(dataset=pl.lit("other"))
    assert with_release(other, datasets=_log())["releasable"].to_list() == [False]
    own = with_release(_reports(MAY), datasets=_log())
    assert own.select("releasable", "by_default").row(0) == (True, False)
    for name in ("decided_by", "decided_on", "why"):
        lacking = {key: value for key, value in DECISION.items() if key != name}
        with pytest.raises(ValidationError, match=name):
            HandlingDefault.model_validate(lacking)
    with pytest.raises(ValidationError, match="consent_reason"):
        HandlingDefault.model_validate({**DECISION, "consent_reason": ""})
    with pytest.raises(ValidationError, match="information_report"):
        dataset("events: [{measure: offence}]", handling_default=DECISION)


def test_how_reports_were_handled_is_counted_restricted_ones_included(tmp_path) -> None:
    graded = {"reliability": "5", "accuracy": "dont_know"}
    rows = [MAY | graded | {"accuracy": "1"}, MAY | graded, {}, {}, MAY | {"handling_code": "C"}]
    reports = with_release(_reports(*rows))
    earlier = reports.head(1).with_columns(
        row=pl.lit(9, dtype=pl.Int64), quarter=pl.lit("2013-14 Q4")
    )
    settings = small_plan(tmp_path / "p").settings
    got = information_reports(pl.concat([reports, earlier]), settings)
    told = {(aspect, category): count for aspect, category, count in got.iter_rows()}
    assert told == {
        ("editions", "counted"): 2,
        ("editions", "left out: it has no handling code"): 2,
        ("editions", "left out: its handling code sets conditions"): 1,
        ("editions", "all"): 5,
        ("grades", "both grades"): 1,
        ("grades", "one grade"): 1,
        ("grades", "no grade"): 3,
        ("grades", "all"): 5,
        ("assessed as", "not recorded"): 5,
        ("assessed as", "all"): 5,
        ("consent", "sought"): 3,
        ("consent", "not recorded"): 2,
        ("consent", "all"): 5,
    }
