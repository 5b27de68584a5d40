"""Linkage: what it learns of its data, what few data may not do, and other engines."""

import importlib.util
import shutil
import sys
from collections import Counter
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from profile_pipeline import tables
from profile_pipeline.errors import UserError
from profile_pipeline.intake.harmonise import harmonise
from profile_pipeline.linkage import persons, spark
from profile_pipeline.linkage.clusters import NOTHING_ELSE, TWO_FIT, Evidence, name_alone
from profile_pipeline.plan.collection import Dataset
from profile_pipeline.plan.settings import LinkageSettings

KEY = b"a key for tests"
FORENAMES = [
    "amina", "bea", "carla", "dora", "edith", "freya", "gemma", "hanna", "ida",
    "jade", "kira", "lena", "mona", "nora", "olga", "petra", "rosa", "sonja",
    "tara", "ursula", "vera", "wanda", "yara", "zoe",
]  # fmt: skip
SURNAMES = [
    first + last
    for first in ("ash", "beck", "cot", "dun", "elm", "fox", "green", "holl", "ing", "kirk")
    for last in ("down", "field", "ham", "ley", "mere", "ridge", "stead", "ton", "well", "wood")
]


def people(number: int, seed: int = 1) -> pl.DataFrame:
    """Return invented people: names, dates of birth over eight years, postcodes."""
    rng = np.random.default_rng(seed)
    district = rng.integers(1, 9, number)
    sector = [f"DY{place} {place % 5}" for place in district]
    letters = "ABDEFGHJLN"
    ends = [letters[a] + letters[b] for a, b in rng.integers(0, 10, (number, 2))]
    return pl.DataFrame(
        {
            "person": np.arange(number),
            "forename": rng.choice(FORENAMES, number),
            "surname": rng.choice(SURNAMES, number),
            "date_of_birth": [
                date(1998, 1, 2) + timedelta(int(d)) for d in rng.integers(0, 2900, number)
            ],
            "postcode": [f"{one}{end}" for one, end in zip(sector, ends, strict=True)],
            "postcode_sector": sector,
            "postcode_district": [one.split()[0] for one in sector],
        }
    )  # fmt: skip


def records(*parts: pl.DataFrame, dataset: str = "school") -> pl.DataFrame:
    """Return records.subject with the rows of the parts, one file after the other."""
    given = pl.concat(parts, how="diagonal_relaxed").with_row_index("row")
    full = given.with_columns(
        pl.lit(dataset).alias("dataset"),
        pl.lit(f"{dataset}/q1.csv").alias("file"),
        pl.lit("child").alias("role"),
        pl.format(f"{dataset}:{{}}", "row").alias("record_id"),
        pl.lit("2015-16 Q4").alias("quarter"),
        pl.lit(date(2016, 3, 31)).alias("date"),
    )
    nothing = {pl.List(pl.String): []}
    missing = [
        pl.lit(nothing.get(dtype), dtype=dtype).alias(name)
        for name, dtype in tables.PERSON_RECORD.polars_schema.items()
        if name not in full.columns
    ]
    return tables.conform(full.with_columns(missing), tables.PERSON_RECORD)


def link(rows: pl.DataFrame, **more: object) -> persons.Linkage:
    """Link with the default settings."""
    return persons.link_children(rows, settings=LinkageSettings(), key=KEY, **more)


def together(linked: persons.Linkage, one: str, other: str) -> bool:
    """Whether two records are one person."""
    of = dict(linked.record_cluster.select("record_id", "cluster").iter_rows())
    return of[one] == of[other]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory):
    """Return records enough to train on, their linkage, its saved model and what that gives."""
    base = people(1600)
    wrong = base.head(300).with_columns(
        pl.col("forename").str.replace("a", "o"), pl.col("date_of_birth").dt.offset_by("1mo")
    )
    rows = records(base, wrong)
    path = tmp_path_factory.mktemp("model") / "model.json"
    first = link(rows, save_model_to=path)
    return rows, first, path, link(rows, model=path)


