"""Disclosure control: small counts, what follows from them, and texts that carry counts."""

import polars as pl
import profile_fixture as fixture
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from profile_pipeline import tables
from profile_pipeline.errors import ContractError
from profile_pipeline.plan.settings import Edition, Editions
from profile_pipeline.sharing import editions
from profile_pipeline.sharing.disclosure import exact_texts, safe_tables, solvable_cells
from profile_pipeline.sharing.figures import with_texts
from profile_pipeline.tables import SUPPRESSED

SUB_GROUP = Editions().sub_group
PUBLIC = Editions().public
PACK = fixture.profile_tables()


def victims(
    counts: dict[str, int], dimension: str = "kind", total: int | None = None
) -> pl.DataFrame:
    """Return a victim profile of one dimension with the counts given."""
    values = [name for name, count in counts.items() for _ in range(count)]
    rows = fixture.dimension_rows(
        "2015-16 Q4",
        dimension,
        values,
        tuple(name for name in counts if name != tables.NOT_RECORDED),
        "children",
    )
    return tables.conform(
        pl.DataFrame(rows, infer_schema_length=None), tables.PROFILE["victim_profile"]
    )


def printed(frame: pl.DataFrame, edition: Edition, column: str = "children") -> dict[str, str]:
    """Return what is printed for each category of a one-dimension victim profile."""
    safe = safe_tables({"victim_profile": frame}, edition)["victim_profile"]
    return dict(safe.select("category", column).rows())


@pytest.mark.parametrize(
    ("count", "edition", "expected"),
    [
        (0, SUB_GROUP, "0"),
        (1, SUB_GROUP, SUPPRESSED),
        (4, SUB_GROUP, SUPPRESSED),
        (5, SUB_GROUP, "5"),
        (0, PUBLIC, "0"),
        (7, PUBLIC, SUPPRESSED),
        (8, PUBLIC, "10"),
    ],
)
def test_counts_up_to_the_threshold_are_suppressed(
    count: int, edition: Edition, expected: str
) -> None:
    frame = victims({"a": count, "b": 40, "c": 41})
    assert printed(frame, edition)["a"] == expected


def test_a_second_cell_is_suppressed_so_that_the_total_solves_nothing() -> None:
    shown = printed(victims({"a": 2, "b": 30, "c": 40}), SUB_GROUP)
    assert shown == {"a": SUPPRESSED, "b": SUPPRESSED, "c": "40", "not recorded": "0", "all": "72"}


def test_two_small_cells_that_sum_to_less_than_the_threshold_need_a_third() -> None:
    shown = printed(victims({"a": 1, "b": 1, "c": 40, "d": 50}), SUB_GROUP)
    assert shown["c"] == SUPPRESSED
    assert shown["d"] == "50"


def test_percentages_go_with_the_number_not_recorded() -> None:
    shown = printed(victims({"a": 20, "b": 30, "not recorded": 2}), SUB_GROUP, "percent")
    # 30 / 0.6 = 50 recorded of 52 would give the two away.
    assert shown["b"] == SUPPRESSED


@pytest.mark.parametrize(("recorded", "percent"), [(9, SUPPRESSED), (10, "50.0")])
def test_percentages_need_the_least_denominator(recorded: int, percent: str) -> None:
    half = recorded // 2
    edition = Edition(suppress_up_to=2)
    shown = printed(victims({"a": half, "b": recorded - half}), edition, "percent")
    assert shown["a"] == percent


def test_rounded_percentages_come_from_rounded_figures() -> None:
    frame = victims({"a": 23, "b": 64})
    assert printed(frame, PUBLIC) == {"a": "25", "b": "65", "not recorded": "0", "all": "85"}
    assert printed(frame, PUBLIC, "percent")["a"] == "29.4"  # 25 / 85


def test_ages_widen_before_they_are_suppressed() -> None:
    frame = victims(dict(zip(tables.AGE_BANDS, (2, 1, 3, 40, 41), strict=True)), "age_band")
    shown = printed(frame, SUB_GROUP)
    assert shown == {
        "under 14": "6",
        "14-15": "40",
        "16-17": "41",
        "not recorded": "0",
        "all": "87",
    }


