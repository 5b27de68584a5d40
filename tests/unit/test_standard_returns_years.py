"""Statutory returns of other years, names and formats than the one seen first, by one line.

Layouts are the published ones (see the sources named in `plan/standards/*.yaml`); rows invented.
"""

import datetime as dt
import io
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from profile_pipeline.intake.collect import Collected
from profile_pipeline.intake.readers import read_bytes
from profile_pipeline.intake.records import measure_of, subjects_of
from profile_pipeline.plan.reading import ReadSettings
from tests.unit.test_standard_returns import collected, events, plan_of

HEADER_2017 = "CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB\n1,2,05/06/2005,WBRI,A123456789012,0,\n"
RETURN_2024 = {
    "header": HEADER_2017,
    "episodes": (
        "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,HOME_POST,PL_POST,"
        "URN\n1,01/05/2018,S,C2,N1,K3,PR1,,,CUSTOD,DY1 1AA,DY2 2BB,SC1\n"
    ),
    "missing": "CHILD,DOB,MISSING,MIS_START,MIS_END\n1,05/06/2005,M,01/05/2018,\n",
    "oc2": (
        "CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK,IMMUNISATIONS,TEETH_CHECK,"
        "HEALTH_ASSESSMENT,SUBSTANCE_MISUSE,INTERVENTION_RECEIVED,INTERVENTION_OFFERED\n"
        "1,05/06/2005,,SDQ1,0,1,1,1,1,1,0,0\n"
    ),
    "oc3": "CHILD,DOB,IN_TOUCH,ACTIV,ACCOM\n1,05/06/2005,YES,F4,Z1\n",
    "uasc": "CHILD,SEX,DOB,DUC\n1,2,05/06/2005,01/01/2023\n",
    "reviews": "CHILD,DOB,REVIEW,REVIEW_CODE\n1,05/06/2005,01/05/2018,PN1\n",
    "ad1": (
        "CHILD,DOB,DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,LS_ADOPTR\n"
        "1,05/06/2005,01/05/2018,,0,2,MF,L0\n"
    ),
    "placed_for_adoption": (
        "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED\n1,05/06/2005,01/05/2018,,\n"
    ),
    "previous_permanence": "CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM\n1,05/06/2005,P1,,\n",
    "social_worker": (
        "CHILD,DOB,SW_ID,SW_DECOM,SW_DEC,SW_REASON\n1,05/06/2005,W1,01/05/2018,,MANAGE\n"
    ),
}
PUBLISHED = {  # what the validator's own invented files are called
    "placed_for_adoption": "PlacedAdoption",
    "previous_permanence": "PrevPerm",
    "social_worker": "SW_Episodes",
}


def put(root: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def loaded(found: dict[str, Collected]) -> dict[str, list[str]]:
    return {
        name.removeprefix("ret_"): files
        for name, each in found.items()
        if (files := each.deliveries.filter(status="loaded")["file"].to_list())
    }


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("r/ssda903_2019_{}.csv", "r"),
        ("r/SANDFORD SSDA903 2018-19 {}.CSV", "r"),
        ("r/{} 2019.csv", "r"),
        ("r/2018-19/{}.csv", "r/{year}"),
    ],
)
def test_every_list_of_a_903_goes_to_itself_however_it_is_called(
    tmp_path: Path, name: str, files: str
) -> None:
    # Social workers' episodes came in 2024: taken for placements they would replace all of them.
    sent = {name.format(PUBLISHED.get(k, k)): text for k, text in RETURN_2024.items()}
    put(tmp_path, sent)
    found = collected(plan_of(tmp_path, "ssda903", files, period="2018-04-01 2019-03-31"))
    assert loaded(found) == {key: [name.format(PUBLISHED.get(key, key))] for key in RETURN_2024}
    assert events(found) == [
        ("ret_episodes", 0, "looked_after", dt.date(2019, 3, 31)),
        ("ret_missing", 0, "missing_from_home_or_care", dt.date(2018, 5, 1)),
        ("ret_oc2", 0, "substance_misuse", dt.date(2019, 3, 31)),
    ]
    assert not any(each.surplus_columns for each in found.values())


