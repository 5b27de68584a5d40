"""Information requirements and blank templates: what is asked for, how, and of whom."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from openpyxl.utils import column_index_from_string

from profile_pipeline.codes.lookup import code_list, fold
from profile_pipeline.errors import PlanError
from profile_pipeline.plan.collection import MEASURE_CODES, SUBJECT_CODES
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.requirement import (
    asked_for,
    choices,
    due_files,
    plan_notes,
    template_columns,
    template_of,
    thresholds,
)
from reports.information_report_form import information_report_form
from reports.language import check_language
from reports.requirement import information_requirement, write_requests
from reports.templates import template_workbook
from tests.unit.small_plan import PLAN, dataset, small_plan

LOG = """\
  - id: log
    agency: police
    title: Information reports
    what: The log.
    why: Intelligence.
    how: Workbook
    lawful_basis: {part_3: true}
    keep_for: 6 years
    delivery: {every: quarter, files: "log/{quarter}.xlsx"}
    read: template
    collects:
      indicators: named_in_information_report
      measures: information_report
      persons: [child, suspect]
"""


def words_of(content: bytes) -> str:
    """Every word of a document: paragraphs, cells, headers and footers."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        names = [n for n in package.namelist() if n.startswith("word/") and n.endswith(".xml")]
        assert "docProps/core.xml" in package.namelist()
        assert names
    document = docx.Document(io.BytesIO(content))
    section = document.sections[0]
    parts = [p.text for p in (*section.header.paragraphs, *section.footer.paragraphs)]
    parts += [p.text for p in document.paragraphs]
    parts += [c.text for t in document.tables for row in t.rows for c in row.cells]
    return "\n".join(parts)


def with_key(key: str, name: str = "school") -> str:
    head, _, rest = PLAN.partition(f"  - id: {name}\n")
    return f"{head}  - id: {name}\n    {key}\n{rest}"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return small_plan(tmp_path, plan=PLAN + LOG)


def test_a_threshold_is_told_from_the_conditions(plan: Plan) -> None:
    assert thresholds(plan, plan.dataset("school")) == [
        "Unauthorised absence from school: Unauthorised at least 10 % of Possible",
        "Excluded from school: Excluded is 'Y'",
    ]
    assert asked_for(plan, plan.dataset("school")).startswith("Only children who meet")


def test_a_threshold_in_the_plan_s_words_replaces_them(tmp_path: Path) -> None:
    plan = small_plan(tmp_path, plan=with_key("threshold: away for ten days or more"))
    assert thresholds(plan, plan.dataset("school")) == ["away for ten days or more"]


def test_a_whole_file_needs_a_reason(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="only with a reason"):
        small_plan(tmp_path, plan=with_key("asks_for: whole_file"))
    with pytest.raises(PlanError, match="only with a reason"):
        small_plan(tmp_path, plan=with_key("asks_for: {whole_file: }"))
    plan = small_plan(tmp_path, plan=with_key("asks_for: {whole_file: The cohort itself}"))
    assert asked_for(plan, plan.dataset("school")).endswith("Why: The cohort itself.")


def test_check_notes_a_list_that_asks_for_no_indicator(plan: Plan) -> None:
    assert any("tracker: asks for children who meet an indicator" in n for n in plan_notes(plan))
    assert not any("school: asks" in note for note in plan_notes(plan))


def test_the_files_of_the_whole_period_are_due_with_their_names(plan: Plan) -> None:
    due = due_files(plan, plan.dataset("missing"))
    assert [each.quarter for each in due] == [f"2015-16 Q{n}" for n in (1, 2, 3, 4)]
    assert due[3].file == "2015-16_Q4.csv"
    assert due[3].due_on.isoformat() == "2016-04-14"


def test_every_choice_of_every_list_is_read_as_its_own_code() -> None:
    for name in {*SUBJECT_CODES.values(), *MEASURE_CODES.values(), "yes_no", "ethnicity_dfe"}:
        spellings = code_list(name)
        for text, code in choices(name):
            if code:
                assert spellings.get(fold(text)) == code, (name, text)
            else:
                assert spellings.get(fold(text)) is None, (name, text)


def test_a_template_s_own_template_is_itself(plan: Plan) -> None:
    for each in plan.datasets:
        template = template_of(each)
        assert template is not None
        again = template_of(template.dataset)
        assert again is not None
        assert again.headings == template.headings
        assert template.fits([heading.upper() for heading in reversed(template.headings)])
        assert not template.fits(template.headings[1:])


def test_an_indicator_that_hangs_on_an_agency_s_code_becomes_yes_or_no(plan: Plan) -> None:
    kinds = {c.heading: c.kind for c in template_columns(plan.dataset("school"))}
    assert kinds["Excluded from school (yes/no)"] == "yes_no"
    # Unauthorised is no measure's column here, so that its share can't be reckoned either.
    assert kinds["Unauthorised absence (yes/no)"] == "yes_no"