@pytest.mark.parametrize(
    "stranger",
    [
        {"forename": "Xqueth", "surname": "Vrinozh", "date_of_birth": date(1971, 2, 3)},
        # Names that others bear change their frequency, if that were counted afresh.
        {"forename": "Amina", "surname": "Qvist", "postcode": "ZE9 9ZZ"},
        {"forename": "Ida", "surname": None, "date_of_birth": date(1950, 12, 30)},
    ],
)
def test_a_record_outside_every_block_never_changes_others_persons(saved, stranger) -> None:
    rows, _, model, before = saved
    more = pl.concat([rows, records(pl.DataFrame([stranger]), dataset="police")])
    after = link(more, model=model)
    own = after.record_cluster.filter(pl.col("dataset") == "police")["identity"].item()
    touched = after.links.filter((pl.col("identity_a") == own) | (pl.col("identity_b") == own))
    assert touched.is_empty(), "this stranger shares a block; choose another"
    others = after.record_cluster.filter(pl.col("dataset") == "school")
    assert others.equals(before.record_cluster)
    assert after.links.equals(before.links)


def test_a_saved_model_decides_as_the_run_that_trained_it(saved) -> None:
    _, first, _, before = saved
    assert first.record_cluster.equals(before.record_cluster)
    assert first.links.equals(before.links)
    assert first.evidence.equals(before.evidence)


def test_a_saved_model_holds_no_name(saved) -> None:
    _, _, model, _ = saved
    written = model.read_text().lower()
    assert not [name for name in FORENAMES + SURNAMES if f'"{name}"' in written]


def test_a_date_of_birth_that_a_thousand_share_by_default_does_not_stop_the_linkage() -> None:
    """A system's own default fills more pairs than training takes; all others still teach."""
    base = people(2000).with_columns(
        date_of_birth=pl.when(pl.col("person") < 1000)
        .then(pl.lit(date(2000, 1, 2)))
        .otherwise("date_of_birth")
    )
    linked = link(records(base, base.slice(1500, 300)))
    assert together(linked, "school:1600", "school:2100")
    assert not together(linked, "school:1", "school:2")


def other_forenames(frame: pl.DataFrame, seed: int = 5) -> pl.DataFrame:
    """Return the frame with a forename that is certainly another."""
    turned = dict(zip(FORENAMES, FORENAMES[7:] + FORENAMES[:7], strict=True))
    return frame.with_columns(pl.col("forename").replace_strict(turned))


def test_forenames_that_are_often_wrong_do_not_part_records() -> None:
    base = people(400)
    rows = records(
        base.head(320), base.head(240), other_forenames(base.slice(240, 80)), base.tail(80)
    )
    linked = link(rows)
    # Row 240 is a person whose only other record has another forename (row 560).
    assert together(linked, "school:240", "school:560")


def test_twins_that_records_attest_stay_apart_without_any_number() -> None:
    base = people(400)
    twins = other_forenames(base.head(12))
    seldom = other_forenames(base.slice(12, 6))
    linked = link(records(base, base, twins, twins, seldom))
    assert not together(linked, "school:0", "school:800")
    # A twin of whom there is one record only is no error either.
    assert not together(linked, "school:12", "school:824")


def test_two_records_do_not_lift_the_rule_that_forenames_part() -> None:
    base = people(1)
    assert not together(link(records(base, other_forenames(base))), "school:0", "school:1")


def test_a_nameless_record_that_fits_twins_stays_alone_however_much_agrees() -> None:
    home = pl.lit("12 mill lane upper gornal dudley").alias("address")
    base = people(40).with_columns(home)
    nameless = base.head(1).with_columns(pl.lit(None, dtype=pl.String).alias("forename"))
    linked = link(records(base, other_forenames(base.head(1)), nameless))
    assert not together(linked, "school:41", "school:0")
    assert not together(linked, "school:41", "school:40")
    assert TWO_FIT in linked.links["reason"].to_list()


