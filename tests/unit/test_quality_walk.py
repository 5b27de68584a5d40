"""One dataset's year, received and harmonised, against measures and colours worked out by hand."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from assets.profile import collected_fields
from profile_pipeline import tables
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.gaps import short_period
from profile_pipeline.analysis.quality import CORE_FIELDS, data_quality
from profile_pipeline.analysis.quality_rag import quality_rag
from profile_pipeline.intake.collect import collect_dataset
from profile_pipeline.intake.records import subjects_of
from profile_pipeline.plan.names import dataset_names, indicator_names
from profile_pipeline.plan.settings import QualityLimits
from tests.unit.small_plan import PLAN, PROFILE, send, small_plan

HEAD = "Ref,Date,Name,DOB,Sex,Ethnicity,Postcode,NHS No,Nominal,Category\n"
Q4 = "2015-16 Q4"


def row(number: int, day: str, sex: str = "F", ethnicity: str = "White British") -> str:
    born = "" if number == 3 else f"{number + 1:02d}/11/2001"
    letter = chr(65 + number)
    return (
        f'R{number},{day},"LEE{letter}, Ann{letter}",{born},{sex},{ethnicity},,,N{number},Missing\n'
    )


# Of twelve rows one repeats another to the letter and one has neither a date nor anybody; of the
# ten that are used two give no sex that is known, one none, one no known ethnic group, one no
# date of birth.
NEWEST = [
    *(row(n, f"{n + 1:02d}/01/2016") for n in range(6)),
    row(6, "07/01/2016", sex="Q"),
    row(7, "08/01/2016", sex="Q"),
    row(8, "09/01/2016", sex=""),
    row(9, "10/01/2016", ethnicity="Martian"),
    row(0, "01/01/2016"),
    "R10,31/02/2016,,,F,White British,,,,Missing\n",
]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    folder = tmp_path_factory.mktemp("walk") / "p"
    plan = small_plan(folder)
    received = ["file,received"]
    for quarter, month, came in (
        ("Q1", "05/2015", "2015-07-10"),
        ("Q2", "08/2015", "2015-10-15"),
        ("Q3", "11/2015", "2016-01-12"),
        ("Q4", "", "2016-05-15"),
    ):
        rows = NEWEST if quarter == "Q4" else [row(n, f"{n + 1:02d}/{month}") for n in range(4)]
        send(folder, f"missing/2015-16_{quarter}.csv", HEAD + "".join(rows))
        received.append(f"missing/2015-16_{quarter}.csv,{came}")
    (folder / "deliveries.csv").write_text("\n".join(received) + "\n")
    got = collect_dataset(plan, plan.dataset("missing"))
    subject = subjects_of({"missing": got.harmonised.rows})
    persons = subject.with_columns(person_id=pl.col("record_id"))
    quality = data_quality(
        got.fates(got.harmonised.quarantine),
        got.harmonised.repairs,
        got.deliveries,
        got.missing_columns,
        subject,
        tables.conform(persons, tables.RECORD_PERSON),
        dataset_names(plan),
        collected_fields(plan),
        limits=plan.settings.quality,
    )
    return quality.filter(pl.col("value").is_not_null())


def test_what_came_and_what_became_of_it_is_counted(measured: pl.DataFrame) -> None:
    told = dict(measured.filter(quarter=Q4).select("measure", "value").rows())
    expected = {
        "delivered": 1,
        "days_late": 31,  # due on 14 April, received on 15 May
        "rows_received": 12,
        "rows_harmonised": 10,
        "rows_duplicate": 1,
        "rows_quarantined": 1,
        "rows_quarantined:no_identifier": 1,
        "cells_repaired": 3,
        "cells_repaired:unknown_code": 3,
        "unknown_values": 2,
        "complete_percent:date_of_birth": 90,
        "complete_percent:sex": 70,
        "complete_percent:ethnicity_code": 90,
        "complete_percent:surname": 100,
        "complete_percent:postcode": 0,
        # Twelve rows against a median of four: (12 - 4) / sqrt(4) = 4, the limit is 3.5.
        "volume_outlier": 1,
    }
    assert {name: told.get(name) for name in expected} == expected
    by_rule = sum(n for name, n in told.items() if name.startswith("rows_quarantined:"))
    assert by_rule == 2  # no date and nobody: one row, two rules
    late = dict(measured.filter(measure="days_late").select("quarter", "value").rows())
    assert [late[f"2015-16 Q{n}"] for n in (1, 2, 3)] == [0, 1, 0]


def test_each_measure_has_the_colour_its_limit_gives(measured: pl.DataFrame) -> None:
    rag = quality_rag(measured, QualityLimits())
    told = dict(rag.filter(quarter=Q4).select("measure", "rag").rows())
    assert told == {
        "delivered": "green",
        "days_late": "red",  # 31 of 28
        "quarantined_percent": "red",  # 8.3 of 5
        "duplicate_percent": "red",
        "repaired_percent": "red",  # 25 of 20
        "unknown_values": "amber",  # 2: amber from 1, red from 10
        "complete_percent:date_of_birth": "amber",  # 10 not given: amber from 5, red from 20
        "complete_percent:ethnicity_code": "amber",
        "complete_percent:forename": "green",
        "complete_percent:surname": "green",
        "complete_percent:sex": "red",  # 30
        "complete_percent:postcode": "red",
        "volume_outlier": "amber",
        "overall": "red",
    }
    first = dict(rag.filter(quarter="2015-16 Q1").select("measure", "rag").rows())
    assert (first["days_late"], first["quarantined_percent"]) == ("green", "green")


def test_a_delivery_that_is_not_due_yet_is_neither_missing_nor_red() -> None:
    rows = [
        {"dataset": "missing", "agency": "P", "quarter": Q4, "status": status, "due_on": day}
        for status, day in (("awaited", date(2016, 7, 14)),)
    ]
    schema = tables.DELIVERY.polars_schema
    awaited = pl.DataFrame([dict.fromkeys(schema) | each for each in rows], schema=schema)
    named = pl.DataFrame({"dataset": ["missing"], "agency": ["P"]})
    quality = data_quality(
        tables.empty(tables.FATE),
        tables.empty(tables.REPAIRS),
        awaited,
        tables.empty(tables.MISSING_COLUMN),
        tables.empty(tables.PERSON_RECORD),
        tables.empty(tables.RECORD_PERSON),
        named,
    )
    rag = quality_rag(quality, QualityLimits())
    assert set(rag["rag"]) == {"not told"}


def test_a_period_is_as_long_as_what_has_passed_of_it(tmp_path) -> None:
    def gaps(folder: str, as_at: str) -> int:
        plan = small_plan(
            tmp_path / folder, profile=PROFILE.replace("as_at: 2016-03-31", f"as_at: {as_at}")
        )
        seen = Evidence({}, plan.settings, dataset_names(plan), indicator_names(plan))
        return short_period(seen).height

    assert gaps("begun", "2015-06-30") == 1
    assert gaps("whole", "2016-03-31") == 0


def test_every_core_field_that_a_dataset_gives_is_measured(tmp_path: Path) -> None:
    text = PLAN.replace("        sex: Sex\n", "        sex: Sex\n        disability: Dis\n", 1)
    plan = small_plan(tmp_path / "p", plan=text)
    fields = set(collected_fields(plan).filter(dataset="missing")["field"])
    assert set(CORE_FIELDS) <= fields
