"""Suspects: what a shared nickname, crime, registration or premises joins, and what it doesn't."""

import polars as pl
import pytest

from profile_pipeline.linkage.circumstances import SCHEMA, circumstances, suspect_forms
from profile_pipeline.linkage.identities import collapse
from profile_pipeline.linkage.persons import link_suspects
from profile_pipeline.plan.settings import LinkageSettings
from profile_pipeline.tables import MEASURES, empty
from tests.unit.test_linkage_suspects import SUSPECT
from tests.unit.test_review_folder import subjects

FORENAMES = ("Aaron", "Bernard", "Callum", "Duncan", "Ewan", "Fergus", "Gareth", "Hector")
SURNAMES = ("Abberley", "Brockmoor", "Coseley", "Dudwick", "Enville", "Fordhouse")
NAMES = [(fore, sur) for sur in SURNAMES for fore in FORENAMES]


def named(number: int, **more: object) -> dict[str, object]:
    fore, sur = NAMES[number]
    return SUSPECT | {"forename": fore, "surname": sur, "sex": None} | more


def people(rows: list[dict[str, object]], around: pl.DataFrame | None = None) -> list[str]:
    """Return the cluster of each row, in the order of the rows."""
    frame = subjects(*rows)
    found = link_suspects(frame, settings=LinkageSettings(), key=b"k", around=around)
    of = dict(found.record_cluster.select("record_id", "cluster").iter_rows())
    return [of[record] for record in frame["record_id"]]


def known(pairs: int, nick: str = "Nick{}") -> list[dict[str, object]]:
    """Suspects who are each recorded twice by name and nickname."""
    return [named(n, other_names=[nick.format(n)]) for n in range(pairs) for _ in range(2)]


def bare(nick: str) -> dict[str, object]:
    return SUSPECT | {"sex": None, "other_names": [nick]}


def test_a_nickname_alone_joins_where_nobody_shares_one_and_not_where_people_do() -> None:
    alone = people([*known(48), bare("Nick3")])
    assert alone[-1] == alone[6] == alone[7]
    # Every nickname is borne by two people: whose record it is can't be told.
    shared = [named(n, other_names=[f"Nick{n // 2}"]) for n in range(48) for _ in range(2)]
    apart = people([*shared, bare("Nick3")])
    assert apart.count(apart[-1]) == 1


def test_a_nickname_alone_joins_nobody_while_little_is_known_of_nicknames() -> None:
    few = people([*known(6), bare("Nick3")])
    assert few.count(few[-1]) == 1


def test_a_digit_tells_two_nicknames_apart() -> None:
    found = people([*known(48, "Shadow{}"), bare("Shadow"), bare("shadow 12")])
    assert found.count(found[-2]) == 1
    assert found[-1] == found[24]


def test_nobody_who_shares_a_nickname_and_has_another_name_is_joined() -> None:
    found = people([*known(40), named(45, other_names=["Nick7"])])
    assert found.count(found[-1]) == 1


def crimes(rows: dict[int, str]) -> pl.DataFrame:
    return pl.DataFrame(
        [("d", "d/1.csv", row, [case], []) for row, case in rows.items()],
        schema=SCHEMA,
        orient="row",
    )


def test_the_crime_an_action_names_joins_its_suspect_where_it_names_the_same_people() -> None:
    rows = [named(n) for n in range(30) for _ in range(2)]
    rows += [bare("Blade"), named(40)]
    frame = subjects(*rows)
    of_row = frame.with_row_index("at").select("at", "dataset", "file", "row").rows()
    case = {at: f"20CR{at // 2}" for at in range(62)}  # the last two rows name one crime
    around = pl.DataFrame(
        [(dataset, file, row, [case[at]], []) for at, dataset, file, row in of_row],
        schema=SCHEMA,
        orient="row",
    )
    found = people(rows, around)
    assert found[-1] == found[-2]
    assert people(rows)[-1] != people(rows)[-2]


def test_a_network_s_car_makes_no_two_of_them_one_person() -> None:
    cars = [named(n, vehicle=f"silver hatchback XX{n // 4:02d} SYN") for n in range(40)]
    found = people(cars)
    assert len(set(found)) == 40


@pytest.mark.parametrize(
    ("written", "registration"),
    [
        ("silver hatchback, reg xx02 syn", "XX02SYN"),
        ("XX02SYN", "XX02SYN"),
        ("A123 BCD", "A123BCD"),
        ("partial XX02, black", "XX02"),
        ("black 4x4", None),
        (None, None),
    ],
)
def test_a_vehicle_counts_by_its_registration(written, registration) -> None:
    identities, of_record = collapse(subjects(bare("A") | {"vehicle": written}), b"k")
    assert suspect_forms(identities, of_record, None)["vehicle"].to_list() == [registration]


def test_a_crime_is_its_number_however_it_is_written() -> None:
    row = {"dataset": "d", "file": "f", "row": 0, "quarter": "2015-16 Q4"}
    offence = pl.DataFrame([row | {"reference": "20cr/1/16"}])
    action = pl.DataFrame([row | {"dataset": "y", "crime_reference": "20CR 1/16"}])
    frames = [
        pl.concat([empty(MEASURES[name]), frame], how="diagonal_relaxed")
        for name, frame in (("offence", offence), ("disruption", action))
    ]
    seen = pl.DataFrame({"dataset": "y", "file": "f", "row": 0, "premises_id": "PL1"})
    found = circumstances(*frames, seen.cast({"row": pl.Int64}))
    assert found["cases"].to_list() == [["20CR116"], ["20CR116"]]
    assert found["premises"].to_list() == [[], ["PL1"]]


def test_the_order_of_rows_changes_no_suspect() -> None:
    rows = [*known(30), *(bare(f"Nick{n}") for n in range(0, 30, 3))]
    frame = subjects(*rows)
    both = [
        link_suspects(one, settings=LinkageSettings(), key=b"k").record_cluster.sort("row")
        for one in (frame, frame.sample(fraction=1.0, shuffle=True, seed=3))
    ]
    assert both[0]["cluster"].to_list() == both[1]["cluster"].to_list()
