"""Statutory returns of an invented council, written from the published layouts of several years.

Layouts: DfE's SSDA903, children in need census and school census, Ofsted's Annex A, as published.
The children are made up. A few real-format sample files of others are read where they are at hand.
"""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import openpyxl

from tests.acceptance.collection_files import dataset, geojson, put, settings, square, write_csv
from tests.exam_runs import EXAM

SAMPLES = EXAM.parent / "statutory"

HEADER = ["CHILD", "SEX", "DOB", "ETHNIC", "UPN", "MOTHER", "MC_DOB"]
EPISODES = [
    "CHILD",
    "DECOM",
    "RNE",
    "LS",
    "CIN",
    "PLACE",
    "PLACE_PROVIDER",
    "DEC",
    "REC",
    "REASON_PLACE_CHANGE",
    "HOME_POST",
    "PL_POST",
    "URN",
]
MISSING = ["CHILD", "DOB", "MISSING", "MIS_START", "MIS_END"]
OC2 = [
    "CHILD",
    "DOB",
    "SDQ_SCORE",
    "SDQ_REASON",
    "CONVICTED",
    "HEALTH_CHECK",
    "IMMUNISATIONS",
    "TEETH_CHECK",
    "HEALTH_ASSESSMENT",
    "SUBSTANCE_MISUSE",
    "INTERVENTION_RECEIVED",
    "INTERVENTION_OFFERED",
]
SOCIAL_WORKER = ["CHILD", "DOB", "SW_ID", "SW_DECOM", "SW_DEC", "SW_REASON"]


def ssda903(folder: Path) -> None:
    lists = {
        "2023_header": [
            HEADER,
            ["9001", 2, "05/05/2009", "WBRI", "A123456789012", 0, ""],
            ["9002", 1, "06/06/2010", "APKN", "B123456789012", 0, ""],
        ],
        "2023_episodes": [
            EPISODES,
            ["9001", "01/06/2022", "S", "V2", "N1", "K2", "PR4", "", "", "", "ZQ1 1AA",
             "ZQ21AA", "SC900001"],
            ["9002", "03/07/2022", "S", "C2", "N1", "U4", "PR1", "10/10/2022", "E4A", "",
             "ZQ1 1AB", "ZQ1 1AA", ""],
        ],
        "2023_missing": [
            MISSING,
            ["9001", "05/05/2009", "M", "10/09/2022", "12/09/2022"],
            ["9001", "05/05/2009", "M", "11/12/2022", "12/12/2022"],
            ["9002", "06/06/2010", "A", "01/08/2022", "02/08/2022"],
        ],
        "2023_oc2": [
            OC2,
            ["9001", "05/05/2009", 10, "", 0, "", 1, 1, 1, 1, 1, ""],
            ["9002", "06/06/2010", 10, "", 1, "", 1, 1, 1, 0, "", ""],
        ],
        # the next year: a list that did not exist before, lower-case file names of another system
        "2024_header": [HEADER, ["9003", 2, "07/07/2011", "BAFR", "UN1", 0, ""]],
        "2024_episodes": [
            EPISODES,
            ["9003", "04/08/2023", "S", "C1", "N1", "U4", "PR1", "", "", "", "ZQ1 1AB",
             "ZQ2 1AA", ""],
        ],
        "2024_social_worker": [
            SOCIAL_WORKER, ["9003", "07/07/2011", "SW1234567", "04/08/2023", "", ""],
        ],
    }  # fmt: skip
    for name, rows in lists.items():
        write_csv(folder / f"SSDA903_{name}.csv", rows)


def child(number: str, born: str, sex: str, ethnicity: str, *details: str, tag: str) -> str:
    return (
        f"<Child><ChildIdentifiers><LAchildID>{number}</LAchildID><UPNunknown>UN3</UPNunknown>"
        f"<PersonBirthDate>{born}</PersonBirthDate><{tag}>{sex}</{tag}></ChildIdentifiers>"
        f"<ChildCharacteristics><Ethnicity>{ethnicity}</Ethnicity></ChildCharacteristics>"
        + "".join(details)
        + "</Child>"
    )


def referral(day: str, source: str, *assessments: tuple[str, str, list[str]], cpp: str = "") -> str:
    told = "".join(
        f"<Assessments><AssessmentActualStartDate>{start}</AssessmentActualStartDate>"
        f"<AssessmentAuthorisationDate>{end}</AssessmentAuthorisationDate>"
        "<FactorsIdentifiedAtAssessment>"
        + "".join(f"<AssessmentFactors>{factor}</AssessmentFactors>" for factor in factors)
        + "</FactorsIdentifiedAtAssessment></Assessments>"
        for start, end, factors in assessments
    )
    return (
        f"<CINdetails><CINreferralDate>{day}</CINreferralDate>"
        f"<ReferralSource>{source}</ReferralSource><PrimaryNeedCode>N1</PrimaryNeedCode>"
        f"{told}<ReferralNFA>0</ReferralNFA>{cpp}</CINdetails>"
    )


