"""The contract's tables, the documents and who may read them."""

from __future__ import annotations

import re
import stat

import polars as pl
import pytest

CONTRACT = {
    "cohort_by_quarter": "quarter risk_level children opened closed carried_over",
    "victim_profile": "quarter dimension category children percent not_recorded_percent",
    "suspect_profile": "quarter dimension category suspects percent not_recorded_percent",
    "location_profile": "quarter dimension category events percent not_recorded_percent",
    "indicator_prevalence": "indicator children events repeat_children sources",
    "indicator_overlap": "indicator_a indicator_b children",
    "overlap_distribution": "indicators children known_to_cse",
    "prevalence_estimate": "method observed estimate lower upper caveat",
    "representation": "dimension category known at_risk population ratio lower upper finding",
    "screening_coverage": "group children screened percent",
    "return_interviews": "quarter episodes due within_72_hours late none",
    "disruption_outcomes": "quarter outcome count",
    "hotspots": "hotspot wards count_band status when kinds_of_place layers",
    "intelligence_gaps": "gap theme finding evidence agency question due priority",
    "action_plan": "action lead target_date current_position measure outcome rag",
    "data_quality": "dataset agency quarter measure value",
}
COUNTS = {  # columns that count people or what stands for them
    "cohort_by_quarter": ["children", "opened", "closed", "carried_over"],
    "victim_profile": ["children"],
    "suspect_profile": ["suspects"],
    "location_profile": ["events"],
    "indicator_prevalence": ["children", "events", "repeat_children"],
    "indicator_overlap": ["children"],
    "overlap_distribution": ["children", "known_to_cse"],
    "prevalence_estimate": ["observed"],
    "representation": ["known", "at_risk", "population"],
    "screening_coverage": ["children", "screened"],
    "return_interviews": ["episodes", "due", "within_72_hours", "late", "none"],
    "disruption_outcomes": ["count"],
}
DOCUMENTS = ("html", "docx", "pdf")


@pytest.mark.parametrize("table", CONTRACT)
def test_table_exists_exact_and_controlled(exam, table):
    need = set(CONTRACT[table].split())
    exact = exam.sql(f"from profile.{table}")
    assert need <= set(exact.columns)
    assert not exact.is_empty()
    printed = exam.csv(table)
    assert need <= set(printed.columns)
    assert not printed.is_empty()


def test_tables_are_utf8_with_one_header_row(exam):
    for table in CONTRACT:
        raw = (exam.tables / f"{table}.csv").read_bytes()
        text = raw.decode("utf-8")
        assert not raw.startswith(b"\xef\xbb\xbf"), table
        assert text.splitlines()[0].replace('"', "").split(",")[:1] == [
            CONTRACT[table].split()[0]
        ], table


def test_workbook_holds_every_table(exam):
    import openpyxl

    book = openpyxl.load_workbook(exam.tables / "tables.xlsx", read_only=True)
    assert set(CONTRACT) <= set(book.sheetnames)


def test_workbook_prints_what_the_csv_prints(exam):
    import openpyxl

    book = openpyxl.load_workbook(exam.tables / "tables.xlsx", read_only=True)
    for table in COUNTS:
        rows = [
            [("" if c is None else str(c)) for c in row]
            for row in book[table].iter_rows(values_only=True)
        ]
        head = next(i for i, r in enumerate(rows) if r[0] == CONTRACT[table].split()[0])
        csv = exam.csv(table)
        for column in COUNTS[table]:
            at = rows[head].index(column)
            sheet = [r[at] for r in rows[head + 1 : head + 1 + csv.height]]
            assert sheet == csv[column].fill_null("").to_list(), (table, column)


# --- disclosure control


@pytest.mark.parametrize("table", COUNTS)
def test_no_count_of_one_to_four_is_printed(exam, table):
    printed = exam.csv(table)
    for column in COUNTS[table]:
        small = set(printed[column].drop_nulls()) & {"1", "2", "3", "4", "1.0", "2.0", "3.0", "4.0"}
        assert not small, column


def test_what_is_printed_is_true(exam):
    """Suppression hides; it never changes what it leaves."""
    for table, columns in COUNTS.items():
        keys = [c for c in CONTRACT[table].split() if c not in columns][:3]
        keys = [k for k in keys if k not in {"percent", "sources", "estimate", "lower", "ratio"}]
        exact = exam.sql(f"from profile.{table}").with_columns(pl.all().cast(pl.String))
        printed = exam.csv(table)
        both = printed.join(exact, on=keys, how="inner", suffix="_exact")
        assert both.height >= 0.5 * printed.height, table  # the ladder may merge some categories
        for column in columns:
            shown = both.filter(pl.col(column).str.contains(r"^\d"))
            wrong = shown.filter(
                pl.col(column).cast(pl.Float64) != pl.col(f"{column}_exact").cast(pl.Float64)
            )
            assert wrong.is_empty(), wrong.select(*keys, column, f"{column}_exact")