CHILD_XML = (
    "<CHILD><HEADER><CHILDID>{id}</CHILDID><UPN>E095867270650</UPN><SEX>{sex}</SEX>"
    "<DOB>02/03/2005</DOB><ETHNIC>BOTH</ETHNIC><UASC /><AREVIEW><REVIEW>28/01/2016</REVIEW>"
    "<REVIEW_CODE>PN3</REVIEW_CODE></AREVIEW><AREVIEW><REVIEW>14/04/2016</REVIEW><REVIEW_CODE>PN1"
    "</REVIEW_CODE></AREVIEW>{more}<MOTHER /><MC_DOB /></HEADER>{episodes}</CHILD>"
)
EPISODE_XML = (
    "<EPISODE><DECOM>{decom}</DECOM><RNE>S</RNE><LS>C2</LS><CIN>N1</CIN><PL>{place}</PL><PL_POST>"
    "DY4 8NF</PL_POST><HOME_POST>DY1 1AA</HOME_POST><URN>SC1</URN><DEC>{dec}</DEC></EPISODE>"
)
MISSING_XML = (
    "<AMISSING><MISSING>{kind}</MISSING><MIS_START>{start}</MIS_START><MIS_END/></AMISSING>"
)


def test_a_903_in_xml_gives_the_same_lists(tmp_path: Path) -> None:
    missing = MISSING_XML.format(kind="M", start="01/02/2016") + MISSING_XML.format(
        kind="A", start="03/02/2016"
    )
    oc2 = "<OC2><SDQ_SCORE>9</SDQ_SCORE><CONVICTED>1</CONVICTED></OC2>"
    episodes = EPISODE_XML.format(decom="11/11/2015", place="K2", dec="05/01/2016")
    episodes += EPISODE_XML.format(decom="05/01/2016", place="U4", dec="")
    both = CHILD_XML.format(id=9, sex=1, more=missing + oc2, episodes=episodes)
    both += CHILD_XML.format(id=10, sex=2, more="", episodes="")  # a care leaver: no episode
    put(tmp_path, {"r/2016.xml": f"<EXPSSDA903>{both}</EXPSSDA903>"})
    plan = plan_of(tmp_path, "ssda903", "r/{year}.xml", period="2015-04-01 2016-03-31")
    found = collected(plan)
    end = dt.date(2016, 3, 31)
    assert events(found) == [
        ("ret_episodes", 0, "looked_after", dt.date(2016, 1, 5)),
        ("ret_episodes", 1, "looked_after", end),
        ("ret_missing", 0, "missing_from_home_or_care", dt.date(2016, 2, 1)),
        ("ret_missing", 1, "missing_from_home_or_care", dt.date(2016, 2, 3)),
        ("ret_oc2", 0, "offending", end),
    ]
    frames = {name: each.harmonised.rows for name, each in found.items()}
    assert measure_of(frames, "looked_after")["placement"].to_list() == ["K2", "U4"]
    people = subjects_of(frames).select("dataset", "sex", "local_ids", "postcode").rows()
    assert ("ret_header", "female", ["council:10"], None) in people
    assert ("ret_missing", "male", ["council:9"], None) in people
    assert ("ret_episodes", "male", ["council:9"], "DY1 1AA") in people
    assert not any(each.harmonised.quarantine.height for each in found.values())
    assert not any(each.surplus_columns for each in found.values())


def test_a_903_in_xml_without_a_missing_child_is_an_empty_list_not_a_broken_one(
    tmp_path: Path,
) -> None:
    one = CHILD_XML.format(id=9, sex=1, more="", episodes="")
    put(tmp_path, {"r/2016.xml": f"<EXPSSDA903>{one}</EXPSSDA903>"})
    plan = plan_of(tmp_path, "ssda903", "r/{year}.xml", period="2015-04-01 2016-03-31")
    found = collected(plan)
    rows = {name: each.deliveries.select("status", "rows").row(0) for name, each in found.items()}
    assert rows["ret_missing"] == ("loaded", 0)
    assert rows["ret_header"] == ("loaded", 1)


