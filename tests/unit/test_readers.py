"""Every file an agency may send: what is read, what is refused, and in which words."""

import csv
import datetime as dt
import io
import re
import zipfile
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from profile_pipeline.errors import DeliveryError
from profile_pipeline.intake.readers import read_bytes, read_file
from profile_pipeline.plan.reading import ReadSettings

EXAM = Path(__file__).parents[3] / "shared" / "exam"
SECRET = "Zebedee"


def rows(data: bytes | str, name: str = "a.csv", **read: object) -> list[tuple[object, ...]]:
    content = data.encode() if isinstance(data, str) else data
    return read_bytes(content, ReadSettings.model_validate(read), name=name).rows()


def refusal(data: bytes | str, name: str = "a.csv", **read: object) -> str:
    with pytest.raises(DeliveryError) as caught:
        rows(data, name, **read)
    message = str(caught.value)
    assert SECRET not in message
    assert all(line.startswith(f"{name}: ") for line in message.splitlines())
    return message


def workbook(*sheet: list[object], title: str = "Log", **states: str) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in sheet:
        book.active.append(row)
    for name, state in states.items():
        book.create_sheet(name).append(["elsewhere"])
        book[name].sheet_state = state
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(data: bytes, **changes: bytes) -> bytes:
    """The same ZIP with members replaced or added (`__` for `/`)."""
    out = io.BytesIO()
    members = {name.replace("__", "/").replace("_dot_", "."): new for name, new in changes.items()}
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for name in old.namelist():
            new.writestr(name, members.pop(name, old.read(name)))
        for name, content in members.items():
            new.writestr(name, content)
    return out.getvalue()


# --- rows ---------------------------------------------------------------------------------------


def test_rows_are_records_and_nothing_else() -> None:
    text = (
        "Housing,,\nReturn for the quarter,,\nRef,Name,Note\n1,Ann,\n,,\n \n"
        '2,Total,"first line\nsecond line"\nTotal records: 2,,\n,,\n'
    )
    assert rows(text, header_row=3) == [
        (0, "1", "Ann", None),
        (1, "2", "Total", "first line\nsecond line"),
    ]


@pytest.mark.parametrize(
    ("last", "kept"),
    [
        ("Total,125,", False),
        ("TOTALS:,,", False),
        (",Grand total,1,234", False),
        ("Total,Mary,", True),  # a child called Total
        ("Totally,,", True),
        ("Total,3,04/05/2015", True),
    ],
)
def test_only_a_totals_row_at_the_end_is_left_out(last: str, kept: bool) -> None:
    assert len(rows(f"A,B,C,D\n1,2,3,4\n{last}\n")) == 1 + kept


def test_a_totals_row_amid_the_data_stays() -> None:
    assert len(rows("A,B\nTotal,4\n1,2\n")) == 2


def test_cells_stay_as_received() -> None:
    text = 'A,B\n" spaced ",=1+1\nnul\0nul,"say ""no"""\nO"Brien,NULL\n'
    assert rows(text) == [
        (0, " spaced ", "=1+1"),
        (1, "nul\0nul", 'say "no"'),
        (2, 'O"Brien', "NULL"),
    ]


def test_a_cell_of_200_kilobytes_is_read() -> None:
    cell = 'it said "stop"' * 15_000
    assert rows(f'A,B\n1,x"{cell}\n') == [(0, "1", f'x"{cell}')]


def test_headings_are_tidied_and_unnamed_columns_kept_when_they_hold_something() -> None:
    frame = read_bytes(b'\xef\xbb\xbf"First\n name ",DOB,,\n1,2,,4\n', ReadSettings(), name="a.csv")
    assert frame.columns == ["_row", "First name", "DOB", "unnamed 4"]


def test_short_rows_are_filled() -> None:
    assert rows("A,B,C\n1\n2,3\n4,5,6\n") == [
        (0, "1", None, None),
        (1, "2", "3", None),
        (2, "4", "5", "6"),
    ]


def test_extra_cells_are_let_be_when_blank() -> None:
    assert rows("A,B\n1,2,,\n") == [(0, "1", "2")]


def test_a_file_without_records_is_an_empty_table() -> None:
    frame = read_bytes(b"A,B\n", ReadSettings(), name="a.csv")
    assert frame.schema == {"_row": pl.Int64, "A": pl.String, "B": pl.String}
    assert frame.height == 0


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig", "utf-16", "utf-16-le"])
def test_encodings_named_in_the_plan(encoding: str) -> None:
    assert rows("A\tB\nZoë\t–\n".encode(encoding), encoding=encoding, delimiter="tab") == [
        (0, "Zoë", "–")
    ]