def message(year: int, *children: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<Message><Header><CollectionDetails>'
        f"<Collection>CIN</Collection><Year>{year}</Year><ReferenceDate>{year}-03-31"
        "</ReferenceDate></CollectionDetails></Header><Children>"
        + "".join(children)
        + "</Children></Message>"
    )


def cin(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "CIN_2019.xml").write_text(
        message(
            2019,
            child(
                "9101", "2006-01-02", "2", "WBRI",
                referral("2018-05-01", "6", ("2018-05-02", "2018-06-01", ["11A", "10A"])),
                tag="GenderCurrent",
            ),
            # two referrals, the second with two assessments
            child(
                "9102", "2007-03-04", "1", "APKN",
                referral("2018-05-03", "2A", ("2018-05-04", "2018-06-02", ["13A"])),
                referral(
                    "2018-09-03", "1A",
                    ("2018-09-04", "2018-09-20", ["15A"]),
                    ("2018-10-04", "2018-11-20", ["11A", "2A"]),
                ),
                tag="GenderCurrent",
            ),
        ),
        "utf-8",
    )  # fmt: skip
    # 2025: the element for sex changed, and so did its codes
    (folder / "CIN_2025.xml").write_text(
        message(
            2025,
            child(
                "9103", "2010-01-02", "F", "MWBC",
                referral(
                    "2024-05-01", "5D", ("2024-05-02", "2024-06-01", ["11A", "24A"]),
                    cpp="<ChildProtectionPlans><CPPstartDate>2024-07-01</CPPstartDate>"
                    "<InitialCategoryOfAbuse>SAB</InitialCategoryOfAbuse><LatestCategoryOfAbuse>"
                    "SAB</LatestCategoryOfAbuse><NumberOfPreviousCPP>0</NumberOfPreviousCPP>"
                    "</ChildProtectionPlans>",
                ),
                tag="Sex",
            ),
            child("9104", "2011-01-02", "M", "NOBT", referral("2024-06-01", "6"), tag="Sex"),
        ),
        "utf-8",
    )  # fmt: skip


ROLL = [
    "pupilonrolltableid",
    "NativeId",
    "dob",
    "surname",
    "forename",
    "upn",
    "{sex}",
    "entrydate",
    "sourceid",
    "termlysessionspossible",
    "termlysessionsauthorised",
    "termlysessionsunauthorised",
    "senprovision",
    "ncyearactual",
]


def school(folder: Path) -> None:
    """Spring 2018 in the older layout; of autumn 2024 the first pupils of the sample files."""
    roll = [c.format(sex="gender") for c in ROLL]
    write_csv(folder / "2018_spring_pupilonroll.csv", [
        roll,
        ["p1", "SCH1", "2004-Jan-21 00:00:00", "Absentley", "Amy", "C123456789012", "F",
         "2015-Sep-03 00:00:00", "s1", "100.0", "5.0", "", "K", "9"],
        ["p2", "SCH1", "2004-Feb-21 00:00:00", "Presently", "Ben", "D123456789012", "M",
         "2015-Sep-03 00:00:00", "s1", "100.0", "20.0", "", "N", "9"],
        ["p3", "SCH1", "2004-Mar-21 00:00:00", "Suspended", "Cal", "E123456789012", "M",
         "2015-Sep-03 00:00:00", "s1", "100.0", "", "", "N", "9"],
    ])  # fmt: skip
    details = ["pupilonrolltableid", "NativeId", "sourceid", "attendancereason", "absencesessions"]
    write_csv(folder / "2018_spring_termlysessiondetailsonroll.csv", [
        details,
        # 12 of 100 sessions were unauthorised: G, N, O and U count, I (illness) doesn't
        ["p1", "SCH1", "s1", "G", "4.0"],
        ["p1", "SCH1", "s1", "N", "3.0"],
        ["p1", "SCH1", "s1", "O", "3.0"],
        ["p1", "SCH1", "s1", "U", "2.0"],
        ["p1", "SCH1", "s1", "I", "5.0"],
        ["p2", "SCH1", "s1", "I", "20.0"],
        ["p2", "SCH1", "s1", "O", "3.0"],
    ])  # fmt: skip
    write_csv(folder / "2018_spring_termlyexclusionsonroll.csv", [
        ["pupilonrolltableid", "NativeId", "sourceid", "category", "reason", "startdate",
         "sessions"],
        ["p3", "SCH1", "s1", "FIXD", "PP", "2018-Jan-15 00:00:00", "4.0"],
    ])  # fmt: skip
    write_csv(folder / "2018_spring_addressesonroll.csv", [
        ["pupilonrolltableid", "NativeId", "sourceid", "postcode"],
        ["p1", "SCH1", "s1", "ZQ1 1AA"],
    ])  # fmt: skip
    if SAMPLES.is_dir():
        cut(folder, 300)


