"""The same input gives the same output, bytes included."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow

MADE = [
    "sub_group/problem_profile.html",
    "sub_group/problem_profile.docx",
    "sub_group/problem_profile.pdf",
    "panel/hotspot_map.html",
]


def test_sub_group_tables_are_the_same_bytes(exam, again):
    names = sorted(p.name for p in exam.tables.iterdir())
    assert names == sorted(p.name for p in again.tables.iterdir())
    other = [n for n in names if (exam.tables / n).read_bytes() != (again.tables / n).read_bytes()]
    assert not other


@pytest.mark.parametrize("name", MADE)
def test_document_is_the_same_bytes(exam, again, name):
    assert (exam.output / name).read_bytes() == (again.output / name).read_bytes()


def test_the_same_records_are_the_same_person(exam, again):
    query = """select dataset, file, row, role, person_id from people.record_person
               order by all"""
    assert exam.sql(query).equals(again.sql(query))


def test_every_contract_table_is_the_same(exam, again):
    tables = exam.sql(
        "select table_name from information_schema.tables where table_schema = 'profile' order by 1"
    )["table_name"]
    other = [
        t
        for t in tables
        if not exam.sql(f"from profile.{t}").equals(again.sql(f"from profile.{t}"))
    ]
    assert not other
