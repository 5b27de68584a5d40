"""Information reports: what may leave the desk, and that nothing of the rest goes with it."""

import polars as pl
import pytest

from profile_pipeline import tables
from profile_pipeline.analysis.handling import withhold
from profile_pipeline.intake.handling import with_release

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
    reports = with_release(_reports(MAY, MAY | {"handling_code": "C"}))
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
    assert got["records.information_report"]["row"].to_list() == [0]
    assert got["records.subject"].rows() == [("log", "log.csv", 0), ("other", "log.csv", 1)]
    assert got["people.person"].height == 1
    assert got["quality.fate"].height == 3


def test_a_report_nobody_judged_counts_as_restricted() -> None:
    unjudged = _reports(MAY)
    assert withhold({"records.information_report": unjudged})[
        "records.information_report"
    ].is_empty()
