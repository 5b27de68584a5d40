"""Linkage of whole households: relatives share surname and home, and are still other people."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from profile_pipeline import tables
from profile_pipeline.linkage import persons
from profile_pipeline.linkage.clusters import CLASH, DOUBT, FIT, Names
from profile_pipeline.linkage.names import standardised
from profile_pipeline.linkage.review import words
from profile_pipeline.plan.settings import LinkageSettings

SYLLABLES = (("ba", "de", "fi", "go", "ju", "ka", "le", "mo"), ("n", "r", "s", "l", "m", "t"))
SYLLABLES += (("a", "e", "io", "us", "in", "ela"),)
FORENAMES = [a + b + c for a in SYLLABLES[0] for b in SYLLABLES[1] for c in SYLLABLES[2]]
SURNAMES = [a + b + c
            for a in ("Ash", "Bick", "Cor", "Dun", "El", "Far", "Gil", "Hax", "Ing", "Kel")
            for b in ("bur", "der", "ing", "man", "sto")
            for c in ("field", "ham", "ley", "ton", "well", "wick")]  # fmt: skip


def households(number: int = 500, seed: int = 4) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return subjects of three sources about whole families, and the truth by record.

    A census gives forename, initial, date of birth and address; a register all forenames and no
    address; a clinic's list of those under five neither date of birth nor second forename in full.
    """
    rng = np.random.default_rng(seed)
    census, register, clinic = [], [], []
    person = 0
    for _ in range(number):
        surname = str(rng.choice(SURNAMES))
        address = f"{rng.integers(1, 300)} {rng.choice(SURNAMES)} {rng.choice(SURNAMES)} road"
        ages = [*rng.integers(24, 60, 2), *rng.integers(0, 19, int(rng.integers(1, 4)))]
        for age, first, second in zip(
            ages,
            rng.choice(FORENAMES, len(ages), replace=False),
            rng.choice(FORENAMES, len(ages)),
            strict=True,
        ):
            person += 1
            born = date(2015, 6, 1) - timedelta(int(age) * 365 + int(rng.integers(0, 365)))
            sex = str(rng.choice(["female", "male"]))
            initial = f"{first} {second[0]}"
            common = {"truth": person, "surname": surname, "sex": sex}
            census.append(common | {"forename": initial, "date_of_birth": born, "address": address})
            register.append(common | {"forename": f"{first} {second}", "date_of_birth": born})
            if age < 5:
                clinic.append(common | {"forename": initial, "address": address})
    parts = {"census": census, "register": register, "clinic": clinic}
    given = pl.concat(
        (pl.DataFrame(rows).with_columns(pl.lit(name).alias("dataset")).with_row_index("row")
         for name, rows in parts.items()), how="diagonal_relaxed",
    ).with_columns(
        pl.col("dataset").alias("file"),
        pl.lit("child").alias("role"),
        pl.format("{}:{}", "dataset", "row").alias("record_id"),
        pl.lit("2014-15 Q4").alias("quarter"),
        pl.lit(date(2015, 6, 1)).alias("date"),
    )  # fmt: skip
    lists = pl.lit([], dtype=pl.List(pl.String))
    missing = [
        (lists if dtype == pl.List(pl.String) else pl.lit(None, dtype=dtype)).alias(name)
        for name, dtype in tables.PERSON_RECORD.polars_schema.items()
        if name not in given.columns
    ]
    shaped = tables.conform(given.with_columns(missing), tables.PERSON_RECORD)
    return shaped.with_columns(given["address"]), given.select("record_id", "truth")


def pairs(rows: pl.DataFrame, *by: str) -> float:
    """Return how many pairs of rows agree in the columns."""
    sizes = rows.group_by(by).len()["len"].cast(pl.Float64)
    return float((sizes * (sizes - 1) / 2).sum())


FIRST_ALONE = pl.col("forename").str.extract(r"^(\S+)")
NO_BIRTHS_WITH_ADDRESSES = pl.when(pl.col("dataset") != "census").then("date_of_birth")


