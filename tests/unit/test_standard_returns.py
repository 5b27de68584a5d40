"""Statutory returns by one line of the plan: other years' layouts, joins, what is refused."""

import datetime as dt
from contextlib import suppress
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from profile_pipeline.errors import DeliveryError, PlanError
from profile_pipeline.intake.collect import Collected, collect_dataset, delivery_problems
from profile_pipeline.intake.fates import check_conservation
from profile_pipeline.intake.lookups import look_up
from profile_pipeline.intake.readers import read_bytes
from profile_pipeline.intake.records import indicator_events_of, measure_of, subjects_of
from profile_pipeline.plan.collection import Lookup
from profile_pipeline.plan.load import Plan, load_plan
from profile_pipeline.plan.reading import Delivery, ReadSettings

SECRET = "Zebedee"


def plan_of(
    root: Path, standard: str, files: str, period: str = "2019-04-01 2020-03-31", **more: Any
) -> Plan:
    start, end = map(dt.date.fromisoformat, period.split())
    profile = {
        "title": "t",
        "terms_of_reference": {
            "aim": "a",
            "objectives": ["o"],
            "methodology": "m",
            "time_frames": "t",
            "required_outputs": ["r"],
            "resources": "r",
        },
        "area": {"name": "Sandford", "responsible_authority": "Sandford"},
        "period": {"start": start, "end": end},
        "as_at": end,
    }
    about = dict.fromkeys(("title", "what", "why", "how", "lawful_basis", "keep_for"), "x")
    dataset = {"id": "ret", "agency": "council", "standard": standard, **about, **more}
    dataset["delivery"] = {"files": files, **more.get("delivery", {})}
    plan = {"agencies": [{"id": "council", "name": "Council"}], "datasets": [dataset]}
    for name, content in (("profile", profile), ("collection_plan", plan)):
        with (root / f"{name}.yaml").open("w") as out:
            YAML().dump(content, out)
    return load_plan(root)


def put(root: Path, file: str, text: str) -> None:
    path = root / "data" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="cp1252")


def collected(plan: Plan) -> dict[str, Collected]:
    """Collect every list and check that no row is lost."""
    found = {d.id: collect_dataset(plan, d) for d in plan.datasets}
    for each in found.values():
        check_conservation(each.fates(each.harmonised.quarantine), each.deliveries)
    return found


def events(found: dict[str, Collected]) -> list[tuple[object, ...]]:
    frames = {name: each.harmonised.rows for name, each in found.items()}
    return (
        indicator_events_of(frames)
        .select("dataset", "row", "indicator", "date")
        .sort(pl.all())
        .rows()
    )


# --- SSDA903 ------------------------------------------------------------------------------------

HEADER = "CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB\n"