def test_a_share_of_a_measure_s_own_columns_stays_a_share() -> None:
    absence = dataset(
        """
        subjects: [{forename: F, upn: U}]
        events:
          - indicator: unauthorised_absence
            when: {column: Un, ratio_at_least: {over: Pos, share: 0.1}}
          - measure: school_attendance
            fields: {sessions_possible: Pos, sessions_unauthorised: Un}
        """
    )
    template = template_of(absence)
    assert template is not None
    test = template.dataset.events[0].when[0]
    assert test.column == "Sessions unauthorised"
    assert test.ratio_at_least is not None
    assert test.ratio_at_least.over == "Sessions possible"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("read: template", "needs `collects`"),
        ("collects: {indicators: missing_education}", "goes with `read: template`"),
        (
            "read: template\ncollects: {indicators: missing_education}\nreference: R",
            "the template's headings are the mapping",
        ),
        ("read: template\ncollects: {persons: child}", "name the indicators or the measures"),
        (
            "read: template\ncollects: {indicators: x, persons: {child: [shoe_size]}}",
            "has no field shoe_size",
        ),
        ("read: template\ncollects: {measures: weather}", "there is no measure 'weather'"),
    ],
)
def test_a_template_dataset_that_can_not_be_read_is_refused(given: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        dataset(given)


def test_the_blank_workbook_has_headings_in_row_1_and_no_data(plan: Plan) -> None:
    content = template_workbook(plan, plan.dataset("missing"))
    assert content is not None
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["Data", "Notes", "Codes"]
    page = book["Data"]
    headings = [cell.value for cell in page[1]]
    assert headings == [c.heading for c in template_columns(plan.dataset("missing"))]
    assert page.max_row == 1


def test_lists_dates_and_identifiers_are_set_up(plan: Plan) -> None:
    content = template_workbook(plan, plan.dataset("missing"))
    assert content is not None
    book = openpyxl.load_workbook(io.BytesIO(content))
    page: Any = book["Data"]
    codes: Any = book["Codes"]
    letters = {cell.value: cell.column_letter for cell in page[1]}
    rules = {
        str(rule.sqref).split(":")[0].rstrip("0123456789"): rule
        for rule in page.data_validations.dataValidation
    }
    sex = rules[letters["Child sex"]]
    assert sex.type == "list"
    area = sex.formula1.removeprefix("Codes!").replace("$", "")
    assert [row[0].value for row in codes[area]] == ["female", "male", "not known"]
    assert rules[letters["Child date of birth"]].type == "date"
    number = column_index_from_string(letters["Child NHS number"])
    held = [d for d in page.column_dimensions.values() if d.min <= number <= d.max]
    assert [each.number_format for each in held] == ["@"]


def test_the_two_grades_of_the_log_run_in_opposite_directions(plan: Plan) -> None:
    content = template_workbook(plan, plan.dataset("log"))
    assert content is not None
    codes: Any = openpyxl.load_workbook(io.BytesIO(content))["Codes"]
    lists: dict[str, dict[str, str]] = {}
    for column in codes.iter_cols():
        if str(column[0].value).startswith(("Reliability", "Accuracy")):
            meanings = [codes.cell(c.row, c.column + 1).value for c in column]
            name = str(column[0].value).split()[0]
            lists[name] = {str(c.value): str(m) for c, m in zip(column, meanings, strict=True)}
    assert lists["Reliability"]["5"] == "always reliable"
    assert lists["Reliability"]["1"] == "unreliable"
    assert lists["Accuracy"]["1"] == "known to be true without doubt"
    assert lists["Accuracy"]["5"] == "suspected to be false"
    assert "don't know" in lists["Reliability"]
    assert "don't know" in lists["Accuracy"]


def test_the_form_spells_out_both_ends_and_stays_on_two_pages(plan: Plan) -> None:
    content = information_report_form(plan, plan.agency("police"))
    text = words_of(content)
    for part in (
        "5  always reliable",
        "1  unreliable",
        "1  known to be true without doubt",
        "5  suspected false",
        "Sanitised",
        "Handling code",
        "Dispensed with",
        "Trading name",
        "willing to engage with the police",
        "Smallshire Police",
    ):
        assert part in text
    assert text.count("don't know") >= 3
    document = docx.Document(io.BytesIO(content))
    breaks = [p for p in document.paragraphs if p.paragraph_format.page_break_before]
    assert len(breaks) == 1
    fixed = [row.height for t in document.tables for row in t.rows]
    assert all(fixed)


def test_the_requirement_says_what_when_how_and_why(plan: Plan) -> None:
    text = words_of(information_requirement(plan, plan.agency("police")))
    for part in (
        "Smallshire Police",
        "Missing reports",
        "A strong sign.",
        "2015-16_Q4.csv",
        "2015-16_Q4.xlsx",
        "14 April 2016",
        "Children Act 2004 s.10",
        "6 years",
        "Nominal",
        "One of: female, male, not known",
        "WBRI White British",
        "contains no personal data",
    ):
        assert part in text
    assert "CSE tracker" not in text


def test_each_agency_gets_its_own_folder_and_the_collator_the_form(
    plan: Plan, tmp_path: Path
) -> None:
    made = write_requests(plan, tmp_path / "out")
    assert {path.relative_to(tmp_path / "out").as_posix() for path in made} == {
        "police/information_requirement.docx",
        "police/missing_template.xlsx",
        "police/log_template.xlsx",
        "police/information_report_form.docx",
        "council/information_requirement.docx",
        "council/tracker_template.xlsx",
        "council/school_template.xlsx",
    }


def test_the_same_plan_makes_the_same_bytes(plan: Plan, tmp_path: Path) -> None:
    one, two = (write_requests(plan, tmp_path / name) for name in ("one", "two"))
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]


