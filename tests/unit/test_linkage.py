"""Linkage: names, vetoes, decisions and person ids, by what a user would miss."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_pipeline import tables
from profile_pipeline.linkage import explain, persons, registry
from profile_pipeline.linkage.clusters import CLASH, FIT, Names, cluster
from profile_pipeline.linkage.identities import collapse, nhs_valid
from profile_pipeline.linkage.names import plain, sound_key, standardised
from profile_pipeline.plan.settings import LinkageSettings

KEY = b"a key for tests"
BLANK = {
    "dataset": "school",
    "file": "school/q1.csv",
    "role": "child",
    "quarter": "2015-16 Q4",
    "date": date(2016, 3, 31),
    "other_names": [],
    "local_ids": [],
}


def subjects(*rows: dict[str, object]) -> pl.DataFrame:
    """Return records.subject with one row for each dictionary, blank but for what is given."""
    full = [
        {**BLANK, "row": place, "record_id": f"r{place}", **row} for place, row in enumerate(rows)
    ]
    frame = pl.DataFrame(full, schema=tables.PERSON_RECORD.polars_schema, orient="row")
    return tables.conform(frame, tables.PERSON_RECORD)


def child(forename: str, surname: str = "Ashdown", born: date | None = None, **more: object):
    """Return a named child's row."""
    return {
        "forename": forename,
        "surname": surname,
        "date_of_birth": born or date(2001, 5, 17),
        "postcode": "DY1 1AA",
        "postcode_sector": "DY1 1",
        "postcode_district": "DY1",
        **more,
    }


def clusters_of(rows: pl.DataFrame, **kwargs: object) -> list[int]:
    """Return for each row the first row of its person."""
    linked = persons.link_children(rows, settings=LinkageSettings(), key=KEY, **kwargs)
    groups = linked.record_cluster.sort("row")["cluster"].to_list()
    return [groups.index(group) for group in groups]


def names_frame(*names: tuple[str | None, str | None]) -> pl.DataFrame:
    """Return the standard forms of some forenames and surnames."""
    return standardised(
        pl.DataFrame(
            {
                "forename": [name[0] for name in names],
                "surname": [name[1] for name in names],
                "other_names": [[] for _ in names],
            },
            schema={"forename": pl.String, "surname": pl.String, "other_names": pl.List(pl.String)},
        )
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("O'Brien", "obrien"),
        ("  Zielińska ", "zielinska"),
        ("Smith-JONES", "smith jones"),
        ("Małgorzata", "malgorzata"),
        ("ZieliÅ„ska", "zielinska"),
        ("Kami?ski", "kami?ski"),
        ("---", None),
    ],
)
def test_names_lose_their_dress_and_keep_their_letters(written: str, expected: str | None) -> None:
    assert pl.select(plain(pl.lit(written))).item() == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [("yousaf", "yusuf"), ("kowalska", "kowalski"), ("muhammad", "mohamed"), ("vishal", "wishaal")],
)
def test_transliterations_sound_alike(one: str, other: str) -> None:
    keys = pl.select(sound_key(pl.lit(one)).alias("a"), sound_key(pl.lit(other)).alias("b"))
    assert keys["a"].item() == keys["b"].item()


def test_different_names_do_not_sound_alike() -> None:
    keys = pl.DataFrame({"w": ["amina", "fatima", "ibrahim", "karolina"]}).select(
        sound_key(pl.col("w"))
    )
    assert keys["w"].n_unique() == 4


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("Kate", "Katherine", "fore_kin"),
        ("Gosia", "Małgorzata", "fore_kin"),
        ("Mo", "Muhammad", "fore_kin_all"),
        ("Bella", "Isobel", "fore_kin"),
    ],
)
def test_short_forms_and_spellings_are_kin(one: str, other: str, kind: str) -> None:
    forms = names_frame((one, "Ash"), (other, "Ash"))[kind]
    assert set(forms[0]) & set(forms[1])


@pytest.mark.parametrize(
    ("one", "other"), [("Novák", "Nováková"), ("Zieliński", "Zielińska"), ("Petrov", "Petrova")]
)
def test_surnames_by_gender_are_kin(one: str, other: str) -> None:
    forms = names_frame(("A", one), ("B", other))["sur_kin"]
    assert set(forms[0]) & set(forms[1])


