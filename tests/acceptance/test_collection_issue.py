"""Issue 3, points 1 to 3, 8 and 9 and its measures: plan, coverage, quarters, quality."""

from __future__ import annotations

import datetime as dt
import re
import shutil

import openpyxl
import polars as pl
import pytest
import yaml

from tests.acceptance import collection_files as files
from tests.acceptance.collection_runs import (
    TENANCY,
    arrived,
    do,
    mill,
    mill_later,
    out,
    requests,
    rows,
    words,
)
from tests.exam_runs import EXAM, REPO, command, stem


@pytest.fixture(scope="module")
def folder():
    return mill().folder


def changed(tmp_path, change) -> object:
    """Millbrook's folder with another plan; `change` edits the plan in place."""
    to = files.millbrook(tmp_path / "changed")
    path = to / "collection_plan.yaml"
    plan = yaml.safe_load(path.read_text("utf-8"))
    change({d["id"]: d for d in plan["datasets"]}, plan)
    files.put(path, plan)
    return to


def faults(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("✗", "!"))]


# --- 1. information requirements


@pytest.mark.parametrize("agency", ["lantern", "police", "cse_team", "council", "outreach"])
def test_each_agency_gets_its_requirement_and_a_template_a_dataset(folder, agency):
    made = {path.name for path in requests(folder, agency).iterdir()}
    assert any(name.endswith(".docx") for name in made)
    plan = yaml.safe_load((folder / "collection_plan.yaml").read_text("utf-8"))
    for told in plan["datasets"]:
        if told["agency"] == agency:
            assert f"{told['id']}_template.xlsx" in made


@pytest.fixture(scope="module")
def requirement(folder) -> str:
    return words(requests(folder, "outreach") / "information_requirement.docx")


@pytest.mark.parametrize(
    "part",
    [
        "What the agency holds.",  # what
        "It may show who is being exploited.",  # why
        "Date of birth",  # a field
        "WBRI White British",  # an allowed code
        "1 April 2023",  # the period
        "31 March 2024",
        "14 July 2023",  # due: 14 days after the first quarter
        "10 April 2024",  # due of the other dataset
        "Mailbox out@mill.example",  # the secure route
        "Children Act 2004 s.10",  # lawful basis
        "public task",
        "substantial public interest",
        "paragraph 18",
        "DPIA-MILL-7",
        "Millbrook Council",  # controller
        "Outreach co-ordinator",  # lead
        "6 years",  # retention
        "a tenancy officer saw a home taken over",  # the threshold
        "tenancies with children by ward",  # aggregate denominators
    ],
)
def test_requirement_says(requirement, part):
    assert part.lower() in requirement.lower()


def test_requirement_asks_only_for_children_who_meet_an_indicator(requirement, folder):
    assert re.search(r"only (the )?children who meet", requirement.lower())
    whole = words(requests(folder, "cse_team") / "information_requirement.docx")
    assert "The tracker is the known cohort itself" in whole


def test_requests_need_no_data(tmp_path):
    """'from the plan alone'."""
    folder = files.millbrook(tmp_path / "bare")
    shutil.rmtree(folder / "data")
    asked = do("request", folder)
    assert asked.code == 0, asked.text[-1000:]
    assert (requests(folder, "lantern") / "lantern_template.xlsx").is_file()


def test_requests_hold_no_data(folder):
    """Not one child of the files that lie in the folder."""
    for path in requests(folder, "cse_team").iterdir():
        text = (
            words(path)
            if path.suffix == ".docx"
            else str(
                [c for s in openpyxl.load_workbook(path) for c in s.iter_rows(values_only=True)]
            )
        )
        assert "FamilyA" not in text


def validations(path) -> dict[str, set[str]]:
    """Heading of the sheet to be filled: the values its list allows."""
    book = openpyxl.load_workbook(path)
    page = book["Data"]
    found = {}
    for rule in page.data_validations.dataValidation:
        if rule.type != "list":
            continue
        for where in rule.sqref.ranges:
            heading = page.cell(1, where.min_col).value
            if "!" in rule.formula1:
                sheet, cells = rule.formula1.lstrip("=").replace("$", "").split("!")
                values = {c.value for line in book[sheet.strip("'")][cells] for c in line}
            else:
                values = set(rule.formula1.strip('"').split(","))
            found[heading] = {str(v) for v in values}
    return found


