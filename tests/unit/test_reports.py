"""The report, the tables as files and the priority cohort: what is printed, and what never is."""

import io
import re
from datetime import date
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import polars as pl
import profile_fixture as fixture
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from profile_pipeline import tables
from profile_pipeline.sharing.disclosure import safe_tables
from profile_pipeline.sharing.editions import describe
from profile_pipeline.sharing.tables_out import table_files
from profile_pipeline.workbooks import Sheet, csv_bytes, workbook_bytes
from reports import figures, language, sections
from reports.build import render
from reports.cohort import NOTICE, priority_cohort
from reports.context import ReportContext
from reports.markdown import escape, table

EDITION = fixture.settings().editions.sub_group
REPORTS = Path(language.__file__).parent


@cache
def safe() -> dict[str, pl.DataFrame]:
    """Return the fixture's tables as the sub-group sees them."""
    pack = fixture.profile_tables()
    pack["regional_summary"] = fixture.regional(pack["cohort_by_quarter"])
    pack["key_findings"] = pl.DataFrame(
        {
            "order": [1],
            "finding": ["{n:3} of {n:121} children with three indicators are not listed."],
            "confidence": ["medium"],
            "table": ["overlap_distribution"],
            "strand": ["protect"],
        }
    )
    return safe_tables(pack, EDITION)


def context(**changes: object) -> ReportContext:
    """Return what the sub-group's report is made from."""
    values: dict[str, object] = {
        "settings": fixture.settings(),
        "tables": safe(),
        "deliveries": fixture.deliveries(),
        "edition": "CSE/Missing sub-group",
        "disclosure": describe(EDITION),
    }
    return ReportContext(**(values | changes))  # type: ignore[arg-type]


def markdown(**changes: object) -> str:
    """Return the report's Markdown without charts."""
    return render(context(**changes), {}, {}, "svg")


def test_every_section_is_there_in_order() -> None:
    headings = re.findall(r"^# (\d+)\. ", markdown(), re.MULTILINE)
    assert headings == [str(number) for number in range(1, 15)]


def test_a_finding_names_its_table_and_confidence_and_hides_small_counts() -> None:
    line = next(line for line in markdown().splitlines() if line.startswith("1. Fewer than 5"))
    assert "confidence medium" in line
    assert "overlap\\_distribution" in line


def test_a_neighbour_s_summary_stands_beside_our_own_count() -> None:
    cohort = safe()["cohort_by_quarter"]
    last = str(cohort["quarter"].max())
    ours = cohort.filter(quarter=last, risk_level="all")["children"].item()
    levels = dict.fromkeys(("at_risk", "significant", "serious"), "")
    neighbours = pl.DataFrame(
        [
            {"authority": "Eastvale", "quarter": "2014-15 Q1", "total": "71", **levels},
            {"authority": "Eastvale", "quarter": last, "total": "88", **levels, "at_risk": "61"},
        ]
    )
    text = markdown(tables={**safe(), "regional_summary": neighbours}).replace("\\", "")
    region = text[text.index("## The region") :].split("\n## ")[0]
    rows = [[c.strip() for c in line.split("|")] for line in region.splitlines() if "|" in line]
    named = {row[1]: row[2:4] for row in rows}
    assert named[f"{fixture.settings().area.name} (this profile)"] == [last, ours]
    assert named["Eastvale"] == [last, "88"]


def test_a_short_period_is_warned_of() -> None:
    short = {"start": date(2015, 10, 1), "end": date(2016, 3, 31)}
    assert "shorter than 12 months" in markdown(settings=fixture.settings(period=short))
    assert "shorter than 12 months" not in markdown()


def test_a_missing_delivery_stands_in_the_matrix() -> None:
    row = next(line for line in markdown().splitlines() if line.startswith("| police missing |"))
    assert [cell.strip() for cell in row.strip("|").split("|")][2:] == [
        *["yes"] * 6, "**no**", "yes",
    ]  # fmt: skip


def test_a_report_of_empty_tables_states_gaps_and_no_figure() -> None:
    empty = {
        name: pl.DataFrame(schema=dict.fromkeys(t.polars_schema, pl.String))
        for name, t in tables.PROFILE.items()
    }
    text = markdown(tables=empty)
    assert text.count("This is a gap") >= 8
    assert markdown(tables={}).count("This is a gap") >= 8


def test_the_share_not_recorded_and_the_denominator_stand_with_every_dimension() -> None:
    captions = [line for line in markdown().splitlines() if "children by quarter" in line]
    assert len(captions) == len(fixture.DIMENSIONS)
    assert all("not recorded" in line and re.search(r"of \d+ in", line) for line in captions)