def test_order_of_names_does_not_change_their_key() -> None:
    keys = names_frame(("Wei", "Chan"), ("Chan", "Wei"))["name_key"]
    assert keys[0] == keys[1]


def test_a_shared_muslim_name_does_not_make_brothers_one() -> None:
    written = (("Mohammed Asad", "Khan"), ("Muhammad Bilal", "Khan"), ("Mohammed", "Khan"))
    names = pl.concat(
        names_frame(*written).with_columns(pl.lit(f"2001051{day}").alias("dob")) for day in "123"
    )
    judge = Names(names)
    brothers, alone = judge.verdict(0, 1), judge.verdict(0, 2)
    assert (brothers, alone) == (CLASH, FIT)


def test_two_common_names_a_letter_apart_are_not_a_slip() -> None:
    several = [("Harry", "A"), ("Harvey", "B"), ("Hrary", "C")]
    frame = pl.concat(
        names_frame(*several).with_columns(pl.lit(f"2001050{day}").alias("dob")) for day in "123"
    ).filter((pl.col("fore") != "hrary") | (pl.col("dob") == "20010501"))
    judge = Names(frame)
    place = {name.fore: number for number, name in enumerate(judge.names)}
    assert judge.verdict(place["harry"], place["harvey"]) != FIT
    assert judge.verdict(place["harry"], place["hrary"]) == FIT


@pytest.mark.parametrize(
    ("number", "valid"),
    # 943 476 5919 is the worked example of the NHS Data Dictionary.
    [("9434765919", True), ("9434765918", False), ("943476591", False)],
)
def test_check_digit_of_nhs_numbers(number: str, valid: bool) -> None:
    assert pl.select(nhs_valid(pl.lit(number))).item() is valid


def test_twins_stay_apart_though_a_nameless_record_fits_both() -> None:
    rows = subjects(
        child("Amina", upn="A123456789012"),
        child("Zoe", upn="B123456789013"),
        {**child("Amina"), "forename": None, "surname": None},
        child("Zoe", dataset="dart", upn=None),
    )
    groups = clusters_of(rows)
    assert groups[0] != groups[1]
    assert groups[3] == groups[1]


def test_one_child_under_name_variants_is_joined() -> None:
    rows = subjects(
        child("Katherine", nhs_number="9434765919"),
        child("KATIE"),
        child("Katherine", born=date(2001, 5, 17), postcode=None),
        child("Ashdown", "Katherine"),
        {"nhs_number": "9434765919", "date_of_birth": date(2001, 5, 17)},
    )
    assert clusters_of(rows) == [0] * 5


def test_conflicting_identifiers_part_namesakes() -> None:
    rows = subjects(child("Amina", upn="A123456789012"), child("Amina", upn="Q998877665544"))
    assert clusters_of(rows) == [0, 1]


def test_decisions_override_the_model_and_outlive_a_rerun() -> None:
    rows = subjects(child("Amina"), child("Amina", postcode="DY1 1AB"), child("Zoe"))
    first = persons.link_children(rows, settings=LinkageSettings(), key=KEY)
    a, b, zoe = first.record_cluster.sort("row")["identity"].to_list()
    decisions = pl.DataFrame(
        {"identity_a": [a, a], "identity_b": [b, zoe], "decision": ["different", "same"]}
    )
    assert clusters_of(rows) == [0, 0, 2]
    assert clusters_of(rows, decisions=decisions) == [0, 1, 0]


