"""An invented borough, Millbrook, whose agencies send messy files; written here.

What each row should become is written beside it in the tests, by hand. Nobody here is real.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path

import openpyxl
import yaml

QUARTERS = [f"2023-24_Q{n}" for n in (1, 2, 3, 4)]
AS_AT = "2024-03-31"
BASIS = {
    "power": "Children Act 2004 s.10",
    "article_6": "e public task",
    "article_9": "g substantial public interest",
    "schedule_1": "paragraph 18 safeguarding of children and individuals at risk",
    "controllers": ["Millbrook Council"],
    "dpia": "DPIA-MILL-7",
}


def serial(day: dt.date) -> int:
    """Excel's number of a day, 1900 system."""
    return (day - dt.date(1899, 12, 30)).days


def write_csv(path: Path, rows: list[list], delimiter: str = ",", encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as to:
        csv.writer(to, delimiter=delimiter).writerows(rows)


def write_xlsx(path: Path, rows: list[list], sheet: str = "Sheet1") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    book.save(path)


def put(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), "utf-8")


def dataset(name: str, agency: str, /, **more: object) -> dict:
    """A dataset of the plan; what a test isn't about is filled in."""
    return {
        "id": name,
        "agency": agency,
        "title": name.replace("_", " ").capitalize(),
        "what": "What the agency holds.",
        "why": "It may show who is being exploited.",
        "how": "Secure e-mail",
        "lawful_basis": BASIS,
        "keep_for": "6 years",
        **more,
    }


def settings(**more: object) -> dict:
    return {
        "title": "Problem profile, Millbrook",
        "version": "1",
        "author": "Analyst",
        "synthetic": True,
        "terms_of_reference": {
            "aim": "To know what happens.",
            "objectives": ["Describe the children."],
            "methodology": "Problem profiling.",
            "time_frames": "One year.",
            "required_outputs": ["Problem profile"],
            "resources": "One analyst.",
            "agreed_by": "Sub-group",
        },
        "area": {
            "name": "Millbrook",
            "responsible_authority": "Millbrook",
            "region": "Westshire",
            "postcode_districts": ["ZQ1", "ZQ2"],
        },
        "period": {"start": dt.date(2023, 4, 1), "end": dt.date(2024, 3, 31)},
        "as_at": dt.date(2024, 3, 31),
        **more,
    }


def square(name: str, x: int, y: int, side: int = 2000, **properties: object) -> dict:
    ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    return {
        "type": "Feature",
        "properties": {"name": name, **properties},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def geojson(path: Path, features: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}
    path.write_text(
        json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}), "utf-8"
    )


# --- the messy file of a charity: what is written, and what it should become

BORN = dt.date(2009, 5, 3)
SEEN = "14/06/2023"
COLUMNS = ["Ref", "Child's name", "DOB", "Age", "M or F", "Ethnic origin", "Post code", "Seen on"]
PLAIN = ["", "PLAIN, Pat", "03/05/2009", "", "F", "White British", "ZQ1 1AA", SEEN]