def test_template_has_lists_to_choose_from(folder):
    found = validations(requests(folder, "outreach") / "tenancy_template.xlsx")
    assert {"female", "male"} <= found["Child sex"]
    assert sum("British" in v or "Pakistani" in v for v in found["Child ethnicity"]) >= 2
    assert {"yes", "no"} <= found["Gang involvement (yes/no)"]


def test_template_of_reports_offers_dont_know_on_both_scales(folder):
    found = validations(requests(folder, "police") / "reports_template.xlsx")
    for scale in ("Reliability", "Accuracy"):
        (values,) = (v for k, v in found.items() if k.startswith(scale))
        assert any("know" in value for value in values)
        assert len(values) == 6


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            n,
            {
                k
                for k, v in zip(("gang_involvement", "domestic_abuse"), line, strict=False)
                if v == "yes"
            },
        )
        for n, line in enumerate(TENANCY)
    ],
)
def test_filled_template_loads_without_any_mapping(folder, row, expected):
    got = rows(
        folder,
        f"select indicator from records.indicator_event where dataset = 'tenancy' and row = {row}",
    )
    assert {indicator for (indicator,) in got} == expected


def test_filled_templates_codes_dates_and_zeros(folder):
    got = rows(
        folder,
        "select ethnicity_code, date_of_birth, date from records.subject"
        " where dataset = 'tenancy' order by row limit 2",
    )
    assert got == [
        ("WBRI", dt.date(2009, 9, 1), dt.date(2024, 1, 12)),
        (None, dt.date(2009, 9, 2), dt.date(2024, 1, 13)),
    ]
    assert rows(folder, "select min(Reference) from received.tenancy") == [("00123",)]


def test_mapped_agency_may_send_the_template(folder):
    got = rows(
        folder,
        "select upper(surname), date from records.subject where file = 'outreach/2023-24_Q3.xlsx'",
    )
    assert got == [("WORKBOOKER", dt.date(2023, 11, 2))]


@pytest.mark.parametrize("verb", ["check", "request"])
def test_whole_file_without_a_reason_is_refused(tmp_path, verb):
    def ask(datasets, _):
        datasets["outreach"]["asks_for"] = "whole_file"

    told = do(verb, changed(tmp_path, ask))
    assert told.code != 0
    assert any("outreach" in line and "whole" in line for line in faults(told.text)), told.text


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ("article_6", "article 6"),
        ("article_9", "article 9"),
        ("schedule_1", "schedule 1"),
        ("controllers", "controller"),
        ("dpia", "impact assessment"),
    ],
)
def test_lawful_basis_that_lacks_a_part_is_told(tmp_path, lacks, says):
    def take(datasets, _):
        basis = dict(files.BASIS)
        del basis[lacks]
        datasets["lantern"]["lawful_basis"] = basis  # it holds ethnicity

    told = faults(do("check", changed(tmp_path, take)).text)
    assert any("lantern" in line and says in line.lower() for line in told), told


def test_health_data_need_their_confidentiality(tmp_path):
    def make(datasets, plan):
        plan["agencies"][0]["sector"] = "health"
        datasets["lantern"]["events"] = [{"indicator": "sexually_transmitted_infection"}]

    told = faults(do("check", changed(tmp_path, make)).text)
    assert any("lantern" in x and "confidential" in x.lower() for x in told), told


def test_crime_data_need_article_10_or_part_3(tmp_path):
    def make(datasets, _):
        datasets["reports"]["lawful_basis"] = files.BASIS
        datasets["reports"]["events"] = [
            {"indicator": "cse_crime"},
            {"measure": "offence", "fields": {"offence": "Fact"}},
        ]

    told = faults(do("check", changed(tmp_path, make)).text)
    assert any("reports" in x and ("article 10" in x or "Part 3" in x) for x in told), told


