"""An invented borough for the linkage's acceptance tests: who is who is known, case by case.

Every name is made up. A case has surnames and homes of its own, so that cases don't touch. In a
case each row says whose it is (`A`, `B`...); the case says what must hold.
"""

from __future__ import annotations

import atexit
import csv
import random
import shutil
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.exam_runs import Ran, command

QUARTER = "2015-16_Q4"

COLUMNS = {
    "council": [
        "Council id", "UPN", "NHS", "Forename", "Surname", "Known as", "DOB", "Sex", "Ethnicity",
        "Postcode", "Earlier postcode", "Referred",
    ],
    "police": ["Nominal", "Name", "DOB", "Sex", "Postcode", "Reported"],
    "school": ["UPN", "Forename", "Surname", "DOB", "Sex", "Postcode", "Noted"],
    "health": ["NHS", "DOB", "Sector", "Sex", "Attended"],
    "charity": ["Name", "Age", "Area", "Contact"],
    "crimes": [
        "Crime", "Victim forename", "Victim surname", "Victim DOB", "Victim sex", "Victim postcode",
        "Suspect forename", "Suspect surname", "Suspect aka", "Suspect DOB", "Suspect sex",
        "Vehicle", "Place", "Recorded",
    ],
    "intel": ["Report", "Forename", "Surname", "Nickname", "Vehicle", "Premises", "Reported"],
}  # fmt: skip