# (column, as written): what the harmonised record should say
NAMES = {
    "SMITH, Joanna (aka Jojo)": ("Joanna", "Smith", ["Jojo"]),
    "O'NEILL-BROWN, Mary Ann": ("Mary Ann", "O'Neill-Brown", []),
    "HARGREAVES, Tom (known as Tommo)": ("Tom", "Hargreaves", ["Tommo"]),
    "  QURESHI ,  Aisha ": ("Aisha", "Qureshi", []),
    "SÁNCHEZ, José (Pepe)": ("José", "Sánchez", ["Pepe"]),
    "BAKER, Lee a.k.a. Shorty": ("Lee", "Baker", ["Shorty"]),
    "N/K": (None, None, []),
}
BIRTHS = {
    "03/05/2009": BORN,
    "3/5/2009": BORN,
    "03.05.2009": BORN,
    "3-May-09": BORN,
    "2009-05-03": BORN,
    "2009-05-03 00:00:00": BORN,
    "3 May 2009": BORN,
    str(serial(BORN)): BORN,
    f"{serial(BORN)}.0": BORN,
    "01/01/1900": None,
    "31/02/2009": None,
    "N/K": None,
    "not stated": None,
    "Unknown": None,
}
AGES = {"14": 14, "14.0": 14, "N/K": None}
SEXES = {
    "F": "female",
    "f": "female",
    "Female": "female",
    "FEMALE ": "female",
    "Girl": "female",
    "2": "female",
    "2 - Female": "female",
    "b) Female": "female",
    "[F] Female": "female",
    "F - Female": "female",
    "Female (2)": "female",
    "M": "male",
    "male": "male",
    "boy": "male",
    "1": "male",
    "1 - Male": "male",
    "a) Male": "male",
    "0": None,
    "9": None,
    "I": None,
    "U": None,
    "Unknown": None,
    "N/K": None,
    "not stated": None,
    "Not Recorded": None,
}
ETHNICITIES = {
    "[WBRI] White British": "WBRI",
    "WBRI - White British": "WBRI",
    "White British [WBRI]": "WBRI",
    "WHITE - BRITISH": "WBRI",
    "White: English/Welsh/Scottish/Northern Irish/British": "WBRI",
    "White English": "WBRI",
    "A1 - White British": "WBRI",
    "White Irish": "WIRI",
    "Traveller of Irish Heritage": "WIRT",
    "Gypsy / Roma": "WROM",
    "White - Any other White background": "WOTH",
    "Polish": "WOTH",
    "White and Black Caribbean": "MWBC",
    "Mixed - White & Black African": "MWBA",
    "Mixed White / Asian": "MWAS",
    "Any other mixed background": "MOTH",
    "Indian": "AIND",
    "Asian or Asian British - Pakistani": "APKN",
    "APKN: Pakistani": "APKN",
    "pakistani": "APKN",
    "Bangladeshi": "ABAN",
    "Any other Asian background": "AOTH",
    "Chinese": "CHNE",
    "Black Caribbean": "BCRB",
    "Black/Black British - African": "BAFR",
    "Somali": "BAFR",
    "Any other Black background": "BOTH",
    "Any other ethnic group": "OOTH",
    "Arab": "OOTH",
    "Refused": None,
    "NOBT": None,
    "Information not yet obtained": None,
    "Not stated": None,
    "N/K": None,
}
POSTCODES = {
    # as written: (postcode, sector, district)
    "ZQ1 1AA": ("ZQ1 1AA", "ZQ1 1", "ZQ1"),
    "ZQ11AA": ("ZQ1 1AA", "ZQ1 1", "ZQ1"),
    "zq1 1aa": ("ZQ1 1AA", "ZQ1 1", "ZQ1"),
    "zq11aa": ("ZQ1 1AA", "ZQ1 1", "ZQ1"),
    " ZQ1  1AA ": ("ZQ1 1AA", "ZQ1 1", "ZQ1"),
    "ZQ1 1": (None, "ZQ1 1", "ZQ1"),
    "zq1": (None, None, "ZQ1"),
    "N/K": (None, None, None),
    "Unknown": (None, None, None),
}
MESSY = {
    "Child's name": NAMES,
    "DOB": BIRTHS,
    "Age": AGES,
    "M or F": SEXES,
    "Ethnic origin": ETHNICITIES,
    "Post code": POSTCODES,
}


def messy_rows() -> tuple[list[list], dict[tuple[str, str], int]]:
    """The charity's rows, and the row (from 0) of each thing written. No two rows are the same."""
    rows, place = [], {}
    for column, written in MESSY.items():
        for text in written:
            row = list(PLAIN)
            row[0] = f"L{len(rows):03}"
            row[COLUMNS.index("Child's name")] = (
                f"PLAIN{chr(65 + len(rows) % 26)}{chr(65 + len(rows) // 26)}, Pat"
            )
            row[COLUMNS.index(column)] = text
            if column == "Age":
                row[COLUMNS.index("DOB")] = ""
            place[column, text] = len(rows)
            rows.append(row)
    return rows, place


UNKNOWN_WORDS = {"M or F": ("Femail", 3), "Ethnic origin": ("White Brittish", 2)}


