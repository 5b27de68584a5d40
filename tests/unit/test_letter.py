"""The letter to an agency: what it says, to whom, and where in the agency's own file."""

import io
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from letter_run import GAPS, HEADS, frames_of, gap, report, text_of, written
from small_plan import PLAN, send, small_plan

from assets.quality import letters
from profile_pipeline import tables
from profile_pipeline.analysis.quality_letters import addressed_to, printable_values, ranges
from profile_pipeline.intake.cells import REASONS
from profile_pipeline.intake.collect import collect_dataset
from profile_pipeline.plan.requirement import template_of
from profile_pipeline.tables import UNKNOWN_VALUE
from reports.quality import quality_workbook


def test_each_agency_gets_its_own_letter_about_its_own_files(tmp_path: Path) -> None:
    made = written(tmp_path, {"Q1": [report()]})
    assert set(made) == {"police.docx", "council.docx"}
    police, council = text_of(made["police.docx"]), text_of(made["council.docx"])
    assert "missing/2015-16_Q1.csv" in police
    assert "missing/" not in council
    assert "Missing reports | 2015-16 Q3 | – | – | Nothing arrived" in police
    assert "Send the 3 deliveries" in police


def test_a_row_that_could_not_be_used_is_found_by_its_row(tmp_path: Path) -> None:
    lines = [report(), "", report(Ref="R2", Date="31/02/2015"), report()]
    police = text_of(written(tmp_path, {"Q1": lines})["police.docx"])
    # Row 1 holds the headings, row 3 is blank.
    reason = REASONS["impossible_date"]
    assert f"| Date | {reason[:1].upper()}{reason[1:]} | 1 | row 4" in police
    assert "missing/2015-16_Q1.csv | 1 | row 5 repeats row 2" in police


def test_a_blanked_cell_is_to_be_corrected_and_a_mended_one_is_not(tmp_path: Path) -> None:
    lines = [report(DOB="01/02/2033"), report(Ref="R2", DOB="37288")]
    police = text_of(written(tmp_path, {"Q1": lines})["police.docx"])
    assert f"{REASONS['date_of_birth_in_future'][1:]} | 1 | row 2" in police
    assert "| DOB | A spreadsheet serial number" in police
    assert "row 3" not in police


def test_a_spelling_is_asked_about_when_three_rows_hold_it(tmp_path: Path) -> None:
    common = [report(Ref=f"R{n}", Ethnicity="Martian") for n in range(3)]
    rare = [report(Ref=f"S{n}", Ethnicity="Venusian") for n in range(2)]
    police = text_of(written(tmp_path, {"Q1": common + rare})["police.docx"])
    assert "Ethnicity | Martian | 3" in police
    assert "Venusian" not in police
    assert "Ethnicity | 1 further, not printed here | 2" in police


def test_questions_go_to_who_holds_the_role_or_bears_the_name(tmp_path: Path) -> None:
    gaps = [
        gap("CSE team", "Of the tracker.", 1),
        gap("Police", "Of the police.", 2),
        gap("Analyst", "Of nobody outside.", 3),
        gap("Smallshire Police, Smallton Council", "Of both.", 4),
    ]
    made = written(tmp_path, {"Q1": [report()]}, gaps)
    police, council = text_of(made["police.docx"]), text_of(made["council.docx"])
    assert "G002" in police
    assert "G004" in police
    assert "G001" not in police
    assert "G001" in council
    assert "G004" in council
    assert "G002" not in council
    assert "nobody outside" not in police + council
    assert "30 May 2016" in police


def test_everything_is_well_when_nothing_is_wrong(tmp_path: Path) -> None:
    files = {f"Q{n}": [report(Ref=f"R{n}", Date=f"05/{n * 3 + 1:02d}/2015")] for n in (1, 2, 3)}
    files["Q4"] = [report(Ref="R4", Date="05/02/2016")]
    police = text_of(written(tmp_path, files, [gap("Analyst", "x")])["police.docx"])
    assert "Every row could be used." in police
    assert "Every code is known." in police
    assert "No question of this profile is addressed to you." in police


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    first = written(tmp_path / "a", {"Q1": [report(), report()]})
    assert written(tmp_path / "b", {"Q1": [report(), report()]}) == first