def test_a_903_of_another_year_is_joined_on_the_child(tmp_path: Path) -> None:
    # 2024: a new column in the header, another case, another order.
    put(
        tmp_path,
        "r/2019-20/header.csv",
        "Child,Dob,Sex,Ethnic,UPN,UPN_UNKNOWN,NEW_2024\n"
        "1,05/06/2005,2,WBRI,A123456789012,,x\n2,07/08/2006,1,MWBC,,UN3,y\n",
    )
    put(
        tmp_path,
        "r/2019-20/episodes.csv",
        "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,HOME_POST,PL_POST,URN\n"
        "1,01/05/2018,S,C2,N1,U4,PR1,,,DY1 1AA,DY2 2BB,\n"
        "2,01/06/2019,S,V2,N1,K2,PR4,01/09/2019,E8,,,SC1\n"
        "3,01/06/2019,S,V2,N1,K2,PR4,,,,,SC1\n",
    )
    put(
        tmp_path,
        "r/2019-20/missing.csv",
        "CHILD,DOB,MISSING,MIS_START,MIS_END\n2,,M,04/07/2019,05/07/2019\n2,,A,09/07/2019,\n",
    )
    put(
        tmp_path,
        "r/2019-20/oc2.csv",
        "CHILD,DOB,SDQ_SCORE,CONVICTED,SUBSTANCE_MISUSE\n1,05/06/2005,9,0,1\n2,07/08/2006,,1,0\n",
    )
    plan = plan_of(tmp_path, "ssda903", "r/{year}", issuer="sandford_council")
    found = collected(plan)
    end = dt.date(2020, 3, 31)
    assert events(found) == [
        ("ret_episodes", 0, "looked_after", end),
        ("ret_episodes", 1, "looked_after", dt.date(2019, 9, 1)),
        ("ret_episodes", 2, "looked_after", end),
        ("ret_missing", 0, "missing_from_home_or_care", dt.date(2019, 7, 4)),
        ("ret_missing", 1, "missing_from_home_or_care", dt.date(2019, 7, 9)),
        ("ret_oc2", 0, "substance_misuse", end),
        ("ret_oc2", 1, "offending", end),
    ]
    frames = {name: each.harmonised.rows for name, each in found.items()}
    people = subjects_of(frames).filter(pl.col("dataset") == "ret_episodes")
    assert people.select("sex", "date_of_birth", "ethnicity_code", "upn", "postcode").rows() == [
        ("female", dt.date(2005, 6, 5), "WBRI", "A123456789012", "DY1 1AA"),
        ("male", dt.date(2006, 8, 7), "MWBC", None, None),
        (None, None, None, None, None),
    ]
    assert people["local_ids"].to_list() == [[f"sandford_council:{n}"] for n in (1, 2, 3)]
    missing = measure_of(frames, "missing_episode")
    assert missing["category"].to_list() == ["missing", "absent"]
    assert missing["returned_at"].to_list() == [dt.datetime(2019, 7, 5), None]
    unfound = found["ret_episodes"].harmonised.repairs
    assert unfound.filter(pl.col("rule") == "lookup_missing")["row"].to_list() == [2]


def test_a_child_with_two_dates_of_birth_in_the_header_gets_neither(tmp_path: Path) -> None:
    put(
        tmp_path,
        "r/2020_header.csv",
        HEADER + "1,1,05/06/2005,WBRI,,,\n1,1,06/06/2005,UNKN,,,\n",
    )
    put(tmp_path, "r/2020_episodes.csv", "CHILD,DECOM,DEC\n1,01/05/2018,\n")
    found = collected(plan_of(tmp_path, "ssda903", "r/{year}_{list}.csv"))
    row = found["ret_episodes"].harmonised.rows.row(0, named=True)
    assert (row["child__date_of_birth"], row["child__sex"]) == (None, "male")
    assert row["child__ethnicity_code"] == "WBRI"
    repairs = found["ret_episodes"].harmonised.repairs
    assert repairs.select("column", "rule").rows() == [("DOB", "lookup_conflict")]


def test_quarters_do_not_borrow_from_each_other(tmp_path: Path) -> None:
    for quarter, born in (("2019-20_Q1", "05/06/2005"), ("2019-20_Q2", "07/08/2006")):
        put(tmp_path, f"r/{quarter}/header.csv", HEADER + f"1,1,{born},WBRI,,,\n")
        put(tmp_path, f"r/{quarter}/episodes.csv", "CHILD,DECOM,DEC\n1,01/05/2018,\n")
    plan = plan_of(tmp_path, "ssda903", "r/{quarter}/*.csv", period="2019-04-01 2019-09-30")
    rows = collected(plan)["ret_episodes"].harmonised.rows
    assert rows["child__date_of_birth"].to_list() == [dt.date(2005, 6, 5), dt.date(2006, 8, 7)]