def test_utf_8_is_not_misread_as_the_old_encoding() -> None:
    assert rows("A\nZoë\n".encode(), encoding="cp1252") == [(0, "Zoë")]


# --- CSV refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty (0 bytes)"),
        (b" \n\n", "blank"),
        (b"A,B\n1,Zebedee,3\n", "line 2 has more cells than the 2 headings"),
        (b"A,B\n1,2\n1,2,3\n1,2,3\n", "line 3 (and 1 more) has more"),
        (b'A,B\n1,"Zebedee\n2,b\n3,c\n', "line 2: a quote is opened and not closed"),
        (
            b'A,B\n1,"Zebedee\n2,b\n3,"c"\n4,d\n',
            "line 2: a quote is opened and not closed",
        ),
        (b'A,B\n1,"Zebedee\n', "line 2: a quote is opened and not closed"),
        (b'A,"B\n1,2\n', "line 1: a quote is opened and not closed"),
        (b"A,Zebedee,Zebedee\n1,2,3\n", "columns 2 and 3 have the same heading"),
        (b"A,dob,DOB\n1,2,3\n", "columns 2 and 3 have the same heading"),
        (b"A,B\n1,2\nA,B\n3,4\n", "row 3 repeats the headings"),
        (b"A,_row\n1,2\n", "heading 2 may not be used"),
        (b",\n1,2\n", "no headings in row 1"),
        (b"A,B,C\n1,Zeb\nedee,3\n4,5,6\n", "1 records are broken over two lines"),
        (
            b"A,B\n1,Z\xeb\n",
            "line 2, byte 7: not written in utf-8-sig. It reads as cp1252",
        ),
        (bytes(range(256)) * 9, "binary file"),
        (b"PK\x03\x04" + b"x" * 99, "an Excel workbook or a ZIP"),
        (b"PAR1" + b"x" * 99, "a Parquet file"),
    ],
)
def test_a_csv_file_that_cannot_be_read(data: bytes, says: str) -> None:
    assert says in refusal(data)


def test_headings_below_the_end_of_the_file() -> None:
    assert "it has 2 rows, the headings should be in row 5" in refusal("A\n1\n", header_row=5)


def test_an_encoding_that_the_data_are_not_in() -> None:
    assert "It reads as cp1252" in refusal(b"A\nZo\xeb\n", encoding="ascii")
    assert "not written in utf-16" in refusal(b"A,B\n1,23\n", encoding="utf-16")


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path, says in (
        (tmp_path / "none.csv", "missing"),
        (tmp_path, "no ordinary file"),
    ):
        with pytest.raises(DeliveryError, match=says):
            read_file(path, ReadSettings(), name="a.csv")


def test_an_unknown_kind_of_file() -> None:
    assert "can't be read" in refusal(b"x", name="a.doc")


# --- CSV against Python's own reader -------------------------------------------------------------

CELLS = st.text(st.sampled_from('ab ,;"\n\0é='), max_size=6)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6)
)


def expected(text: str, width: int, delimiter: str = ",") -> list[tuple[str | None, ...]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    wide = [row + [""] * (width - len(row)) for row in reader]
    return [
        tuple(cell or None for cell in row[:width]) for row in wide if any(c.strip() for c in row)
    ]


@settings(max_examples=300, deadline=None)
@given(
    TABLES,
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([0, 1, 2]),
    st.booleans(),
)
def test_what_a_csv_writer_wrote_is_read_back(
    table: list[list[str]], end: str, quoting: int, last_end: bool
) -> None:
    assume(end != "\r" or quoting == 1)  # the writer leaves \n bare when lines end in \r
    width = len(table[0]) if table else 2
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=end, quoting=quoting)
    writer.writerow([f"h{number}" for number in range(width)])
    writer.writerows(table)
    text = out.getvalue() if last_end else out.getvalue().removesuffix(end)
    assume(text.count("\0") <= 16)  # a file of more NULs is rightly taken for a binary one
    got = [row[1:] for row in rows(text, totals=["no such"])]
    assert got == expected(text, width)[1:]
    assert got == [
        tuple(cell or None for cell in row) for row in table if any(cell.strip() for cell in row)
    ]


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from('ab,"\n\r '), max_size=30))
def test_any_text_is_read_as_pythons_reader_does_or_refused(body: str) -> None:
    text = "x,y,z\n" + body
    try:
        got = [row[1:4] for row in rows(text, totals=["no such"])]
    except DeliveryError:
        return
    assert got == expected(text, 3)[1:]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"A,B\n", b"PK\x03\x04", b"PAR1", b"\xff\xfe"]),
    st.sampled_from(["a.csv", "a.xlsx", "a.parquet"]),
    st.sampled_from(["utf-8-sig", "cp1252", "utf-16", "utf-7", "shift_jis", "ascii"]),
)
def test_no_bytes_raise_anything_but_a_delivery_error(
    data: bytes, start: bytes, name: str, encoding: str
) -> None:
    try:
        read_bytes(start + data, ReadSettings(encoding=encoding, header_row=1), name=name)
    except DeliveryError as error:
        assert error.problems