def second_quarter() -> list[list]:
    """Values that no code list knows, and one that only the partnership's own list knows."""
    rows = []
    for column, (text, times) in UNKNOWN_WORDS.items():
        for _ in range(times):
            row = list(PLAIN)
            row[0] = f"U{len(rows):03}"
            row[7] = "20/08/2023"
            row[COLUMNS.index(column)] = text
            rows.append(row)
    own = list(PLAIN)
    own[0], own[7], own[5] = "U900", "20/08/2023", "Boat family of the cut"
    return [*rows, own]


# --- information reports

REPORT_COLUMNS = [
    "No", "When", "Reported by", "Phone", "Post", "Agency", "Kind", "Rel", "Acc", "Police?",
    "Licensed?", "Trading as", "At", "Code", "Sanitised?", "Consent", "Consent why", "Int/Inf",
    "Fact", "Opinion", "Child first", "Child last", "Child born",
]  # fmt: skip
REPORTER, PHONE = "Zebedee Quillfeather", "07700 900123"
PREMISES = [
    ["Licence", "Trading name", "Type", "Address", "Postcode", "Easting", "Northing"],
    ["L1", "Golden Pizza", "Takeaway", "12 High Street", "ZQ1 1AA", 401000, 301000],
    ["L2", "Golden Pizza", "Takeaway", "99 Low Road", "ZQ2 1AA", 403000, 301000],
    ["L3", "The Crown Inn", "Public house", "3 Mill Lane", "ZQ1 1AB", 401500, 301500],
]


def report(number: int, **cells: object) -> list:
    base = {
        "No": f"R{number}",
        "When": dt.datetime(2024, 1, 10, 9, 30),
        "Reported by": REPORTER,
        "Phone": PHONE,
        "Post": "Youth worker",
        "Agency": "Lantern",
        "Kind": "Professional",
        "Rel": 3,
        "Acc": 3,
        "Police?": "Y",
        "Licensed?": "N",
        "Code": "P",
        "Sanitised?": "Yes",
        "Consent": "sought",
        "Int/Inf": "Information",
        "Fact": f"Fact number {number}",
        "Opinion": f"Opinion number {number}",
        "Child first": f"Kid{chr(65 + number)}",
        "Child last": f"Reported{chr(65 + number)}",
        "Child born": dt.datetime(2008, 1, 1 + number),
    } | cells
    return [base.get(column) for column in REPORT_COLUMNS]


REPORTS = [
    report(0, Rel="5 - always reliable", Acc="1 - known to be true"),
    report(1, Rel=1, Acc=5),
    report(2, Rel="Don't know", Acc="don't know"),
    report(3, Rel=None, Acc=None),
    report(4, Code="C"),
    report(5, Code=None),
    report(6, **{"Sanitised?": "No"}),
    report(7, Consent="limited", **{"Consent why": "Not to school"}),
    report(8, Consent="dispensed with", **{"Consent why": "Risk of harm to the child"}),
    report(9, Consent="dispensed with"),
    report(10, **{"Int/Inf": "Intelligence"}),
    report(11, **{"Licensed?": "Y", "Trading as": "golden pizza", "At": "99, Low Rd"}),
    report(12, **{"Licensed?": "Y", "Trading as": "GOLDEN PIZZA", "At": "12 High St., Millbrook"}),
    report(13, **{"Licensed?": "Y", "Trading as": "Crown", "At": "3 Mill Lane"}),
    report(14, **{"Licensed?": "Y", "Trading as": "Nowhere Bar", "At": "1 Far Away"}),
]


# --- registers, layers and figures

HOMES = [
    ["URN", "Home", "Provider", "PC", "E", "N", "Beds"],
    ["SC1", "Alder House", "PR4", "ZQ1 1AA", 401000, 301000, 4],
    ["SC2", "Birch House", "PR1", "zq21aa", "", "", 3],  # by its postcode
    ["SC3", "Nowhere House", "PR1", "", "", "", 3],  # nothing says where
    ["SC1", "Alder House", "PR4", "ZQ1 1AA", 401000, 301000, 4],  # twice
    ["SC4", "Swapped House", "PR4", "ZQ1 1AB", 301500, 401500, 5],  # easting and northing swapped
]
SCHOOLS = [
    ["URN", "School", "Phase", "PC", "E", "N"],
    ["1", "Mill School", "Secondary", "ZQ1 1AA", 401000, 301000],
]
DRUGS = [["id", "e", "n", "radius_m"], ["D1", 401000, 301000, 200]]
LAST_YEAR = [["id", "e", "n", "radius_m"], ["H1", 403000, 301000, 250]]
REGION = [
    ["Authority", "Quarter", "Total", "At risk", "Significant", "Serious"],
    ["Millbrook", "2023-24 Q4", 18, 5, 6, 7],
    ["Neighbourham", "2023-24 Q4", 40, 30, 6, 4],
]
# in degrees, as GeoJSON is unless it says otherwise; a place of the Midlands
OCG_DEGREES = [[-2.10, 52.50], [-2.09, 52.50], [-2.09, 52.51], [-2.10, 52.51], [-2.10, 52.50]]


