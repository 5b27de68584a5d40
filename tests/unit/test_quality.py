"""Data quality: measures by rule, outliers, red amber green, faults that inspectors found."""

from datetime import date

import polars as pl
import profile_fixture as fixture
import pytest
from pydantic import ValidationError

from profile_pipeline import tables
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.gaps import (
    incomplete_fields,
    never_refreshed,
    no_type_of_exploitation,
)
from profile_pipeline.analysis.quality import data_quality, volume_outliers
from profile_pipeline.analysis.quality_rag import quality_rag
from profile_pipeline.analysis.quality_warnings import quality_warnings
from profile_pipeline.plan.settings import Limit, QualityLimits
from profile_pipeline.sharing.disclosure import safe_tables, solvable_cells

QUARTERS = [f"2014-15 Q{n}" for n in (1, 2, 3, 4)] + [f"2015-16 Q{n}" for n in (1, 2, 3, 4)]
Q4 = QUARTERS[-1]
LIMITS = QualityLimits()
NAMES = pl.DataFrame({"dataset": ["a", "b"], "agency": ["A", "B"], "title": ["File a", "File b"]})


def fates(counts: list[int], dataset: str = "a") -> pl.DataFrame:
    """Return rows of quality.fate: so many used rows a quarter, in order."""
    return pl.concat(
        pl.DataFrame(
            {
                "dataset": [dataset] * n,
                "file": [f"{dataset}/{quarter}.csv"] * n,
                "row": list(range(n)),
                "quarter": [quarter] * n,
                "fate": ["harmonised"] * n,
                "rule": [None] * n,
            },
            schema=tables.FATE.polars_schema,
        )
        for quarter, n in zip(QUARTERS, counts, strict=False)
    )


def outliers(counts: list[int]) -> list[float | None]:
    """Return the outlier mark of each quarter."""
    frame = volume_outliers(fates(counts), LIMITS).sort("quarter")
    return frame["value"].to_list()


def test_a_delivery_far_from_the_median_of_earlier_quarters_is_an_outlier() -> None:
    # Median 101, deviation 1, but a count of 101 varies by its root, 10.05: 3.5 of them are 35.2.
    assert outliers([100, 102, 101, 136])[-1] == 0
    assert outliers([100, 102, 101, 137])[-1] == 1
    assert outliers([100, 102, 101, 65])[-1] == -1
    # Deviation 20, 29.65 to the standard deviation: 3.5 of them are 103.8 around 100.
    assert outliers([80, 100, 120, 203])[-1] == 0
    assert outliers([80, 100, 120, 204])[-1] == 1


def test_fewer_than_three_earlier_quarters_tell_nothing() -> None:
    assert outliers([100, 100, 900]) == [None, None, None]


def quality_of(**changes: pl.DataFrame) -> pl.DataFrame:
    """Return profile.data_quality of dataset a, twenty rows in the last quarter."""
    fate = fates([0] * 7 + [20]).with_columns(
        fate=pl.when(pl.col("row") < 3).then(pl.lit("quarantined")).otherwise("fate"),
        rule=pl.when(pl.col("row") == 0)
        .then(pl.lit("impossible_date, no_identifier"))
        .when(pl.col("row") < 3)
        .then(pl.lit("no_identifier")),
    )
    repairs = pl.DataFrame(
        {
            "dataset": ["a"] * 4,
            "file": [f"a/{Q4}.csv"] * 4,
            "row": [5, 6, 7, 8],
            "column": ["Sex"] * 3 + ["DOB"],
            "value": ["Femal", " femal", "Mann", "x"],
            "rule": ["unknown_code"] * 3 + ["not_a_date"],
            "reason": ["r"] * 4,
        },
        schema=tables.REPAIRS.polars_schema,
    )
    given: dict[str, pl.DataFrame] = {"fate": fate, "repairs": repairs} | changes
    return data_quality(
        given["fate"],
        given["repairs"],
        tables.empty(tables.DELIVERY),
        tables.empty(tables.MISSING_COLUMN),
        tables.empty(tables.PERSON_RECORD),
        tables.empty(tables.RECORD_PERSON),
        NAMES,
        expectation=pl.DataFrame(
            [("a", "r1", "row", "warning", 20, 2, False, "d")],
            schema=tables.EXPECTATION.polars_schema,
            orient="row",
        ),
    )


def test_faults_are_counted_by_rule_and_spellings_once() -> None:
    got = dict(quality_of().select("measure", "value").rows())
    assert got["rows_quarantined"] == 3
    assert got["rows_quarantined:no_identifier"] == 3
    assert got["rows_quarantined:impossible_date"] == 1
    assert got["cells_repaired"] == 4
    assert got["cells_repaired:unknown_code"] == 3
    assert got["unknown_values"] == 2
    assert got["expectations_failed"] == 1


def test_red_begins_at_its_limit_and_the_worst_measure_is_overall() -> None:
    rag = quality_rag(quality_of(), LIMITS)
    got = {row["measure"]: row["rag"] for row in rag.iter_rows(named=True)}
    assert got["quarantined_percent"] == "red"  # 3 of 20 rows; red from 5%
    assert got["repaired_percent"] == "red"  # 4 cells on 20 rows; red from 20
    assert got["unknown_values"] == "amber"
    assert got["overall"] == "red"
    kind = QualityLimits(
        quarantined_percent=Limit(amber=15, red=50), repaired_percent=Limit(amber=21, red=50)
    )
    eased = {r["measure"]: r["rag"] for r in quality_rag(quality_of(), kind).iter_rows(named=True)}
    assert (eased["quarantined_percent"], eased["repaired_percent"]) == ("amber", "green")
    assert eased["overall"] == "amber"