def test_lists_that_need_not_come_are_not_missed_and_strays_are_told_once(tmp_path: Path) -> None:
    put(tmp_path, "r/2020_header.csv", HEADER + "1,1,05/06/2005,WBRI,,,\n")
    put(tmp_path, "r/2020_lunches.csv", "CHILD\n1\n")
    plan = plan_of(tmp_path, "ssda903", "r")
    problems, notes = delivery_problems(plan)
    assert not problems
    assert notes == [
        "r/2020_lunches.csv: no delivery of the plan is called so; it is not loaded.",
        "ret_episodes: never delivered.",
        "ret_missing: never delivered.",
        "ret_oc2: never delivered.",
    ]


# --- the plan -----------------------------------------------------------------------------------


def test_the_plan_may_change_parts_of_a_standard(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        "ssda903",
        "r/{year}_{list}.csv",
        headers={"CHILD": "Mosaic ID"},
        read={"delimiter": ";"},
        lists={"oc3": None, "oc2": {"events": []}},
    )
    lists = {d.id: d for d in plan.datasets}
    assert "ret_oc3" not in lists
    assert lists["ret_oc2"].events == ()
    assert len(lists["ret_missing"].events) == 2
    assert lists["ret_header"].read.delimiter == ";"
    assert lists["ret_header"].read.encoding == "cp1252"
    assert lists["ret_header"].headers["CHILD"][-1] == "Mosaic ID"
    assert lists["ret_header"].title == "x: children"
    assert lists["ret_header"].delivery.every == "year"


def test_an_indicator_the_partnership_struck_off_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "indicators.yaml").write_text(
        "leave_out: [missing_from_home_or_care, offending, substance_misuse]\n"
    )
    plan = plan_of(tmp_path, "ssda903", "r/{year}_{list}.csv")
    named = {e.indicator for d in plan.datasets for e in d.events if e.indicator}
    assert named == {"looked_after"}