# --- 2. coverage before data


@pytest.fixture(scope="module")
def coverage(tmp_path_factory) -> list[str]:
    """What `check` says where not a single file has come."""
    folder = files.millbrook(tmp_path_factory.mktemp("coverage") / "millbrook")
    shutil.rmtree(folder / "data")
    (folder / "data").mkdir()
    return do("check", folder).text.splitlines()


@pytest.mark.parametrize(
    ("indicator", "says"),
    [
        ("Missing from home or care", "Street outreach"),
        ("CSE concern of a voluntary project", "Lantern Project"),
        ("Named in an information report", "Westshire Police"),
        ("Unexplained gifts", "screening"),
        ("older or controlling person", "intelligence"),
        ("Sexually transmitted infection", "nobody"),
        ("Missing education", "nobody"),
    ],
)
def test_check_shows_who_evidences_which_indicator(coverage, indicator, says):
    (line,) = (x for x in coverage if indicator in x)
    assert says in line


@pytest.mark.parametrize("kind", ["html", "docx"])
def test_report_shows_the_matrix_of_indicators(folder, kind):
    path = out(folder) / f"sub_group/problem_profile.{kind}"
    text = words(path) if kind == "docx" else re.sub(r"<[^>]+>", "\n", path.read_text("utf-8"))
    part = text[text.index("Who can see which indicator") :]
    lines = [x.strip() for x in part.splitlines() if x.strip()]
    after = {x: lines[n + 1 : n + 4] for n, x in reversed(list(enumerate(lines)))}
    assert any("Lantern" in x for x in after["CSE concern of a voluntary project"])
    assert any("screening" in x for x in after["Unexplained gifts or possessions"])
    assert any("nobody" in x for x in after["Sexually transmitted infection"])


def test_indicator_nobody_supplies_is_a_gap(folder):
    got = rows(
        folder,
        "select finding from profile.intelligence_gaps"
        " where finding like '%Sexually transmitted infection%'",
    )
    assert got


def test_an_analyst_can_edit_the_list_of_indicators(tmp_path):
    """'in indicators.yaml, editable': the list is written somewhere an analyst can open."""
    command("new", str(tmp_path / "scaffold"), folder=tmp_path / "scaffold")
    command("sample", str(tmp_path / "sample"), "--children", "300", folder=tmp_path / "sample")
    for place in ("scaffold", "sample"):
        path = tmp_path / place / "indicators.yaml"
        if path.is_file():
            text = path.read_text("utf-8")
            break
    else:
        pytest.fail("neither `new` nor `sample` writes an indicators.yaml to edit")
    assert {"vulnerability", "sign", "harm"} <= set(re.findall(r"kind: *(\w+)", text))


def test_an_indicator_of_ones_own_is_added(tmp_path):
    """One indicator more; those that the plan names already stay known."""

    def use(datasets, _):
        datasets["outreach"]["events"].append({"indicator": "bereavement"})

    folder = changed(tmp_path, use)
    files.put(
        folder / "indicators.yaml",
        {"indicators": [{"id": "bereavement", "label": "Bereaved", "kind": "vulnerability",
                         "counts_in_overlap": True}]},
    )  # fmt: skip
    told = do("check", folder)
    assert told.code == 0, faults(told.text)
    assert "Bereaved" in told.text


# --- 3. deliveries by quarter

TOLD = "select quarter, file, status, rows, superseded_by, problem from quality.delivery"


@pytest.mark.parametrize(
    ("dataset", "quarters"),
    [
        ("lantern", {"2023-24 Q1", "2023-24 Q2", "2023-24 Q3", "2023-24 Q4"}),
        ("outreach", {"2023-24 Q1", "2023-24 Q2", "2023-24 Q3"}),
        ("tenancy", {"2023-24 Q4"}),
    ],
)
def test_dagster_shows_which_quarters_arrived(folder, dataset, quarters):
    assert arrived(folder)[dataset] == quarters


def test_quarter_that_never_came_is_named_missing(folder):
    got = rows(folder, TOLD + " where dataset = 'outreach' and status = 'missing'")
    assert [row[0] for row in got] == ["2023-24 Q4"]


