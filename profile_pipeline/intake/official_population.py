"""Population as ONS and Nomis publish it: to tables.POPULATION without any mapping.

Understood, in CSV and in every sheet of a workbook: title lines above the heading and notes below
the figures; a column for each age (mid-year estimates of wards: `All Ages`, `0` ... `90+`, a sheet
for each sex), for each group (`Ethnic Group: White: Irish; measures: Value`) or both, under one or
two lines of headings; several tables below each other, told apart by lines such as `Age,Age 10 to
14`; areas across instead of down; and Nomis's list of one figure a line (`GEOGRAPHY_CODE`,
`C_AGE_NAME` ... `OBS_VALUE`). Figures of smaller areas are added up to wards by a lookup of the
plan; those of the area as a whole tell its ages, sexes and groups, but no ward. Totals and bands
are left out where the file has their parts.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import polars as pl

from profile_pipeline.codes.lookup import code_list, fold
from profile_pipeline.errors import DeliveryError, Problem
from profile_pipeline.plan.context import ContextSource, Extent
from profile_pipeline.population import NOT_BROKEN_DOWN, WHOLE_AREA
from profile_pipeline.tables import POPULATION, QUARANTINE, conform

AREA_CODE = r"^[EWNS]\d{8}$"
# Headings that say: here stands the code of the area (folded).
CODE_HEADING = re.compile(
    r"(geography|area|ward|electoral ward) (\d{4} )?codes?( \d)?|mnemonic|(wd|cmwd)\d* ?(cd|code)"
    r"|ward code \d{4}|geography code"
    r"|(ward|wd|ltla|lad|utla|lsoa|oa|msoa)\d* ?(cd|code)"
)
VALUE_HEADINGS = ("obs value", "value", "population", "observation", "count", "n", "number")
# Endings of labels that say whether figures are counts or shares.
COUNTED, SHARED = re.compile(r" *\((number|count)\)$"), re.compile(r"\((percent|percentage|%)\)$")
DIMENSIONS = {
    "sex": "sex",
    "gender": "sex",
    "c sex name": "sex",
    "gender name": "sex",
    "age": "age",
    "c age name": "age",
    "age band": "age",
    "ethnic group": "ethnic",
    "ethnicity": "ethnic",
    "c ethpuk11 name": "ethnic",
    "c ethhuk11 name": "ethnic",
    "ethnic group 20 categories": "ethnic",
    "ethnic group 20b": "ethnic",
}
# The first word of a group's label, and the main group.
GROUPS = {"white": "White", "mixed": "Mixed", "asian": "Asian", "black": "Black", "other": "Other"}
# What is left of each group, however a table words it.
OTHER_OF = {"White": "WOTH", "Mixed": "MOTH", "Asian": "AOTH", "Black": "BOTH", "Other": "OOTH"}
GROUP_LABEL = re.compile(
    r"white|mixed( or)?( multiple)?( ethnic)?( groups?)?"
    r"|asian( asian british)?( or asian( british| welsh)?)?|asian asian british asian welsh"
    r"|black( african caribbean)?( black british)?( black welsh caribbean or african)?"
    r"|black or black british|other ethnic groups?|chinese or other ethnic group"
)
PARTED = {"total", "all categories ethnic group", "all usual residents", "all ethnic groups"}
OLDEST = 120
# Published parts and totals may differ by what keeps small numbers unknown (census 2021).
TOLERANCE, TOLERANCE_PEOPLE = 0.02, 10
CELLS = {
    "row": pl.Int64,
    "ward_code": pl.String,
    "age_years": pl.Int64,
    "age_to": pl.Int64,
    "sex": pl.String,
    "ethnicity_code": pl.String,
    "ethnic_group": pl.String,
    "column": pl.String,
    "value": pl.String,
    "said": pl.String,
}
BREAKDOWN = ("ward_code", "age_years", "age_to", "sex", "ethnic_group", "ethnicity_code")


class ContextRows(NamedTuple):
    """A context table and the rows of its file that could not be used (tables.QUARANTINE)."""

    frame: pl.DataFrame
    faults: pl.DataFrame
    note: str | None = None


class Label(NamedTuple):
    """What a heading says of the figures under it; None where it says nothing."""

    ages: tuple[int, int] | None = None
    sex: str | None = None
    ethnic: tuple[str, str] | None = None

    @property
    def says(self) -> bool:
        """Whether it says anything at all."""
        return self != Label()

    def over(self, other: "Label") -> "Label":
        """Return this label, filled from another where it says nothing."""
        return Label(self.ages or other.ages, self.sex or other.sex, self.ethnic or other.ethnic)


def read_official(
    source: ContextSource,
    sheets: list[tuple[str, list[list[str]]]],
    extent: Extent | None,
    wards_of: Mapping[str, str] | None = None,
) -> ContextRows | None:
    """Return the population of the area's wards; None where no table of a known layout is found.

    Rows of other areas are left out without a fault, as a file may cover the country. Figures that
    are none, and wards whose parts don't add up to their total, are faults.

    Args:
        source: the source.
        sheets: its sheets, name and lines of cells.
        extent: the area's wards and its own code, whose figures stand in where no ward has any.
        wards_of: ward of each smaller area, when the figures are of these.

    Raises DeliveryError when a group is unknown or nothing of the area is left.
    """
    parts = [part for name, lines in sheets for part in _tables(source, name, lines)]
    if not parts:
        return None
    where = f"reference/{source.file}"
    cells = pl.concat(parts)
    wards = extent.ward_codes if extent is not None else frozenset()
    cells = _of_area(cells, wards, extent.area_code if extent else "", wards_of)
    if cells.is_empty():
        what = "it holds no figure of the area's wards." if wards else "it holds no figure."
        cure = (
            "The codes may be of another year: ask for the wards of the boundaries. Figures of"
            " the area as a whole need `area: code:` in profile.yaml, those of smaller areas"
            " `areas:` of the source."
        )
        raise DeliveryError(Problem(where, what, cure))
    number = pl.col("value").str.replace_all(r"[, ]", "").cast(pl.Float64, strict=False)
    cells = cells.with_columns(population=number)
    whole = pl.col("population").is_between(0, 10_000_000) & (number == number.floor())
    good = cells.filter(whole.fill_null(value=False))
    faults = [_fault(source, cells.filter(~whole.fill_null(value=False)), "impossible_count")]
    if good.is_empty():
        raise DeliveryError(Problem(where, "none of its figures is a whole number.", "Ask again."))
    note = ""
    if wards_of is not None:
        good, note = _added_up(good, wards_of, wards)
    good, again = _groups_united(good)
    faults.append(_fault(source, again, "repeated_id"))
    leaves, differing = _without_totals(good)
    faults.append(_fault(source, differing, "parts_and_total_differ"))
    leaves = leaves.join(differing, on="ward_code", how="anti", maintain_order="left")
    repeated = ~pl.struct(BREAKDOWN).is_first_distinct()
    faults.append(_fault(source, leaves.filter(repeated), "repeated_id"))
    children = leaves.filter(~repeated, pl.col("age_years") < 18).with_columns(
        source=pl.lit(source.id)
    )
    if children.is_empty():
        what = "nothing in it is of people under 18, or its parts and totals differ everywhere."
        raise DeliveryError(Problem(where, what, "Ask for ages in the table."))
    note += wards_without(children, extent)
    if not (children["age_years"] >= 10).any():
        note += " It gives no ages within 10 to 17, and is used for no comparison of children."
    return ContextRows(
        conform(children, POPULATION),
        pl.concat(faults).unique(maintain_order=True).sort("row", "column"),
        note.strip() or None,
    )


def _groups_united(cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the figures with groups of one DfE code added up, and those that came twice.

    The census tells Arab from any other group, and Roma from Gypsy or Irish Traveller; the code
    does not.
    """
    coded = pl.col("ethnicity_code") != NOT_BROKEN_DOWN
    first = pl.struct(*BREAKDOWN, "said").is_first_distinct()
    groups = cells.filter(coded)
    again = groups.filter(~first)
    united = (
        groups.filter(first)
        .group_by(BREAKDOWN, maintain_order=True)
        .agg(pl.sum("population"), pl.first("row", "column", "value", "said"))
        .select(cells.columns)
    )
    return pl.concat([cells.filter(~coded), united]), again