def test_contradictory_decisions_are_refused_and_listed() -> None:
    rows = subjects(child("Amina"), child("Bea"), child("Zoe"))
    ids = persons.link_children(rows, settings=LinkageSettings(), key=KEY).record_cluster
    a, b, c = ids.sort("row")["identity"].to_list()
    decisions = pl.DataFrame(
        {
            "identity_a": [a, b, a],
            "identity_b": [b, c, c],
            "decision": ["same", "same", "different"],
        }
    )
    linked = persons.link_children(rows, settings=LinkageSettings(), key=KEY, decisions=decisions)
    assert linked.contradictions.height == 3
    assert clusters_of(rows, decisions=decisions) == [0, 1, 2]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int, float]], list[tuple[int, int, str]]]:
    """Return a number of people-like identities, weighted pairs and decisions."""
    size = draw(st.integers(3, 8))
    pair = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).filter(
        lambda p: p[0] < p[1]
    )
    pairs = draw(st.lists(pair, unique=True, max_size=15))
    weights = [(a, b, draw(st.floats(-5, 30).map(lambda w: round(w, 2)))) for a, b in pairs]
    decided = draw(st.lists(pair, unique=True, max_size=5))
    kinds = st.sampled_from(["same", "different"])
    return size, weights, [(a, b, draw(kinds)) for a, b in decided]


@settings(deadline=None, max_examples=30)
@given(graph=graphs(), order=st.randoms(use_true_random=False))
def test_decisions_hold_and_row_order_does_not_matter(graph, order) -> None:
    size, weights, decided = graph
    rows = subjects(*(child(name, upn=None) for name in "ABCDEFGH"[:size]))
    identities, _ = collapse(rows, KEY)
    ids = identities["identity"].to_list()
    pairs = pl.DataFrame(
        [(ids[a], ids[b], w) for a, b, w in weights],
        schema={"identity_a": pl.String, "identity_b": pl.String, "match_weight": pl.Float64},
        orient="row",
    )
    decisions = pl.DataFrame(
        [(ids[a], ids[b], kind) for a, b, kind in decided],
        schema={"identity_a": pl.String, "identity_b": pl.String, "decision": pl.String},
        orient="row",
    )
    done = cluster(identities, pairs, threshold=5, decisions=decisions)
    place = dict(done.clusters.iter_rows())
    refused = set(done.contradictions.select("identity_a", "identity_b").iter_rows())
    for a, b, kind in decisions.iter_rows():
        if (a, b) not in refused:
            assert (place[a] == place[b]) == (kind == "same")
    shuffled = pairs.sample(fraction=1, shuffle=True, seed=order.randint(0, 1000))
    again = cluster(identities, shuffled, threshold=5, decisions=decisions.reverse())
    assert again.clusters.equals(done.clusters)
    assert again.links.equals(done.links)


def test_identity_hashes_need_the_key() -> None:
    rows = subjects(child("Amina"))
    one, other = (collapse(rows, key)[0]["identity"].item() for key in (b"one", b"two"))
    assert one != other


def test_rows_that_say_the_same_are_one_identity() -> None:
    rows = subjects(child("Amina"), child(" AMINA "), child("Amina", dataset="dart"))
    identities, of_record = collapse(rows, KEY)
    assert identities["records"].to_list() == [3]
    assert of_record["identity"].n_unique() == 1


def clusters_frame(**of: str) -> pl.DataFrame:
    """Return clusters from identity=cluster pairs."""
    return pl.DataFrame({"identity": list(of), "cluster": list(of.values())})


def test_persons_keep_their_ids_when_records_come_and_go() -> None:
    first, known, _ = registry.assign(clusters_frame(a="x", b="x", c="y"), None)
    again, _, log = registry.assign(clusters_frame(c="y", d="y", e="z", a="x"), known)
    before, after = dict(first.iter_rows()), dict(again.iter_rows())
    assert (after["a"], after["c"], after["d"]) == (before["a"], before["c"], before["c"])
    assert after["e"] == "C000003"
    assert log.is_empty()


def test_a_merge_keeps_the_id_that_shares_most_and_is_logged() -> None:
    _, known, _ = registry.assign(clusters_frame(a="x", b="y", c="y"), None)
    merged, renewed, log = registry.assign(clusters_frame(a="m", b="m", c="m"), known)
    assert set(merged["person_id"]) == {"C000002"}
    assert log.rows() == [("merge", "C000001", "C000002", 1)]
    fresh, _, _ = registry.assign(clusters_frame(a="m", b="m", c="m", d="n"), renewed)
    assert dict(fresh.iter_rows())["d"] == "C000003"


