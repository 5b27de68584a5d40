"""Published sample returns in their real layouts, against counts made without this program.

The files are not part of the project; where they are absent the tests are skipped.
"""

import csv
import datetime as dt
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML

from profile_pipeline.intake.collect import Collected, collect_dataset
from profile_pipeline.intake.fates import check_conservation
from profile_pipeline.intake.records import indicator_events_of, measure_of, subjects_of
from profile_pipeline.plan.load import load_plan

STATUTORY = Path(__file__).parents[3] / "shared" / "statutory"
pytestmark = pytest.mark.skipif(
    not STATUTORY.is_dir(), reason="the published sample returns are not in ../shared/statutory"
)
UNAUTHORISED = {"G", "N", "O", "U"}


def collected(root: Path, standard: str, files: str, start: str, end: str) -> dict[str, Collected]:
    """Collect a return by its one line; every row of every list must have one fate."""
    terms = dict.fromkeys(("aim", "methodology", "time_frames", "resources"), "x")
    profile: dict[str, Any] = {
        "title": "t",
        "terms_of_reference": {**terms, "objectives": ["o"], "required_outputs": ["r"]},
        "area": {"name": "Sandford", "responsible_authority": "Sandford"},
        "period": {"start": dt.date.fromisoformat(start), "end": dt.date.fromisoformat(end)},
        "as_at": dt.date.fromisoformat(end),
        "data": str(STATUTORY),
    }
    about = dict.fromkeys(("title", "what", "why", "how", "lawful_basis", "keep_for"), "x")
    dataset = {"id": "r", "agency": "council", "standard": standard, **about}
    dataset["delivery"] = {"files": files}
    plan = {"agencies": [{"id": "council", "name": "Council"}], "datasets": [dataset]}
    for name, content in (("profile", profile), ("collection_plan", plan)):
        with (root / f"{name}.yaml").open("w") as out:
            YAML().dump(content, out)
    loaded = load_plan(root)
    found = {d.id.removeprefix("r_"): collect_dataset(loaded, d) for d in loaded.datasets}
    for each in found.values():
        check_conservation(each.fates(each.harmonised.quarantine), each.deliveries)
    return found


def lines(name: str) -> list[dict[str, str]]:
    with (STATUTORY / name).open(newline="") as text:
        return list(csv.DictReader(text))


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Collected]:
    root = tmp_path_factory.mktemp("school")
    return collected(root, "school_census", "school_census", "2024-10-01", "2024-12-31")


def test_every_row_of_the_school_census_is_harmonised(school: dict[str, Collected]) -> None:
    found = {
        name: (each.received.height, each.harmonised.rows.height)
        for name, each in school.items()
        if each.received.height
    }
    # Lines of the files less their headings.
    assert found == {
        "on_roll": (9088, 9088),
        "off_roll": (308, 308),
        "off_roll_addresses": (1698, 1698),
        "on_roll_sessions": (39953, 39953),
        "on_roll_exclusions": (10373, 10373),
    }


def test_pupils_carry_their_own_sessions(school: dict[str, Collected]) -> None:
    missed: dict[str, float] = defaultdict(float)
    for row in lines("school_census/2024_autumn_termlysessiondetailsonroll.csv"):
        if row["attendancereason"] in UNAUTHORISED:
            missed[row["pupilonrolltableid"]] += float(row["sessions"] or 0)
        else:
            missed[row["pupilonrolltableid"]] += 0
    expected, flagged = [], 0
    for row in lines("school_census/2024_autumn_pupilonroll.csv"):
        possible = float(row["termlysessionspossible"] or "nan")
        own = row["termlysessionsunauthorised"]
        total = float(own) if own else missed.get(row["pupilonrolltableid"])
        if not own and total is not None and total > possible:
            total = None
        expected.append(total)
        flagged += total is not None and total >= 0.1 * possible
    rows = school["on_roll"].harmonised.rows.sort("row")
    assert rows["school_attendance__sessions_unauthorised"].to_list() == expected
    marked = indicator_events_of({"on_roll": rows})
    assert marked["indicator"].value_counts().rows() == [("unauthorised_absence", flagged)]
    assert marked["date"].unique().to_list() == [dt.date(2024, 12, 31)]


