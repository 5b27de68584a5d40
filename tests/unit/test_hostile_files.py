"""Files that would fill the memory or never end, and valid files that were damaged."""

import datetime as dt
import io
import time
import zipfile
from contextlib import suppress

import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_pipeline.errors import DeliveryError
from profile_pipeline.intake.readers import read_bytes
from profile_pipeline.plan.reading import ReadSettings

KNOWN = ("CHILD", "SEX", "DOB")
SHEET = "xl/worksheets/sheet1.xml"
START = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append([*KNOWN])
    book.active.append([1, 2, dt.datetime(2016, 3, 31)])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(part: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name == part else old.read(name))
    return out.getvalue()


def parquet() -> bytes:
    out = io.BytesIO()
    frame = pl.DataFrame({"CHILD": ["1", "2"], "SEX": [1, 2], "DOB": [dt.date(2005, 1, 1), None]})
    frame.write_parquet(out)
    return out.getvalue()


ROW = b"CHILD,SEX,DOB\n"
WIDE = b",".join(b"c%d" % n for n in range(100_000)) + b"\n" + b"1," * 99_999 + b"1\n"
NO_PLACES = START + b"<row>" + b"<c><v>1</v></c>" * 200_000 + b"</row></sheetData></worksheet>"
BOMB = b'<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><Child>&b;</Child>'
NESTED = b"<Child>" * 50_000 + b"</Child>" * 50_000
REPEATED = b"<Child>" + b"<a>1</a>" * 150_000 + b"</Child>"
ATTRIBUTE = b"<Child a='" + b"x" * 20_000_000 + b"'><b>1</b></Child>"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", WIDE, "more than 2000 columns"),
        ("a.csv", b"x" * 20_000_000, "or no headings"),
        ("a.csv", ROW + b"\0" * 1_000_000, "binary file"),
        ("a.csv", ROW + b'1,"2,3\n' * 100_000, "a quote is opened"),
        ("a.csv", ROW + b'1,2,"' + b"x" * 5_000_000 + b'"\n', ""),
        ("a.xlsx", repacked(SHEET, NO_PLACES), "spans 1 rows and 200000 columns"),
        ("a.xml", BOMB, "declares a document type"),
        ("a.xml", NESTED, ""),
        ("a.xml", REPEATED, ""),
        ("a.xml", ATTRIBUTE, ""),
    ],
    ids=["wide", "heading", "nul", "quotes", "cell", "cells", "bomb", "deep", "again", "attribute"],
)
def test_a_hostile_file_is_refused_or_read_within_seconds(
    name: str, content: bytes, says: str
) -> None:
    read = ReadSettings(known=KNOWN, record="Child > Inner", together=("a",))
    began = time.process_time()
    if says:
        with pytest.raises(DeliveryError, match=says):
            read_bytes(content, read, name=name)
    else:
        assert read_bytes(content, read, name=name).height <= 1
    assert time.process_time() - began < 20


XML = (
    b"<?xml version='1.0'?><Message><Children>"
    + b"<Child><Id>a</Id><Inner><a>1</a><a>2</a></Inner></Child>" * 3
    + b"</Children></Message>"
)
CSV = b'CHILD,SEX,DOB\r\n1,2,"05/06/2005"\r\n2,"a ""b""\r\n",06/06/2005\r\n'
FILES = [
    ("a.csv", CSV),
    ("a.csv", CSV.decode().encode("utf-16")),
    ("a.csv", CSV.replace(b",", b";")),
    ("a.xlsx", workbook()),
    ("a.parquet", parquet()),
    ("a.xml", XML),
]
BITS = st.one_of(
    st.binary(max_size=6),
    st.sampled_from([b"\0", b'"', b"\r", b"<", b"&a;", b"\xff\xfe", b"9" * 30]),
)


@settings(max_examples=150, deadline=None)
@given(
    file=st.sampled_from(FILES),
    damage=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 40), st.integers(0, 30), BITS),
        min_size=1,
        max_size=6,
    ),
    cut=st.one_of(st.none(), st.floats(0, 1)),
)
def test_no_damage_to_a_valid_file_raises_anything_but_the_documented_error(
    file: tuple[str, bytes],
    damage: list[tuple[float, int, int, bytes]],
    cut: float | None,
) -> None:
    name, data = file
    for place, gone, times, new in damage:
        at = int(place * len(data))
        # Cut out, put in, and repeat what stands there.
        data = data[:at] + new + data[at : at + gone] * (times % 4) + data[at + gone :]
    if cut is not None:
        data = data[: int(cut * len(data))]
    read = ReadSettings(known=KNOWN, record="Children/Child > Inner", together=("a",))
    with suppress(DeliveryError):
        frame = read_bytes(data, read, name=name)
        assert frame["_row"].to_list() == list(range(frame.height))