def test_a_screened_group_does_not_give_away_who_was_not_screened() -> None:
    frame = pl.DataFrame({"group": ["a"], "children": [100], "screened": [98], "percent": [98.0]})
    safe = safe_tables({"screening_coverage": frame}, SUB_GROUP)["screening_coverage"]
    assert safe.row(0) == ("a", "100", SUPPRESSED, SUPPRESSED)


def test_a_count_of_events_is_judged_by_the_people_behind_it() -> None:
    frame = pl.DataFrame(
        {"quarter": ["2015-16 Q4"] * 2, "outcome": ["arrest", "charge"], "count": [12, 12]}
    )
    behind = {"disruption_outcomes": pl.DataFrame({"count": [2, 9]})}
    safe = safe_tables({"disruption_outcomes": frame}, SUB_GROUP, behind)["disruption_outcomes"]
    assert safe["count"].to_list() == [SUPPRESSED, "12"]


def test_children_and_events_do_not_bound_the_repeat_children() -> None:
    frame = pl.DataFrame(
        {
            "indicator": ["a"],
            "children": [6],
            "events": [7],
            "repeat_children": [1],
            "sources": ["x"],
        }
    )
    tables_in = {"indicator_prevalence": frame}
    safe = safe_tables(tables_in, SUB_GROUP)
    assert safe["indicator_prevalence"].row(0)[1:4] != ("6", "7", SUPPRESSED)
    assert solvable_cells(tables_in, safe, SUB_GROUP) == []


@pytest.mark.parametrize("edition", [SUB_GROUP, PUBLIC], ids=["sub_group", "public"])
def test_nothing_in_a_whole_pack_can_be_solved(edition: Edition) -> None:
    pack = {**PACK, "regional_summary": fixture.regional(PACK["cohort_by_quarter"])}
    safe = safe_tables(pack, edition)
    assert solvable_cells(pack, safe, edition) == []
    own = safe["regional_summary"].row(0)[2:]
    cohort = safe["cohort_by_quarter"].filter(pl.col("quarter") == fixture.QUARTERS[-1])
    assert set(own) == set(cohort["children"].to_list())


def test_the_checker_finds_a_cell_that_another_table_gives_away() -> None:
    safe = safe_tables(PACK, SUB_GROUP)
    # The same count in `representation` and in the victim profile: print one of them again.
    rows = (
        safe["representation"]
        .with_row_index()
        .filter((pl.col("dimension") == "ethnic_group") & (pl.col("known") == SUPPRESSED))
    )
    row = int(rows["index"][0])
    exact = str(PACK["representation"]["known"][row])
    known = safe["representation"]["known"].to_list()
    known[row] = exact
    leaky = {
        **safe,
        "representation": safe["representation"].with_columns(pl.Series("known", known)),
    }
    found = solvable_cells(PACK, leaky, SUB_GROUP)
    assert ("representation", row, "known") in found


def test_the_checker_finds_a_lone_suppressed_cell_beside_its_total() -> None:
    pack = {"victim_profile": victims({"a": 2, "b": 30, "c": 40})}
    safe = safe_tables(pack, SUB_GROUP)["victim_profile"]
    leaky = safe.with_columns(children=pl.Series([SUPPRESSED, "30", "40", "0", "72"]))
    found = solvable_cells(pack, {"victim_profile": leaky}, SUB_GROUP)
    assert found == [("victim_profile", 0, "children")]


def test_the_restricted_edition_is_exact() -> None:
    safe = safe_tables(PACK, None)
    assert SUPPRESSED not in safe["victim_profile"]["children"].to_list()
    assert "{n:" not in " ".join(safe["intelligence_gaps"]["finding"].to_list())
    assert (
        safe["cohort_by_quarter"]["children"]
        .cast(pl.Int64)
        .equals(PACK["cohort_by_quarter"]["children"])
    )