def cut(folder: Path, count: int) -> None:
    """The sample's first pupils with all that belongs to them, in its own layout."""
    source = SAMPLES / "school_census"
    keep: dict[str, set[str]] = {}
    for name in ("pupilonroll", "pupilnolongeronroll"):
        with (source / f"2024_autumn_{name}.csv").open(newline="") as f:
            rows = list(csv.reader(f))
        keep[rows[0][0]] = {row[0] for row in rows[1 : count + 1]}
        write_csv(folder / f"2024_autumn_{name}.csv", rows[: count + 1])
    for name in ("addressesoffroll", "termlysessiondetailsonroll", "termlyexclusionsonroll"):
        with (source / f"2024_autumn_{name}.csv").open(newline="") as f:
            rows = list(csv.reader(f))
        ids = keep[rows[0][0]]
        write_csv(
            folder / f"2024_autumn_{name}.csv",
            [rows[0], *[row for row in rows[1:] if row[0] in ids]],
        )


COMMON = ["Child Unique ID", "Gender", "Ethnicity", "Date of Birth", "Age of Child (Years)"]
WHO = {
    "A1": ["A1", "b) Female", "a) WBRI", dt.datetime(2009, 4, 5), 15],
    "A2": ["A2", "a) Male", "k) APKN", dt.datetime(2010, 5, 6), 14],
    "A3": ["A3", "b) Female", "s) NOBT", dt.datetime(2011, 6, 7), 13],
}
LOOKED_AFTER = [
    "Unaccompanied Asylum Seeking Child (UASC) within the Last 12 Months (Y/N)",
    "Does the Child have a Disability",
    "Date Started to be Looked After",
    "Child's Category of Need",
    "Is this a second or subsequent period of being a Looked After Child within the last 12 months"
    " (Y/N)",
    "Start date of current legal status",
    "Child's Legal Status",
    "Date of Latest Statutory Review",
    "Date of Last Social Work Visit",
    "What is the permanence plan for this child?",
    "Date of Last IRO Visit / Contact to the Child",
    "Date of Last Health Assessment",
    "Date of Last Dental Check",
    "Number of Placements in the Last 12 months",
    "Date Ceased to be Looked After",
    "Reason Ceased to be Looked After",
    "Start Date of Most Recent Placement",
    "Placement Type",
    "Placement Provider",
    "Placement postcode",
    "URN of Placement",
    "Placement Location",
    "LA of Placement",
    "Number of Episodes the Child has been 'Missing' from their Placement in the last 12 months",
    "Number of Episodes the Child has been 'Absent' from their Placement in the last 12 months",
    "Was the child offered a Return Interview after their last missing episode (Y/N)?",
    "Did the child accept a Return Interview after their last missing episode (Y/N)?",
    "Allocated Team",
    "Allocated Worker",
]


EMPTY_LISTS = {
    2: ["Assessment start date", "Assessment completion date",
        "Organisation completing assessment"],
    4: ["Does the Child have a Disability", "Continuous Assessment Start Date",
        "Child Seen During Continuous Assessment",
        "Continuous Assessment Date of Authorisation",
        "Was the child assessed as requiring LA children's social care support?",
        "Allocated Team", "Allocated Worker"],
    5: ["Does the Child have a Disability",
        "Strategy discussion initiating Section 47 Enquiry Start Date",
        "Was an Initial Child Protection Conference deemed unnecessary?",
        "Date of Initial Child Protection Conference",
        "Did the Initial Child Protection Conference Result in a Child Protection Plan",
        "Number of Section 47 Enquiries in the last 12 months",
        "Number of ICPCs in the last 12 months", "Allocated Team", "Allocated Worker"],
    7: ["Does the Child have a Disability", "Child Protection Plan Start Date",
        "Initial Category of Abuse", "Latest Category of Abuse",
        "Date of the Last Statutory Visit", "Was the Child Seen Alone?",
        "Date of latest review conference", "Child Protection Plan End Date",
        "Subject to Emergency Protection Order or Protected Under Police Powers in Last Six"
        " Months (Y/N)", "Number of Previous Child Protection Plans", "Allocated Team",
        "Allocated Worker"],
    9: ["Does the Child have a Disability", "Allocated Team", "Allocated Worker",
        "Eligibility Category", "LA in Touch", "Type of Accommodation",
        "Suitability of Accommodation", "Activity Status"],
}  # fmt: skip