def test_records_that_hold_too_little_are_not_one_person() -> None:
    nickname = pl.DataFrame({"forename": ["Mina", "Mina"], "age_years": [14, 14]})
    blank = pl.DataFrame({"sex": ["female", "female"]})
    linked = link(records(nickname, blank))
    assert linked.record_cluster["cluster"].n_unique() == 4


def lone_pair() -> pl.DataFrame:
    """Return two records of a child: forename and home fit, surname differs, no date of birth."""
    one = {"forename": "ottilie", "surname": "mossgrove", "postcode": "DY3 3XX"}
    return pl.DataFrame([one, one | {"surname": "trevanion"}])


@pytest.mark.parametrize(("repeated", "expected"), [(True, True), (False, False)])
def test_a_lone_record_joins_its_only_candidate_where_its_source_seldom_leaves_any(
    repeated: bool, expected: bool
) -> None:
    base = people(600)
    again = base if repeated else people(600, seed=9)
    again = again.with_columns(pl.col("postcode").str.replace(r".$", "Z"))
    linked = link(records(lone_pair(), base, again))
    assert together(linked, "school:0", "school:1") is expected
    assert (NOTHING_ELSE in linked.links["reason"].to_list()) is expected


def test_a_decision_on_a_lone_record_does_not_bring_along_whom_it_had_joined() -> None:
    """Whose a record is that stood alone, people know: not also whose it had seemed to be."""
    base = people(600)
    again = base.with_columns(pl.col("postcode").str.replace(r".$", "Z"))
    rows = records(lone_pair(), base, again).with_columns(
        pl.when(pl.col("row") == 0)
        .then(pl.lit("A123456789012"))
        .when(pl.col("row") == 2)
        .then(pl.lit("Q998877665544"))
        .alias("upn")
    )
    first = link(rows)
    assert together(first, "school:0", "school:1")
    of = dict(first.record_cluster.select("record_id", "identity").iter_rows())
    decided = pl.DataFrame(
        {"identity_a": [of["school:1"]], "identity_b": [of["school:2"]], "decision": ["same"]}
    )
    then = link(rows, decisions=decided)
    assert together(then, "school:1", "school:2")
    assert not together(then, "school:0", "school:1")


@pytest.mark.parametrize(
    ("more", "alone"),
    [
        ({"homes": {"B71 4AA"}}, True),
        ({"homes": set()}, False),
        ({"homes": {"B71 4AA", "DY3 3XX"}}, False),
        ({"homes": {"B71 4AA"}, "dobs": Counter({"20010517": 1})}, False),
        ({"homes": {"B71 4AA"}, "numbers": {"UPN": Counter({"A123456789012": 1})}}, False),
    ],
)
def test_standing_alone_tells_nothing_of_a_namesake_who_lives_elsewhere(
    more: dict[str, object], alone: bool
) -> None:
    """A child of another area may be one whom no other source knows."""
    known = Evidence(
        [0], 3, dobs=Counter({"20010517": 2}), homes={"DY3 3XX"},
        numbers={"UPN": Counter({"A123456789012": 1})},
    )  # fmt: skip
    assert name_alone({0: known, 1: Evidence([1], 1, **more)}, 0, 1) is alone


def test_an_earlier_home_joins_a_child_who_moved() -> None:
    moved = {"forename": "ottilie", "surname": "mossgrove", "postcode": "B1 1AA"}
    before = {"forename": "ottilie", "surname": "mossgrove", "postcode": "DY3 3XX"}
    rows = records(people(300), pl.DataFrame([before, moved]))
    homes = pl.when(pl.col("row") == 301).then(pl.lit(["DY3 3XX"])).otherwise("other_postcodes")
    told = link(rows.with_columns(homes.alias("other_postcodes")))
    assert together(told, "school:300", "school:301")
    assert not together(link(rows), "school:300", "school:301")