def test_texts_hide_small_counts_and_counts_suppressed_for_others() -> None:
    frame = victims({"a": 2, "b": 30, "c": 40})
    gap = {
        "gap": "G001", "theme": "victims", "evidence": "victim_profile", "agency": "x",
        "question": "x", "due": None, "priority": "high",
        "finding": "{a} of {all}, {b} and {pct:b÷all}; {n:2} rows and {n:30} rows",
    }  # fmt: skip
    quarter, dimension = frame.row(0)[:2]
    for name in ("a", "b", "all"):
        place = f"cell:victim_profile|{quarter}|{dimension}|{name}|children"
        gap["finding"] = gap["finding"].replace("{" + name + "}", "{" + place + "}")
        gap["finding"] = gap["finding"].replace(f"{name}÷", f"{place}÷")
        gap["finding"] = gap["finding"].replace(f"÷{name}", f"÷{place}")
    pack = {"victim_profile": frame, "intelligence_gaps": pl.DataFrame([gap])}
    safe = safe_tables(pack, SUB_GROUP)["intelligence_gaps"]
    # Of the table's 30 nothing is told, of 30 rows that no table counts all is.
    assert safe["finding"][0] == (
        "[number withheld] of 72, [number withheld] and [share withheld]; fewer than 5 rows and 30"
        " rows"
    )


@pytest.mark.parametrize(
    ("text", "edition", "expected"),
    [
        ("{n:3} children", SUB_GROUP, "Fewer than 5 children"),
        ("{n:12} children", SUB_GROUP, "12 children"),
        ("{n:0} children", SUB_GROUP, "0 children"),
        ("{n:12} children", PUBLIC, "10 children"),
        ("{held:12} reports", SUB_GROUP, f"{editions.WITHHELD_NUMBER} reports"),
        ("{held:12} reports", None, "12 reports"),
        ("of {pct:3/40}", SUB_GROUP, f"of {editions.WITHHELD_SHARE}"),
        ("of {pct:39/40}", SUB_GROUP, f"of {editions.WITHHELD_SHARE}"),
        ("{pct:5/40}", SUB_GROUP, "12.5%"),
        ("{pct:3/40}", None, "7.5%"),
        ("{n:3}", None, "3"),
        ("{n:three} and {pct:3}", SUB_GROUP, "[c] and [c]"),
    ],
)
def test_placeholders_are_written_for_the_edition(
    text: str, edition: Edition | None, expected: str
) -> None:
    gap = {"gap": ["G001"], "finding": [text]}
    safe = with_texts({"intelligence_gaps": pl.DataFrame(gap)}, edition, {})
    assert safe["intelligence_gaps"]["finding"].item() == expected


def interviews(*late: int) -> pl.DataFrame:
    quarters = [f"2015-16 Q{number}" for number in range(1, len(late) + 1)]
    return pl.DataFrame(
        {"quarter": quarters, "episodes": 90, "due": 60, "late": late, "none": 12}
    ).with_columns(within_72_hours=pl.col("due") - pl.col("late") - pl.col("none"))[
        ["quarter", "episodes", "due", "within_72_hours", "late", "none"]
    ]


def told(finding: str, **tables_in: pl.DataFrame) -> tuple[str, dict[str, pl.DataFrame]]:
    gap = {
        "gap": "G001", "theme": "x", "evidence": finding, "agency": "x", "question": "x",
        "due": None, "priority": "high", "finding": finding,
    }  # fmt: skip
    pack = {**tables_in, "intelligence_gaps": pl.DataFrame([gap])}
    safe = safe_tables(pack, SUB_GROUP)
    assert solvable_cells(pack, safe, SUB_GROUP) == []
    assert exact_texts("intelligence_gaps", pack).columns == list(gap)
    row = safe["intelligence_gaps"].row(0, named=True)
    assert row["finding"] == row["evidence"]
    return row["finding"], safe


SUM = "{sum:" + "⊕".join(f"cell:return_interviews|2015-16 Q{q}|late" for q in (1, 2, 3, 4)) + "}"


def test_a_sum_in_a_text_does_not_give_away_the_one_small_cell_it_holds() -> None:
    """20 + 14 + 9 + [c] = 46 would tell the 3: the sum or another part of it has to go as well."""
    text, safe = told(f"{SUM} late.", return_interviews=interviews(20, 14, 9, 3))
    printed = safe["return_interviews"]["late"].to_list()
    assert printed[3] == SUPPRESSED
    assert text == "[number withheld] late." or SUPPRESSED in printed[:3]
    exact = {"return_interviews": interviews(20, 14, 9, 3)}
    gap = pl.DataFrame({"gap": ["G001"], "finding": [SUM]})
    assert exact_texts("intelligence_gaps", {**exact, "intelligence_gaps": gap}).row(0) == (
        "G001",
        "46",
    )