def test_small_counts_become_c_and_zero_stays_zero(exam):
    both = exam.csv("cohort_by_quarter").join(
        exam.sql("from profile.cohort_by_quarter").with_columns(pl.all().cast(pl.String)),
        on=["quarter", "risk_level"],
        suffix="_exact",
    )
    for column in COUNTS["cohort_by_quarter"]:
        small = both.filter(pl.col(f"{column}_exact").is_in(["1", "2", "3", "4"]))
        assert set(small[column]) <= {"[c]"}
    assert "0" in set(both["closed"])


SUMS = {  # a row 'all' is the sum of the others of its group
    "cohort_by_quarter": (
        ["quarter"],
        "risk_level",
        ["children", "opened", "closed", "carried_over"],
    ),
    "victim_profile": (["quarter", "dimension"], "category", ["children"]),
    "suspect_profile": (["quarter", "dimension"], "category", ["suspects"]),
    "location_profile": (["quarter", "dimension"], "category", ["events"]),
    "disruption_outcomes": (["quarter"], "outcome", ["count"]),
    "representation": (["dimension"], "category", ["known", "at_risk"]),
}


@pytest.mark.parametrize("table", SUMS)
def test_suppressed_cells_are_not_solvable_within_a_table(exam, table):
    """The bounds of every [c] of a group that adds up still contain 1 to 4.

    The attack is a reader's with a linear programme: parts add up to their printed total, what
    is printed is exact, what is suppressed is a whole number of at least 0; in the cohort,
    children = opened + carried over too.
    """
    group, part, columns = SUMS[table]
    exact = exam.sql(f"from profile.{table}")
    broken = []
    for key, rows in exam.csv(table).group_by(group, maintain_order=True):
        if "all" not in rows[part].to_list():
            continue
        truth = exact.filter([pl.col(g) == k for g, k in zip(group, key, strict=True)])
        cells = {(p, c): v for c in columns for p, v in zip(rows[part], rows[c], strict=True)}
        adds_up = all(
            truth.filter(pl.col(part) != "all")[c].sum()
            == truth.filter(pl.col(part) == "all")[c].sum()
            for c in columns
        )
        equations = [
            ([((p, c), 1) for p in rows[part] if p != "all"] + [(("all", c), -1)])
            for c in columns
            if adds_up
        ]
        if table == "cohort_by_quarter":
            equations += [
                [((p, "children"), 1), ((p, "opened"), -1), ((p, "carried_over"), -1)]
                for p in rows[part]
            ]
        broken += [
            (*key, *cell, low, high)
            for cell, low, high in bounds(cells, equations)
            if low > 1 or high < 4
        ]
    small = [b for b in broken if is_small(exact, group, part, b)]
    assert not small, small[:8]


def is_small(exact, group, part, found) -> bool:
    """Whether a cell that can be narrowed down is really one of 1 to 4 (the others harm no one)."""
    *key, name, column, _, _ = found
    cell = exact.filter([pl.col(g) == k for g, k in zip([*group, part], [*key, name], strict=True)])
    return cell.is_empty() or 1 <= cell[column][0] <= 4


def bounds(cells, equations):
    """Lowest and highest value of every suppressed cell, from all that is printed."""
    import numpy as np
    from scipy.optimize import linprog

    hidden = [c for c, v in cells.items() if v == "[c]"]
    if not hidden:
        return []
    at = {c: i for i, c in enumerate(hidden)}
    left, right = [], []
    for equation in equations:
        if any(cells.get(cell) == "[x]" for cell, _ in equation):
            continue  # not held: nobody knows it, so nothing can be worked out from it
        row, rest = np.zeros(len(hidden)), 0.0
        for cell, sign in equation:
            if cell in at:
                row[at[cell]] += sign
            else:
                rest -= sign * float(cells.get(cell) or 0)
        if row.any():
            left.append(row)
            right.append(rest)
    found = []
    for cell in hidden:
        goal = np.zeros(len(hidden))
        goal[at[cell]] = 1
        low, high = (
            linprog(sign * goal, A_eq=left or None, b_eq=right or None, bounds=(0, None))
            for sign in (1, -1)
        )
        assert low.status != 2, f"{cell}: what is printed contradicts itself"
        found.append((cell, low.fun, np.inf if high.status == 3 else -high.fun))
    return found