def test_an_agency_that_sent_nothing_is_not_thanked_for_it(tmp_path: Path) -> None:
    council = text_of(written(tmp_path, {"Q1": [report()]}, [gap("Analyst", "x")])["council.docx"])
    assert "we hold nothing from you that could be used" in council
    assert "the data we asked you for" in council
    assert "Send the 5 deliveries that we don't have" in council
    for word in ("Thank", "could be used.", "No column is missing", "as agreed", "in order"):
        assert word not in council, word


def test_a_file_that_can_not_be_read_is_told_in_the_agencys_terms(tmp_path: Path) -> None:
    """What the analyst is told to do (ask, set the plan) is nothing to tell the sender."""
    plan = small_plan(tmp_path)
    send(tmp_path, "missing/2015-16_Q1.csv", "")
    send(tmp_path, "missing/2015-16_Q2.csv", f"{HEADS.replace('Date', 'Datum')}\n{report()}\n")
    send(tmp_path, "missing/2015-16_Q3.csv", f"{HEADS}\n{report()}\n")
    send(tmp_path, "missing/other.csv", "x")
    police = text_of(dict(letters(frames_of(plan), pl.DataFrame(GAPS), plan))["police.docx"])
    assert "Could not be read: the file is empty (0 bytes)." in police
    assert "Could not be used: has no column 'Date', which dates its rows." in police
    assert "not read: no delivery of the plan is called so, such as missing/2015-16_Q4" in police
    for word in ("Ask", "ask for it", "Did the agency", "headers", "{quarter}", "the plan's"):
        assert word not in police, word