def wards_without(population: pl.DataFrame, extent: Extent | None) -> str:
    """Return in words how many of the area's wards have no population; empty when all have."""
    if extent is None or not extent.ward_codes:
        return ""
    if population["ward_code"].str.contains(WHOLE_AREA).all():
        return "It gives the area as a whole, and tells nothing of wards."
    left = extent.ward_codes - set(population["ward_code"])
    if not left:
        return ""
    return f"{len(left)} of the area's {len(extent.ward_codes)} wards have no population in it."


def _of_area(
    cells: pl.DataFrame, wards: frozenset[str], area: str, wards_of: Mapping[str, str] | None
) -> pl.DataFrame:
    """Return the cells of the wards, else of the area as a whole; all when nothing is known."""
    if wards_of is not None:
        cells = cells.filter(pl.col("ward_code").is_in(list(wards_of)))
    elif wards:
        own = cells.filter(pl.col("ward_code").is_in(list(wards)))
        cells = cells.filter(pl.col("ward_code") == area) if own.is_empty() else own
    return cells


def _added_up(
    cells: pl.DataFrame, wards_of: Mapping[str, str], wards: frozenset[str]
) -> tuple[pl.DataFrame, str]:
    """Return the figures of small areas by ward, and which wards can't be told.

    A ward of which a small area has no figure is left out: its sum would be too small.
    """
    lookup = pl.DataFrame(
        {"ward_code": list(wards_of), "_ward": list(wards_of.values())},
        schema={"ward_code": pl.String, "_ward": pl.String},
    )
    if wards:
        lookup = lookup.filter(pl.col("_ward").is_in(list(wards)))
    lacking = lookup.join(cells, on="ward_code", how="anti")
    short = lacking["_ward"].unique()
    summed = (
        cells.join(lookup, on="ward_code", how="inner", maintain_order="left")
        .filter(~pl.col("_ward").is_in(short.implode()))
        .drop("ward_code")
        .rename({"_ward": "ward_code"})
        .group_by([*BREAKDOWN, "column", "said"], maintain_order=True)
        .agg(pl.min("row"), pl.sum("population"), value=pl.lit(None, dtype=pl.String))
        .select(cells.columns)
    )
    if lacking.is_empty():
        return summed, ""
    return summed, (
        f"{lacking.height} of the lookup's {lookup.height} areas have no figure in it: the lookup"
        " may be of another year. "
    )