@pytest.mark.parametrize(
    ("standard", "files", "more", "message"),
    [
        ("ssda093", "r/{year}_{list}.csv", {}, "did you mean 'ssda903'"),
        ("ssda903", "r/{year}.csv", {}, "write {list} where their names differ"),
        ("ssda903", "r/{year}", {"dated_by": "DOB"}, "must say for which list"),
        ("ssda903", "r/{year}", {"lists": {"oc9": None}}, "has no list oc9"),
        ("ssda903", "r/{year}", {"lists": {"oc2": {"evnts": []}}}, "'evnts' is not a known key"),
        ("cin_census", "r/{year}.xml", {"issuer": "The Council"}, "issuer"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, standard: str, files: str, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(PlanError) as caught:
        plan_of(tmp_path, standard, files, **more)
    text = str(caught.value)
    assert message in text
    assert text.startswith("collection_plan.yaml:")
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    ("every", "written", "quarter"),
    [
        ("year", "2020", "2019-20 Q4"),
        ("year", "2019-20", "2019-20 Q4"),
        ("year", "2019_2020", "2019-20 Q4"),
        ("year", "2019-21", None),
        ("term", "2019_autumn", "2019-20 Q3"),
        ("term", "2020 spring", "2019-20 Q4"),
        ("term", "Summer2020", "2020-21 Q1"),
    ],
)
def test_the_quarter_of_a_year_or_term(every: str, written: str, quarter: str | None) -> None:
    delivery = Delivery.model_validate({"every": every, "files": f"r/{{{every}}}.csv"})
    assert delivery.quarter_told(written, ["2019-20 Q4"]) == quarter


def test_a_year_cut_short_belongs_to_the_last_quarter_of_the_profile() -> None:
    delivery = Delivery.model_validate({"every": "year", "files": "r/{year}.csv", "due": 30})
    period = ["2018-19 Q3", "2018-19 Q4", "2019-20 Q1", "2019-20 Q2"]
    assert delivery.quarters(period) == ["2018-19 Q4", "2019-20 Q2"]
    assert delivery.quarter_told("2020", delivery.quarters(period)) == "2019-20 Q2"
    assert delivery.due_on("2019-20 Q2") == dt.date(2020, 4, 30)


# --- CIN census ---------------------------------------------------------------------------------

CHILD = """<Child><ChildIdentifiers><LAchildID>{id}</LAchildID>
<PersonBirthDate>2006-01-02</PersonBirthDate>{sex}</ChildIdentifiers>
<ChildCharacteristics><Ethnicity>ABAN</Ethnicity><Disabilities><Disability>HAND</Disability>
<Disability>HEAR</Disability></Disabilities></ChildCharacteristics>{details}</Child>"""
DETAILS = """<CINdetails><CINreferralDate>2019-06-01</CINreferralDate>
<ReferralNFA>{nfa}</ReferralNFA>{inside}</CINdetails>"""
ASSESSED = """<Assessments><AssessmentActualStartDate>2019-06-02</AssessmentActualStartDate>
<AssessmentAuthorisationDate>{day}</AssessmentAuthorisationDate>
<FactorsIdentifiedAtAssessment>{factors}</FactorsIdentifiedAtAssessment></Assessments>"""


def factors(*codes: str) -> str:
    return "".join(f"<AssessmentFactors>{code}</AssessmentFactors>" for code in codes)


def census(*children: str, root: str = "Message") -> str:
    return f"<{root}><Header/><Children>{''.join(children)}</Children></{root.split()[0]}>"


def test_a_census_gives_a_row_an_assessment_episode_or_child(tmp_path: Path) -> None:
    two = ASSESSED.format(day="2019-07-01", factors=factors("4A", "11A", "3B")) + ASSESSED.format(
        day="2019-09-01", factors=factors("13A", "24A")
    )
    text = census(
        # 2014 to 2023 ask for gender, later years for sex, in another code.
        CHILD.format(
            id="a",
            sex="<GenderCurrent>2</GenderCurrent>",
            details=DETAILS.format(nfa="false", inside=two),
        ),
        CHILD.format(
            id="b", sex="<GenderCurrent>1</GenderCurrent>", details=DETAILS.format(nfa=1, inside="")
        ),
        CHILD.format(id="c", sex="<GenderCurrent>0</GenderCurrent>", details=""),
    )
    put(tmp_path, "cin/SAN_cin_2020.xml", text)
    plan = plan_of(tmp_path, "cin_census", "cin")
    found = collected(plan)
    assert list(found) == ["ret"]
    assert found["ret"].received.height == 4
    first, second = dt.date(2019, 7, 1), dt.date(2019, 9, 1)
    assert events(found) == [
        ("ret", 0, "child_in_need", dt.date(2019, 6, 1)),
        ("ret", 0, "cse_assessment_factor", first),
        ("ret", 0, "domestic_abuse", first),
        ("ret", 0, "mental_health", first),
        ("ret", 1, "child_in_need", dt.date(2019, 6, 1)),
        ("ret", 1, "gang_involvement", second),
    ]
    # The child without a referral can't be dated: told, not dropped.
    assert found["ret"].harmonised.quarantine.select("row", "rule").rows() == [
        (3, "blank_required")
    ]
    frames = {"ret": found["ret"].harmonised.rows}
    people = subjects_of(frames)
    assert people["sex"].to_list() == ["female", "female", "male"]
    assert people["disability"].to_list() == ["yes"] * 3
    assert measure_of(frames, "assessment")["factors"].to_list() == [
        ["4A", "11A", "3B"],
        ["13A", "24A"],
        None,
    ]


def test_a_census_in_a_namespace_and_with_sex_reads_the_same() -> None:
    text = census(
        CHILD.format(id="a", sex="<Sex>F</Sex>", details=DETAILS.format(nfa=0, inside="")),
        root='Message xmlns="http://www.education.gov.uk/cin"',
    )
    settings = ReadSettings.model_validate(
        {"record": "Children/Child > CINdetails > Assessments", "together": ["AssessmentFactors"]}
    )
    rows = read_bytes(text.encode(), settings, name="a.xml")
    assert rows.select("LAchildID", "Sex", "Disability", "Disability 2").rows() == [
        ("a", "F", "HAND", "HEAR")
    ]


BOMB = '<!DOCTYPE m [<!ENTITY a "Zebedee"><!ENTITY b "&a;&a;&a;">]><Message>&b;</Message>'
OUTSIDE = '<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]><Message>&a;</Message>'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<Message><Children><Child>Zebedee", "not XML, or broken near line 1"),
        ("Zebedee,1,2", "not XML"),
        (BOMB, "declares a document type or entities"),
        (OUTSIDE, "declares a document type or entities"),
        ("<Message><Pupils><Pupil>Zebedee</Pupil></Pupils></Message>", "no group Children/Child"),
        ('<?xml version="1.0" encoding="klingon"?><Message/>', "unknown encoding"),
        ("<Message><Children/></Message>", "no group Children/Child"),
        (
            "<Children><Child>"
            + "".join(f"<t{n}>1</t{n}>" for n in range(1200))
            + "</Child></Children>",
            "more than 1000 different elements",
        ),
    ],
)
def test_xml_that_is_no_census_is_refused_in_one_line(text: str, message: str) -> None:
    settings = ReadSettings.model_validate({"record": "Children/Child > CINdetails"})
    with pytest.raises(DeliveryError) as caught:
        read_bytes(text.encode(), settings, name="a.xml")
    line = str(caught.value)
    assert message in line
    assert line.startswith("a.xml: ")
    assert "\n" not in line
    assert SECRET not in line