def measured(*rows: tuple[str, str, float | None]) -> pl.DataFrame:
    """Return data_quality rows `quarter, measure, value` of dataset a."""
    return pl.DataFrame(
        [("a", "A", *row) for row in rows],
        schema=tables.PROFILE["data_quality"].polars_schema,
        orient="row",
    )


def test_a_missing_delivery_is_red_and_judged_by_nothing_else() -> None:
    rag = quality_rag(measured((Q4, "delivered", 0), (Q4, "days_late", None)), LIMITS)
    assert rag.select("measure", "rag").rows() == [("delivered", "red"), ("overall", "red")]


def test_completeness_is_judged_by_the_fields_own_limit() -> None:
    given = measured(
        (Q4, "delivered", 1),
        (Q4, "complete_percent:sex", 88.0),
        (Q4, "complete_percent:ethnicity_code", 88.0),
    )
    limits = QualityLimits(incomplete_by_field={"ethnicity_code": Limit(amber=2, red=10)})
    got = dict(quality_rag(given, limits).select("measure", "rag").rows())
    assert got["complete_percent:sex"] == "amber"
    assert got["complete_percent:ethnicity_code"] == "red"


def test_limits_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValidationError, match="red \\(1\\) begins before amber \\(5\\)"):
        Limit(amber=5, red=1)


def test_small_counts_by_rule_can_not_be_worked_out_from_their_total() -> None:
    """Three set aside for one rule, and one of them for another: both stay unknown."""
    pack = fixture.profile_tables()
    pack["data_quality"] = quality_of()
    edition = fixture.settings().editions.sub_group
    safe = safe_tables(pack, edition)
    assert solvable_cells(pack, safe, edition) == []
    got = dict(safe["data_quality"].select("measure", "value").rows())
    assert got["rows_quarantined:impossible_date"] == "[c]"
    assert got["cells_repaired:not_a_date"] == "[c]"


# --- what inspectors found ------------------------------------------------------------------------


def delivery(dataset: str, quarter: str) -> pl.DataFrame:
    """Return a loaded delivery whose file was copied today."""
    row = {
        "dataset": dataset,
        "agency": "A",
        "quarter": quarter,
        "file": "f.csv",
        "arrived_on": date(2016, 3, 30),
        "status": "loaded",
    }
    return pl.DataFrame([row], schema=tables.DELIVERY.polars_schema)


def tracker(rows: list[tuple[str, str | None, str | None]]) -> pl.DataFrame:
    """Return tracker rows `status, risk_level, model`."""
    given = [
        {
            "dataset": "a",
            "file": "f.csv",
            "row": number,
            "quarter": Q4,
            "date": date(2016, 3, 31),
            "status": status,
            "risk_level": risk,
            "model": model,
        }
        for number, (status, risk, model) in enumerate(rows)
    ]
    return pl.DataFrame(given, schema=tables.MEASURES["cse_tracker"].polars_schema)


def evidence(**frames: pl.DataFrame) -> Evidence:
    """Return evidence as at 31 March 2016 of tables by `schema__table`."""
    named = {name.replace("__", "."): frame for name, frame in frames.items()}
    none = pl.DataFrame(schema=["indicator", "label", "counts_in_overlap", "kind"])
    return Evidence(named, fixture.settings(), NAMES, none)


def test_a_dataset_is_stale_by_its_quarter_and_not_by_its_files_date() -> None:
    old = evidence(quality__delivery=delivery("a", "2014-15 Q3"))
    assert never_refreshed(old)["finding"].to_list() == [
        "File a was last refreshed for 2014-15 Q3, more than 12 months before the date of this"
        " profile."
    ]
    # 31 March 2015 is twelve months before 31 March 2016, not more.
    exact = evidence(quality__delivery=delivery("a", "2014-15 Q4"))
    assert never_refreshed(exact).is_empty()


def test_type_is_asked_of_open_children_at_risk_alone() -> None:
    closed = [("closed", "at_risk", None), ("open", "none", None)] * 9
    good = tracker([("open", "at_risk", "peer")] * 4 + closed)
    bad = tracker([("open", "at_risk", "peer")] * 2 + [("open", "serious", None)])
    assert no_type_of_exploitation(evidence(records__cse_tracker=good)).is_empty()
    found = no_type_of_exploitation(evidence(records__cse_tracker=bad))
    assert found["evidence"][0].startswith("{n:1} of {n:3} rows")


def test_a_core_field_that_the_newest_delivery_lacks_is_a_gap_of_its_agency() -> None:
    quality = measured(
        ("2015-16 Q3", "rows_received", 50.0),
        ("2015-16 Q3", "complete_percent:postcode", 10.0),
        (Q4, "rows_received", 50.0),
        (Q4, "complete_percent:postcode", 80.0),
        (Q4, "complete_percent:forename", 81.0),
    )
    found = incomplete_fields(evidence(profile__data_quality=quality))
    assert found.select("agency", "finding").rows() == [
        ("A", f"The postcode is not given often enough in the newest delivery of File a ({Q4}).")
    ]


def test_inspectors_faults_are_told_as_found_not_found_or_not_told() -> None:
    rows = [("open", "at_risk", None), ("open", None, "peer")]
    warnings = quality_warnings(
        evidence(
            quality__delivery=delivery("a", Q4),
            records__cse_tracker=tracker(rows),
        )
    )
    got = {row["fault"]: row["found"] for row in warnings.iter_rows(named=True)}
    assert got == {
        "period too short": "no",
        "never refreshed": "no",
        "core field missing": "not told",
        "no type of exploitation": "yes",
        "no level of risk": "yes",
    }
    assert not warnings["said"].str.contains(r"\{|\d+ of \d+").any()