@pytest.mark.parametrize("number", [60, 400])
@pytest.mark.parametrize(
    ("changed", "precision", "recall"),
    [
        (pl.col("forename"), 0.995, 0.99),
        (FIRST_ALONE, 0.995, 0.99),
        # Namesakes known by name and sex alone can't all be told apart.
        (NO_BIRTHS_WITH_ADDRESSES.alias("date_of_birth"), 0.99, 0.99),
    ],
    ids=["forename and initial", "first forename alone", "no birth where addresses are"],
)
def test_relatives_at_one_address_stay_apart_and_people_are_found_again(
    number: int, changed: pl.Expr, precision: float, recall: float
) -> None:
    subjects, truth = households(number)
    found = persons.link_children(
        subjects.with_columns(changed), settings=LinkageSettings(), key=b"families"
    )
    rows = found.record_cluster.join(truth, on="record_id")
    both = pairs(rows, "cluster", "truth")
    assert both / pairs(rows, "cluster") >= precision
    assert both / pairs(rows, "truth") >= recall


def test_a_surname_at_one_home_takes_the_surnames_weight_back_however_rare() -> None:
    subjects, _ = households(400)
    found = persons.link_children(subjects, settings=LinkageSettings(), key=b"families")
    one = found.evidence.filter(pl.col("level_household").str.starts_with("one surname"))
    assert len(one) > 100
    left = one.select(pl.col("weight_surname") + pl.col("weight_household")).to_series()
    assert one["weight_surname"].max() - one["weight_surname"].min() > 1  # rare and common names
    assert left.max() - left.min() < 0.01
    assert left.abs().max() < 1  # relatives nearly all bear one surname: it tells nothing


def test_what_a_household_takes_back_is_told_beside_what_speaks_for_a_pair() -> None:
    subjects, _ = households(400)
    found = persons.link_children(subjects, settings=LinkageSettings(), key=b"families")
    told = words(found.evidence).filter(pl.col("weight_household") < 0)
    assert told["speaks_for"].str.contains(r"one surname at one home.* \(-").all()
    assert not told["speaks_against"].str.contains("one surname at one home").any()


def test_data_without_families_are_compared_without_a_household() -> None:
    subjects, _ = households(400)
    parents = subjects.filter(pl.col("dataset") != "clinic").unique("address", keep="first")
    found = persons.link_children(parents, settings=LinkageSettings(), key=b"families")
    assert "level_household" not in found.evidence.columns


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("Ryan E", "Everly J", CLASH),  # a middle initial is hardly another's forename
        ("Ryan E", "Everly", DOUBT),
        ("Ryan E", "Everly R", DOUBT),
        ("E Ryan", "Everly Jo", DOUBT),
        ("Madison L", "Courtney Madison", DOUBT),  # a sister bears the name as her second
        ("Madison", "Courtney Madison", FIT),
        ("Madison C", "Courtney Madison", FIT),  # the other order
        ("Ryan E", "Ryan Ernesto", FIT),
    ],
)
def test_initials_and_second_forenames_tell_what_they_can(
    one: str, other: str, verdict: int
) -> None:
    frame = pl.DataFrame(
        {"forename": [one, other], "surname": ["Ashdown"] * 2, "other_names": [[], []]},
        schema_overrides={"other_names": pl.List(pl.String)},
    )
    forms = standardised(frame).with_columns(pl.Series("dob", ["20000102", "20000102"]))
    known = frozenset({"ryan", "everly", "madison", "courtney", "ernesto"})
    assert Names(forms, known).verdict(0, 1) == verdict


def test_a_second_forename_speaks_for_or_against() -> None:
    subjects, _ = households(8)
    first = subjects.filter(pl.col("dataset") == "census").head(1)
    rows = pl.concat(
        first.with_columns(
            pl.lit(name).alias("forename"), pl.lit(place).cast(first.schema["row"]).alias("row"),
            pl.lit(f"census:{place}").alias("record_id"), pl.lit(None, pl.String).alias("address"),
        )
        for place, name in enumerate(["Mary Jane", "Mary J", "Mary Ann"])
    )  # fmt: skip
    found = persons.link_children(rows, settings=LinkageSettings(), key=b"seconds")
    shown = found.identities.select("identity", "forename")
    levels = {
        frozenset((a, b)): level
        for a, b, level in found.evidence.join(shown, left_on="identity_a", right_on="identity")
        .join(shown, left_on="identity_b", right_on="identity", suffix="_b")
        .select("forename", "forename_b", "level_second_forename")
        .iter_rows()
    }
    assert levels[frozenset(("mary jane", "mary j"))] == "same second forename or initial"
    assert levels[frozenset(("mary jane", "mary ann"))] == "another second forename"