def test_a_sum_of_what_is_printed_is_printed() -> None:
    assert told(f"{SUM} late.", return_interviews=interviews(20, 14, 9, 7))[0] == "50 late."


def test_a_text_that_prints_a_withheld_figure_is_found_out() -> None:
    """The judge reads what is printed, however it was made."""
    pack = {"return_interviews": interviews(20, 14, 9, 3)}
    gap = pl.DataFrame({"gap": ["G001"], "finding": [SUM + " late."]})
    tables_in = {**pack, "intelligence_gaps": gap}
    safe = safe_tables(tables_in, SUB_GROUP)
    bare = safe_tables(pack, SUB_GROUP)["return_interviews"]
    leaky = {
        "return_interviews": bare,
        "intelligence_gaps": gap.with_columns(finding=pl.lit("46 late.")),
    }
    assert solvable_cells(tables_in, safe, SUB_GROUP) == []
    assert solvable_cells(tables_in, leaky, SUB_GROUP)


def test_what_a_share_leaves_over_is_protected_too() -> None:
    """58 of 60 would tell that 2 were none of them."""
    quarter = "2015-16 Q1|"
    share = f"{{pct:cell:return_interviews|{quarter}due÷cell:return_interviews|{quarter}episodes}}"
    frame = interviews(20).with_columns(episodes=pl.lit(62))
    assert told(f"{share} were due.", return_interviews=frame)[0] == "[share withheld] were due."


def test_hotspot_bands_within_the_threshold_are_widened() -> None:
    assert safe_tables(PACK, SUB_GROUP)["hotspots"]["count_band"].to_list() == ["20-29", "5-9"]
    assert safe_tables(PACK, PUBLIC)["hotspots"]["count_band"].to_list() == [
        "20-29",
        "fewer than 10",
    ]


def test_a_table_without_a_rule_is_refused() -> None:
    with pytest.raises(ContractError, match="no disclosure rule for names"):
        safe_tables({"names": pl.DataFrame()}, SUB_GROUP)


def test_the_same_pack_is_printed_the_same_way() -> None:
    first, second = safe_tables(PACK, SUB_GROUP), safe_tables(PACK, SUB_GROUP)
    assert all(first[name].equals(second[name]) for name in PACK)