def test_a_withheld_count_is_not_given_away_by_its_percent(exam):
    for table in ("victim_profile", "suspect_profile", "location_profile", "screening_coverage"):
        count = COUNTS[table][-1]
        leak = exam.csv(table).filter(pl.col(count) == "[c]", pl.col("percent").str.contains(r"\d"))
        assert leak.is_empty(), leak


@pytest.mark.parametrize("table", ["victim_profile", "suspect_profile", "location_profile"])
def test_a_withheld_not_recorded_is_not_given_away_by_shares(exam, table):
    """A printed share tells the number recorded, and the total less that is what is withheld."""
    count = COUNTS[table][0]
    exact = exam.sql(f"from profile.{table}")
    leaks = []
    for key, rows in exam.csv(table).group_by("quarter", "dimension", maintain_order=True):
        cells = {r["category"]: r for r in rows.to_dicts()}
        if cells["not recorded"][count] != "[c]" or cells["all"][count] == "[c]":
            continue
        whole = int(cells["all"][count])
        truth = exact.filter(quarter=key[0], dimension=key[1], category="not recorded")[count][0]
        shares = [
            (float(r["percent"]), int(r[count]))
            for r in cells.values()
            if r["category"] not in {"all", "not recorded"}
            and r[count] not in {"[c]", "0"}
            and re.match(r"\d", r["percent"] or "")
        ]
        fits = [
            n
            for n in range(whole)
            if all(abs(100 * x / (whole - n) - p) <= 0.051 for p, x in shares)
        ]
        stated = {r["not_recorded_percent"] for r in cells.values()} - {"[c]", None, ""}
        fits = [n for n in fits if all(abs(100 * n / whole - float(p)) <= 0.051 for p in stated)]
        if 1 <= truth <= 4 and not {1, 2, 3, 4} <= set(fits):
            leaks.append((*key, truth, fits))
    assert not leaks, leaks[:5]


def test_one_figure_is_withheld_in_both_tables_or_in_neither(exam):
    cohort = dict(
        exam.csv("cohort_by_quarter")
        .select(pl.concat_str("quarter", "risk_level"), "children")
        .iter_rows()
    )
    victims = dict(
        exam.csv("victim_profile")
        .filter(dimension="risk_level")
        .select(pl.concat_str("quarter", "category"), "children")
        .iter_rows()
    )
    both = cohort.keys() & victims.keys()
    assert both
    assert {k: cohort[k] for k in both} == {k: victims[k] for k in both}


WITHHELD = re.compile(r"\b[1-4] (?:of \d+ )?(?:children|child|girls|boys|victims)\b", re.I)


def test_no_sentence_counts_one_to_four_children(exam):
    for table in ("intelligence_gaps", "action_plan"):
        for row in exam.csv(table).to_dicts():
            assert not WITHHELD.search(" ".join(str(v) for v in row.values())), row
    assert not WITHHELD.search(page_text(exam))


def test_sentences_read_as_sentences(exam):
    """Where a number is withheld the sentence around it still has to say something."""
    for finding in exam.csv("intelligence_gaps")["finding"]:
        assert "(a share (withheld" not in finding, finding
        assert "a number withheld" not in finding.split("named in ")[-1], finding


# --- documents


def page_text(exam) -> str:
    html = (exam.output / "sub_group" / "problem_profile.html").read_text("utf-8")
    html = re.sub(r"<(script|style)[\s\S]*?</\1>", " ", html)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def docx_text(exam) -> str:
    import docx

    book = docx.Document(str(exam.output / "sub_group" / "problem_profile.docx"))
    cells = [c.text for t in book.tables for r in t.rows for c in r.cells]
    return re.sub(r"\s+", " ", " ".join([p.text for p in book.paragraphs] + cells))


def pdf_text(exam) -> str:
    import pypdf

    book = pypdf.PdfReader(exam.output / "sub_group" / "problem_profile.pdf")
    return re.sub(r"\s+", " ", " ".join(p.extract_text() for p in book.pages))