@pytest.mark.parametrize(
    "sent",
    [
        lambda text: text.encode("utf-16"),
        lambda text: text.replace(",", ";").encode(),
        lambda text: ("SSDA903 extract\n\n" + text).encode(),
        lambda text: text.replace("\n", ",,\n").encode("utf-8-sig"),
        lambda text: (
            text.replace("DOB", "Date of birth").replace("05/06/2005", "05-Jun-05").encode()
        ),
        lambda text: text.replace("05/06/2005", "2005-06-05T00:00:00").encode(),
        lambda text: text.replace("\n1,", "\n1.0,").encode(),
        lambda text: text.replace("SEX", "GENDER").replace("1,2,", "1,Female,").encode(),
    ],
)
def test_a_903_as_systems_export_it_still_says_who_is_looked_after(
    tmp_path: Path, sent: Callable[[str], bytes]
) -> None:
    put(
        tmp_path,
        {
            "r/2019_header.csv": sent(HEADER_2017),
            "r/2019_episodes.csv": RETURN_2024["episodes"],
        },
    )
    found = collected(plan_of(tmp_path, "ssda903", "r", period="2018-04-01 2019-03-31"))
    frames = {name: each.harmonised.rows for name, each in found.items()}
    people = subjects_of(frames).filter(pl.col("dataset") == "ret_episodes")
    assert people.select("sex", "date_of_birth", "ethnicity_code", "local_ids").rows() == [
        ("female", dt.date(2005, 6, 5), "WBRI", ["council:1"])
    ]


# --- CIN census -----------------------------------------------------------------------------------

CHILD_2025 = """<Child><ChildIdentifiers><LAchildID>c1</LAchildID><UPNunknown>UN3</UPNunknown>
<PersonBirthDate>2009-01-02</PersonBirthDate><Sex>F</Sex></ChildIdentifiers>
<ChildCharacteristics><Ethnicity>BBRI</Ethnicity></ChildCharacteristics><CINdetails>
<CINreferralDate>{referred}</CINreferralDate><ReferralSource>5D</ReferralSource>
<Assessments><AssessmentActualStartDate>2024-06-02</AssessmentActualStartDate>
<AssessmentAuthorisationDate>2024-07-02</AssessmentAuthorisationDate>
<FactorsIdentifiedAtAssessment><AssessmentFactors>19C</AssessmentFactors><AssessmentFactors>11A
</AssessmentFactors></FactorsIdentifiedAtAssessment></Assessments>
<CINPlanDates><CINPlanStartDate>2024-07-01</CINPlanStartDate></CINPlanDates>
<Section47><S47ActualStartDate>2024-06-03</S47ActualStartDate></Section47>
<ReferralNFA>0</ReferralNFA><ChildProtectionPlans><CPPstartDate>2024-06-21</CPPstartDate>
<LatestCategoryOfAbuse>NEG</LatestCategoryOfAbuse></ChildProtectionPlans><ChildProtectionPlans>
<CPPstartDate>2025-01-21</CPPstartDate><LatestCategoryOfAbuse>SAB</LatestCategoryOfAbuse>
</ChildProtectionPlans></CINdetails></Child>"""


@pytest.mark.parametrize("referred", ["2024-06-01", "01/06/2024"])
def test_a_census_of_2025_in_its_own_words(tmp_path: Path, referred: str) -> None:
    child = CHILD_2025.format(referred=referred)
    put(tmp_path, {"cin/CIN_2025.xml": f"<Message><Children>{child}</Children></Message>"})
    found = collected(plan_of(tmp_path, "cin_census", "cin", period="2024-04-01 2025-03-31"))
    assert events(found) == [
        ("ret", 0, "child_in_need", dt.date(2024, 6, 1)),
        ("ret", 0, "cse_assessment_factor", dt.date(2024, 7, 2)),
    ]
    frames = {name: each.harmonised.rows for name, each in found.items()}
    row = measure_of(frames, "assessment").row(0, named=True)
    assert (row["factors"], row["referral_source"]) == (["19C", "11A"], "5D")
    assert row["plan_category"] == "NEG SAB"  # neither plan's category is lost
    assert subjects_of(frames).select("sex", "ethnicity_code").row(0) == ("female", "BOTH")