def test_elements_nested_very_deep_do_no_harm() -> None:
    deep = "<d>" * 100_000 + "1" + "</d>" * 100_000
    text = f"<Children><Child><LAchildID>a</LAchildID>{deep}</Child></Children>"
    settings = ReadSettings.model_validate({"record": "Children/Child > CINdetails"})
    rows = read_bytes(text.encode(), settings, name="a.xml")
    assert rows.rows() == [(0, "a", "1")]


def test_a_broken_census_fails_its_own_year_alone(tmp_path: Path) -> None:
    put(tmp_path, "cin/cin_2019.xml", "<Message><Children>")
    good = CHILD.format(id="a", sex="", details=DETAILS.format(nfa=0, inside=""))
    put(tmp_path, "cin/cin_2020.xml", census(good))
    plan = plan_of(tmp_path, "cin_census", "cin", period="2018-04-01 2020-03-31")
    statuses = collected(plan)["ret"].deliveries.select("quarter", "status").rows()
    assert statuses == [("2018-19 Q4", "unreadable"), ("2019-20 Q4", "loaded")]


TAGS = st.sampled_from(["Children", "Child", "CINdetails", "Assessments", "UPN", "row", "_row"])
TREES = st.recursive(
    st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(st.tuples(TAGS, inner), max_size=4),
    max_leaves=12,
)


def as_xml(tree: Any) -> str:
    if isinstance(tree, str):
        return tree
    return "".join(f"<{tag}>{as_xml(inside)}</{tag}>" for tag, inside in tree)


@settings(max_examples=150, deadline=None)
@given(data=st.one_of(st.binary(max_size=60), TREES.map(lambda t: f"<m>{as_xml(t)}</m>".encode())))
def test_no_bytes_make_the_xml_reader_fail_otherwise_than_it_says(data: bytes) -> None:
    read = {"record": "Children/Child > CINdetails > Assessments", "together": ["UPN"]}
    with suppress(DeliveryError):
        read_bytes(data, ReadSettings.model_validate(read), name="a.xml")


# --- joins --------------------------------------------------------------------------------------