REASONS = {
    "impossible_count": "the count is not a whole number from 0",
    "parts_and_total_differ": "the parts of the ward don't add up to the total given",
    "repeated_id": "a figure for the same people stood in the file already",
}


def _fault(source: ContextSource, rows: pl.DataFrame, rule: str) -> pl.DataFrame:
    return rows.select(
        dataset=pl.lit(source.id),
        file=pl.lit(source.file),
        row="row",
        column="column",
        value="value",
        rule=pl.lit(rule),
        reason=pl.lit(REASONS[rule]),
    ).cast(QUARANTINE.polars_schema)  # type: ignore[arg-type]


def _without_totals(cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the figures that no others are parts of, and the totals their parts don't make.

    A figure is left out when the same ward has parts of it that differ in one thing alone: the
    sexes of all persons, the codes of a group, the narrower bands of an age.
    """
    whole = {
        "sex": pl.col("sex") == NOT_BROKEN_DOWN,
        "ethnicity_code": (pl.col("ethnicity_code") == NOT_BROKEN_DOWN)
        & (pl.col("ethnic_group") != NOT_BROKEN_DOWN),
        "ethnic_group": pl.col("ethnic_group") == NOT_BROKEN_DOWN,
    }
    same = {
        "sex": ("ward_code", "age_years", "age_to", "ethnic_group", "ethnicity_code"),
        "ethnicity_code": ("ward_code", "age_years", "age_to", "sex", "ethnic_group"),
        "ethnic_group": ("ward_code", "age_years", "age_to", "sex"),
    }
    cells = cells.with_row_index("_cell")
    parted: list[pl.DataFrame] = []
    for name, is_whole in whole.items():
        totals = cells.filter(is_whole)
        parts = cells.filter(~is_whole)
        if name == "ethnic_group":
            # Either the codes or the groups as they stand make the total, never both together.
            has_codes = (pl.col("ethnicity_code") != NOT_BROKEN_DOWN).any()
            of_group = (*same[name], "ethnic_group")
            parts = parts.filter(
                ~(has_codes.over(of_group) & (pl.col("ethnicity_code") == NOT_BROKEN_DOWN))
            )
        summed = parts.group_by(same[name]).agg(_parts=pl.sum("population"))
        parted.append(totals.join(summed, on=same[name], how="inner"))
    same_age = ("ward_code", "sex", "ethnic_group", "ethnicity_code")
    bands = cells.select("_cell", *same_age, "age_years", "age_to", "population")
    pairs = bands.join(bands, on=same_age, suffix="_in").filter(
        pl.col("age_years_in") >= pl.col("age_years"),
        pl.col("age_to_in") <= pl.col("age_to"),
        (pl.col("age_years_in") > pl.col("age_years")) | (pl.col("age_to_in") < pl.col("age_to")),
    )
    # Of the bands inside a band those that hold no narrower ones themselves make it up.
    narrow = pairs.filter(~pl.col("_cell_in").is_in(pairs["_cell"].unique().implode()))
    years = pl.col("age_to_in") - pl.col("age_years_in") + 1
    banded = narrow.group_by("_cell").agg(_years=years.sum(), _parts=pl.sum("population_in"))
    wider = cells.join(banded, on="_cell", how="inner").filter(
        # A band of which only some ages are told again (all ages beside 10 to 17) can't be summed.
        pl.col("_years") == pl.col("age_to") - pl.col("age_years") + 1
    )
    parted.append(wider.drop("_years"))
    totals = pl.concat(parted)
    apart = (pl.col("_parts") - pl.col("population")).abs()
    limit = pl.max_horizontal(pl.lit(float(TOLERANCE_PEOPLE)), pl.col("population") * TOLERANCE)
    differing = totals.filter(apart > limit).unique("_cell", maintain_order=True)
    gone = pl.concat([totals["_cell"], pairs["_cell"]]).unique()
    return cells.filter(~pl.col("_cell").is_in(gone.implode())), differing


def _tables(source: ContextSource, sheet: str, lines: list[list[str]]) -> Iterator[pl.DataFrame]:
    """Yield CELLS of each table of a sheet, its heading found by what stands in it."""
    lines = [[cell.strip() for cell in line] for line in lines]
    across = [n for n, line in enumerate(lines) if _codes(line) > 1]
    if across and not any(_code_column(source, line) is not None for line in lines):
        lines, row_of = _turned(lines, across[0])
    else:
        row_of = list(range(len(lines)))
    heads = [n for n, line in enumerate(lines) if _code_column(source, line) is not None]
    said = _in_words(sheet)
    for position, head in enumerate(heads):
        before = heads[position - 1] + 1 if position else 0
        after = heads[position + 1] if position + 1 < len(heads) else len(lines)
        above = [line for line in lines[before:head] if _codes(line) == 0]
        told = Label()
        for line in above:
            told = _line_says(line).over(told)
        rows = [(row_of[n], lines[n]) for n in range(head + 1, after)]
        labels = _labels(source, lines[head], above[-1] if above else [])
        yield from _cells(source, lines[head], labels, rows, told.over(said))


def _codes(line: list[str]) -> int:
    return sum(bool(re.match(AREA_CODE, cell)) for cell in line)


def _code_column(source: ContextSource, line: list[str]) -> int | None:
    """Return where a heading line says that codes of areas stand; None when it is none."""
    mapped = source.columns.get("ward_code")
    if mapped is not None:
        return line.index(mapped) if mapped in line else None
    found = [n for n, cell in enumerate(line) if CODE_HEADING.fullmatch(fold(cell))]
    # Of several areas in a line the ward's is meant, not the authority's.
    own = r"lsoa|oa|msoa" if source.areas else r"ward|wd|cmwd|electoral"
    wards = [n for n in found if re.match(own, fold(line[n]))]
    return next(iter([*wards, *found]), None)


def _turned(lines: list[list[str]], codes: int) -> tuple[list[list[str]], list[int]]:
    """Return a table with its areas down instead of across; rows count from 0 again."""
    width = max(len(line) for line in lines)
    body = [line + [""] * (width - len(line)) for line in lines[codes:]]
    turned = [list(line) for line in zip(*body, strict=True)]
    turned[0][0] = "area code"
    return [*lines[:codes], *turned], list(range(codes + len(turned)))


def _line_says(line: list[str]) -> Label:
    """Return what a line of two cells above a table says, such as `Age,Age 10 to 14`."""
    filled = [cell for cell in line if cell]
    if len(filled) != 2 or fold(filled[0].rstrip(":")) not in DIMENSIONS:
        return Label()
    return _label(f"{filled[0].rstrip(':')}: {filled[1]}")


def _in_words(sheet: str) -> Label:
    """Return the sex that a sheet's name tells (`Mid-2015 Females`)."""
    words = set(fold(sheet).split())
    for sex, names in (("female", {"females", "female"}), ("male", {"males", "male"})):
        if words & names:
            return Label(sex=sex)
    return Label(sex=NOT_BROKEN_DOWN) if words & {"persons", "people"} else Label()


def _labels(source: ContextSource, head: list[str], above: list[str]) -> list[Label]:
    """Return what each column of a table is of, by its heading and a line of headings above it."""
    wide: list[Label] = []
    spanning = Label()
    for number, heading in enumerate(head):
        group = above[number] if number < len(above) else ""
        if group:
            spanning = _label(group)
        wide.append(_label(heading, source).over(spanning) if heading else Label())
    # A line of two cells (`Age,Age 15`) is no line of headings.
    if _line_says(above).says:
        wide = [_label(heading, source) if heading else Label() for heading in head]
    return wide


def _cells(
    source: ContextSource,
    head: list[str],
    labels: list[Label],
    rows: list[tuple[int, list[str]]],
    told: Label,
) -> Iterator[pl.DataFrame]:
    """Yield CELLS of one table, a column for each group or a line for each figure."""
    code = _code_column(source, head)
    assert code is not None  # noqa: S101
    names = [f"c{number}" for number in range(len(head))]
    width = len(head)
    frame = pl.DataFrame(
        [[row, *(line[:width] + [""] * (width - len(line)))] for row, line in rows],
        schema={"row": pl.Int64, **dict.fromkeys(names, pl.String)},
        orient="row",
    ).filter(pl.col(names[code]).str.contains(AREA_CODE))
    for column, accepted in source.only.items():
        if column in head:
            frame = frame.filter(pl.col(names[head.index(column)]).is_in(list(accepted)))
    folded = [fold(heading) for heading in head]
    value = next((n for n, name in enumerate(folded) if name in VALUE_HEADINGS), None)
    if source.columns.get("population") in head:
        value = head.index(source.columns["population"])
    if value is not None:
        yield _listed(source, frame, head, names, code, value, told)
        return
    wide = {
        names[n]: label.over(told) for n, label in enumerate(labels) if label.says and n != code
    }
    if not wide:
        return
    heading = {names[n]: head[n] for n in range(width)}
    long = frame.unpivot(list(wide), index=["row", names[code]], variable_name="_name")
    meaning = pl.DataFrame(
        [(name, heading[name], *_flat(label)) for name, label in wide.items()],
        schema={"_name": pl.String, "column": pl.String, **_FLAT},
        orient="row",
    )
    joined = long.join(meaning, on="_name", how="left", maintain_order="left")
    yield joined.rename({names[code]: "ward_code"}).with_columns(said="column").select(CELLS.keys())


_FLAT = {
    "age_years": pl.Int64,
    "age_to": pl.Int64,
    "sex": pl.String,
    "ethnicity_code": pl.String,
    "ethnic_group": pl.String,
}


def _flat(label: Label) -> tuple[int, int, str, str, str]:
    first, last = label.ages or (0, OLDEST)
    code, group = label.ethnic or (NOT_BROKEN_DOWN, NOT_BROKEN_DOWN)
    return first, last, label.sex or NOT_BROKEN_DOWN, code, group


def _listed(
    source: ContextSource,
    frame: pl.DataFrame,
    head: list[str],
    names: list[str],
    code: int,
    value: int,
    told: Label,
) -> pl.DataFrame:
    """Return CELLS of a table with one figure a line; what it is of stands in cells beside it."""
    own = {
        "sex": source.columns.get("sex"),
        "age": source.columns.get("age_years"),
        "ethnic": source.columns.get("ethnicity_code"),
    }
    dims = {
        dimension: names[n]
        for n, heading in enumerate(head)
        if (dimension := DIMENSIONS.get(fold(heading)))
        or (dimension := next((d for d, name in own.items() if name == heading), None))
    }
    # Shares of the same groups stand among the counts: they are no people.
    for column in dims.values():
        frame = frame.filter(~pl.col(column).str.contains(SHARED.pattern))
    prefix = {"sex": "Sex: ", "age": "Age: ", "ethnic": "Ethnic group: "}
    distinct = frame.select(dims.values()).unique(maintain_order=True)
    meaning = []
    for cells in distinct.iter_rows():
        label = told
        for dimension, cell in zip(dims, cells, strict=True):
            label = _label(prefix[dimension] + cell, source).over(label)
        meaning.append((*cells, *_flat(label)))
    keys = list(dims.values())
    known = pl.DataFrame(meaning, schema={**dict.fromkeys(keys, pl.String), **_FLAT}, orient="row")
    if keys:
        joined = frame.join(known, on=keys, how="left", maintain_order="left")
    else:
        whole = dict(zip(_FLAT, _flat(told), strict=True))
        joined = frame.with_columns(
            pl.lit(cell, dtype=_FLAT[name]).alias(name) for name, cell in whole.items()
        )
    return joined.select(
        "row",
        pl.col(names[code]).alias("ward_code"),
        *_FLAT,
        pl.lit(head[value]).alias("column"),
        pl.col(names[value]).alias("value"),
        pl.concat_str(pl.lit(""), *keys, separator="; ").alias("said"),
    ).select(CELLS.keys())


def _label(heading: str, source: ContextSource | None = None) -> Label:
    """Return what a heading says: parts between semicolons, each with or without its dimension."""
    label = Label()
    for part in heading.split(";"):
        name, colon, rest = part.strip().partition(":")
        dimension = DIMENSIONS.get(fold(name)) if colon else None
        text = rest.strip() if dimension else part.strip()
        label = _one(text, dimension, source).over(label)
    return label


def _one(text: str, dimension: str | None, source: ContextSource | None) -> Label:
    text = COUNTED.sub("", text)
    plain = fold(text)
    if not plain:
        return Label()
    if plain == "total" and dimension is not None:
        whole = (NOT_BROKEN_DOWN, NOT_BROKEN_DOWN)
        return {
            "sex": Label(sex=NOT_BROKEN_DOWN),
            "age": Label(ages=(0, OLDEST)),
            "ethnic": Label(ethnic=whole),
        }[dimension]
    if dimension in (None, "sex") and (sex := _sex(plain)):
        return Label(sex=sex)
    if dimension in (None, "age"):
        if (ages := _ages(plain)) is not None:
            return Label(ages=ages)
        if dimension is None and (match := re.fullmatch(r"([fm]) ?(\d{1,3}\+?)", plain)):
            # Estimates from 2022 on have one sheet: F0 ... F90, M0 ... M90.
            return Label(_ages(match[2]), {"f": "female", "m": "male"}[match[1]])
    if dimension in (None, "ethnic") and (ethnic := _ethnic(text, told=dimension is not None)):
        return Label(ethnic=ethnic)
    if dimension is not None and source is not None:
        raise DeliveryError(
            Problem(
                f"reference/{source.file}",
                f"'{text[:60]}' is no {dimension} that is known.",
                "Add an ethnic group to codes/ethnicity_text.csv, or ask for another table.",
            )
        )
    return Label()


def _sex(plain: str) -> str | None:
    names = {
        "females": "female",
        "female": "female",
        "males": "male",
        "male": "male",
        "all persons": NOT_BROKEN_DOWN,
        "persons": NOT_BROKEN_DOWN,
        "all categories sex": NOT_BROKEN_DOWN,
    }
    return names.get(plain)


def _ages(plain: str) -> tuple[int, int] | None:
    """Return the youngest and oldest age of a label: `Age 10 to 14`, `90+`, `Age under 1`."""
    if plain in ("all ages", "all categories age", "total all ages", "total population"):
        return 0, OLDEST
    bare = re.sub(r"^(ages?|aged|pop|population)( aged)? ", "", plain)
    bare = re.sub(r"( years?)?( of age)?$", "", bare)
    if match := re.fullmatch(r"(\d{1,3})", bare):
        return int(match[1]), int(match[1])
    if match := re.fullmatch(r"(\d{1,3})(?: to | )(\d{1,3})", bare):
        return int(match[1]), int(match[2])
    if match := re.fullmatch(r"(\d{1,3}) ?(?:\+|and over|and above|or over)", bare):
        return int(match[1]), OLDEST
    if match := re.fullmatch(r"under (\d{1,3})", bare):
        return 0, int(match[1]) - 1
    return None


def _ethnic(text: str, *, told: bool) -> tuple[str, str] | None:
    """Return DfE code and main group of a census label; `all` for the codes of a whole group."""
    plain = fold(text)
    if plain in PARTED and plain != "total":
        return NOT_BROKEN_DOWN, NOT_BROKEN_DOWN
    first, colon, leaf = text.partition(":")
    group = GROUPS.get(fold(first).split(" ")[0])
    # `Other Asian` is a part, `Asian, Asian British or Asian Welsh` and `Other ethnic group` are
    # groups; only in an ethnic table is a word such as `Other` one.
    is_group = GROUP_LABEL.fullmatch(fold(first)) or (told and fold(first) == "other")
    if group and is_group and (not colon or fold(leaf) in PARTED):
        return NOT_BROKEN_DOWN, group
    if group and colon and re.match(r"(any )?other\b", fold(leaf)):
        return OTHER_OF[group], group
    known, groups = code_list("ethnicity_text"), code_list("ethnic_group")
    for spelling in (plain, fold(leaf) if colon else plain):
        code = known.get(spelling)
        if code and (told or colon or len(plain) > 2) and groups.get(fold(code)):
            return code, str(groups[fold(code)])
    return None