def looked_after(who: str, missing: int, absent: int, offered: str, accepted: str) -> list:
    return [
        *WHO[who], "b) No", "b) No", dt.datetime(2024, 6, 1), "N1 - Abuse or neglect", "b) No",
        dt.datetime(2024, 6, 1), "C2", None, None, None, None, None, None, 1, None, None,
        dt.datetime(2024, 6, 1), "K2", "PR4", "ZQ2 1AA", "SC900001", "b) Out", "Millbrook",
        missing, absent, offered, accepted, "Team 1", "Worker W",
    ]  # fmt: skip


def annex_a(path: Path, sex: str = "Gender") -> None:
    common = [sex if column == "Gender" else column for column in COMMON]
    lists = {
        "List 1": [
            [*common, "Date of Contact", "Contact Source"],
            [*WHO["A1"], dt.datetime(2025, 1, 7), "q) 6: Police"],
        ],
        "List 3": [
            [*common, "Date of referral", "Referral Source", "Referral NFA?",
             "Number of Referrals in Last 12 Months", "Allocated Team", "Allocated Worker"],
            [*WHO["A2"], dt.datetime(2025, 1, 8), "e) 2A: Schools", "b) No", 1, "T", "W"],
        ],
        "List 6": [
            [*common, "Does the Child have a Disability", "CIN Start Date", "Primary Need Code",
             "Date Child Was Last Seen", "CIN Closure Date", "Reason for Closure", "Case Status",
             "Allocated Team", "Allocated Worker"],
            [*WHO["A2"], "b) No", dt.datetime(2025, 1, 9), "N1 - Abuse or neglect", None, None,
             None, "c) Child in need plan", "T", "W"],
        ],
        "List 8": [
            [*common, *LOOKED_AFTER],
            looked_after("A1", 3, 1, "a) Yes", "b) No"),
            looked_after("A3", 0, 0, "", ""),
        ],
    }  # fmt: skip
    for number in (2, 4, 5, 7, 9, 10, 11):  # nothing in them, but every workbook has them
        lists[f"List {number}"] = [[*common, *EMPTY_LISTS.get(number, [])]]
    lists = dict(sorted(lists.items(), key=lambda item: int(item[0].split()[1])))
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in lists.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def council(folder: Path) -> Path:
    """The profile folder: four returns, each with its one line in the plan."""
    data = folder / "data"
    ssda903(data / "ssda903")
    cin(data / "cin")
    school(data / "school")
    annex_a(data / "annex_a/2024-25_Q3.xlsx")
    annex_a(data / "annex_a/2024-25_Q4.xlsx", sex="Sex")
    if SAMPLES.is_dir():
        for name in ("header", "episodes"):
            source = SAMPLES / f"ssda903/SSDA903_2020_{name}.csv"
            (data / f"ssda903/{source.name}").write_bytes(source.read_bytes())
        (data / "cin/CIN_2022.xml").write_bytes(
            (SAMPLES / "cin_census/BAR_cin_2022.xml").read_bytes()
        )
    reference = folder / "reference"
    geojson(
        reference / "wards.geojson", [square("Northfold", 400000, 300000, ward_code="E99000001")]
    )
    write_csv(
        reference / "postcodes.csv",
        [
            ["postcode", "easting_m", "northing_m", "ward_code"],
            ["ZQ1 1AA", 401000, 301000, "E99000001"],
            ["ZQ1 1AB", 401500, 301500, "E99000001"],
        ],
    )
    put(folder / "profile.yaml", settings(
        period={"start": dt.date(2017, 4, 1), "end": dt.date(2025, 3, 31)},
        as_at=dt.date(2025, 3, 31),
    ))  # fmt: skip
    whole = {"whole_file": "A statutory return is copied as it is"}
    deliveries = {
        "ssda903": {"files": "ssda903/SSDA903_{year}_{list}.csv"},
        "cin_census": {"files": "cin/CIN_{year}.xml"},
        "school_census": {"files": "school"},
        "annex_a": {"files": "annex_a/{quarter}.xlsx"},
    }
    put(folder / "collection_plan.yaml", {
        "agreed_with": "Sub-group",
        "agencies": [
            {"id": "council", "name": "Millbrook Council", "sector": "statutory", "lead": "Clerk"}
        ],
        "datasets": [
            dataset(standard, "council", standard=standard, asks_for=whole, delivery=delivery)
            for standard, delivery in deliveries.items()
        ],
        "context": [
            {"id": "wards", "kind": "wards", "agency": "Council", "why": "Map",
             "file": "wards.geojson", "columns": {"ward": "name"}},
            {"id": "postcodes", "kind": "postcodes", "agency": "Council", "why": "Wards",
             "file": "postcodes.csv"},
        ],
    })  # fmt: skip
    return folder