READ = {"html": page_text, "docx": docx_text, "pdf": pdf_text}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_problem_profile_opens_and_tells_the_headline(exam, kind):
    text = READ[kind](exam)
    assert "95 children" in text
    assert "31 March 2016" in text
    assert "Child and adolescent mental health" in text
    assert "Intelligence gaps" in text


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_problem_profile_holds_every_gap(exam, kind):
    text = READ[kind](exam)
    for finding in exam.csv("intelligence_gaps")["finding"].to_list():
        start = " ".join(finding.split()[:4])
        import html

        assert start in html.unescape(text).replace("’", "'").replace("‘", "'"), finding


@pytest.mark.parametrize("page", ["sub_group/problem_profile.html", "panel/hotspot_map.html"])
def test_page_loads_nothing_from_elsewhere(exam, page):
    html = (exam.output / page).read_text("utf-8")
    loads = re.findall(
        r"""(?:<(?:script|link|img|iframe|object|embed|source|audio|video)\b[^>]*?"""
        r"""\s(?:src|href|data|srcset)\s*=\s*["']?|url\(\s*["']?|@import\s+["'])"""
        r"""(?!data:|\#)([^"'\s>)]+)""",
        html,
        re.I,
    )
    assert not [x for x in loads if re.match(r"(?:https?:)?//|\w+\.", x)], loads[:5]
    assert not re.search(r"https?://[^\s\"']*tile", html)


def test_report_has_no_external_address_at_all(exam):
    html = (exam.output / "sub_group" / "problem_profile.html").read_text("utf-8")
    assert set(re.findall(r"https?://[^\s\"'<>)]+", html)) <= {"http://www.w3.org/2000/svg"}


def test_word_and_pdf_reach_for_nothing(exam):
    import zipfile

    import pypdf

    with zipfile.ZipFile(exam.output / "sub_group" / "problem_profile.docx") as z:
        for name in z.namelist():
            if name.endswith(".rels"):
                assert b'TargetMode="External"' not in z.read(name), name
    book = pypdf.PdfReader(exam.output / "sub_group" / "problem_profile.pdf")
    assert not [
        a
        for p in book.pages
        for a in p.get("/Annots", [])
        if "/URI" in a.get_object().get("/A", {})
    ]


def test_profile_has_charts(exam):
    html = (exam.output / "sub_group" / "problem_profile.html").read_text("utf-8")
    assert len(re.findall(r"<svg|data:image/", html)) >= 2


def test_charts_say_no_number_that_is_withheld(exam):
    """A chart's own payload: text in the picture and its description."""
    import base64

    html = (exam.output / "sub_group" / "problem_profile.html").read_text("utf-8")
    pictures = [
        base64.b64decode(p).decode("utf-8", "replace")
        for p in re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", html)
    ]
    said = re.findall(r'aria-label="([^"]*)"', html)
    said += [a for p in pictures for a in re.findall(r'aria-label="([^"]*)"', p)]
    assert said
    for label in said:
        drawn = re.findall(r"(?:children|events|suspects|count): (\d+)", label)
        drawn += re.findall(r" (\d+)(?=[;.](?!\d)| in time| late| none)", label)
        assert not {"1", "2", "3", "4"} & set(drawn), label


def test_map_has_layers_a_legend_and_a_statement(exam):
    html = (exam.output / "panel" / "hotspot_map.html").read_text("utf-8")
    assert "control.layers" in html
    assert re.search("legend", html, re.I)
    assert "Content-Security-Policy" in html
    for ward in ("Dunsley", "Quarry Top", "Gorsley"):
        assert ward in html


def test_map_for_the_panel_holds_no_offence_point(exam):
    """A circle at one offence is one child: only hotspots of five or more are drawn."""
    html = (exam.output / "panel" / "hotspot_map.html").read_text("utf-8")
    points = exam.sql(
        "select distinct easting_m::int as e, northing_m::int as n"
        " from geo.offending_location where easting_m > 0"
    )
    for e, n in points.iter_rows():
        assert not (str(e) in html and str(n) in html)


def test_premises_named_in_reports_is_not_named_outside_the_desk(exam):
    for path in [
        *(exam.output / "sub_group").rglob("*.csv"),
        exam.output / "sub_group" / "problem_profile.html",
    ]:
        assert "Lantern" not in path.read_text("utf-8"), path.name