def test_exclusions_name_the_pupil_of_their_id(school: dict[str, Collected]) -> None:
    pupils = {
        row["pupilonrolltableid"]: (row["forename"], row["surname"], row["dob"][:4], row["sex"])
        for row in lines("school_census/2024_autumn_pupilonroll.csv")
    }
    sent = lines("school_census/2024_autumn_termlyexclusionsonroll.csv")
    rows = school["on_roll_exclusions"].harmonised.rows.sort("row")
    people = subjects_of({"x": rows}).sort("row")
    named = people.select(
        "forename",
        "surname",
        pl.col("date_of_birth").dt.year().cast(pl.String),
        pl.col("sex").replace_strict({"female": "F", "male": "M"}),
    ).rows()
    assert named == [pupils[row["pupilonrolltableid"]] for row in sent]
    exclusions = measure_of({"x": rows}, "exclusion")
    kinds = {"PERM": "permanent", "FIXD": "fixed_period", "LNCH": "lunchtime"}
    assert dict(exclusions["category"].value_counts().rows()) == {
        kinds[code]: count for code, count in Counter(row["category"] for row in sent).items()
    }
    months = Counter(row["startdate"][:8] for row in sent)
    assert dict(exclusions["date"].dt.strftime("%Y-%b").value_counts().rows()) == {
        month.rstrip("-"): count for month, count in months.items()
    }


def test_the_903_sample_keeps_its_children_apart(tmp_path: Path) -> None:
    found = collected(tmp_path, "ssda903", "ssda903", "2019-04-01", "2020-03-31")
    frames = {name: each.harmonised.rows for name, each in found.items()}
    # Read by eye, five rows each. Both children's header rows contradict each other in sex, date of
    # birth and UPN; ethnic group is WBRI throughout, once beside UNKN.
    people = subjects_of(frames).filter(pl.col("dataset") == "r_episodes")
    assert people.select("date_of_birth", "sex", "upn").null_count().row(0) == (5, 5, 5)
    assert people["ethnicity_code"].to_list() == ["WBRI"] * 5
    assert (
        people["local_ids"].list.first().to_list()
        == ["council:689661"] * 3 + ["council:249901"] * 2
    )
    care = measure_of(frames, "looked_after")
    assert care["legal_status"].to_list() == ["V4", None, "J2", "J3", "V3"]
    assert care["started"].to_list() == [
        dt.date(2018, 12, 11),
        dt.date(2018, 12, 2),
        dt.date(2019, 5, 16),
        dt.date(2019, 3, 30),
        dt.date(2019, 4, 10),
    ]
    # Each episode has ended: its evidence is dated by its last day.
    dates = indicator_events_of(frames)["date"].to_list()
    assert dates == [
        dt.date(2019, 7, 18),
        dt.date(2019, 5, 16),
        dt.date(2019, 9, 26),
        dt.date(2019, 4, 10),
        dt.date(2019, 6, 24),
    ]
    assert found["episodes"].surplus_columns == ("TEST_COLUMN",)


def test_the_census_sample_is_one_assessment_of_one_child(tmp_path: Path) -> None:
    # The child was born in 1966 and assessed in 1970: a profile of that time counts it ...
    name = "cin_census/BAR_cin_2022.xml"
    found = collected(tmp_path, "cin_census", name, "1970-04-01", "1971-03-31")["r"]
    events = indicator_events_of({"r": found.harmonised.rows}).select("indicator", "date").rows()
    assert events == [
        ("child_in_need", dt.date(1970, 10, 6)),
        ("substance_misuse", dt.date(1971, 7, 18)),
    ]
    row = found.harmonised.rows.row(0, named=True)
    assert (row["child__sex"], row["child__ethnicity_code"], row["child__disability"]) == (
        "male",
        "WBRI",
        "yes",
    )
    assert row["assessment__factors"] == ["2A", "2B"]
    assert row["assessment__plan_category"] == "PHY"
    assert row["child__local_ids"] == ["council:DFEX0000001"]


def test_the_census_sample_is_no_child_of_its_own_year(tmp_path: Path) -> None:
    # ... and one of the year it is sent for knows it for an adult.
    found = collected(tmp_path, "cin_census", "cin_census", "2021-04-01", "2022-03-31")["r"]
    assert found.deliveries.select("quarter", "status", "rows").rows() == [
        ("2021-22 Q4", "loaded", 1)
    ]
    assert found.harmonised.quarantine["rule"].to_list() == ["adult_throughout"]