def test_file_that_carries_several_quarters_counts_as_each(folder):
    """One file with rows of all four quarters: four quarters arrived, not the last alone."""
    every = {"2023-24 Q1", "2023-24 Q2", "2023-24 Q3", "2023-24 Q4"}
    assert {
        q for (q,) in rows(folder, "select quarter from records.subject where dataset='wholeyear'")
    } == every
    assert arrived(folder)["wholeyear"] == every


def test_register_without_a_period_is_never_missing(folder):
    got = rows(folder, TOLD + " where dataset = 'register'")
    assert [row[2] for row in got] == ["loaded"]


def test_late_file_turns_up(folder):
    later = mill_later().folder
    assert "2023-24 Q4" in arrived(later)["outreach"]
    got = rows(later, "select count(*) from profile.intelligence_gaps"
               " where finding ilike '%outreach is missing%'")  # fmt: skip
    assert got == [(0,)]


def test_newest_delivery_of_a_quarter_counts():
    """5 of the replaced file, 6 of the second version, 1 template, 3 late ones sent twice."""
    later = mill_later().folder
    assert rows(
        later,
        "select count(*) from records.subject where dataset = 'outreach'",
    ) == [(5 + 6 + 1 + 3,)]


@pytest.mark.parametrize(
    ("quarter", "older", "newer"),
    [("2023-24 Q1", 3, 5), ("2023-24 Q2", 4, 6), ("2023-24 Q4", 3, 3)],
)
def test_older_delivery_is_kept_and_named(quarter, older, newer):
    later = mill_later().folder
    told = rows(later, TOLD + f" where dataset = 'outreach' and quarter = '{quarter}'")
    loaded = [row for row in told if row[2] == "loaded"]
    before = [row for row in told if row[2] == "superseded"]
    assert [row[3] for row in loaded] == [newer]
    assert [row[3] for row in before] == [older]
    assert before[0][4] == loaded[0][1]  # superseded by
    kept = rows(
        later,
        f"select count(*) from received.outreach where _file = '{before[0][1]}'",
    )
    assert kept == [(older,)]


@pytest.mark.parametrize(("quarter", "counts"), [("2023-24 Q1", "35"), ("2023-24 Q2", "46")])
def test_change_in_row_counts_is_reported(quarter, counts):
    told = rows(
        mill_later().folder,
        TOLD + f" where dataset = 'outreach' and quarter = '{quarter}' and status = 'loaded'",
    )
    assert all(number in re.findall(r"\d+", told[0][5] or "") for number in counts)


def test_superseded_rows_have_their_fate():
    got = rows(
        mill_later().folder,
        "select count(*) from quality.fate where dataset = 'outreach' and fate = 'superseded'",
    )
    assert got == [(3 + 4 + 3,)]


def test_file_the_plan_does_not_know_is_named():
    told = rows(mill_later().folder, TOLD + " where file like '%left over.txt'")
    assert len(told) == 1
    assert told[0][2] not in {"loaded", "missing"}


# --- 8. data quality


def measure(folder, dataset: str, quarter: str, name: str):
    got = rows(
        folder,
        "select value from profile.data_quality where dataset ="
        f" '{dataset}' and quarter = '{quarter}' and measure = '{name}'",
    )
    return got[0][0] if got else None


def test_rows_received_and_completeness_by_hand(folder):
    """Quarter 2 of the charity: six rows, three with a sex no list knows, two such groups."""
    assert measure(folder, "lantern", "2023-24 Q2", "rows_received") == 6
    assert measure(folder, "lantern", "2023-24 Q2", "complete_percent:sex") == 50
    got = measure(folder, "lantern", "2023-24 Q2", "complete_percent:ethnicity_code")
    assert got == pytest.approx(100 * 4 / 6, abs=0.01)


def test_timeliness_by_the_register_of_deliveries(folder):
    """Due on 14 July and 14 October 2023; received on 24 July and 10 October."""
    assert measure(folder, "outreach", "2023-24 Q1", "days_late") == 10
    assert measure(folder, "outreach", "2023-24 Q2", "days_late") <= 0