def midyear(path: Path) -> None:
    """Mid-year estimates of wards as the statistics office lays them out: a sheet for each sex."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for sheet, by_ward in {
        "Persons": {"E99000001": 110, "E99000002": 90, "E88000001": 70},
        "Males": {"E99000001": 60, "E99000002": 45, "E88000001": 35},
        "Females": {"E99000001": 50, "E99000002": 45, "E88000001": 35},
    }.items():
        page = book.create_sheet(f"Mid-2022 {sheet}")
        page.append([f"Mid-2022: {sheet}: population estimates for wards by single year of age"])
        page.append([])
        page.append(["Contents"])
        page.append(["Ward Code", "Ward Name", "LA Name", "All Ages", *range(90), "90+"])
        for ward, each in by_ward.items():
            page.append([ward, "A ward", "Millbrook", each * 91, *[each] * 91])
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


GROUPS = {
    "White: English/Welsh/Scottish/Northern Irish/British": 800,
    "White: Irish": 10,
    "Mixed/multiple ethnic group: White and Black Caribbean": 30,
    "Asian/Asian British: Pakistani": 120,
    "Black/African/Caribbean/Black British: African": 25,
    "Other ethnic group: Arab": 15,
}


def ks201(path: Path) -> None:
    """Table KS201EW as Nomis hands it out: titles, a blank line, figures, notes."""
    total = sum(GROUPS.values())
    write_csv(path, [
        ["KS201EW - Ethnic group"],
        ["ONS Crown Copyright Reserved [from Nomis on 2 April 2024]"],
        [],
        ["population", "All usual residents"],
        ["units", "Persons"],
        ["date", "2011"],
        [],
        ["2011 ward", "mnemonic", "All usual residents", *GROUPS],
        ["Northfold", "E99000001", total, *GROUPS.values()],
        ["Southfold", "E99000002", total, *GROUPS.values()],
        [],
        ["In order to protect against disclosure of personal information, records are swapped."],
    ])  # fmt: skip


# --- the team's tracker, whose levels change in October 2023

TRACKER_COLUMNS = [
    "Ref", "First", "Last", "Born", "Sex", "Ethnicity", "LA", "Referred", "Source", "Screened",
    "Level", "Status",
]  # fmt: skip
LEVELS = {
    "2023-24_Q1": ["At risk"] * 6 + ["Significant risk"] * 5 + ["Serious risk"] * 7,
    "2023-24_Q2": ["At risk"] * 5 + ["Significant risk"] * 6 + ["Serious risk"] * 7,
    "2023-24_Q3": ["Low"] * 6 + ["Medium"] * 5 + ["High"] * 7,
    "2023-24_Q4": ["Low"] * 5 + ["Medium"] * 6 + ["High"] * 7,
}


def tracker(quarter: str) -> list[list]:
    rows = [["CSE team tracker"], TRACKER_COLUMNS]
    for n, level in enumerate(LEVELS[quarter]):
        rows.append(
            [
                f"T{n}", f"Forename{chr(65 + n)}", f"Family{chr(65 + n)}",
                dt.datetime(2008, 2, 1 + n), "F", "White British", "Millbrook",
                dt.datetime(2023, 4, 5), "Police", dt.datetime(2023, 4, 6), level, "Open",
            ]
        )  # fmt: skip
    return rows


CROSSWALK = {"low": "at_risk", "medium": "significant", "high": "serious"}


def millbrook(folder: Path) -> Path:
    """The whole profile folder, files and plan."""
    data = folder / "data"
    rows, _ = messy_rows()
    write_csv(data / "lantern/2023-24_Q1.csv", [COLUMNS, *rows], encoding="utf-8-sig")
    write_csv(data / "lantern/2023-24_Q2.csv", [COLUMNS, *second_quarter()])
    renamed = [
        "Ref",
        "Name of child",
        "DOB",
        "Age",
        "M or F",
        "Ethnic origin",
        "Post code",
        "Seen on",
    ]
    third = ["R900", "RENAMED, Rae", "04/05/2009", "", "F", "Indian", "ZQ1 1AA", "20/10/2023"]
    write_csv(data / "lantern/2023-24_Q3.csv", [renamed, third])
    misspelt = [
        "Ref",
        "Child's name",
        "DOB",
        "Age",
        "M or F",
        "Ethnic orgin",
        "Post code",
        "Seen on",
    ]
    fourth = ["R901", "MISSPELT, Mo", "04/05/2009", "", "F", "Indian", "ZQ1 1AA", "20/01/2024"]
    write_csv(data / "lantern/2023-24_Q4.csv", [misspelt, fourth])

    write_xlsx(
        data / "reports/2023-24_Q4.xlsx", [["Log of reports"], REPORT_COLUMNS, *REPORTS], "Log"
    )
    for quarter in QUARTERS:
        write_xlsx(data / f"tracker/{quarter}.xlsx", tracker(quarter), "Tracker")

    # a file for the whole year, and a register without a period
    write_csv(
        data / "wholeyear/2023-24.csv",
        [
            ["Id", "Family name", "Given name", "Born", "On"],
            ["W1", "Yearly", "Ann", "01/02/2008", "05/04/2023"],
            ["W2", "Yearling", "Bob", "02/02/2008", "05/07/2023"],
            ["W3", "Yearnwell", "Cat", "03/02/2008", "05/10/2023"],
            ["W4", "Yeardley", "Dan", "04/02/2008", "05/01/2024"],
            ["W5", "Yeards", "Eve", "05/02/2008", "06/01/2024"],
        ],
    )
    write_csv(
        data / "register/persons.csv",
        [
            ["Id", "Family name", "Given name", "Born", "Noted"],
            ["G1", "Regis", "Fay", "01/03/2008", "05/04/2023"],
            ["G2", "Registre", "Gil", "02/03/2008", ""],
        ],
    )
    # yesterday's quarter, sent again and late later in the tests
    write_csv(data / "outreach/2023-24_Q1.csv", outreach(3))
    write_csv(data / "outreach/2023-24_Q2.csv", outreach(4, month=8))
    write_csv(folder / "deliveries.csv", [
        ["file", "received"],
        ["outreach/2023-24_Q1.csv", "24/07/2023"],
        ["outreach/2023-24_Q2.csv", "2023-10-10"],
    ])  # fmt: skip

    reference = folder / "reference"
    geojson(
        reference / "wards.geojson",
        [
            square("Northfold", 400000, 300000, ward_code="E99000001"),
            square("Southfold", 402000, 300000, ward_code="E99000002"),
        ],
    )
    write_csv(
        reference / "postcodes.csv",
        [
            ["postcode", "easting_m", "northing_m", "ward_code"],
            ["ZQ1 1AA", 401000, 301000, "E99000001"],
            ["ZQ1 1AB", 401500, 301500, "E99000001"],
            ["ZQ2 1AA", 403000, 301000, "E99000002"],
        ],
    )
    write_csv(reference / "premises.csv", PREMISES)

    write_csv(reference / "homes.csv", HOMES)
    write_csv(reference / "schools.csv", SCHOOLS)
    write_csv(reference / "drugs.csv", DRUGS)
    write_csv(reference / "last_year.csv", LAST_YEAR)
    write_xlsx(reference / "region.xlsx", REGION)
    midyear(reference / "midyear.xlsx")
    ks201(reference / "ks201.csv")
    geojson(reference / "gangs.geojson", [square("Mill Crew", 400500, 300500, 500)])
    degrees = {"type": "Feature", "properties": {"name": "Canal group"}, "geometry": {
        "type": "Polygon", "coordinates": [OCG_DEGREES]}}  # fmt: skip
    (reference / "ocg.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [degrees]}), "utf-8"
    )

    write_csv(
        folder / "codes/ethnicity_text.csv",
        [["spelling", "code"], ["Boat family of the cut", "WROM"]],
    )
    put(folder / "profile.yaml", settings(
        tracker={
            "open_statuses": ["open"],
            "level_changes": [
                {
                    "first_day": dt.date(2023, 10, 1),
                    "levels": ["low", "medium", "high"],
                    "crosswalk": CROSSWALK,
                    "why": "The partnership moved to low, medium and high.",
                }
            ],
        },
        screening_groups=[{"group": "Seen by outreach", "datasets": ["outreach"]}],
    ))  # fmt: skip
    put(folder / "collection_plan.yaml", plan())
    return folder


def outreach(count: int, month: int = 5, shift: int = 0) -> list[list]:
    header = ["Id", "Family name", "Given name", "Born", "On"]
    return [
        header,
        *[
            [f"O{month}{n}", f"Outer{chr(97 + n + shift)}ley", f"Gi{chr(97 + n)}l",
             f"{n + 1:02}/06/2008", f"{n + 1:02}/{month:02}/2023"]
            for n in range(count)
        ],
    ]  # fmt: skip


def simple(name: str, agency: str, files: str, every: str = "quarter", **more: object) -> dict:
    delivery = {"every": every, "files": files} | ({"due": "14 days"} if every == "quarter" else {})
    return dataset(
        name,
        agency,
        delivery=delivery,
        dated_by={"column": "On", "format": "%d/%m/%Y"},
        reference="Id",
        subjects=[
            {
                "role": "child",
                "surname": "Family name",
                "forename": "Given name",
                "date_of_birth": {"column": "Born", "format": "%d/%m/%Y"},
            }
        ],
        events=[{"indicator": "missing_from_home_or_care"}],
        **more,
    )


def register_of(layer: str, kind: str, file: str, /, **columns: str) -> dict:
    told = {"columns": columns} if columns else {}
    return {"id": layer, "kind": kind, "agency": "Council", "why": "Context", "file": file} | told


def plan() -> dict:
    lantern = dataset(
        "lantern",
        "lantern",
        delivery={"every": "quarter", "due": "14 days", "files": "lantern/{quarter}.csv"},
        headers={"Child's name": "Name of child"},
        dated_by={"column": "Seen on", "format": "%d/%m/%Y"},
        reference="Ref",
        subjects=[
            {
                "role": "child",
                "name": {"column": "Child's name", "order": "SURNAME, Forename"},
                "date_of_birth": {
                    "column": "DOB",
                    "format": ["%d/%m/%Y", "%d.%m.%Y", "%d-%b-%y", "%d %B %Y"],
                },
                "age": "Age",
                "sex": "M or F",
                "ethnicity": "Ethnic origin",
                "postcode": "Post code",
                "local_ids": [{"column": "Ref", "issuer": "lantern"}],
            }
        ],
        events=[{"indicator": "voluntary_cse_concern"}],
    )
    reports = dataset(
        "reports",
        "police",
        lawful_basis=BASIS
        | {"part_3": True, "schedule_8": "paragraph 4", "article_10": "official authority"},
        delivery={
            "every": "quarter", "due": "14 days", "files": "reports/{quarter}.xlsx",
            "first": "2023-24 Q4",
        },
        read={"sheet": "Log", "header_row": 2},
        dated_by="When",
        reference="No",
        subjects=[
            {
                "role": "child", "required": False, "forename": "Child first",
                "surname": "Child last", "date_of_birth": "Child born",
            }
        ],
        events=[
            {"indicator": "named_in_information_report"},
            {
                "measure": "information_report",
                "fields": {
                    "reported_at": "When", "agency": "Agency", "source_type": "Kind",
                    "reliability": "Rel", "accuracy": "Acc", "willing_to_engage": "Police?",
                    "licensed_service": "Licensed?", "premises_name": "Trading as",
                    "premises_address": "At", "handling_code": "Code",
                    "sanitised": "Sanitised?", "consent": "Consent",
                    "consent_reason": "Consent why", "assessed_as": "Int/Inf",
                    "information": "Fact", "opinion": "Opinion",
                },
            },
        ],
    )  # fmt: skip
    team = dataset(
        "tracker",
        "cse_team",
        asks_for={"whole_file": "The tracker is the known cohort itself"},
        delivery={"every": "quarter", "due": "14 days", "files": "tracker/{quarter}.xlsx"},
        read={"sheet": "Tracker", "header_row": 2},
        dated_by="quarter_end",
        reference="Ref",
        subjects=[
            {
                "role": "child", "forename": "First", "surname": "Last", "date_of_birth": "Born",
                "sex": "Sex", "ethnicity": "Ethnicity",
                "local_ids": [{"column": "Ref", "issuer": "cse_team"}],
            }
        ],
        events=[
            {
                "measure": "cse_tracker",
                "fields": {
                    "responsible_authority": "LA", "referral_date": "Referred",
                    "referral_source": "Source", "screening_date": "Screened",
                    "risk_level": "Level", "status": "Status",
                },
            }
        ],
    )  # fmt: skip
    register = simple("register", "council", "register/persons.csv", every="once")
    register["dated_by"] = {"column": "Noted", "format": "%d/%m/%Y"}
    return {
        "agreed_with": "Sub-group",
        "agencies": [
            {"id": "lantern", "name": "Lantern Project", "sector": "voluntary", "lead": "Worker"},
            {"id": "police", "name": "Westshire Police", "sector": "statutory", "lead": "Sergeant"},
            {"id": "cse_team", "name": "CSE team", "sector": "statutory", "lead": "Manager"},
            {"id": "council", "name": "Millbrook Council", "sector": "statutory", "lead": "Clerk"},
            {
                "id": "outreach", "name": "Street outreach", "sector": "voluntary",
                "lead": "Outreach co-ordinator", "contact_route": "Mailbox out@mill.example",
            },
        ],
        "datasets": [
            lantern,
            reports,
            team,
            simple("wholeyear", "council", "wholeyear/2023-24.csv", every="once"),
            register,
            simple("outreach", "outreach", "outreach/{quarter}.csv"),
            dataset(
                "tenancy",
                "outreach",
                read="template",
                threshold="a tenancy officer saw a home taken over",
                denominators="tenancies with children by ward",
                delivery={
                    "every": "quarter", "due": "10 days", "files": "tenancy/{quarter}.xlsx",
                    "first": "2023-24 Q4",
                },
                collects={
                    "indicators": ["gang_involvement", "domestic_abuse"],
                    "persons": {
                        "child": ["forename", "surname", "date_of_birth", "sex", "ethnicity",
                                  "postcode"],
                    },
                },
            ),
        ],
        "context": [
            {
                "id": "wards", "kind": "wards", "agency": "Council", "why": "Map",
                "file": "wards.geojson", "columns": {"ward": "name"},
            },
            {
                "id": "postcodes", "kind": "postcodes", "agency": "Council", "why": "Wards",
                "file": "postcodes.csv",
            },
            {
                "id": "licensed", "kind": "licensed_premises", "agency": "Licensing",
                "why": "Licensing powers", "file": "premises.csv",
                "columns": {
                    "place_id": "Licence", "name": "Trading name", "category": "Type",
                    "address": "Address", "postcode": "Postcode", "easting_m": "Easting",
                    "northing_m": "Northing",
                },
            },
            register_of("homes", "childrens_homes", "homes.csv", place_id="URN", name="Home",
                        category="Provider", postcode="PC", easting_m="E", northing_m="N",
                        capacity="Beds"),
            register_of("schools", "schools", "schools.csv", place_id="URN", name="School",
                        category="Phase", postcode="PC", easting_m="E", northing_m="N"),
            register_of("gangs", "gang_territories", "gangs.geojson", area_id="name"),
            register_of("ocg", "gang_territories", "ocg.geojson", area_id="name"),
            register_of("drugs", "drug_hotspots", "drugs.csv", area_id="id", easting_m="e",
                        northing_m="n"),
            register_of("last_year", "known_hotspots", "last_year.csv", area_id="id",
                        easting_m="e", northing_m="n"),
            register_of("midyear", "population", "midyear.xlsx"),
            register_of("ks201", "population", "ks201.csv"),
            register_of("region", "regional_summary", "region.xlsx", authority="Authority",
                        quarter="Quarter", total="Total", at_risk="At risk",
                        significant="Significant", serious="Serious"),
        ],
    }  # fmt: skip