def test_the_sender_is_not_asked_for_what_lies_with_the_partnership(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    (tmp_path / "elsewhere.csv").write_text(f"{HEADS}\n{report()}\n")
    (tmp_path / "data" / "missing").mkdir()
    (tmp_path / "data" / "missing" / "2015-16_Q1.csv").symlink_to(tmp_path / "elsewhere.csv")
    police = text_of(dict(letters(frames_of(plan), pl.DataFrame(GAPS), plan))["police.docx"])
    assert "Not read yet: it lies with us; you need not send it again" in police
    assert "link" not in police
    assert "Send the 3 deliveries" in police, "of the other quarters"


def test_an_earlier_version_is_named_by_its_file_and_not_by_a_hash(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    send(tmp_path, "missing/2015-16_Q1.csv", f"{HEADS}\n{report()}\n")
    first = {d.id: collect_dataset(plan, d).received for d in plan.datasets}
    send(tmp_path, "missing/2015-16_Q1.csv", f"{HEADS}\n{report()}\n{report(Ref='R2')}\n")
    frames = frames_of(plan, before=first)
    police = text_of(dict(letters(frames, pl.DataFrame(GAPS), plan))["police.docx"])
    assert "missing/2015-16_Q1.csv (an earlier version) | 1 | Not counted" in police
    assert "Used: replaces a delivery of 1 row" in police
    assert "@" not in police


def test_a_filled_template_has_the_headings_that_were_asked_for(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    template = template_of(plan.dataset("missing"))
    assert template is not None
    cells = dict.fromkeys(template.headings, "") | {
        "Date": "05/05/2015", "Child forename": "Anna", "Child surname": "Example",
        "Child date of birth": "01/02/2003",
    }  # fmt: skip
    lines = [",".join(cells), ",".join(cells.values())]
    send(tmp_path, "missing/2015-16_Q1.csv", "\n".join(lines) + "\n")
    frames = frames_of(plan)
    assert frames["quality.heading"].filter(pl.col("column") != pl.col("heading")).height
    police = text_of(dict(letters(frames, pl.DataFrame(GAPS), plan))["police.docx"])
    assert "Missing reports | 1 of 4 | 1 | 1 | 0 | 0" in police
    assert "under another heading" not in police
    assert "Every heading is as agreed." in police


def test_rows_used_repeated_and_unusable_add_up_and_one_is_one(tmp_path: Path) -> None:
    files = {f"Q{n}": [report(Ref=f"R{n}", Date=f"05/{n * 3 + 1:02d}/2015")] for n in (1, 2)}
    files["Q3"] = [report(Date="05/11/2015"), report(Date="05/11/2015"), report(Date="31/02/2015")]
    police = text_of(written(tmp_path, files)["police.docx"])
    assert "Missing reports | 3 of 4 | 5 | 3 | 1 | 1" in police
    assert "Send the 1 delivery that we don't have" in police
    assert "tell us why it can't be sent" in police
    assert "Answer the question of section" in police
    assert "by the date beside it" in police


def test_a_record_of_a_file_without_rows_is_counted_as_such(tmp_path: Path) -> None:
    plan = small_plan(
        tmp_path, plan=PLAN.replace("missing/{quarter}.csv", "missing/{quarter}.parquet")
    )
    cells = [dict(zip(HEADS.split(","), line.strip('"').split('","'), strict=True))
             for line in (report(), report(Ref="R2", Date="31/02/2015"))]  # fmt: skip
    path = send(tmp_path, "missing/2015-16_Q1.parquet", "")
    pl.DataFrame(cells).write_parquet(path)
    police = text_of(dict(letters(frames_of(plan), pl.DataFrame(GAPS), plan))["police.docx"])
    assert "| 1 | record 2" in police


def test_a_renamed_column_is_named_with_its_heading(tmp_path: Path) -> None:
    dated = "    dated_by: {column: Date,"
    text = PLAN.replace(dated, f"    headers: {{DOB: Born}}\n{dated}", 1)
    plan = small_plan(tmp_path, plan=text)
    send(tmp_path, "missing/2015-16_Q1.csv", f"{HEADS.replace('DOB', 'Born')}\n{report()}\n")
    police = text_of(dict(letters(frames_of(plan), pl.DataFrame(GAPS), plan))["police.docx"])
    assert "Missing reports | DOB | Born | 2015-16 Q1" in police


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([3], "3"), ([9, 3, 4, 5], "3–5 and 9"), ([1, 3, 5], "1, 3 and 5")],
)
def test_runs_of_rows_are_drawn_together(numbers: list[int], text: str) -> None:
    assert ranges(numbers) == text


def test_a_long_list_says_how_many_more_there_are() -> None:
    assert ranges([1, 3, 5, 6, 7], most=2) == "1, 3 and 3 more (ask for the list)"


def test_only_harmless_values_are_printed() -> None:
    given = [
        ("Codes", "W9", 3),
        ("Codes", "Rare", 2),
        ("Name", "Common", 9),
        ("Codes", "Anna Example", 9),
        ("Codes", "Anna of nowhere", 9),
        ("Codes", "01/02/2003", 9),
        ("Codes", "me@example.org", 9),
        ("Codes", "x" * 31, 9),
    ]
    unknown = pl.DataFrame(
        [("d", column, "list", value, rows, None) for column, value, rows in given],
        schema=UNKNOWN_VALUE.polars_schema,
        orient="row",
    )
    shown = printable_values(unknown, [("d", "Name")], {"anna", "example"})["shown"]
    assert shown.drop_nulls().to_list() == ["W9", "Anna of nowhere"]


def test_a_name_within_another_name_is_not_addressed() -> None:
    gaps = pl.DataFrame({"agency": ["Police", "Police and Crime Commissioner"]})
    assert addressed_to(gaps, "Police", {}).height == 1


def test_the_workbooks_name_a_row_as_the_letter_does(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    lines = ["", report(), "", report(Ref="R2", Date="31/02/2015")]
    send(tmp_path, "missing/2015-16_Q1.csv", "\n".join([HEADS, *lines]) + "\n")
    frames = frames_of(plan) | {"quality.expectation": tables.empty(tables.EXPECTATION)}
    book = openpyxl.load_workbook(io.BytesIO(quality_workbook(frames)))
    _, _, head, *rows = book["quarantine"].iter_rows(values_only=True)
    told = [dict(zip(head, row, strict=True)) for row in rows]
    assert [(row["row of the file"], row["row"]) for row in told] == [(5, 1)]
    police = text_of(dict(letters(frames, pl.DataFrame(GAPS), plan))["police.docx"])
    assert "| 1 | row 5" in police