def test_quarantine_is_counted_by_rule(folder):
    total = measure(folder, "register", "2023-24 Q4", "rows_quarantined")
    by_rule = rows(
        folder,
        "select sum(value) from profile.data_quality where dataset = 'register'"
        " and measure like 'rows_quarantined:%'",
    )
    assert (total, by_rule) == (1, [(1,)])


def test_repairs_are_counted_by_what_was_mended(folder):
    got = rows(
        folder,
        "select count(*) from profile.data_quality where dataset = 'lantern'"
        " and quarter = '2023-24 Q1' and measure like 'cells_repaired:%' and value > 0",
    )
    assert got[0][0] >= 3  # serial dates, unknown texts, impossible dates


def test_red_amber_green_go_by_the_plans_limits(tmp_path_factory, folder):
    """Half the sexes missing is red by the standard limits."""
    got = rows(
        folder,
        "select rag from analysis.quality_rag where dataset = 'lantern'"
        " and quarter = '2023-24 Q2' and measure = 'complete_percent:sex'",
    )
    assert got == [("red",)]


@pytest.fixture(scope="module")
def letters(folder) -> dict[str, str]:
    place = out(folder) / "restricted/letters"
    return {
        path.stem: words(path) if path.suffix == ".docx" else path.read_text("utf-8")
        for path in place.iterdir()
    }


def test_each_agency_gets_one_letter(letters):
    assert set(letters) == {"lantern", "police", "cse_team", "council", "outreach"}


def test_letter_gives_the_line_in_the_agencys_own_file(letters):
    """Row 1 of the register, from 0, is row 3 of its file: the heading is row 1."""
    text = letters["council"]
    assert "persons.csv" in text
    assert re.search(r"\brow 3\b", text)
    assert "Noted" in text


def test_letter_gives_the_row_of_the_spreadsheet(exam):
    """exclusions/2014-15_Q1: the heading is on row 3, so data row n is spreadsheet row n + 4."""
    quarantined = rows(
        exam.folder,
        "select distinct row from quality.quarantine where file = 'exclusions/2014-15_Q1.xlsx'",
    )
    page = openpyxl.load_workbook(EXAM / "data/exclusions/2014-15_Q1.xlsx", read_only=True).active
    cells = list(page.iter_rows(values_only=True))
    kept = [n for n, line in enumerate(cells[3:], start=4) if any(c is not None for c in line)]
    letter = words(exam.output / "restricted/letters/education.docx")
    part = "\n".join(re.findall(r"\brows? [\d, and–-]+", letter))
    numbers = set(re.findall(r"\d+", part))
    for (row,) in quarantined:
        assert str(kept[row]) in numbers, row


def test_letters_hold_no_personal_data(letters):
    for agency, text in letters.items():
        for name in ("SMITH", "Joanna", "Jojo", "QURESHI", "Registre", "FamilyA", "Quillfeather",
                     "ReportedA", "Tenantley", "03/05/2009"):  # fmt: skip
            assert name.lower() not in text.lower(), (agency, name)


def test_letter_puts_the_profiles_gaps_to_the_agency(letters):
    gaps = rows(
        mill().folder,
        "select gap from profile.intelligence_gaps where agency like '%Street outreach%'",
    )
    assert gaps
    assert all(gap in letters["outreach"] for (gap,) in gaps)


def test_letters_of_the_exam_name_no_child(exam, persons):
    names = {
        f"{forename} {surname}".lower()
        for forename, surname in persons.select("forename", "surname").iter_rows()
    }
    ids = set(persons["nhs"].drop_nulls()) | set(persons["upn"].drop_nulls())
    for path in (exam.output / "restricted/letters").iterdir():
        text = words(path)
        assert not {x for x in ids if x in text}, path.name
        lowered = text.lower()
        assert not {x for x in names if x in lowered}, path.name


def warnings(folder) -> dict[tuple[str, str], str]:
    return {
        (fault, dataset): found
        for fault, dataset, found in rows(
            folder, "select fault, dataset, found from analysis.quality_warning"
        )
    }