# --- XLSX -----------------------------------------------------------------------------------------


def test_a_workbook_cell_by_cell() -> None:
    day, moment = (
        dt.datetime(1999, 5, 21),
        dt.datetime(2016, 3, 31, 23, 59, 59, 600_000),
    )
    data = workbook(
        ["Team"],
        [],
        ["Ref", "When", "Value"],
        [14, day, 2.5],
        [9434765919, dt.datetime(2016, 3, 31, 13, 4, 5), True],
        ["  x ", moment, 36571],
        [None, None, None],
        ["007", dt.time(3, 4, 5), "31/03/2016"],
        ["Total", 4, None],
    )
    assert rows(data, "a.xlsx", header_row=3) == [
        (0, "14", "1999-05-21", "2.5"),
        (1, "9434765919", "2016-03-31 13:04:05", "true"),
        (2, "  x ", "2016-04-01", "36571"),
        (3, "007", "03:04:05", "31/03/2016"),
    ]


def test_dates_of_the_1904_system() -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(["When"])
    book.active.append([dt.datetime(2016, 3, 31)])
    out = io.BytesIO()
    book.save(out)
    assert rows(out.getvalue(), "a.xlsx") == [(0, "2016-03-31")]


def test_the_first_visible_sheet_is_read_unless_one_is_named() -> None:
    data = workbook(["A"], [1], title="Hidden", Shown="visible")
    book = openpyxl.load_workbook(io.BytesIO(data))
    book["Hidden"].sheet_state = "hidden"
    book.active = 1
    out = io.BytesIO()
    book.save(out)
    settings_ = ReadSettings()
    assert read_bytes(out.getvalue(), settings_, name="a.xlsx").columns == [
        "_row",
        "elsewhere",
    ]
    assert rows(out.getvalue(), "a.xlsx", sheet="Hidden") == [(0, "1")]


def test_a_sheet_that_is_not_there() -> None:
    data = workbook(["A"], title="Tracker", Zebedee="visible")
    assert "Did you mean 'Tracker'?" in refusal(data, "a.xlsx", sheet="tracke")
    assert "none of its 2 sheets is called 'Data'" in refusal(data, "a.xlsx", sheet="Data")