CELLS = st.one_of(st.none(), st.sampled_from(["1", "2", " 1", "x", "", "unknown"]))
ROWS = st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["q1", "q2"])), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mine=ROWS, theirs=ROWS)
def test_a_join_keeps_every_row_and_every_cell_that_is_there(mine: Any, theirs: Any) -> None:
    lookup = Lookup.model_validate(
        {"dataset": "d", "on": {"K": "K"}, "columns": {"V": "V"}, "sums": {"S": {"column": "V"}}}
    )
    names = dict.fromkeys(("K", "V", "_quarter"), pl.String)
    work = pl.DataFrame(mine, schema=names, orient="row").with_row_index("_row")
    work = work.with_columns(_file=pl.lit("f"), S=pl.lit(None, dtype=pl.String))
    other = pl.DataFrame(theirs, schema=names, orient="row")
    filled, _ = look_up(work, lookup, other, unknown=("unknown",))
    assert filled.select("_row", "K").equals(work.select("_row", "K"))
    for before, after, key, quarter in zip(
        work["V"], filled["V"], work["K"], work["_quarter"], strict=True
    ):
        if before and before.strip():
            assert after == before
        elif after is not None and after != before:
            same = [
                v.strip()
                for k, v, q in theirs
                if q == quarter and k and key and k.strip() == key.strip() and v and v.strip()
            ]
            assert {v for v in same if v != "unknown"} == {after}


# --- school census ------------------------------------------------------------------------------

PUPILS = (
    "PupilOnRollTableID,UPN,Surname,Forename,DOB,Gender,Ethnicity,SENprovision,"
    "TermlySessionsPossible,TermlySessionsAuthorised,TermlySessionsUnauthorised\n"
)


def test_pupils_are_joined_to_sessions_exclusions_and_addresses(tmp_path: Path) -> None:
    # The 2015 layout: gender, absencesessions, other names of lists; ISO dates.
    put(
        tmp_path,
        "sc/2015_autumn_pupilonroll.csv",
        PUPILS
        + "p1,A123456789012,Hope,Ann,2003-05-06,F,WBRI,N,100,,\n"
        + "p2,,Lee,Bo,2004-05-06,M,CHNE,E,100,5,12\n"
        + "p3,,Ray,Cy,2004-07-06,M,CHNE,E,100,,\n"
        + "p4,,Fox,Di,2004-08-06,F,WBRI,K,100,,\n",
    )
    put(
        tmp_path,
        "sc/2015_autumn_termlysessiondetails.csv",
        "PupilOnRollTableID,AttendanceReason,AbsenceSessions\n"
        "p1,G,4\np1,O,6\np1,I,7\np1,X,50\np1,O,6\n"  # the last a repetition to the letter
        "p2,U,90\np3,I,3\np4,N,150\n",
    )
    put(
        tmp_path,
        "sc/2015_autumn_termlyexclusions.csv",
        "PupilOnRollTableID,Category,Reason,StartDate,Sessions,SENprovision\n"
        "p2,FIXD,PA,2015-10-02,4,E\np9,PERM,PA,2015-10-03,,N\n",
    )
    put(tmp_path, "sc/2015_autumn_addresses.csv", "PupilOnRollTableID,Postcode\np1,DY11AA\n")
    plan = plan_of(tmp_path, "school_census", "sc", period="2015-04-01 2016-03-31")
    found = collected(plan)
    frames = {name: each.harmonised.rows for name, each in found.items()}
    attendance = measure_of(frames, "school_attendance")
    assert attendance.select("sessions_authorised", "sessions_unauthorised").rows() == [
        (7, 10),  # 4 + 6 of p1's reasons; the repeated row and the closed school don't count
        (5, 12),  # the school's own totals stand
        (3, 0),
        (0, None),  # 150 of 100 sessions can't be missed
    ]
    assert attendance["sen_provision"].to_list() == ["N", "E", "E", "K"]
    assert events(found) == [
        ("ret_on_roll", 0, "unauthorised_absence", dt.date(2015, 12, 31)),
        ("ret_on_roll", 1, "unauthorised_absence", dt.date(2015, 12, 31)),
        ("ret_on_roll_exclusions", 0, "excluded_from_school", dt.date(2015, 10, 2)),
    ]
    people = subjects_of(frames).select("dataset", "surname", "date_of_birth", "postcode")
    assert ("ret_on_roll_exclusions", "Lee", dt.date(2004, 5, 6), None) in people.rows()
    assert ("ret_on_roll_addresses", "Hope", dt.date(2003, 5, 6), "DY1 1AA") in people.rows()
    exclusion = measure_of(frames, "exclusion").row(0, named=True)
    assert (exclusion["category"], exclusion["reason"], exclusion["sessions"]) == (
        "fixed_period",
        "PA",
        4,
    )
    # An exclusion of a pupil who is in no list can't be anyone's.
    lost = found["ret_on_roll_exclusions"].harmonised.quarantine
    assert lost.select("row", "rule").rows() == [(1, "no_identifier")]