def test_text_of_agencies_is_inert_markdown() -> None:
    text = markdown()
    assert "<script>" not in text
    assert "[a](http" not in text
    assert "*bold*" not in text.replace("\\*bold\\*", "")


@effort(max_examples=200, deadline=None)
@given(st.text())
def test_any_value_stays_in_its_cell(value: str) -> None:
    lines = table(["a", "b"], [[value, "x"]]).splitlines()
    assert len(lines) == 3
    cell_ends = re.findall(r"(?<!\\)(?:\\\\)*\|", lines[2])
    assert len(cell_ends) == 3
    plain = re.sub(r"\\(.)", r"\1", escape(value))
    assert plain.split() == "".join(c if c.isprintable() else " " for c in value).split()


def drawn_values(chart: figures.Chart) -> list[dict[str, object]]:
    """Return the rows that a chart is drawn from: all that its file can hold."""
    (values,) = chart.spec["datasets"].values()
    return values


def test_charts_hold_no_figure_that_the_tables_suppress() -> None:
    charts = figures.draw(safe(), {})
    cohort = safe()["cohort_by_quarter"]
    drawn = drawn_values(charts["cohort"])
    assert (
        len(drawn)
        == cohort.filter((pl.col("risk_level") != "all") & (pl.col("children") != "[c]")).height
    )
    hidden = safe()["indicator_overlap"].filter(pl.col("children") == "[c]").height
    values = drawn_values(charts["overlap"])
    assert sum(row["count"] == figures.HIDDEN for row in values) == hidden > 0


def test_every_chart_says_in_words_what_it_shows() -> None:
    charts = figures.draw(safe(), {})
    assert set(charts) == {"cohort", "indicators", "overlap", "interviews", "representation"}
    assert all(len(chart.alt) > 60 for chart in charts.values())


def test_charts_of_nothing_are_left_out() -> None:
    assert figures.draw({}, {}) == {}
    hidden = safe()["cohort_by_quarter"].with_columns(children=pl.lit("[c]"))
    assert figures.draw({"cohort_by_quarter": hidden}, {}) == {}


@pytest.mark.parametrize(
    "path", [*REPORTS.glob("*.md"), *REPORTS.glob("*.html"), *REPORTS.glob("*.typ")], ids=str
)
def test_templates_use_no_word_that_blames_a_child(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    # The definition of the Department for Education is quoted as it stands.
    text = text.replace("coerce, manipulate or deceive a child under 18 into sexual activity", "")
    assert language.check_language(text) == []


def test_headings_and_notices_made_by_code_use_no_word_that_blames_a_child() -> None:
    made = [*NOTICE, *(column.description for t in tables.PROFILE.values() for column in t.columns)]
    assert language.check_language("\n".join(made)) == []
    assert language.check_language(markdown().replace("\\", "")) == []


def test_the_language_guard_names_line_and_alternative() -> None:
    (found,) = language.check_language("fine\nshe has a Boyfriend")
    assert (found.line, found.phrase) == (2, "boyfriend")
    assert "person of concern" in found.instead


@pytest.mark.parametrize("start", ["=1+1", "+1", "@SUM(A1)", "-2+3", "\t=1", "-cmd|' /C calc'!A0"])
def test_no_cell_is_read_as_a_formula(start: str) -> None:
    frame = pl.DataFrame({"text": [start]})
    assert csv_bytes(frame).decode().split("\n")[1].lstrip('"').startswith("'")
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes([Sheet("a", frame)], "t")))
    assert book["a"]["A2"].data_type == "s"
    assert book["a"]["A2"].value.startswith("'")


def test_negative_numbers_stay_numbers_in_csv() -> None:
    assert csv_bytes(pl.DataFrame({"n": ["-2.5", "[c]"]})) == b"n\n-2.5\n[c]\n"


def test_tables_are_csv_files_and_one_workbook_with_contents() -> None:
    files = table_files(safe(), EDITION)
    assert set(files) == {f"{name}.csv" for name in tables.PROFILE} | {"tables.xlsx"}
    read = pl.read_csv(files["victim_profile.csv"], infer_schema=False).fill_null("")
    assert read.equals(safe()["victim_profile"])
    book = openpyxl.load_workbook(io.BytesIO(files["tables.xlsx"]))
    assert book.sheetnames[:2] == ["contents", "columns"]
    assert "Counts from 1 to 4 are suppressed" in book["contents"]["A1"].value
    assert book["victim_profile"].freeze_panes == "A2"