def test_priority_cohort_shows_source_and_date_of_each_indicator(exam):
    import openpyxl

    book = openpyxl.load_workbook(
        exam.output / "restricted" / "priority_cohort.xlsx", read_only=True
    )
    listed = {str(r[0]) for r in book["children"].iter_rows(min_row=2, values_only=True) if r[0]}
    sources = [r for r in book["sources"].iter_rows(min_row=2, values_only=True) if r[0]]
    assert len(listed) >= 300
    assert {str(r[0]) for r in sources} >= listed & {
        str(r[0]) for r in book["indicators"].iter_rows(min_row=2, values_only=True)
    }
    assert all(r[3] and r[5] and r[6] is not None and r[7] is not None for r in sources[:2000])
    head = " ".join(
        str(c) for ws in book for r in ws.iter_rows(max_row=1, values_only=True) for c in r
    ).casefold()
    assert "score" not in head
    assert "weight" not in head


def test_words_that_blame_children_are_absent(exam):
    """domain.md 5.4; the name of a model in the partnership's own codes may stand in quotes."""
    text = re.sub(r"['‘][^'’]{1,30}['’] model", "", page_text(exam).split("Annex E")[0])
    bad = (
        r"child prostitut\w*|promiscuous|lifestyle choice|streetwise|abscond\w*|runaway|"
        r"puts? (?:her|him|them)sel\w+ at risk|putting themselves at risk|"
        r"sexually active|risky behaviou?r|offenders?\b"
    )
    found = {m.group(0) for m in re.finditer(bad, text, re.I)}
    found -= {"Runaways"}
    assert not {f for f in found if f.casefold() != "runaway"}, found


# --- who may read what


def test_files_belong_to_their_owner_alone(exam):
    mine = [exam.folder / "warehouse.duckdb", *exam.folder.glob("warehouse.duckdb*")]
    for root in ("output", ".dagster", "review"):
        mine += list((exam.folder / root).rglob("*"))
        mine.append(exam.folder / root)
    loose = {
        str(p.relative_to(exam.folder)): oct(stat.S_IMODE(p.stat().st_mode))
        for p in mine
        if stat.S_IMODE(p.stat().st_mode) != (0o700 if p.is_dir() else 0o600)
    }
    assert not loose


# --- figures in sentences


@pytest.fixture(scope="module")
def sentences(exam) -> list[tuple[str, str]]:
    """Every text of the pack as the analyst reads it and as the sub-group does."""
    pairs = []
    for table in ("intelligence_gaps", "action_plan", "key_findings"):
        exact, printed = exam.sql(f"from profile.{table}"), exam.sql(f"from sub_group.{table}")
        for column in exact.columns:
            if exact.schema[column] == pl.String:
                pairs += zip(exact[column], printed[column], strict=True)
    return pairs


# In the words of the sub-group's edition: what stands where a figure was taken out.
TAKEN_OUT = re.compile(r"\[(?:number|share) withheld\]|fewer than \d+", re.IGNORECASE)


def withheld_figures(exact: str, printed: str) -> list[tuple[str, str]]:
    """Each figure taken out, with the words that follow it: ('17', 'information reports')."""
    kept = TAKEN_OUT.split(printed)
    found = re.fullmatch("(.*?)".join(re.escape(part) for part in kept), exact, re.DOTALL)
    assert found, (exact, printed)
    return [
        (figure, " ".join(re.findall(r"\w+", after)[:2]))
        for figure, after in zip(found.groups(), kept[1:], strict=True)
    ]


def test_nothing_but_figures_is_taken_out_of_a_sentence(sentences):
    taken = [each for pair in sentences if pair[0] != pair[1] for each in withheld_figures(*pair)]
    assert taken
    assert all(re.fullmatch(r"\d+(\.\d)?%?", figure) for figure, _ in taken), taken


def test_a_figure_withheld_in_one_sentence_is_not_printed_in_another(exam, sentences):
    taken = {each for exact, printed in sentences for each in withheld_figures(exact, printed)}
    texts = [printed for _, printed in sentences]
    page = re.sub(r"<[^>]+>", " ", (exam.output / "sub_group/problem_profile.html").read_text())
    for figure, words in taken:
        first, *rest = words.split() or [""]
        if not rest:
            continue
        again = re.compile(rf"(?<![\d.]){re.escape(figure)}\W+{first}\W+{rest[0]}\b")
        assert not [text for text in [*texts, page] if again.search(text)], (figure, words)


def test_the_same_sentence_is_printed_the_same_everywhere(sentences):
    told: dict[str, set[str]] = {}
    for exact, printed in sentences:
        told.setdefault(exact, set()).add(printed)
    assert [e for e, printed in told.items() if len(printed) > 1] == []


def test_a_withheld_figure_reads_as_one(sentences):
    """'named in a number withheld information reports' is no English."""
    assert not [p for _, p in sentences if re.search(r"\b(a|an) (number|share) withheld", p)]