def test_a_workbook_that_cannot_be_read() -> None:
    good = workbook(["A"], [SECRET])
    far = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    )
    far += b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c>'
    far += b"</row></sheetData></worksheet>"
    other = far.replace(b'<c r="XFD', b"<c s='1' r = \"XFD")
    small = far.replace(b"XFD", b"xfd")  # calamine asks for the memory of these, too
    with zipfile.ZipFile(io.BytesIO(good)) as package:
        torn = package.read("xl/worksheets/sheet1.xml")[:-40]
    cases = [
        (
            repacked(good, xl__worksheets__sheet1_dot_xml=other),
            "spans 1048576 rows and 16384",
        ),
        (repacked(good, xl__worksheets__sheet1_dot_xml=small), "or a broken one"),
        (repacked(good, xl__worksheets__sheet1_dot_xml=torn), "or a broken one"),
        (repacked(good, xl__vbaProject_dot_bin=b"x"), "holds macros"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "password or the old format"),
        (good[: len(good) // 2], "not an Excel workbook, or a broken one"),
        (
            repacked(good, xl__workbook_dot_xml=b"<a"),
            "not an Excel workbook, or a broken one",
        ),
        (
            repacked(good, xl__worksheets__sheet1_dot_xml=far),
            "spans 1048576 rows and 16384 columns",
        ),
        (b"A,B\n1,2\n", "not an Excel workbook, or a broken one"),
    ]
    for data, says in cases:
        assert says in refusal(data, "a.xlsx")
    assert "in row 9" in refusal(good, "a.xlsx", header_row=9)


def test_a_zip_that_swells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profile_pipeline.intake.readers_xlsx.UNPACKED_LIMIT", 5_000)
    assert "when unpacked" in refusal(workbook(["A"], ["x" * 9_000]), "a.xlsx")


def test_entities_in_a_workbook_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><workbook>&b;</workbook>'
    assert "broken" in refusal(repacked(workbook(["A"]), xl__workbook_dot_xml=bomb), "a.xlsx")


GOOD = workbook(["A", "B"], ["x", dt.datetime(2016, 3, 31)], [SECRET, 2.5])
PARTS = [name for name in zipfile.ZipFile(io.BytesIO(GOOD)).namelist() if name.startswith("xl/")]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(PARTS),
    st.integers(0, 9999),
    st.binary(max_size=8),
    st.integers(0, 8),
)
def test_no_damage_to_a_workbook_raises_anything_but_a_delivery_error(
    part: str, at: int, new: bytes, gone: int
) -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as package:
        xml = package.read(part)
    at %= len(xml)
    key = part.replace("/", "__").replace(".", "_dot_")
    data = repacked(GOOD, **{key: xml[:at] + new + xml[at + gone :]})
    try:
        rows(data, "a.xlsx")
    except DeliveryError as error:
        assert SECRET not in str(error)


# --- Parquet ------------------------------------------------------------------------------------


def test_a_parquet_file_as_text() -> None:
    out = io.BytesIO()
    pl.DataFrame(
        {
            "day": [dt.date(1999, 5, 21), None],
            "at": [dt.datetime(2016, 3, 31), dt.datetime(2016, 3, 31, 13, 4, 5)],
            "n": [14.0, 2.5],
            "i": [9434765919, None],
            "yes": [True, False],
            "t": ["", " x "],
        }
    ).write_parquet(out)
    assert rows(out.getvalue(), "a.parquet") == [
        (0, "1999-05-21", "2016-03-31", "14", "9434765919", "true", None),
        (1, None, "2016-03-31 13:04:05", "2.5", None, "false", " x "),
    ]


def test_a_parquet_file_that_cannot_be_read() -> None:
    out = io.BytesIO()
    pl.DataFrame({"a": [[SECRET], None]}).write_parquet(out)
    assert "column 1 holds lists" in refusal(out.getvalue(), "a.parquet")
    assert "broken" in refusal(out.getvalue()[:-9], "a.parquet")
    assert "broken" in refusal(b"A,B\n1,2\n", "a.parquet")


# --- a borough's files -------------------------------------------------------------------------


@pytest.mark.skipif(not EXAM.exists(), reason="the exam's files are not here")
def test_rows_line_up_with_the_truth_in_every_file_of_the_exam() -> None:
    note = (EXAM / "README.md").read_text()
    layouts: dict[str, ReadSettings] = {}
    for dataset, layout in re.findall(r"^## (\w+) - .*\n(.*)$", note, re.MULTILINE):
        found = {
            "encoding": re.search(r"encoding ([\w-]+)", layout),
            "delimiter": re.search(r"separator '(.)'", layout),
            "header_row": re.search(r"header on line (\d+)", layout),
            "sheet": re.search(r"sheet '(.+?)'", layout),
        }
        layouts[dataset] = ReadSettings.model_validate({k: m[1] for k, m in found.items() if m})
    truth = pl.read_parquet(EXAM / "truth" / "record_map.parquet")
    files = truth.group_by("dataset", "file").agg(
        pl.col("row").max(), ids=pl.col("record_id"), at="row"
    )
    assert files.height == 126
    for dataset, file, last, ids, at in files.iter_rows():
        path = EXAM / "data" / dataset / file
        frame = read_file(path, layouts[dataset], name=f"{dataset}/{file}")
        assert frame.height == last + 1, path
        first = frame[frame.columns[1]].to_list()
        wrong = [
            row
            for row, id_ in zip(at, ids, strict=True)
            if id_ and id_.strip() != first[row].strip()
        ]
        assert not wrong, path


def test_a_second_extract_pasted_below_with_its_byte_order_mark_is_refused() -> None:
    one = "\ufeffRef,Name\n1,a\n"
    with pytest.raises(DeliveryError, match="repeats the headings"):
        read_bytes((one + one).encode(), ReadSettings(), name="x.csv")