def test_field_missing_above_its_limit_is_a_warning(folder):
    assert any("lantern" in dataset and found == "yes" for (_, dataset), found in
               warnings(folder).items())  # fmt: skip


def test_period_under_twelve_months_is_a_warning(tmp_path):
    """And a last refresh over twelve months ago: a period of half a year, told of years later."""
    folder = files.millbrook(tmp_path / "short")
    for name in ("lantern", "reports", "tracker"):
        shutil.rmtree(folder / "data" / name)
    plan = yaml.safe_load((folder / "collection_plan.yaml").read_text("utf-8"))
    plan["datasets"] = [d for d in plan["datasets"] if d["id"] in {"outreach", "register"}]
    plan["context"] = [c for c in plan["context"] if c["id"] in {"wards", "postcodes"}]
    files.put(folder / "collection_plan.yaml", plan)
    files.put(
        folder / "profile.yaml",
        files.settings(
            period={"start": dt.date(2023, 4, 1), "end": dt.date(2023, 9, 30)},
            as_at=dt.date(2025, 3, 31),
        ),
    )
    ran = do("run", folder)
    assert ran.code == 0, ran.text[-1500:]
    gaps = " ".join(
        x for (x,) in rows(folder, "select finding from profile.intelligence_gaps")
    ).lower()
    assert "12 months" in gaps
    said = [x for (f, _), x in warnings(folder).items() if "period" in f]
    assert said == ["yes"]
    assert any(x == "yes" for (f, _), x in warnings(folder).items() if "refresh" in f)


# --- 9. lineage

RECORDS = "select table_name from information_schema.tables where table_schema = 'records'"
KEYS = {"dataset", "file", "row", "role", "record_id", "indicator"}


def test_every_harmonised_value_leads_back_to_a_column(folder):
    lineage = {
        tuple(row)
        for row in rows(folder, 'select distinct "table", dataset, field from quality.lineage')
    }
    lost = []
    for (name,) in rows(folder, RECORDS):
        fields = [
            f
            for (f,) in rows(
                folder,
                "select column_name from information_schema.columns"
                f" where table_schema = 'records' and table_name = '{name}'",
            )
            if f not in KEYS
        ]
        for field in fields:
            for (dataset,) in rows(
                folder,
                f'select distinct dataset from records."{name}" where "{field}" is not null'
                f" and \"{field}\"::varchar not in ('', '[]')",
            ):
                # the end of a quarter that stands for the row's date comes from no column
                if dataset == "tracker" and field in {"date", "quarter", "age_years"}:
                    continue
                if (f"records.{name}", dataset, field) not in lineage:
                    lost.append(f"{dataset}: records.{name}.{field}")
    assert not lost, lost


def test_lineage_names_the_heading_of_that_file(folder):
    got = rows(
        folder,
        "select distinct \"column\" from quality.lineage where field = 'surname'"
        " and file = 'lantern/2023-24_Q3.csv'",
    )
    assert got == [("Name of child",)]


def test_trace_leads_from_a_row_to_its_cells(folder):
    told = do("trace", folder, "lantern", "2023-24_Q1.csv", "0").text
    assert "SMITH, Joanna (aka Jojo)" in told
    assert re.search(r"forename = Joanna\s.*Child's name", told)


def test_trace_leads_from_a_quarantined_row_to_the_rule(folder):
    (rule,) = rows(folder, "select rule from quality.quarantine where dataset = 'register'")[0]
    told = do("trace", folder, "register", "persons.csv", "1").text
    assert rule in told
    assert "Noted" in told


# --- measures, on the exam

FATE = {  # any other kind is mended and harmonised
    "adult": "quarantined",
    "blank_identifiers": "quarantined",
    "impossible_event_date": "quarantined",
    "exact_duplicate": "duplicate",
    "out_of_area": "kept_apart",
}