def test_percents_in_the_workbook_are_numbers() -> None:
    files = table_files(safe(), EDITION)
    page = openpyxl.load_workbook(io.BytesIO(files["tables.xlsx"]))["victim_profile"]
    head = [cell.value for cell in page[1]]
    percents = [page.cell(row, head.index("percent") + 1) for row in range(2, page.max_row + 1)]
    shares = [cell for cell in percents if cell.value not in (None, "", "[c]")]
    assert shares
    assert {cell.data_type for cell in shares} == {"n"}
    assert {cell.number_format for cell in shares} == {"0.0"}


def test_a_code_with_a_leading_zero_stays_a_text() -> None:
    frame = pl.DataFrame({"code": ["007"], "version": ["1.10"], "said": ["in 1.5 hours"]})
    frame = pl.concat([frame, pl.DataFrame({"code": ["8"], "version": ["x"], "said": ["-"]})])
    page = openpyxl.load_workbook(io.BytesIO(workbook_bytes([Sheet("a", frame)], "t")))["a"]
    assert [cell.value for cell in page[2]] == ["007", "1.10", "in 1.5 hours"]


def test_the_same_tables_make_the_same_files() -> None:
    assert table_files(safe(), EDITION) == table_files(safe(), EDITION)


def cohort_frames() -> dict[str, pl.DataFrame]:
    """Return four invented children, three of whom have three indicators or more."""
    overlap = [("p3", 3), ("p1", 3), ("p2", 4), ("p4", 2)]
    names = ["a", "b", "c", "d"]
    day = date(2016, 1, 5)
    return {
        "person_overlap": pl.DataFrame(
            [(p, n, " + ".join(names[:n]), 2, 1, p == "p1", False, "indicators_only")
             for p, n in overlap],
            schema=tables.PERSON_OVERLAP.polars_schema, orient="row",
        ),
        "person_indicators": pl.DataFrame(
            [(p, i, day, day, 2, 1, ["police_missing"]) for p, n in overlap for i in names[:n]],
            schema=tables.PERSON_INDICATORS.polars_schema, orient="row",
        ),
        "person": pl.DataFrame(
            [(p, "child", None, "female", *[None] * 5, "=ward", 2, 2, 2, True, None)
             for p, _ in overlap],
            schema=tables.PERSON.polars_schema, orient="row",
        ),
        "indicator_event": pl.DataFrame(
            [("police_missing", "f.csv", k, "child", f"r{k}", i, day, "2015-16 Q4")
             for k, (_, n) in enumerate(overlap) for i in names[:n]],
            schema=tables.INDICATOR_EVENT.polars_schema, orient="row",
        ),
        "record_person": pl.DataFrame(
            [("police_missing", "f.csv", k, "child", f"r{k}", p)
             for k, (p, _) in enumerate(overlap)],
            schema=tables.RECORD_PERSON.polars_schema, orient="row",
        ),
    }  # fmt: skip


def rows_of(book: openpyxl.Workbook, sheet: str) -> list[dict[str, object]]:
    """Return a sheet's rows by heading."""
    head, *rows = book[sheet].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_priority_cohort_counts_shows_ties_and_traces_to_rows() -> None:
    made = priority_cohort(**cohort_frames(), at_least=3, labels={"a": "Missing"})
    book = openpyxl.load_workbook(io.BytesIO(made))
    children = rows_of(book, "children")
    assert [(c["person_id"], c["number of indicators"]) for c in children] == [
        ("p2", 4), ("p1", 3), ("p3", 3),
    ]  # fmt: skip
    assert [c["children with this number"] for c in children] == [1, 2, 2]
    assert [c["known to CSE team"] for c in children] == ["no", "yes", "no"]
    reason = str(children[0]["why the child is here"])
    assert "Missing (2016-01-05 to 2016-01-05; 1 event; police_missing)" in reason
    sources = rows_of(book, "sources")
    assert len(sources) == 10
    # Where the row stands is not certain here, so the record is counted.
    where = (sources[0]["file"], sources[0]["where in the file"])
    assert where == ("f.csv", "record 3 of the file")
    assert not any("score" in str(heading) for heading in children[0])
    assert children[0]["ward"] == "'=ward"