def test_a_split_is_logged_and_an_old_id_is_never_given_again() -> None:
    _, known, _ = registry.assign(clusters_frame(a="x", b="x", c="x"), None)
    split, renewed, log = registry.assign(clusters_frame(a="x", b="x", c="w"), known)
    assert dict(split.iter_rows()) == {"a": "C000001", "b": "C000001", "c": "C000002"}
    assert log.rows() == [("split", "C000001", "C000002", 1)]
    healed, healed_registry, _ = registry.assign(clusters_frame(a="x", b="x", c="x"), renewed)
    assert set(healed["person_id"]) == {"C000001"}
    later, _, _ = registry.assign(clusters_frame(a="x", e="v"), healed_registry)
    assert dict(later.iter_rows())["e"] == "C000003"


def test_weight_of_a_small_linkage_is_the_sum_of_documented_defaults() -> None:
    rows = subjects(child("Amina", sex="female"), child("Amina", sex="female", dataset="dart"))
    alike = rows.with_columns(
        pl.when(pl.col("row") == 1).then(pl.lit("DY1 1AB")).otherwise("postcode").alias("postcode")
    )
    linked = persons.link_children(alike, settings=LinkageSettings(), key=KEY)
    # Prior 0.1 at most; same forename 0.80/0.006, surname 0.87/0.002, date of birth 0.93/0.0003,
    # sex 0.99/0.5, postcode with one slip 0.01/0.0008: log2 of each by hand.
    expected = -3.1699 + 7.0589 + 8.7649 + 11.5981 + 0.9855 + 3.6439
    assert linked.evidence["match_weight"].to_list() == pytest.approx([expected], abs=1e-3)


def test_order_of_rows_changes_nothing() -> None:
    rows = subjects(
        child("Katherine"), child("Katie"), child("Zoe"), child("Amina", "Khan", date(2002, 1, 3))
    )
    one = persons.link_children(rows, settings=LinkageSettings(), key=KEY)
    other = persons.link_children(rows.reverse(), settings=LinkageSettings(), key=KEY)
    assert persons.assign_person_ids(one, None)[0].equals(persons.assign_person_ids(other, None)[0])
    assert one.links.equals(other.links)


def test_a_saved_model_gives_the_same_persons_again(tmp_path: Path) -> None:
    rows = subjects(child("Katherine"), child("Katie"), child("Zoe"), child("Zoe", "Khan"))
    saved = tmp_path / "model.json"
    first = persons.link_children(rows, settings=LinkageSettings(), key=KEY, save_model_to=saved)
    again = persons.link_children(rows, settings=LinkageSettings(), key=KEY, model=saved)
    assert again.links.equals(first.links)
    assert again.record_cluster.equals(first.record_cluster)


def test_no_name_or_date_of_birth_is_in_a_saved_model(tmp_path: Path) -> None:
    rows = subjects(child("Quenby", "Thistlewood"), child("Quenby", "Thistlewood", postcode=None))
    saved = tmp_path / "model.json"
    persons.link_children(rows, settings=LinkageSettings(), key=KEY, save_model_to=saved)
    written = saved.read_text().lower()
    assert "quenby" not in written
    assert "2001" not in written


def test_the_queue_holds_what_was_refused_with_its_reason_within_its_limit() -> None:
    twins = [
        child(name, surname, date(1998 + place, 5 + place, 11 * (place % 2) + 3), postcode=None)
        for place, surname in enumerate(("Khan", "Reed", "Nowak", "Osei"), start=1)
        for name in ("Amina", "Zoe")
    ]
    few = LinkageSettings(review_limit=3)
    linked = persons.link_children(subjects(*twins), settings=few, key=KEY)
    assert linked.queue(few)["reason"].to_list() == ["forenames are different names"] * 3
    assert set(linked.queue(few)["forename_a"]) | set(linked.queue(few)["forename_b"]) == {
        "amina",
        "zoe",
    }


def test_what_cannot_be_linked_is_counted_by_source() -> None:
    rows = subjects(child("Amina"), {"dataset": "voluntary", "forename": "Mina", "age_years": 14})
    linked = persons.link_children(rows, settings=LinkageSettings(), key=KEY)
    assert linked.unlinkable.rows() == [("school", 1, 0, 1), ("voluntary", 1, 1, 1)]