# --- Annex A ------------------------------------------------------------------------------------


def annex_a(path: Path, sheets: dict[str, list[list[object]]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)


def test_annex_a_with_another_authoritys_sheets_and_headings(tmp_path: Path) -> None:
    child = ["Child Unique ID", "Gender", "Ethnicity", "Date of Birth"]
    ann = ["17", "b) Female", "a) WBRI", dt.datetime(2005, 6, 5)]
    bo = ["18", "Male", "s) REFU", "07/08/2006"]
    missing = (
        "Number of Episodes the Child has been ‘Missing’ from their Placement in the last 12 months"
    )
    absent = (
        "Number of Episodes the Child has been ‘Absent’ from their Placement in the last 12 months"
    )
    offered = "Was the Child Offered a Return Interview after their last missing episode (Y/N)?"
    annex_a(
        tmp_path / "data/annex/2019-20_Q4.xlsx",
        {
            "Introduction": [["Notes"]],
            "List 10 - Adoption": [child, ann],
            "List_1 Contacts": [
                ["List 1: contacts in the last three months, by child unique ID"],
                [],
                [
                    "Child's unique ID (Mosaic)",
                    *child[1:3],
                    "Child's date of birth",
                    "Age of Child (Years)",
                    "Date of Contact (dd/mm/yyyy)",
                    "Contact Source",
                ],
                [*ann, 14, "03/02/2020", "Police"],
            ],
            "List 8 - Children in care": [
                [
                    *child,
                    "Does the child have a disability?",
                    "Date Started to be Looked After",
                    "Date Ceased to be Looked After",
                    "Child's Legal Status",
                    "Placement Postcode",
                    missing,
                    absent,
                    offered,
                ],
                [*ann, "b) No", "01/02/2018", None, "C2", "dy1 1aa", 3, 0, "a) Yes"],
                [*bo, "a) Yes", "01/02/2018", "05/01/2020", "V2", None, 0, 0, None],
            ],
        },
    )
    plan = plan_of(tmp_path, "annex_a", "annex", period="2020-01-01 2020-03-31")
    found = collected(plan)
    end = dt.date(2020, 3, 31)
    assert events(found) == [
        ("ret_looked_after", 0, "looked_after", end),
        ("ret_looked_after", 0, "missing_from_home_or_care", end),
        ("ret_looked_after", 1, "looked_after", dt.date(2020, 1, 5)),
    ]
    frames = {name: each.harmonised.rows for name, each in found.items()}
    counts = measure_of(frames, "missing_count")
    assert counts.select("missing_12_months", "interview_offered", "interview_accepted").rows() == [
        (3, True, None),
        (0, None, None),
    ]
    people = subjects_of(frames).select(
        "dataset", "sex", "ethnicity_code", "date_of_birth", "disability", "date"
    )
    born = dt.date(2005, 6, 5)
    assert people.rows() == [
        ("ret_contacts", "female", "WBRI", born, None, dt.date(2020, 2, 3)),
        ("ret_looked_after", "female", "WBRI", born, "no", end),
        ("ret_looked_after", "male", None, dt.date(2006, 8, 7), "yes", end),
    ]
    # Lists the workbook lacks are told; list 10 is not taken for list 1.
    absent_list = found["ret_assessments"].deliveries.row(0, named=True)
    assert absent_list["status"] == "unreadable"
    assert "sheets" in absent_list["problem"]