def test_no_document_uses_a_word_that_blames_a_child(plan: Plan) -> None:
    for agency in plan.collection.agencies:
        assert check_language(words_of(information_requirement(plan, agency))) == []
    assert check_language(words_of(information_report_form(plan, plan.agency("police")))) == []


def test_a_formula_in_the_plan_stays_text(tmp_path: Path) -> None:
    plan = small_plan(tmp_path, plan=PLAN.replace("title: Missing reports", "title: =1+1"))
    content = template_workbook(plan, plan.dataset("missing"))
    assert content is not None
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        sheets = [n for n in package.namelist() if n.startswith("xl/worksheets/sheet")]
        assert all(b"<f>" not in package.read(name) for name in sheets)


def test_a_statutory_return_has_no_template(tmp_path: Path) -> None:
    returned = PLAN + (
        "  - {id: r903, agency: council, title: Looked after, what: w, why: w, how: h,"
        " lawful_basis: l, keep_for: k, standard: ssda903,"
        ' delivery: {files: "r903/SSDA903_{year}_{list}.csv"}}\n'
    )
    plan = small_plan(tmp_path, plan=returned)
    lists = [each for each in plan.datasets if each.standard]
    assert lists
    assert all(template_workbook(plan, each) is None for each in lists)
    text = words_of(information_requirement(plan, plan.agency("council")))
    assert "Send your statutory return as it is" in text


@pytest.mark.parametrize(
    ("agency", "how", "route"),
    [
        ("", "Workbook each quarter", "not agreed yet: please agree one with us"),
        ("", "Extract by secure e-mail", "Extract by secure e-mail"),
        (", contact_route: NHSmail", "Workbook each quarter", "NHSmail"),
    ],
)
def test_a_way_of_sending_that_is_not_secure_is_called_no_secure_route(
    tmp_path: Path, agency: str, how: str, route: str
) -> None:
    text = PLAN.replace("name: Smallshire Police", f"name: Smallshire Police{agency}")
    plan = small_plan(tmp_path, plan=text.replace("how: Monthly", f"how: {how}"))
    document = docx.Document(io.BytesIO(information_requirement(plan, plan.agency("police"))))
    cells = {row.cells[0].text: row.cells[1].text for row in document.tables[0].rows}
    assert cells["Secure route"].startswith(route)
    asked = any(re.search("no secure route is stated for.* police", n) for n in plan_notes(plan))
    assert asked == route.startswith("not agreed")


@pytest.mark.parametrize(
    ("dataset", "wanted"),
    [
        ("missing", "2015-16_Q1.xlsx to 2015-16_Q4.xlsx"),
        ("school", "Name of the file: school.xlsx."),
    ],
)
def test_the_workbook_says_how_the_file_is_to_be_called(
    tmp_path: Path, dataset: str, wanted: str
) -> None:
    plan = small_plan(tmp_path)
    content = template_workbook(plan, plan.dataset(dataset))
    assert content is not None
    page = openpyxl.load_workbook(io.BytesIO(content))["Notes"]
    told = " ".join(str(cell.value) for row in page.iter_rows() for cell in row if cell.value)
    assert wanted in told
    assert "{" not in told


def test_the_column_of_the_own_extract_that_tells_a_field_is_named(tmp_path: Path) -> None:
    """Not `the same`, where the plan reads it from a column of another name, or not at all."""
    plan = small_plan(tmp_path, plan=PLAN + LOG.replace("agency: police", "agency: council"))
    told: list[dict[str, str]] = []
    for agency in plan.collection.agencies:
        document = docx.Document(io.BytesIO(information_requirement(plan, agency)))
        told += [
            {row.cells[0].text: row.cells[-1].text for row in table.rows[1:]}
            for table in document.tables
            if table.rows[0].cells[-1].text == "In your extract"
        ]
    police = next(rows for rows in told if "Missing or absent" in rows)
    assert (police["Child forename"], police["Child surname"]) == ("Name", "Name")
    assert (police["Reference"], police["Date"]) == ("Ref", "the same")
    school = next(rows for rows in told if "Excluded from school (yes/no)" in rows)
    assert school["Excluded from school (yes/no)"] == "Excluded"
    assert school["Unauthorised absence (yes/no)"] == "Unauthorised, Possible"


def test_under_part_3_article_6_is_not_called_missing() -> None:
    log = dataset("subjects: [{forename: A}]", lawful_basis={"part_3": True})
    assert "UK GDPR article 6" not in dict(log.lawful_basis.lines())