def test_no_records_give_no_persons() -> None:
    linked = persons.link_children(subjects(), settings=LinkageSettings(), key=KEY)
    records, _, _ = persons.assign_person_ids(linked, None)
    assert records.is_empty()


def test_a_nickname_alone_names_no_suspect() -> None:
    rows = subjects(
        {"role": "suspect", "forename": "Kieran", "surname": "Wright", "other_names": ["Taz"]},
        {"role": "suspect", "other_names": ["Taz"]},
    )
    linked = persons.link_suspects(rows, settings=LinkageSettings(), key=KEY)
    assert linked.record_cluster["cluster"].n_unique() == 2


def test_an_explanation_says_what_holds_a_record_and_adds_up() -> None:
    rows = subjects(child("Katherine"), child("Katie"), child("Zoe"))
    linked = persons.link_children(rows, settings=LinkageSettings(), key=KEY)
    records, _, _ = persons.assign_person_ids(linked, None)
    person = records.filter(pl.col("row") == 0)["person_id"].item()
    told = explain.explain_person(
        person, records, linked.record_cluster, linked.links, linked.evidence
    )
    assert "nickname or other spelling" in told.records["speaks_for"][0]
    assert told.against["reason"].drop_nulls().to_list()
    steps = explain.waterfall(linked.evidence, *told.records["identity"])
    assert steps["total"][-1] == pytest.approx(told.records["match_weight"][0], abs=1e-3)
    assert told.weakest_link == pytest.approx(told.records["match_weight"][0])


def test_a_higher_threshold_never_joins_more() -> None:
    rows = subjects(child("Katherine"), child("Katie"), child("K"), child("Zoe"))
    linked = persons.link_children(rows, settings=LinkageSettings(), key=KEY)
    sizes = [
        persons.assign_at_threshold(linked, threshold)["cluster"].n_unique()
        for threshold in (0.0, 5.0, 14.0, 99.0)
    ]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 4


def test_a_person_held_by_a_link_below_the_threshold_is_listed_by_the_weakest_link_needed() -> None:
    """Amy's link to Cat of 2.0 isn't needed, as Bea's of 3.0 holds Cat; a decision is no doubt."""
    place = pl.DataFrame({"identity": list("abcde"), "cluster": list("xxxyy")})
    links = pl.DataFrame(
        [
            ("a", "b", 9.0, "joined"),
            ("b", "c", 3.0, "joined"),
            ("a", "c", 2.0, "implied"),
            ("d", "e", 1.0, "clerical"),
        ],
        schema=["identity_a", "identity_b", "match_weight", "decision"],
        orient="row",
    )
    found = persons.loose_links(place, links, 5.0)
    assert found.rows() == [("x", "b", "c", 3.0)]
    identities, _ = collapse(subjects(*(child(name) for name in ("Amy", "Bea", "Cat"))), KEY)
    of = place.head(3).with_columns(identity=identities["identity"])
    listed = persons.oversize(identities, of, found, 5.0)
    assert listed["reason"].to_list() == [
        "held loosely: by a link of match weight 3.0, below the threshold of 5"
    ]


UPNS = ("A998400015001", "R998700026444")


def _twins() -> list[dict[str, object]]:
    """Two boys of one birth and home, known to two agencies each."""
    return [
        child(forename, "Ghorbanizad", sex="male", upn=upn)
        for forename, upn in zip(("Hamza", "Haris"), UPNS, strict=True)
    ] + [child(forename, "Ghorbanizad", sex="male") for forename in ("Hamza", "Haris")]


@pytest.mark.parametrize("written", ["H", None])
@pytest.mark.parametrize("times", [1, 4])
def test_a_record_that_fits_either_twin_joins_neither_however_much_agrees(
    written: str | None, times: int
) -> None:
    """However often it is written: four records in question are no more telling than one."""
    asked = [{**child("H", "Ghorbanizad", sex="male"), "forename": written} for _ in range(times)]
    found = clusters_of(subjects(*_twins(), *asked))
    assert found[:4] == [0, 1, 0, 1]
    assert set(found[4:]) == {4}