def nhs(n: int) -> str:
    """The nth invented NHS number whose check digit holds (modulus 11)."""
    body = 999_000_000 + n * 37
    while True:
        digits = [int(d) for d in str(body)]
        check = 11 - sum(d * w for d, w in zip(digits, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            return f"{body}{check % 11}"
        body += 1


def upn(n: int) -> str:
    """The nth invented unique pupil number with its check letter (weights 2 to 13, modulus 23)."""
    body = f"998{4000:04d}15{n:03d}"
    total = sum(int(d) * w for d, w in zip(body, range(2, 14), strict=True))
    return "ABCDEFGHJKLMNPQRTUVWXYZ"[total % 23] + body


def slip(number: str, at: int = 6) -> str:
    """One digit wrong: the check digit no longer holds."""
    return number[:at] + str((int(number[at]) + 3) % 10) + number[at + 1 :]


@dataclass
class Row:
    case: str
    who: str
    dataset: str
    role: str
    cells: dict[str, str]
    at: int = -1


@dataclass
class Borough:
    rows: list[Row] = field(default_factory=list)
    day: int = 0

    def add(self, case: str, who: str, dataset: str, role: str = "child", **cells: str) -> None:
        names = {c.casefold().replace(" ", "_"): c for c in COLUMNS[dataset]}
        row = {names[k]: v for k, v in cells.items()}
        self.day += 1
        day = f"2016-{1 + self.day % 3:02d}-{1 + self.day // 3 % 28:02d}"
        row.setdefault(COLUMNS[dataset][-1], day)
        self.rows.append(Row(case, who, dataset, role, row))

    # one line a record, in the order in which a reader thinks of a child
    def council(self, case, who, forename, surname, dob, sex, postcode, **more):
        more.setdefault("council_id", f"C{70000 + len(self.rows)}")
        self.add(case, who, "council", forename=forename, surname=surname, dob=dob, sex=sex,
                 postcode=postcode, **more)  # fmt: skip

    def police(self, case, who, forename, surname, dob, sex, postcode, **more):
        more.setdefault("nominal", f"P{10000 + len(self.rows)}")
        name = f"{surname.upper()}, {forename}"
        born = "/".join(reversed(dob.split("-")))
        self.add(case, who, "police", name=name, dob=born, sex=sex, postcode=postcode, **more)

    def school(self, case, who, forename, surname, dob, sex, postcode, **more):
        self.add(case, who, "school", forename=forename, surname=surname, dob=dob, sex=sex,
                 postcode=postcode, **more)  # fmt: skip

    def health(self, case, who, number, dob, sector, sex):
        self.add(case, who, "health", nhs=number, dob=dob, sector=sector, sex=sex)

    def suspect(self, case, who, forename, surname, aka="", dob="", sex="", vehicle="", place=""):
        self.add(case, who, "crimes", "suspect", crime=f"CR{len(self.rows)}",
                 suspect_forename=forename, suspect_surname=surname, suspect_aka=aka,
                 suspect_dob=dob, suspect_sex=sex, vehicle=vehicle, place=place)  # fmt: skip

    def intel(self, case, who, nickname="", forename="", surname="", vehicle="", premises=""):
        cells = {"forename": forename, "surname": surname, "nickname": nickname}
        cells |= {"vehicle": vehicle, "premises": premises, "report": f"IR{len(self.rows)}"}
        self.add(case, who, "intel", "suspect", **cells)

    def write(
        self, folder: Path, order: random.Random | None = None, quarter: str = QUARTER
    ) -> None:
        """The files as agencies would send them; each row learns its place (data rows from 0)."""
        for dataset, columns in COLUMNS.items():
            rows = [r for r in self.rows if r.dataset == dataset]
            if order:
                order.shuffle(rows)
            path = folder / "data" / dataset / f"{quarter}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", newline="", encoding="utf-8") as out:
                writer = csv.DictWriter(out, columns, restval="")
                writer.writeheader()
                for at, row in enumerate(rows):
                    row.at = at
                    writer.writerow(row.cells)


FORENAMES = {
    "F": "Emily Chloe Grace Lucy Megan Holly Amber Jasmine Paige Caitlin Zara Priya Aaliyah Erin "
    "Bethany Molly Freya Isla Poppy Nadia",
    "M": "Jack Liam Connor Ryan Callum Adam Nathan Luke Kieran Tyler Imran Arjun Jamal Owen Jake "
    "Dylan Harvey Rhys Ethan Bilal",
}
SURNAMES = [
    "Aldgrove",
    "Brackley",
    "Cobbold",
    "Danesway",
    "Eversham",
    "Fallowby",
    "Garstone",
    "Hethering",
    "Ingleby",
    "Jessop",
    "Kelder",
    "Lorrimer",
    "Mowbray",
    "Netherfield",
    "Ollerton",
    "Pinchbeck",
    "Quarrington",
    "Rothley",
    "Saxelby",
    "Tattershall",
    "Ulverby",
    "Vinegarth",
    "Wragby",
    "Yaxley",
    "Smith",
    "Jones",
    "Taylor",
    "Khan",
    "Hussain",
    "Begum",
    "Singh",
    "Kaur",
    "Patel",
]


def background(b: Borough, children: int = 240, seed: int = 5) -> None:
    """Ordinary children, each in up to four files: the special cases stand in a borough."""
    draw = random.Random(seed)
    for n in range(children):
        sex = draw.choice("FM")
        forename, surname = draw.choice(FORENAMES[sex].split()), draw.choice(SURNAMES)
        dob = f"{draw.randint(1999, 2005)}-{draw.randint(1, 12):02d}-{draw.randint(2, 28):02d}"
        home = (
            f"DY{draw.randint(1, 9)} {draw.randint(1, 9)}{''.join(draw.choices('ABDEFGHJLN', k=2))}"
        )
        case, ethnicity = "background", draw.choice(["WBRI"] * 6 + ["APKN", "AIND", "BCRB", "MWBC"])
        b.council(case, f"{n}", forename, surname, dob, sex, home, nhs=nhs(2000 + n),
                  upn=upn(100 + n), ethnicity=ethnicity)  # fmt: skip
        if n % 2:
            b.police(case, f"{n}", forename, surname, dob, sex, home)
        if n % 3:
            b.school(case, f"{n}", forename, surname, dob, sex, home, upn=upn(100 + n))
        if n % 5 == 0:
            b.health(case, f"{n}", nhs(2000 + n), dob, home[:5], sex)


def same(b: Borough) -> None:
    """One child, written in several ways: every row of the case is `A`'s."""

    def pair(case, first, second, dob, sex, home, other=None, dob_2=None):
        b.council(case, "A", *first, dob, sex, home)
        b.police(case, "A", *second, dob_2 or dob, sex, other or home)

    # names, with another home in the second file: name and date of birth alone must carry it
    pair(
        "accents and case",
        ("José", "Núñezvarga"),
        ("JOSE", "Nunezvarga"),
        "2000-03-14",
        "M",
        "DY1 1AD",
        "DY5 2BB",
    )
    pair(
        "hyphen in surname",
        ("Wilma", "Smyth-Ockendon"),
        ("Wilma", "Smyth Ockendon"),
        "2001-07-23",
        "F",
        "DY1 2AD",
        "DY6 2BB",
    )
    pair(
        "one half of a double surname",
        ("Romilda", "Achterby-Pellow"),
        ("Romilda", "Pellow"),
        "2001-09-21",
        "F",
        "DY1 2AE",
        "DY6 2BD",
    )
    pair(
        "hyphen in forename",
        ("Anne-Marie", "Thornbyre"),
        ("Annemarie", "Thornbyre"),
        "2002-11-08",
        "F",
        "DY1 3AD",
        "DY7 2BB",
    )
    pair(
        "apostrophe",
        ("Niall", "O’Shaunassy"),
        ("Niall", "Oshaunassy"),
        "2001-12-19",
        "M",
        "DY1 4AD",
        "DY8 2BB",
    )
    pair(
        "particle written together",
        ("Femke", "van der Meerwyk"),
        ("Femke", "Vandermeerwyk"),
        "2003-02-27",
        "F",
        "DY1 5AD",
        "DY9 2BB",
    )
    pair(
        "particle left out",
        ("Joost", "de Ruyterman"),
        ("Joost", "Ruyterman"),
        "2002-06-15",
        "M",
        "DY1 6AD",
        "DY4 2BB",
    )
    pair(
        "forename and surname swapped",
        ("Kwabena", "Asantewaah"),
        ("Asantewaah", "Kwabena"),
        "2000-10-30",
        "M",
        "DY1 7AD",
        "DY3 2BB",
    )
    pair(
        "several forenames, the second used",
        ("Mary Louisa Bridget", "Tackwelder"),
        ("Louisa", "Tackwelder"),
        "2001-04-17",
        "F",
        "DY1 8AD",
        "DY2 2BB",
    )
    pair(
        "nickname William and Billy",
        ("William", "Harcrowe"),
        ("Billy", "Harcrowe"),
        "2002-08-13",
        "M",
        "DY1 9AD",
        "DY2 3BB",
    )
    pair(
        "nickname Margaret and Peggy",
        ("Margaret", "Lunt-Sorrel"),
        ("Peggy", "Lunt-Sorrel"),
        "2000-05-29",
        "F",
        "DY2 1AD",
        "DY3 3BB",
    )
    pair(
        "nickname Katarzyna and Kasia",
        ("Katarzyna", "Brzozowiak"),
        ("Kasia", "Brzozowiak"),
        "2001-01-26",
        "F",
        "DY2 1AE",
        "DY4 3BB",
    )
    pair(
        "spelling of Mohammed and of Chaudhry",
        ("Mohammed Yousaf", "Chaudhry"),
        ("Muhammad Yusuf", "Choudhury"),
        "2001-03-22",
        "M",
        "DY2 1AF",
    )
    pair(
        "spelling of Khadija and of Sheikh",
        ("Khadija", "Sheikh"),
        ("Khadeejah", "Shaikh"),
        "2002-12-03",
        "F",
        "DY2 1AG",
    )
    pair(
        "spelling of Ayesha",
        ("Ayesha", "Mirzapour"),
        ("Aisha", "Mirzapour"),
        "2000-09-11",
        "F",
        "DY2 1AH",
        "DY5 3BB",
    )
    pair(
        "spelling of Hussein",
        ("Hussein", "Qaderzai"),
        ("Hussain", "Qaderzai"),
        "2003-05-18",
        "M",
        "DY2 1AJ",
        "DY6 3BB",
    )
    pair(
        "spelling of Oleksandr",
        ("Oleksandr", "Shevchukenko"),
        ("Alexander", "Shevchukenko"),
        "2001-10-16",
        "M",
        "DY2 1AL",
        "DY7 3BB",
    )
    pair(
        "spelling of Siobhan",
        ("Siobhán", "Tullaghmore"),
        ("Shivaun", "Tullaghmore"),
        "2002-03-28",
        "F",
        "DY2 1AN",
        "DY8 3BB",
    )
    pair(
        "surname by gender",
        ("Zofia", "Wierzbowska"),
        ("Zofia", "Wierzbowski"),
        "2000-07-19",
        "F",
        "DY2 1AP",
        "DY9 3BB",
    )
    pair(
        "a letter the file could not keep",
        ("Małgorzata", "Dąbkowska"),
        ("Ma?gorzata", "D?bkowska"),
        "2001-05-24",
        "F",
        "DY2 1AQ",
        "DY1 3BB",
    )
    # dates
    pair(
        "day and month swapped",
        ("Philippa", "Grangemoor"),
        ("Philippa", "Grangemoor"),
        "2001-05-03",
        "F",
        "DY2 2AD",
        dob_2="2001-03-05",
    )
    pair(
        "born on 1 January by default",
        ("Yonatan", "Tesfamikel"),
        ("Yonatan", "Tesfamikel"),
        "2001-06-17",
        "M",
        "DY2 2AE",
        dob_2="2001-01-01",
    )
    # sex written wrongly, names the same
    b.council("sex written wrongly", "A", "Ottokar", "Bramhallow", "2001-08-09", "M", "DY2 2AF")
    b.police("sex written wrongly", "A", "Ottokar", "Bramhallow", "2001-08-09", "F", "DY2 2AF")
    # preferred and former names
    b.council(
        "preferred name",
        "A",
        "Christabel",
        "Yarnolds",
        "2002-02-22",
        "F",
        "DY2 3AD",
        known_as="Zed",
    )
    b.police("preferred name", "A", "Zed", "Yarnolds", "2002-02-22", "F", "DY4 4BB")
    b.council(
        "former surname",
        "A",
        "Iphigenia",
        "Palgrott",
        "2001-11-27",
        "F",
        "DY2 3AE",
        known_as="Iphigenia Dunmorrow",
    )
    b.police("former surname", "A", "Iphigenia", "Dunmorrow", "2001-11-27", "F", "DY5 4BB")
    # homes and numbers
    b.council(
        "an earlier home and a new surname",
        "A",
        "Ottoline",
        "Crakehill",
        "2000-12-21",
        "F",
        "DY2 4AD",
        earlier_postcode="DY8 4BX",
    )
    b.police(
        "an earlier home and a new surname",
        "A",
        "Ottoline",
        "Vosperton",
        "2000-12-21",
        "F",
        "DY8 4BX",
    )
    b.council(
        "moved and renamed, the same UPN",
        "A",
        "Tamsin",
        "Elderfold",
        "2002-04-12",
        "F",
        "DY2 4AE",
        upn=upn(1),
    )
    b.school(
        "moved and renamed, the same UPN",
        "A",
        "Tamsin",
        "Marchbanks",
        "2002-04-12",
        "F",
        "DY9 4BB",
        upn=upn(1),
    )
    b.council(
        "a digit of the NHS number wrong",
        "A",
        "Leopold",
        "Sturminster",
        "2001-02-15",
        "M",
        "DY2 4AF",
        nhs=nhs(2),
    )
    b.council(
        "a digit of the NHS number wrong",
        "A",
        "Leopold",
        "Sturminster",
        "2001-02-15",
        "M",
        "DY1 4BB",
        nhs=slip(nhs(2)),
    )
    b.council(
        "a digit of the UPN wrong",
        "A",
        "Rosamund",
        "Thistlecote",
        "2003-03-31",
        "F",
        "DY2 4AG",
        upn=upn(3),
    )
    b.school(
        "a digit of the UPN wrong",
        "A",
        "Rosamund",
        "Thistlecote",
        "2003-03-31",
        "F",
        "DY2 4AG",
        upn=slip(upn(3), 8),
    )
    b.council(
        "health knows number, birth and sector",
        "A",
        "Barnaby",
        "Oxenhope",
        "2000-08-26",
        "M",
        "DY2 5AD",
        nhs=nhs(4),
    )
    b.health("health knows number, birth and sector", "A", nhs(4), "2000-08-26", "DY2 5", "M")
    b.council(
        "NHS number in groups",
        "A",
        "Cordelia",
        "Fenwickham",
        "2001-06-29",
        "F",
        "DY2 5AE",
        nhs=nhs(5),
    )
    b.health(
        "NHS number in groups",
        "A",
        f"{nhs(5)[:3]} {nhs(5)[3:6]} {nhs(5)[6:]}",
        "2001-06-29",
        "DY7 1",
        "F",
    )
    b.council(
        "same NHS number, day and month swapped",
        "A",
        "Dorothea",
        "Quenby",
        "2002-07-04",
        "F",
        "DY2 5AF",
        nhs=nhs(6),
    )
    b.health("same NHS number, day and month swapped", "A", nhs(6), "2002-04-07", "DY2 5", "F")
    b.council(
        "two council ids for one child",
        "A",
        "Evander",
        "Hollinshead",
        "2001-09-30",
        "M",
        "DY2 5AG",
        council_id="C71001",
        nhs=nhs(7),
    )
    b.council(
        "two council ids for one child",
        "A",
        "Evander",
        "Hollinshead",
        "2001-09-30",
        "M",
        "DY2 5AG",
        council_id="C71002",
        nhs=nhs(7),
    )
    b.council("no surname given", "A", "Peregrine", "Woolhampton", "2000-04-24", "M", "DY2 6AD")
    b.school("no surname given", "A", "Peregrine", "", "2000-04-24", "M", "DY2 6AD")


def apart(b: Borough) -> None:
    """Several children whom little tells apart: rows of different letters are never one person."""
    for forename, who in (("Imogen", "A"), ("Beatrix", "B")):
        b.council(
            "twin girls without numbers", who, forename, "Chadderby", "2001-05-12", "F", "DY3 1AD"
        )
        b.police(
            "twin girls without numbers", who, forename, "Chadderby", "2001-05-12", "F", "DY3 1AD"
        )
    for forename, sex, who in (("Rupert", "M", "A"), ("Rowena", "F", "B")):
        b.council("twin boy and girl", who, forename, "Dinsdaley", "2002-10-09", sex, "DY3 1AE")
        b.school("twin boy and girl", who, forename, "Dinsdaley", "2002-10-09", sex, "DY3 1AE")
    for n, (forename, who) in enumerate((("Ella", "A"), ("Ellie", "B"))):
        b.council(
            "twins whose names are alike, with numbers",
            who,
            forename,
            "Fossdykes",
            "2001-03-19",
            "F",
            "DY3 1AF",
            nhs=nhs(20 + n),
            upn=upn(20 + n),
        )
        b.school(
            "twins whose names are alike, with numbers",
            who,
            forename,
            "Fossdykes",
            "2001-03-19",
            "F",
            "DY3 1AF",
            upn=upn(20 + n),
        )
    for n, (forename, who) in enumerate((("Hamza", "A"), ("Haris", "B"))):
        b.council(
            "a bridge between twins",
            who,
            forename,
            "Ghorbanizad",
            "2000-11-14",
            "M",
            "DY3 1AG",
            nhs=nhs(30 + n),
        )
        b.police(
            "a bridge between twins", who, forename, "Ghorbanizad", "2000-11-14", "M", "DY3 1AG"
        )
    b.police("a bridge between twins", "?", "H", "Ghorbanizad", "2000-11-14", "M", "DY3 1AG")
    b.police("a bridge between twins", "?", "", "Ghorbanizad", "2000-11-14", "M", "DY3 1AG")
    for forename, who in (("Lucian", "A"), ("Magnus", "B")):
        b.council(
            "a nameless record that fits two twins",
            who,
            forename,
            "Haverstock",
            "2001-07-31",
            "M",
            "DY3 2AD",
        )
        b.school(
            "a nameless record that fits two twins",
            who,
            forename,
            "Haverstock",
            "2001-07-31",
            "M",
            "DY3 2AD",
        )
    b.health("a nameless record that fits two twins", "C", nhs(41), "2001-07-31", "DY3 2", "M")
    for forename, dob, who in (
        ("Annis", "2000-02-08", "A"),
        ("Clemency", "2002-02-08", "B"),
        ("Tobias", "2003-06-20", "C"),
    ):
        b.council(
            "brothers and sisters",
            who,
            forename,
            "Inkberrow",
            dob,
            "M" if who == "C" else "F",
            "DY3 2AE",
        )
        b.police(
            "brothers and sisters",
            who,
            forename,
            "Inkberrow",
            dob,
            "M" if who == "C" else "F",
            "DY3 2AE",
        )
    for dob, home, who in (("2001-02-03", "DY3 3AD", "A"), ("2002-09-14", "DY6 4BD", "B")):
        b.council("namesakes", who, "Simran", "Kaur", dob, "F", home)
        b.police("namesakes", who, "Simran", "Kaur", dob, "F", home)
    for n, (dob, home, who) in enumerate(
        (("2001-05-12", "DY3 3AE", "A"), ("2001-05-13", "DY7 4BD", "B"))
    ):
        b.council(
            "namesakes born a day apart, with numbers",
            who,
            "Jack",
            "Jones",
            dob,
            "M",
            home,
            nhs=nhs(50 + n),
            upn=upn(50 + n),
        )
    for n, (home, who) in enumerate((("DY3 3AF", "A"), ("DY8 4BD", "B"))):
        b.council(
            "same name and birth, other numbers",
            who,
            "Emily",
            "Taylor",
            "2002-06-18",
            "F",
            home,
            nhs=nhs(60 + n),
            upn=upn(60 + n),
        )
        b.school(
            "same name and birth, other numbers",
            who,
            "Emily",
            "Taylor",
            "2002-06-18",
            "F",
            home,
            upn=upn(60 + n),
        )
    b.police("same name and birth, other numbers", "?", "Emily", "Taylor", "2002-06-18", "F", "")
    for home, who in (("DY3 4AD", "A"), ("DY9 4BD", "B")):
        b.council("a common name and 1 January", who, "Mohammed", "Khan", "2001-01-01", "M", home)
    b.council(
        "a local id given to two children",
        "A",
        "Gwendolen",
        "Jarrowby",
        "2001-01-29",
        "F",
        "DY3 4AE",
        council_id="C75000",
    )
    b.council(
        "a local id given to two children",
        "B",
        "Finlay",
        "Kettlethorp",
        "2003-08-16",
        "M",
        "DY5 4BD",
        council_id="C75000",
    )
    b.council(
        "the same digits from two agencies",
        "A",
        "Horatia",
        "Langstroth",
        "2001-04-28",
        "F",
        "DY3 4AF",
        council_id="76000",
    )
    b.police(
        "the same digits from two agencies",
        "B",
        "Septimus",
        "Mallerstang",
        "2002-12-11",
        "M",
        "DY6 4BE",
        nominal="76000",
    )
    b.council(
        "a sister's number written by mistake",
        "A",
        "Sidonie",
        "Nunnington",
        "2000-03-25",
        "F",
        "DY3 5AD",
        nhs=nhs(70),
    )
    b.council(
        "a sister's number written by mistake",
        "B",
        "Quentin",
        "Nunnington",
        "2002-05-17",
        "M",
        "DY3 5AD",
    )
    b.council(
        "a sister's number written by mistake",
        "B",
        "Quentin",
        "Nunnington",
        "2002-05-17",
        "M",
        "DY3 5AD",
        nhs=nhs(70),
        council_id="C76010",
    )
    b.council(
        "one NHS number, two children who share nothing else",
        "A",
        "Theodora",
        "Otterburne",
        "2000-09-06",
        "F",
        "DY3 5AE",
        nhs=nhs(71),
    )
    b.council(
        "one NHS number, two children who share nothing else",
        "B",
        "Lysander",
        "Pottergate",
        "2003-01-23",
        "M",
        "DY8 5BD",
        nhs=nhs(71),
    )
    # a nickname and an age: never guessed
    b.council(
        "a nickname and an age",
        "A",
        "Millicent",
        "Ravenscar",
        "2000-10-10",
        "F",
        "DY3 5AF",
        known_as="Mills",
    )
    b.add("a nickname and an age", "B", "charity", name="Mills", age="15")
    b.add("a nickname and an age", "C", "charity", name="Mills", age="15", area="DY3")
    b.add("a nickname and an age", "D", "charity", name="Jinx", age="14")


def suspects(b: Borough) -> None:
    """Persons posing risk, with less evidence."""
    b.suspect(
        "suspect twice in full",
        "A",
        "Dean",
        "Marwicke",
        "Dizzy",
        "1980-02-03",
        "M",
        "AB12 CDE",
        "Car park",
    )
    b.suspect("suspect twice in full", "A", "Dean", "Marwicke", "", "1980-02-03", "M")
    b.intel("nickname and vehicle", "A", "Dizzy", vehicle="AB12CDE")  # of the one above
    b.suspect(
        "vehicle, written the same",
        "A",
        "Gareth",
        "Ollerenshaw",
        "Biscuit",
        "1981-07-08",
        "M",
        "ZZ99 QQX",
    )
    b.intel("vehicle, written the same", "B", "Biscuit", vehicle="ZZ99 QQX")
    b.suspect(
        "suspect by his nickname as forename",
        "A",
        "Leonard",
        "Poveycroft",
        "Zigzag",
        "1979-09-13",
        "M",
    )
    b.suspect(
        "suspect by his nickname as forename", "A", "Zigzag", "Poveycroft", "", "1979-09-13", "M"
    )
    b.suspect("nickname alone, fits one", "A", "Dale", "Ferrowdale", "Razzor", "1985-05-06", "M")
    b.intel("nickname alone, fits one", "B", "Razzor")
    b.suspect("nickname alone, fits two", "A", "Kevin", "Grindlow", "Smudger", "1982-01-17", "M")
    b.suspect("nickname alone, fits two", "B", "Craig", "Hathersage", "Smudger", "1988-11-02", "M")
    b.intel("nickname alone, fits two", "C", "Smudger")
    b.suspect("father and son", "A", "Terence", "Ibblestone", "", "1961-04-04", "M")
    b.suspect("father and son", "B", "Terence", "Ibblestone", "", "1984-08-19", "M")
    b.suspect("brothers", "A", "Wayne", "Jugglesby", "", "1983-03-03", "M")
    b.suspect("brothers", "B", "Shane", "Jugglesby", "", "1986-10-21", "M")
    b.intel(
        "nickname and premises",
        "A",
        "Tango",
        "Norris",
        "Kexborough",
        premises="Kebab Palace, High Street",
    )
    b.intel(
        "nickname and premises",
        "B",
        "Tango",
        "Alvin",
        "Lumbutts",
        premises="Sunset Taxis, Mill Lane",
    )
    b.intel("nickname and premises", "C", "Tango", premises="Kebab Palace, High Street")
    b.suspect("under 18", "A", "Kyran", "Mapplewell", "", "2000-06-06", "M")
    b.suspect("adult", "A", "Howard", "Nabblewick", "", "1970-06-06", "M")
    # harmed, and named as a suspect
    b.council(
        "harmed child who is a suspect",
        "child",
        "Lexi-Mae",
        "Brandrethby",
        "2000-03-04",
        "F",
        "DY4 1AD",
    )
    b.add("harmed child who is a suspect", "child", "crimes", "child", crime="CR1",
          victim_forename="Lexi-Mae", victim_surname="Brandrethby", victim_dob="2000-03-04",
          victim_sex="F", victim_postcode="DY4 1AD")  # fmt: skip
    b.suspect(
        "harmed child who is a suspect", "suspect", "Lexi-Mae", "Brandrethby", "", "2000-03-04", "F"
    )
    # an adult who shares a child's name and no more
    b.council(
        "suspect who shares a child's name",
        "child",
        "Damien",
        "Oughtibridge",
        "2001-10-02",
        "M",
        "DY4 1AE",
    )
    b.intel("suspect who shares a child's name", "suspect", "", "Damien", "Oughtibridge")


def borough() -> Borough:
    b = Borough()
    background(b)
    same(b)
    apart(b)
    suspects(b)
    return b


PROFILE = """\
title: Linkage acceptance
version: "1"
author: A tester
synthetic: true
terms_of_reference:
  aim: To hold the linkage to what was asked for.
  objectives: [Know who is who]
  methodology: Invented children
  time_frames: Two quarters
  required_outputs: [Problem profile]
  resources: None
  agreed_by: Nobody
area:
  name: Inventon
  responsible_authority: Inventon
  postcode_districts: [DY1, DY2, DY3, DY4, DY5, DY6, DY7, DY8, DY9]
period: {start: 2015-04-01, end: 2016-03-31}
as_at: 2016-03-31
"""

HEAD = """\
  - id: {id}
    agency: {id}
    title: {id}
    what: Rows of an acceptance test
    why: To test
    how: By hand
    lawful_basis: Children Act 2004 s.10
    keep_for: 1 year
    asks_for: {{whole_file: an invented file}}
    delivery: {{every: quarter, due: 14 days, files: "{id}/{{quarter}}.csv"}}
"""

DATASETS = {
    "council": """\
    dated_by: {column: Referred, format: "%Y-%m-%d"}
    subjects:
      - role: child
        forename: Forename
        surname: Surname
        other_names: Known as
        date_of_birth: {column: DOB, format: "%Y-%m-%d"}
        sex: Sex
        ethnicity: {column: Ethnicity, codes: ethnicity_dfe}
        postcode: Postcode
        other_postcodes: Earlier postcode
        nhs_number: NHS
        upn: UPN
        local_ids: [{column: Council id, issuer: council}]
    events: [{indicator: child_in_need}]
""",
    "police": """\
    dated_by: {column: Reported, format: "%Y-%m-%d"}
    subjects:
      - role: child
        name: {column: Name, order: "SURNAME, Forename"}
        date_of_birth: {column: DOB, format: "%d/%m/%Y"}
        sex: Sex
        postcode: Postcode
        local_ids: [{column: Nominal, issuer: police}]
    events: [{indicator: missing_from_home_or_care}]
""",
    "school": """\
    dated_by: {column: Noted, format: "%Y-%m-%d"}
    subjects:
      - role: child
        forename: Forename
        surname: Surname
        date_of_birth: {column: DOB, format: "%Y-%m-%d"}
        sex: Sex
        postcode: Postcode
        upn: UPN
    events: [{indicator: unauthorised_absence}]
""",
    "health": """\
    dated_by: {column: Attended, format: "%Y-%m-%d"}
    subjects:
      - role: child
        date_of_birth: {column: DOB, format: "%Y-%m-%d"}
        sex: Sex
        postcode: Sector
        nhs_number: NHS
    events: [{indicator: sexually_transmitted_infection}]
""",
    "charity": """\
    dated_by: {column: Contact, format: "%Y-%m-%d"}
    subjects:
      - role: child
        forename: Name
        age: Age
        postcode: Area
    events: [{indicator: voluntary_cse_concern}]
""",
    "crimes": """\
    dated_by: {column: Recorded, format: "%Y-%m-%d"}
    reference: Crime
    subjects:
      - role: child
        required: false
        forename: Victim forename
        surname: Victim surname
        date_of_birth: {column: Victim DOB, format: "%Y-%m-%d"}
        sex: Victim sex
        postcode: Victim postcode
      - role: suspect
        required: false
        forename: Suspect forename
        surname: Suspect surname
        other_names: Suspect aka
        date_of_birth: {column: Suspect DOB, format: "%Y-%m-%d"}
        sex: Suspect sex
        vehicle: Vehicle
    events:
      - {indicator: cse_crime, role: child}
      - {measure: offence, fields: {place: Place}}
""",
    "intel": """\
    dated_by: {column: Reported, format: "%Y-%m-%d"}
    reference: Report
    subjects:
      - role: suspect
        required: false
        forename: Forename
        surname: Surname
        other_names: Nickname
        vehicle: Vehicle
    events:
      - {measure: information_report, fields: {premises_name: Premises}}
""",
}


def plan(datasets: list[str] | None = None) -> str:
    names = datasets or list(DATASETS)
    agencies = "".join(f"  - {{id: {n}, name: {n}, lead: Nobody}}\n" for n in sorted(names))
    return (
        f"agreed_with: Nobody\nagencies:\n{agencies}datasets:\n"
        + "".join(HEAD.format(id=n) + DATASETS[n] for n in names)
        + "context: []\n"
    )


def folder(to: Path, b: Borough, order: random.Random | None = None, settings: str = "") -> Path:
    """A profile folder with the borough's plan and files."""
    to.mkdir(parents=True)
    (to / "reference").mkdir()
    names = list(DATASETS)
    if order:
        names.reverse()
    (to / "profile.yaml").write_text(PROFILE + settings, "utf-8")
    (to / "collection_plan.yaml").write_text(plan(names), "utf-8")
    b.write(to, order)
    return to


# --- the borough's runs, by the command line alone


@cache
def place() -> Path:
    made = Path(tempfile.mkdtemp(prefix="linkage-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def run(to: Path) -> Ran:
    ran = command("run", "--profile", str(to), folder=to)
    assert ran.code == 0, ran.text[-3000:]
    return ran


@cache
def first() -> tuple[Borough, Ran]:
    """The borough, run once for all tests that look at it."""
    b = borough()
    return b, run(folder(place() / "first", b))


@cache
def shuffled() -> tuple[Borough, Ran]:
    """The same rows in another order, datasets reversed, another hash seed, a cap of 5."""
    b = borough()
    to = folder(place() / "shuffled", b, random.Random(99), "linkage: {review_limit: 5}\n")
    ran = command("run", "--profile", str(to), folder=to, extra={"PYTHONHASHSEED": "4711"})
    assert ran.code == 0, ran.text[-3000:]
    return b, ran


def persons_of(ran: Ran, quarter: str = QUARTER) -> dict[tuple[str, int, str], str]:
    got = ran.sql(
        "select dataset, row::bigint, role, person_id from people.record_person"
        f" where file like '%{quarter}%'"
    )
    return {(d, n, role): p for d, n, role, p in got.iter_rows()}


def case(name: str, b: Borough, ran: Ran) -> dict[str, set[str]]:
    """Of each letter of a case, the persons its rows were given."""
    at = persons_of(ran)
    found: dict[str, set[str]] = {}
    for row in b.rows:
        if row.case == name:
            found.setdefault(row.who, set()).add(at.get((row.dataset, row.at, row.role), "none"))
    assert found, name
    return found


def identities(b: Borough, ran: Ran, name: str) -> list[tuple[Row, str]]:
    """A case's rows with the identity each was given."""
    got = ran.sql("select dataset, row::bigint, role, identity from people.identity"
                  f" where file like '%{QUARTER}%'")  # fmt: skip
    at = {(d, n, role): i for d, n, role, i in got.iter_rows()}
    return [(r, at[(r.dataset, r.at, r.role)]) for r in b.rows if r.case == name]