@pytest.mark.parametrize("field", ["forename", "date_of_birth"])
def test_data_without_a_field_are_linked_by_the_others(field: str) -> None:
    base = people(1600)
    kept = base.head(200)
    none = pl.lit(None, dtype=base.schema[field]).alias(field)
    slip = pl.lit("female").alias("sex")
    linked = link(records(base.with_columns(none), kept.with_columns(none, slip)))
    assert linked.record_cluster.height == 1800


def test_plan_reads_address_earlier_homes_and_foreign_postcodes() -> None:
    dataset = Dataset.model_validate(
        {
            "id": "clinic", "agency": "nhs", "title": "t", "what": "w", "why": "w", "how": "h",
            "lead": "l", "lawful_basis": "b", "keep_for": "6 years",
            "delivery": {"every": "quarter", "due": "14 days", "files": "clinic/{quarter}.csv"},
            "dated_by": "quarter_end",
            "subjects": [
                {
                    "forename": "Name", "address": ["House", "Street"],
                    "postcode": {"column": "Post code", "format": "any"},
                    "other_postcodes": ["Before"],
                }
            ],
        }
    )  # fmt: skip
    work = pl.DataFrame(
        {
            "_file": ["a.csv"] * 2, "_row": [0, 1], "_quarter": ["2015-16 Q4"] * 2,
            "Name": ["Ida", "Bea"], "House": ["7", None], "Street": ["Mill Lane", None],
            "Post code": ["d02 x285", "2119"], "Before": ["dy11aa", None],
        }
    )  # fmt: skip
    rows = harmonise(work, dataset, period_start=date(2014, 4, 1)).rows
    assert rows["child__address"].to_list() == ["7, Mill Lane", None]
    assert rows["child__postcode"].to_list() == ["D02 X285", "2119"]
    assert rows["child__other_postcodes"].to_list() == [["DY1 1AA"], []]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("list_has_any(a_l, a_r)", "arrays_overlap(a_l, a_r)"),
        ("fore_l[1] = fore_r[1]", "substring(fore_l, 1, 1) = substring(fore_r, 1, 1)"),
        ("(dob_l[5:6] = dob_r[5:6])::int",
         "cast((substring(dob_l, 5, 2) = substring(dob_r, 5, 2)) as int)"),
        ("len(x_l) = 0 and length(y_l) > 2", "size(x_l) = 0 and length(y_l) > 2"),
    ],
)  # fmt: skip
def test_conditions_in_sparks_words(ours: str, theirs: str) -> None:
    assert spark.in_spark(ours) == theirs


def test_spark_that_is_not_installed_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pyspark", "pyspark.errors", "pyspark.sql"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError) as told:
        persons.link_children(records(people(5)), settings=LinkageSettings(engine="spark"), key=KEY)
    assert str(told.value).count("\n") == 0
    assert "pip install" in str(told.value)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="pyspark isn't installed")
@pytest.mark.skipif(shutil.which("java") is None, reason="Java isn't installed")
@pytest.mark.filterwarnings("ignore")
def test_spark_finds_the_same_persons_with_the_same_weights(monkeypatch) -> None:
    monkeypatch.setenv("MASTER", "local[2]")
    base = people(1600)
    wrong = base.head(500).with_columns(
        pl.col("forename").str.replace("a", "o"), pl.col("surname").str.replace("e", "i")
    )
    rows = records(base, wrong, wrong.with_columns(pl.lit(["Kitty"]).alias("other_names")))
    here = link(rows)
    there = persons.link_children(rows, settings=LinkageSettings(engine="spark"), key=KEY)
    assert there.record_cluster.equals(here.record_cluster)
    both = here.evidence.join(there.evidence, on=["identity_a", "identity_b"], how="full")
    assert (both["match_weight"] - both["match_weight_right"]).abs().max() < 1e-3