@effort(max_examples=40, deadline=None)
@given(
    counts=st.lists(st.integers(0, 30), min_size=1, max_size=7),
    edition=st.sampled_from([SUB_GROUP, PUBLIC, Edition(suppress_up_to=2)]),
)
def test_no_total_ever_solves_a_small_count(counts: list[int], edition: Edition) -> None:
    """An attacker's arithmetic, apart from the linear programme: sums of one dimension by hand."""
    frame = victims({f"c{number}": count for number, count in enumerate(counts)})
    shown = printed(frame, edition)
    top, base = edition.suppress_up_to, edition.round_to
    total = shown.pop("all")
    hidden = [name for name, text in shown.items() if text == SUPPRESSED]
    known = [int(text) for text in shown.values() if text != SUPPRESSED]
    assert all(number == 0 or number > top - base // 2 for number in known)
    if not hidden or total == SUPPRESSED:
        return
    # Each printed figure stands for `figure - base // 2` to `figure + base - 1 - base // 2`.
    slack = base // 2
    most = int(total) + slack - sum(max(number - slack, 0) for number in known)
    assert len(hidden) > 1 or base > 1
    assert most >= top
    if len(hidden) == 1:
        least = int(total) - slack - sum(number + slack for number in known if number)
        assert least <= 1


@pytest.mark.slow
@effort(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(0, 200))
def test_whole_packs_of_any_size_are_safe(seed: int, size: int) -> None:
    pack = fixture.profile_tables(seed, size)
    for edition in (SUB_GROUP, PUBLIC):
        assert solvable_cells(pack, safe_tables(pack, edition), edition) == []


def test_looked_after_is_not_solved_from_the_legal_statuses() -> None:
    """`looked_after: yes` is the sum of the looked-after legal statuses: another table's total."""
    looked_after = victims({"yes": 32, "no": 63}, "looked_after")
    statuses = victims(
        {"LAC s.20": 20, "LAC s.31": 10, "LAC remand": 2, "none": 63}, "legal_status"
    )
    pack = {"victim_profile": pl.concat([looked_after, statuses])}
    assert solvable_cells(pack, safe_tables(pack, SUB_GROUP), SUB_GROUP) == []
    safe = safe_tables(pack, SUB_GROUP)["victim_profile"]
    shown = dict(
        safe.filter(pl.col("dimension") == "legal_status").select("category", "children").rows()
    )
    assert shown["LAC remand"] == SUPPRESSED
    assert shown["none"] == "63"  # of no use beside a sum of looked-after statuses alone
    assert shown["LAC s.31"] == SUPPRESSED


def test_the_cohorts_levels_and_the_victim_profile_are_one_figure() -> None:
    levels = {"at_risk": 68, "significant": 11, "serious": 3}
    cohort = pl.DataFrame(
        [("2015-16 Q4", level, n, 0, 0, n) for level, n in {**levels, "all": 82}.items()],
        schema=tables.PROFILE["cohort_by_quarter"].polars_schema,
        orient="row",
    )
    pack = {"cohort_by_quarter": cohort, "victim_profile": victims(levels, "risk_level")}
    safe = safe_tables(pack, SUB_GROUP)
    assert safe["cohort_by_quarter"]["children"].to_list() == ["68", "[c]", "[c]", "82"]
    assert safe["victim_profile"]["children"].to_list()[:3] == ["68", "[c]", "[c]"]


def test_a_text_quotes_a_cell_as_the_pack_prints_it() -> None:
    frame = victims({"a": 3, "b": 30, "c": 40})
    quarter = frame["quarter"][0]
    quote = "{cell:victim_profile|" + quarter + "|" + frame["dimension"][0] + "|%s|children}"
    gap = {
        "gap": "G001", "theme": "victims", "evidence": "x", "agency": "x", "question": "x",
        "due": None, "priority": "high",
        "finding": " and ".join(quote % category for category in ("a", "c", "nobody")),
    }  # fmt: skip
    pack = {"victim_profile": frame, "intelligence_gaps": pl.DataFrame([gap])}
    safe = safe_tables(pack, SUB_GROUP)
    printed = dict(safe["victim_profile"].select("category", "children").iter_rows())
    hidden = editions.WITHHELD_NUMBER
    told = hidden if printed["c"] == "[c]" else printed["c"]
    expected = f"{hidden} and {told} and {hidden}"
    assert safe["intelligence_gaps"]["finding"][0] == expected
    exact = safe_tables(pack, None)["intelligence_gaps"]["finding"][0]
    assert exact == f"3 and 40 and {hidden}"


def test_a_rate_goes_with_its_count_and_is_of_the_count_that_is_printed() -> None:
    edition = Edition(suppress_up_to=4)
    safe = safe_tables(PACK, edition)["representation"]
    exact = PACK["representation"]
    for name in ("known", "at_risk"):
        withheld = safe.filter(pl.col(name) == tables.SUPPRESSED)
        assert not withheld.is_empty()
        for column in (f"{name}_rate", f"{name}_rate_lower", f"{name}_rate_upper"):
            assert set(withheld[column]) == {tables.SUPPRESSED}
        shown = pl.Series(safe[name] != tables.SUPPRESSED)
        assert (
            safe.filter(shown)[f"{name}_rate"].cast(pl.Float64).to_list()
            == exact.filter(shown)[f"{name}_rate"].to_list()
        )
    assert "no difference beyond chance" not in set(
        safe.filter(pl.col("known") == tables.SUPPRESSED)["against_population"]
    )
    public = safe_tables(PACK, Edition(suppress_up_to=7, round_to=5, minimum_denominator=20))
    told = public["representation"].filter(pl.col("known") != tables.SUPPRESSED)
    assert told["known_rate"].to_list() == [f"{10.0 * int(known):.1f}" for known in told["known"]]