def test_what_is_older_or_does_not_count_is_no_reason_to_be_in_the_cohort() -> None:
    frames = cohort_frames()
    old, day = date(2014, 5, 1), pl.col("person_id") == "p2"
    gone = day & (pl.col("indicator") == "a")
    frames["person_indicators"] = frames["person_indicators"].with_columns(
        pl.when(gone).then(0).otherwise("events_last_year").alias("events_last_year"),
        pl.when(day).then(pl.lit(old)).otherwise("first_date").alias("first_date"),
    )
    made = priority_cohort(
        **frames, at_least=3, labels={"a": "Missing", "b": "Excluded", "d": "Context"},
        counted=frozenset("abc"), window=["2015-16 Q4"],
    )  # fmt: skip
    child = rows_of(openpyxl.load_workbook(io.BytesIO(made)), "children")[0]
    why, else_ = str(child["why the child is here"]), str(child["earlier, or not counted"])
    assert "Missing" not in why
    assert "Context" not in why
    assert "Missing (2014-05-01" in else_
    assert "not counted" in else_
    # An indicator of both times: only its events of the last four quarters are a reason.
    assert "Excluded (2016-01-05 to 2016-01-05" in why


def test_children_harmed_and_not_known_to_the_team_come_first_whatever_their_number() -> None:
    frames = cohort_frames()
    frames["person_overlap"] = frames["person_overlap"].with_columns(
        pl.when(pl.col("person_id").is_in(["p1", "p4"]))
        .then(pl.lit("harmed")).otherwise("status").alias("status")
    )  # fmt: skip
    place = pl.DataFrame(
        [("police_missing", "f.csv", 0, 3)], schema=tables.FILE_ROWS.polars_schema, orient="row"
    )
    made = priority_cohort(**frames, at_least=3, harm=frozenset("a"), file_row=place)
    book = openpyxl.load_workbook(io.BytesIO(made))
    assert book.sheetnames[1] == "harmed, not known"
    # p1 is harmed too, and in the tracker; p4 has too few indicators for the cohort.
    [row] = rows_of(book, "harmed, not known")
    assert row["person_id"] == "p4"
    assert "a: f.csv, row 6 of the file" in str(row["recorded as harmed by"])
    assert row["who looks at the child"] is None


def test_without_a_tracker_nobody_is_said_to_be_unknown_to_the_team() -> None:
    frames = cohort_frames()
    frames["person_overlap"] = frames["person_overlap"].with_columns(
        pl.when(pl.col("person_id").is_in(["p1", "p4"])).then(pl.lit("harmed")).alias("status"),
        pl.lit(None, dtype=pl.Boolean).alias("known_to_cse"),
        pl.lit(None, dtype=pl.Boolean).alias("at_risk_now"),
    )
    made = priority_cohort(**frames, at_least=3, harm=frozenset("a"))
    book = openpyxl.load_workbook(io.BytesIO(made))
    for child in rows_of(book, "children"):
        assert child["harmed, not known to CSE team"] == "not held"
        assert child["known to CSE team"] == "not held"
    page = " ".join(str(cell) for row in book["harmed, not known"].values for cell in row)
    assert "p1" not in page
    assert "tracker is not held" in page


def test_the_priority_cohort_says_what_it_is_not() -> None:
    made = priority_cohort(**cohort_frames(), at_least=3)
    book = openpyxl.load_workbook(io.BytesIO(made))
    said = " ".join(str(row["please read"]) for row in rows_of(book, "notice"))
    assert "Absence of data is not low risk" in said
    assert "3 or more indicators" in said
    assert made == priority_cohort(**cohort_frames(), at_least=3)


def test_groups_whose_accuracy_is_not_estimated_yet_are_named() -> None:
    rows = [
        ("all", "all", "precision", "99.0", "95.0", "100.0", ""),
        ("ethnic_group", "Asian", "precision", "", "", "", "fewer than 20 pairs decided"),
    ]
    names = ["dimension", "category", "measure", "value", "lower", "upper", "note"]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    told = str(sections.linkage(SimpleNamespace(tables={"linkage_accuracy": frame})))
    assert "Asian" in told.split("Not yet estimated")[1]
    assert "\\\\" not in told  # an escape escaped again prints its backslash


def test_the_cohort_s_size_is_shown_at_other_thresholds_of_the_linkage() -> None:
    counts = [(5.0, 2, 40), (5.0, 3, 9), (5.0, 4, 3), (11.0, 2, 44), (11.0, 3, 8)]
    frame = pl.DataFrame(
        counts, schema=tables.OVERLAP_BY_THRESHOLD.polars_schema, orient="row"
    )  # fmt: skip
    made = priority_cohort(**cohort_frames(), at_least=3, by_threshold=frame)
    page = openpyxl.load_workbook(io.BytesIO(made))["other thresholds"]
    rows = [list(line) for line in page.iter_rows(min_row=3, values_only=True)]
    assert rows[0][:2] == ["match weight from which records join", "3 or more (the cohort)"]
    assert [row[:2] for row in rows[1:]] == [[5, 12], [11, 8]]
    assert rows[2][rows[0].index("4 indicators")] == 0