def test_a_large_census_is_read_in_little_more_memory_than_its_rows() -> None:
    child = CHILD_2025.format(referred="2024-06-01").encode()
    data = b"<Message><Children>" + child * 20_000 + b"</Children></Message>"
    read = ReadSettings.model_validate(
        {"record": "Children/Child > CINdetails > Assessments", "together": ["AssessmentFactors"]}
    )
    tracemalloc.start()
    try:
        rows = read_bytes(data, read, name="a.xml")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows.height == 20_000
    # The whole tree would take some fifteen times the file.
    assert peak < 3 * len(data)


# --- school census --------------------------------------------------------------------------------

PUPILS = (
    "pupilonrolltableid,NativeId,upn,surname,forename,dob,sex,ethnicity,termlysessionspossible\n"
    "1,332-4001,A123456789012,Hope,Ann,2003-May-06 00:00:00,F,WENG,100\n"
)
SESSIONS = "pupilonrolltableid,sessions,attendancereason\n1,{},O\n"


@pytest.mark.parametrize("name", ["2015_autumn_{}.csv", "Sandford {} Autumn 2015.csv"])
def test_absence_of_the_year_or_of_another_half_term_does_not_stand_for_the_terms(
    tmp_path: Path, name: str
) -> None:
    lists = {
        "PupilOnRoll": PUPILS,
        "TermlySessionDetailsOnRoll": SESSIONS.format(4),
        "AnnualSessionDetailsOnRoll": SESSIONS.format(60),
        "SummerHalfTerm2SessionDetailsOnRoll": SESSIONS.format(50),
        "TermlyExclusionsOnRoll": (
            "pupilonrolltableid,category,reason1,reason2,startdate,sessions\n"
            "1,SUSP,LG,MT,2015-Oct-02 00:00:00,4\n"
        ),
    }
    put(tmp_path, {f"sc/{name.format(k)}": text for k, text in lists.items()})
    found = collected(plan_of(tmp_path, "school_census", "sc", period="2015-04-01 2016-03-31"))
    frames = {key: each.harmonised.rows for key, each in found.items()}
    attendance = measure_of(frames, "school_attendance")
    assert attendance["sessions_unauthorised"].to_list() == [4]
    assert events(found) == [
        ("ret_on_roll_exclusions", 0, "excluded_from_school", dt.date(2015, 10, 2))
    ]
    exclusion = measure_of(frames, "exclusion").row(0, named=True)
    assert (exclusion["category"], exclusion["reason"]) == ("fixed_period", "LG")


# --- Annex A --------------------------------------------------------------------------------------

FOUND = ["Child Unique ID", "Gender", "Ethnicity", "Date of Birth", "Age of Child (Years)"]
ANN = ["17", "b) Female", "a) WBRI", "05/06/2005", 14]
BO = ["18", "a) Male", "k) APKN", dt.datetime(2006, 8, 7), 13]
LISTS = {  # what a list adds to the headings, and a row of it
    1: (["Date of Contact", "Contact Source"], ["03/02/2020", "q) 6: Police"]),
    2: (["Assessment start date"], ["03/02/2020"]),
    3: (["Date of referral", "Referral Source"], ["03/02/2020", "q) 6: Police"]),
    4: (["Continuous Assessment Start Date"], ["03/02/2020"]),
    5: (["Strategy discussion initiating Section 47 Enquiry Start Date"], ["03/02/2020"]),
    6: (["CIN Start Date", "CIN Closure Date", "Case Status"], ["03/02/2019", None, "c) CIN plan"]),
    7: (["Child Protection Plan Start Date"], ["03/02/2019"]),
    8: (["Date Started to be Looked After", "Placement postcode"], ["03/02/2019", "DY1 1AA"]),
    9: (["Eligibility Category"], ["a) Eligible"]),
    10: (["Date of Placement Order"], [None]),
}
CALLED = {
    1: "Contacts",
    2: "Early help",
    3: "Referrals",
    4: "Assessments",
    5: "Section 47 enquiries",
    6: "Children in need",
    7: "Child protection plans",
    8: "Children in care",
    9: "Care leavers",
    10: "Adoption",
}