def test_two_records_that_fit_either_twin_are_not_said_to_be_one() -> None:
    """An initial and a missing forename may be one twin each."""
    initial = child("H", "Ghorbanizad", sex="male")
    found = clusters_of(subjects(*_twins(), initial, {**initial, "forename": None}))
    assert found == [0, 1, 0, 1, 4, 5]


def test_a_record_that_fits_two_namesakes_goes_to_review_with_the_reason() -> None:
    homes = ("DY1 1AA", "DY8 4BD")
    rows = [
        child("Emily", "Taylor", postcode=home, upn=upn)
        for home, upn in zip(homes, UPNS, strict=True)
    ]
    nowhere = {"postcode": None, "postcode_sector": None, "postcode_district": None}
    linked = persons.link_children(
        subjects(*rows, child("Emily", "Taylor", **nowhere)), settings=LinkageSettings(), key=KEY
    )
    assert linked.record_cluster["cluster"].n_unique() == 3
    asked = linked.queue(LinkageSettings()).filter(
        pl.col("reason") == "fits two people about equally well"
    )
    assert asked.height == 2


def test_records_of_one_child_are_no_rivals_of_one_another() -> None:
    """A record without home fits both of a child's homes: nothing forbids these to be one."""
    nowhere = {"postcode": None, "postcode_sector": None, "postcode_district": None}
    rows = [child("Emily", "Tayler"), child("Emily", "Tayler", postcode="DY8 4BD", upn=UPNS[0])]
    found = clusters_of(subjects(*rows, child("Emily", "Tayler", **nowhere)))
    assert found == [0, 0, 0]


@pytest.mark.parametrize("order", [range(7), range(6, -1, -1), (4, 2, 6, 0, 5, 3, 1)])
@pytest.mark.parametrize("key", [b"one", b"two", b"three"])
def test_neither_the_order_of_rows_nor_the_key_breaks_a_tie(order: Sequence[int], key: bytes):
    nobody = {**child("H", "Ghorbanizad"), "forename": None}
    rows = [*_twins(), child("H", "Ghorbanizad"), nobody, child("Rosalind", "Ghorbanizad")]
    linked = persons.link_children(
        subjects(*(rows[place] for place in order)), settings=LinkageSettings(), key=key
    )
    found = linked.record_cluster.sort("row")["cluster"].to_list()
    groups = {frozenset(order[i] for i, c in enumerate(found) if c == one) for one in found}
    assert groups == {frozenset(g) for g in ({0, 2}, {1, 3}, {4}, {5}, {6})}


def test_a_name_of_a_whole_community_and_1_january_join_nobody_in_few_data() -> None:
    """Two children of one agency, each with an id of their own and another home."""
    born = date(2001, 1, 1)
    rows = [
        child(
            "Mohammed",
            "Khan",
            born,
            sex="male",
            local_ids=[f"council:{n}"],
            postcode=home,
            postcode_sector=home[:5],
            postcode_district=home[:3],
        )
        for n, home in ((1, "DY3 4AD"), (2, "DY9 4BD"))
    ]
    assert clusters_of(subjects(*rows)) == [0, 1]


def test_a_name_that_few_share_counts_for_more_than_one_of_a_whole_community() -> None:
    rows = [
        child(forename, surname, born, postcode=home, postcode_sector=None, postcode_district=None)
        for forename, surname, born in (
            ("Mohammed", "Khan", date(2001, 5, 17)),
            ("Ottokar", "Bramhallow", date(2002, 8, 9)),
        )
        for home in ("DY3 4AD", "DY9 4BD")
    ]
    linked = persons.link_children(subjects(*rows), settings=LinkageSettings(), key=KEY)
    named = linked.identities.select(identity_a="identity", fore="fore")
    same = linked.evidence.filter(pl.col("level_birth") == "same date of birth").join(
        named, on="identity_a"
    )
    of = {fore: a + b for fore, a, b in same[["fore", "weight_forename", "weight_surname"]].rows()}
    # Shares of 0.1 and 0.03 in the table, u of 0.006 and 0.002 without it: log2(16.7) + log2(15).
    assert of["ottokar"] - of["mohammed"] == pytest.approx(4.06 + 3.91, abs=0.01)