@pytest.fixture(scope="module")
def dirty(exam) -> pl.DataFrame:
    truth = pl.read_csv(EXAM / "truth/dirty_rows.csv", infer_schema_length=None).with_columns(
        pl.col("row").cast(pl.Int64), _file=stem("file")
    )
    fates = exam.sql("select dataset, file, row, fate from quality.fate").with_columns(
        _file=stem("file")
    )
    return truth.join(fates, on=["dataset", "_file", "row"], how="left")


KINDS = [
    "adult", "blank_identifiers", "control_chars", "dob_future", "excel_serial_date",
    "formula_injection", "huge_cell", "impossible_dob", "impossible_event_date", "out_of_area",
    "script_tag", "unknown_string",
]  # fmt: skip


# Rows that no reader could tell: `04-May-79` is planted as a birth in the future and `05-Sep-79`,
# in the same column, as an adult's; a row whose one identity is the name "Unknown" has none.
NOBODY_COULD = {
    "dob_future": [
        ("cme_ehe", "2014-15_Q4.csv", 12, "quarantined"),
        ("cme_ehe", "2015-16_Q3.csv", 15, "quarantined"),
    ],
    "unknown_string": [("voluntary", "2015-16_Q2.xlsx", 26, "quarantined")],
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_dirty_row_meets_its_fate(dirty, kind):
    """Recall: every row of truth/dirty_rows.csv, and not 9 in 10."""
    wrong = dirty.filter(
        pl.col("dirty_kind") == kind,
        pl.col("fate").fill_null("lost") != FATE.get(kind, "harmonised"),
    )
    found = sorted(wrong.select("dataset", "file", "row", "fate").rows())
    assert found == NOBODY_COULD.get(kind, [])


def test_every_exact_duplicate_is_dropped_once(exam, dirty):
    """Which of two equal rows is dropped is all the same: they are counted by file."""
    planted = dirty.filter(dirty_kind="exact_duplicate").group_by("dataset", "_file").len("n")
    dropped = (
        exam.sql("select dataset, file from quality.fate where fate = 'duplicate'")
        .group_by("dataset", _file=stem("file"))
        .len("n")
    )
    assert sorted(planted.rows()) == sorted(dropped.rows())


def test_no_clean_row_is_quarantined(exam, dirty):
    """Precision: what is set aside was dirty."""
    marked = dirty.select("dataset", "_file", "row", "dirty_kind")
    aside = exam.sql(
        "select dataset, file, row, fate from quality.fate where fate = 'quarantined'"
    ).with_columns(_file=stem("file"))
    clean = aside.join(marked, on=["dataset", "_file", "row"], how="anti")
    assert clean.is_empty(), clean.group_by("dataset").len()


@pytest.mark.parametrize("kind", ["dob_future", "impossible_dob"])
def test_birth_that_cannot_be_is_blanked_and_reported(exam, dirty, kind):
    planted = dirty.filter(pl.col("dirty_kind") == kind, pl.col("fate") == "harmonised")
    without = exam.sql(  # files that came without the column hold no date to be blanked
        "select distinct dataset, file from quality.missing_column where used_for like '%birth%'"
    ).with_columns(_file=stem("file"))
    planted = planted.join(without, on=["dataset", "_file"], how="anti")
    subjects = exam.sql(
        "select dataset, file, row, date_of_birth from records.subject"
    ).with_columns(_file=stem("file"))
    mended = exam.sql("select dataset, file, row from quality.repairs").with_columns(
        _file=stem("file")
    )
    keys = ["dataset", "_file", "row"]
    told = planted.join(mended, on=keys, how="semi")
    assert told.height == planted.height
    # a row may speak of a suspect too: one of its dates was blanked
    blank = subjects.filter(pl.col("date_of_birth").is_null()).join(planted, on=keys, how="semi")
    assert blank.select(keys).unique().height == planted.height


def test_unknown_texts_are_treated_as_missing(exam, dirty):
    planted = dirty.filter(dirty_kind="unknown_string", fate="harmonised")
    mended = exam.sql(
        "select dataset, file, row from quality.repairs where rule ilike '%unknown%'"
    ).with_columns(_file=stem("file"))
    told = planted.join(mended, on=["dataset", "_file", "row"], how="semi")
    assert told.height == planted.height


# --- measures, on bytes


GARBAGE = {
    "nothing": b"",
    "zeros": bytes(500),
    "every_byte": bytes(range(256)) * 20,
    "half_a_zip": b"PK\x03\x04" + b"\x14\x00" * 40,
    "utf16": "Id,Family name,Given name,Born,On\r\n1,A,B,01/02/2008,05/04/2023\r\n".encode(
        "utf-16"
    ),
    "quote_never_closed": b'Id,Family name,Given name,Born,On\n1,"A,B,01/02/2008,05/04/2023\n' * 3,
    "ragged": b"Id,Family name,Given name,Born,On\n1\n1,2,3,4,5,6,7,8\n,,,,\n",
    "one_long_line": b"x" * 300_000,
    "xml_bomb": b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>',
    "header_only": b"Id,Family name,Given name,Born,On\n",
    "same_header_twice": b"Id,Id,Family name,Given name,Born,On\n1,2,A,B,01/02/2008,05/04/2023\n",
}


@pytest.fixture(scope="module")
def garbled(tmp_path_factory):
    """Every kind of file a quarter, in every format; the plan asks for nothing else."""
    folder = files.millbrook(tmp_path_factory.mktemp("garbage") / "garbage")
    datasets, endings = [], ("csv", "xlsx", "parquet", "xml")
    for ending in endings:
        for name, content in GARBAGE.items():
            path = folder / f"data/{ending}_{name}/2023-24_Q1.{ending}"
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
            told = files.simple(
                f"{ending}_{name}", "council", f"{ending}_{name}/{{quarter}}.{ending}"
            )
            told["delivery"] |= {"last": "2023-24 Q1"}
            if ending == "xml":
                told["read"] = {"format": "xml", "record": "row"}
            datasets.append(told)
    path = folder / "collection_plan.yaml"
    plan = yaml.safe_load(path.read_text("utf-8"))
    plan["datasets"] += datasets
    files.put(path, plan)
    return do("check", folder)


def test_no_bytes_make_check_raise(garbled):
    assert "Traceback" not in garbled.text
    assert len(faults(garbled.text)) >= 20


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
@pytest.mark.parametrize("name", ["nothing", "zeros", "half_a_zip", "one_long_line"])
def test_bytes_that_are_no_file_are_named_in_a_line(garbled, ending, name):
    about = [line for line in faults(garbled.text) if f"{ending}_{name}" in line]
    assert about
    assert not any("Error:" in line or "Exception" in line for line in about), about


# --- measures, in the README and benchmarks


def test_readme_shows_a_new_agency_without_code():
    text = (REPO / "README.md").read_text("utf-8")
    assert re.search(r"new agency", text, re.IGNORECASE)


def test_readmes_agency_works_as_it_stands(tmp_path):
    """The file and the plan that the README shows, pasted into a folder that `new` wrote."""
    text = (REPO / "README.md").read_text("utf-8")
    part = text[text.index("new agency") :]
    blocks = re.findall(r"```(\w*)\n(.*?)```", part, re.DOTALL)
    (content,) = (b for kind, b in blocks if kind == "" and "Tenancy" in b)
    told = yaml.safe_load(next(b for kind, b in blocks if kind == "yaml"))
    folder = files.millbrook(tmp_path / "readme")
    path = folder / "collection_plan.yaml"
    plan = yaml.safe_load(path.read_text("utf-8"))
    plan["agencies"] = told["agencies"]
    plan["datasets"] = told["datasets"]
    files.put(path, plan)
    files.put(
        folder / "profile.yaml",
        files.settings(
            period={"start": dt.date(2015, 4, 1), "end": dt.date(2016, 3, 31)},
            as_at=dt.date(2016, 3, 31),
        ),
    )
    to = folder / "data/housing_association/2015-16_Q4.csv"
    to.parent.mkdir()
    to.write_text(content, "cp1252")
    checked = do("check", folder)
    assert checked.code == 0, faults(checked.text)
    assert "✗" not in checked.text
