"""A letter leaves the desk: nothing of any row stands in it, however the row is broken."""

import io
import sys
import zipfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from letter_run import report, written

MARK = "Zzyzx"
MARKED = {
    "Ref": f"{MARK}ref",
    "Name": f"{MARK}surname, {MARK}forename (aka {MARK}nick)",
    "Nominal": f"{MARK}id",
    "Postcode": f"{MARK}post",
    "NHS_No": f"{MARK}nhs",
}


def test_no_value_of_any_row_is_in_any_part_of_the_document(tmp_path: Path) -> None:
    """Used, set aside, blanked, doubled, of unknown code, and with columns that have slipped."""
    slipped = f"{MARK}surname {MARK}forename"
    lines = [
        report(**MARKED),
        report(**MARKED),
        report(**MARKED | {"Date": f"{MARK}day"}),
        report(**MARKED | {"DOB": f"{MARK}born", "Sex": f"{MARK}sex"}),
        report(**MARKED | {"DOB": "09/08/1907"}),
        # A name in the column of a code, in enough rows to be printed if it were one.
        *(report(**MARKED | {"Nominal": f"{n}", "Ethnicity": slipped}) for n in range(4)),
        *(report(**MARKED | {"Nominal": f"{n}", "Sex": f"{MARK}{n}"}) for n in range(4)),
    ]
    for content in written(tmp_path, {"Q1": lines}).values():
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                part = archive.read(name).decode("utf-8", "ignore")
                assert MARK.lower() not in part.lower(), name
                assert "1907" not in part, name


def test_a_hostile_text_is_printed_and_not_obeyed(tmp_path: Path) -> None:
    evil = "<w:p/>&=1+1"
    lines = [report(Ref=f"R{n}", Ethnicity=evil) for n in range(3)]
    content = written(tmp_path, {"Q1": lines})["police.docx"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        part = archive.read("word/document.xml").decode()
    assert "&lt;w:p/&gt;&amp;=1+1" in part
    assert "=1+1" in part
