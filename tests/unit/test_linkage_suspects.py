"""Suspects: who may be one person, who is under 18, and who is also recorded as a child."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from profile_pipeline import tables
from profile_pipeline.linkage import all_roles
from profile_pipeline.linkage.persons import link_suspects
from profile_pipeline.plan.settings import LinkageSettings
from tests.unit.test_review_folder import KEY, NOTHING, subjects

SUSPECT = {
    "role": "suspect", "postcode": None, "postcode_sector": None, "postcode_district": None,
    "sex": "male",
}  # fmt: skip
HOME = {"postcode": 7, "postcode_sector": 5, "postcode_district": 3}
BORN = date(2000, 2, 11)
HARMED = {"forename": "Kieran", "surname": "Mossgrove", "date_of_birth": BORN, "sex": "male"}


def linked(path: Path, *rows: dict[str, object]) -> dict[str, pl.DataFrame]:
    (path / "review").mkdir()
    (path / "review" / "identity.key").write_text(KEY)
    settings = SimpleNamespace(
        linkage=LinkageSettings(), as_at=date(2016, 3, 31), overlap_at_least=3
    )
    plan = SimpleNamespace(folder=path, settings=settings)
    frame = subjects(*rows)
    shown = frame.filter(pl.col("role") == "child").select(*tables.SUBJECT_KEY)
    told = shown.with_columns(pl.lit("missing_from_home_or_care").alias("indicator"))
    return dict(all_roles.link_all(frame, NOTHING, plan, told).frames)


def test_a_suspect_under_18_who_is_also_a_child_is_named_and_stays_two_persons(tmp_path) -> None:
    found = linked(tmp_path, HARMED, SUSPECT | HARMED | {"postcode": None})
    row = found["suspect_cross_role"].row(0, named=True)
    of = dict(found["record_person"].select("role", "person_id").iter_rows())
    assert (row["person_id"], row["child_person_id"]) == (of["suspect"], of["child"])
    assert of["suspect"] != of["child"]
    assert (row["under_18"], row["standing"], row["indicators"]) == ("yes", "the same person", 1)
    assert "same date of birth" in row["speaks_for"]


@pytest.mark.parametrize(
    ("other", "under_18"),
    [
        # Nobody's name and birth agree with a child's: under 18, and only a suspect.
        ({"forename": "Ryan", "surname": "Telford", "date_of_birth": date(1999, 7, 1)}, "yes"),
        ({"forename": "Ryan", "surname": "Telford", "age_years": 17}, "yes"),
    ],
)
def test_a_suspect_under_18_whom_no_child_fits_is_listed_alone(tmp_path, other, under_18) -> None:
    row = linked(tmp_path, HARMED, SUSPECT | other)["suspect_cross_role"].row(0, named=True)
    assert (row["under_18"], row["child_person_id"], row["standing"]) == (under_18, None, None)


def test_adults_and_names_alone_accuse_no_child(tmp_path) -> None:
    adult = SUSPECT | HARMED | {"date_of_birth": date(1971, 2, 11)}
    name_alone = SUSPECT | HARMED | {"date_of_birth": None}
    assert linked(tmp_path, HARMED, adult, name_alone)["suspect_cross_role"].is_empty()


def test_of_twins_neither_is_said_to_be_the_suspect(tmp_path) -> None:
    home = {name: "DY1 1AA"[:size] for name, size in HOME.items()}
    unsure = SUSPECT | HARMED | {"forename": None} | home
    found = linked(tmp_path, HARMED, HARMED | {"forename": "Zoe"}, unsure)
    assert found["suspect_cross_role"]["standing"].to_list() == ["possibly the same person"] * 2


def test_a_nickname_that_fits_is_possible_and_stays_apart(tmp_path) -> None:
    full = SUSPECT | {"forename": "Gareth", "surname": "Oldbury", "other_names": ["Taz"]}
    bare = SUSPECT | {"other_names": ["Taz"]}
    other = SUSPECT | {"other_names": ["Ghost"]}
    found = linked(tmp_path, full, bare, other)
    of = dict(found["record_person"].select("record_id", "person_id").iter_rows())
    assert len(set(of.values())) == 3
    pairs = set(found["possible_same_person"].select("person_a", "person_b").iter_rows())
    assert tuple(sorted((of["r0"], of["r1"]))) in pairs
    assert not any(of["r2"] in pair for pair in pairs)


def test_a_decision_joins_the_persons_though_one_record_gives_a_wrong_date_of_birth() -> None:
    """Else deciding "same" would part a suspect from their own records."""
    born = {"date_of_birth": date(1980, 2, 3)}
    full = SUSPECT | {"forename": "Gareth", "surname": "Oldbury"}
    rows = subjects(
        full | born, full | born | {"other_names": ["Taz"]}, full | {"other_names": ["Taz"]},
        SUSPECT | {"other_names": ["Taz"], "date_of_birth": date(2001, 8, 19)},
    )  # fmt: skip
    first = link_suspects(rows, settings=LinkageSettings(), key=b"k")
    of = dict(first.record_cluster.select("record_id", "identity").iter_rows())
    clusters = first.record_cluster.sort("row")["cluster"].to_list()
    assert clusters[0] == clusters[1] == clusters[2] != clusters[3]
    decided = pl.DataFrame(
        {"identity_a": [of["r2"]], "identity_b": [of["r3"]], "decision": ["same"]}
    )
    then = link_suspects(rows, settings=LinkageSettings(), key=b"k", decisions=decided)
    assert then.record_cluster["cluster"].n_unique() == 1
    # What the computer held together is not said to have been decided by a person.
    assert then.links.filter(pl.col("decision") == "clerical").height <= 1