def annex_a(
    sheet: Callable[[int], str],
    *,
    above: list[list[object]] | None = None,
    below: list[list[object]] | None = None,
    heading: Callable[[str], str] = str,
    only: int | None = None,
) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    book.create_sheet("Introduction").append(["Guidance on child unique ID and date of birth"])
    for number, (more, row) in LISTS.items():
        if only not in (None, number):
            continue
        made = book.create_sheet(sheet(number))
        for each in [
            *(above or []),
            [heading(h) for h in (*FOUND, *more)],
            [*ANN, *row],
            [*BO, *row],
            *(below or []),
        ]:
            made.append(each)
        if above:
            made.merge_cells(start_row=1, start_column=1, end_row=1, end_column=5)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def words(heading: str) -> str:
    other = {
        "Child Unique ID": "Child's unique identifier (LCS)",
        "Date of Birth": "Child DOB",
        "Ethnicity": "Ethnic background",
    }
    return other.get(heading, heading)


@pytest.mark.parametrize(
    "book",
    [
        annex_a(lambda n: f"List {n}"),
        annex_a(lambda n: f"List_{n}", heading=lambda h: h.replace("Gender", "Sex")),
        annex_a(
            lambda n: f"LIST {n} - {CALLED[n]}",
            above=[["Annex A, children of Sandford"], ["Child unique ID: as on LCS"], []],
            below=[[], ["Total", 2], ["End of list"]],
        ),
        annex_a(lambda n: CALLED[n], heading=lambda h: h.upper().replace(" ", "\n", 1)),
        annex_a(lambda n: f"{n}. {CALLED[n]}", heading=words),
    ],
    ids=["plain", "2026", "titles", "names", "words"],
)
def test_annex_a_of_any_authority_has_two_children_in_every_list(
    tmp_path: Path, book: bytes
) -> None:
    put(tmp_path, {"a/Annex A 2019-20 Q4.xlsx": book})
    found = collected(plan_of(tmp_path, "annex_a", "a", period="2020-01-01 2020-03-31"))
    frames = {key: each.harmonised.rows for key, each in found.items()}
    assert [frame.height for frame in frames.values()] == [2] * 9
    people = subjects_of(frames)
    assert people.select("sex", "ethnicity_code", "date_of_birth", "local_ids").unique().sort(
        "sex"
    ).rows() == [
        ("female", "WBRI", dt.date(2005, 6, 5), ["council:17"]),
        ("male", "APKN", dt.date(2006, 8, 7), ["council:18"]),
    ]
    assert {name for _, _, name, _ in events(found)} == {"child_in_need", "looked_after"}
    assert {each.deliveries["problem"][0] for each in found.values()} == {None}


def test_annex_a_may_come_as_a_workbook_a_list(tmp_path: Path) -> None:
    one, eight = (annex_a(lambda _: "Sheet1", only=n) for n in (1, 8))
    put(tmp_path, {"a/2019-20_Q4 List 1.xlsx": one, "a/2019-20_Q4 List 8.xlsx": eight})
    plan = plan_of(tmp_path, "annex_a", "a/{quarter} {list}.xlsx", period="2020-01-01 2020-03-31")
    assert loaded(collected(plan)) == {
        "contacts": ["a/2019-20_Q4 List 1.xlsx"],
        "looked_after": ["a/2019-20_Q4 List 8.xlsx"],
    }
