"""Code lists: published codes, spellings as agencies write them, an area's own additions."""

import csv
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profile_pipeline.codes.lookup import (
    HERE,
    code_list,
    fold,
    fold_expr,
    list_names,
    suggest,
    unknown_texts,
)

# DfE common basic data set, main codes of ethnicity (18 categories and two for not known).
DFE = [
    "WBRI", "WIRI", "WIRT", "WROM", "WOTH", "MWBC", "MWBA", "MWAS", "MOTH",
    "AIND", "APKN", "ABAN", "AOTH", "CHNE", "BCRB", "BAFR", "BOTH", "OOTH",
]  # fmt: skip
# Police 16+1, Criminal Justice Act records; NHS data dictionary, ethnic category code 2001.
POLICE = {
    "W1": "WBRI", "W2": "WIRI", "W9": "WOTH", "M1": "MWBC", "M2": "MWBA", "M3": "MWAS",
    "M9": "MOTH", "A1": "AIND", "A2": "APKN", "A3": "ABAN", "A9": "AOTH", "B1": "BCRB",
    "B2": "BAFR", "B9": "BOTH", "O1": "CHNE", "O9": "OOTH", "NS": None,
}  # fmt: skip
NHS = {
    "A": "WBRI", "B": "WIRI", "C": "WOTH", "D": "MWBC", "E": "MWBA", "F": "MWAS", "G": "MOTH",
    "H": "AIND", "J": "APKN", "K": "ABAN", "L": "AOTH", "M": "BCRB", "N": "BAFR", "P": "BOTH",
    "R": "CHNE", "S": "OOTH", "Z": None, "99": None,
}  # fmt: skip
LISTS = [name for name in list_names() if name != "unknown"]


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("ethnicity_police_16_plus_1", POLICE),
        ("ethnicity_nhs", NHS),
        ("ethnicity_dfe", {code: code for code in DFE}),
        ("ethnicity_dfe", {"NOBT": None, "REFU": None}),
        # ISO 5218 and the looked-after return: 1 male, 2 female, 0 and 9 not known.
        ("sex", {"1": "male", "2": "female", "0": None, "9": None}),
    ],
)
def test_published_codes(name: str, published: dict[str, str | None]) -> None:
    held = code_list(name)
    assert {code: held[fold(code)] for code in published} == published


@pytest.mark.parametrize("name", [n for n in LISTS if n.startswith("ethnicity")])
def test_every_ethnicity_list_leads_to_a_code_that_has_a_group(name: str) -> None:
    codes = {code for code in code_list(name).values() if code}
    assert codes <= set(DFE)
    assert {fold(code) for code in codes} <= set(code_list("ethnic_group"))


@pytest.mark.parametrize("name", [*LISTS, "unknown"])
def test_no_list_gives_a_spelling_two_meanings(name: str) -> None:
    """The last one would win without a word."""
    meanings: dict[str, set[str]] = {}
    with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        assert row["spelling"].strip()
        assert fold(row["spelling"]) or name == "unknown"
        meanings.setdefault(fold(row["spelling"]), set()).add(row["code"])
    assert {spelling: codes for spelling, codes in meanings.items() if len(codes) > 1} == {}


@pytest.mark.parametrize("name", LISTS)
def test_a_standard_value_is_a_spelling_of_itself(name: str) -> None:
    """So that a file that already holds standard values is read as such."""
    held = code_list(name)
    codes = {code for code in held.values() if code}
    assert {held[fold(code)] for code in codes} == codes


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("White British", "WBRI"),
        ("WHITE-BRITISH", "WBRI"),
        ("White: English/Welsh/Scottish/Northern Irish/British", "WBRI"),
        ("Gypsy or Irish Traveller", "WROM"),
        ("Pakistani", "APKN"),
        ("Asian or Asian British - Pakistani", "APKN"),
        ("Black or Black British - African", "BAFR"),
        ("Mixed - White and Black Caribbean", "MWBC"),
        ("Mixed White/Black Caribbean", "MWBC"),
        ("Chinese", "CHNE"),
        ("Any other ethnic group", "OOTH"),
    ],
)
def test_ethnicity_as_agencies_write_it(text: str, code: str) -> None:
    assert code_list("ethnicity_text")[fold(text)] == code


@pytest.mark.parametrize("text", ["N/K", "n.k.", "Not Known", "01/01/1900", "TBC", "not stated"])
def test_texts_that_mean_we_do_not_know(text: str) -> None:
    assert fold(text) in unknown_texts()


@pytest.mark.parametrize("text", ["No", "None", "0", "Noah", "Nan Lee", "White", "A", "M", "F"])
def test_texts_that_are_answers_are_not_taken_for_unknown(text: str) -> None:
    assert fold(text) not in unknown_texts()


@given(st.text(max_size=30))
def test_polars_folds_as_python_does(text: str) -> None:
    frame = pl.DataFrame({"t": [text]})
    assert frame.select(fold_expr(pl.col("t"))).item() == fold(text)
    assert fold(fold(text)) == fold(text)


def test_an_areas_own_list_adds_and_overrides(tmp_path: Path) -> None:
    (tmp_path / "sex.csv").write_text(
        "spelling,code\nlass,female\nX,female\n", encoding="utf-8-sig"
    )
    held = code_list("sex", tmp_path)
    assert (held["lass"], held["x"], held["m"]) == ("female", "female", "male")
    assert code_list("sex")["x"] is None


def test_an_areas_own_unknown_texts_count(tmp_path: Path) -> None:
    (tmp_path / "unknown.csv").write_text("spelling,code\nask the worker,\n")
    assert "ask the worker" in unknown_texts(tmp_path)
    assert "n k" in unknown_texts(tmp_path)


def test_a_list_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        code_list("no_such_list")


@pytest.mark.parametrize(
    ("text", "code"), [("femail", "female"), ("mael", "male"), ("zebra", None), ("", None)]
)
def test_a_near_spelling_is_suggested(text: str, code: str | None) -> None:
    assert suggest(text, code_list("sex")) == code
