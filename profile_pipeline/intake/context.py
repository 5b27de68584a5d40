"""Registers and figures that are not about people: from CSV to the context tables.

Each reader takes a source of the plan's `context:` list and the reference root, and gives the table
and its faults. Polygons are read in `geo.boundaries`; people's records elsewhere in `intake`.
"""

import csv
import io
from pathlib import Path
from typing import NamedTuple

import polars as pl

from profile_pipeline import tables
from profile_pipeline.errors import DeliveryError, Problem
from profile_pipeline.intake.official_population import (
    ContextRows,
    read_official,
    wards_without,
)
from profile_pipeline.intake.readers_xlsx import read_xlsx, sheet_names
from profile_pipeline.plan.context import (
    AREA_KINDS,
    PLACE_KINDS,
    ContextSource,
    Extent,
    context_path,
)
from profile_pipeline.plan.reading import ReadSettings
from profile_pipeline.quarters import parse_quarter

# Grid references of Great Britain lie inside this box (Ordnance Survey, A guide to coordinate
# systems in Great Britain).
BRITAIN = Extent(0, 0, 700_000, 1_300_000)

# Outward and inward code without the space; accepts all 72,055 DY, B, WV and WS postcodes of
# Code-Point Open 2014.
POSTCODE_PATTERN = (
    r"^(GIR0AA|(?:[A-PR-UWYZ](?:[0-9][0-9A-HJKPSTUW]?|[A-HK-Y][0-9][0-9ABEHMNPRVWXY]?))"
    r"[0-9][ABD-HJLNP-UW-Z]{2})$"
)
# Main groups by first letter of the DfE code; Chinese (CHNE) counts with Asian, as in the 2011
# census.
ETHNIC_GROUPS = {
    "W": "White",
    "M": "Mixed",
    "A": "Asian",
    "C": "Asian",
    "B": "Black",
    "O": "Other",
}
SEXES = {
    "f": "female",
    "female": "female",
    "2": "female",
    "m": "male",
    "male": "male",
    "1": "male",
}

# A centre and a radius, before `geo.boundaries.circles` draws it.
CIRCLE_SCHEMA: dict[str, tables.Dtype] = {
    "kind": pl.String,
    "area_id": pl.String,
    "name": pl.String,
    "note": pl.String,
    "easting_m": pl.Float64,
    "northing_m": pl.Float64,
    "radius_m": pl.Float64,
}


NO_COORDINATES = "no_coordinates"


class _Rule(NamedTuple):
    """A reason to refuse a row: `bad` is true for the rows refused, for the sake of `name`."""

    id: str
    name: str
    bad: pl.Expr
    reason: str


def read_postcodes(source: ContextSource, root: Path, extent: Extent | None = None) -> ContextRows:
    """Return tables.POSTCODE: the directory's postcodes inside the extent.

    A directory may cover the country: postcodes elsewhere in Britain are left out without a fault,
    unless they name one of the area's wards or would be inside with easting and northing swapped.
    """
    cells = _read_cells(source, root)
    raw = cells["postcode"].str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")
    frame = _numbers(cells, "easting_m", "northing_m").with_columns(
        raw.alias("postcode"), _missing_as_null("ward_code")
    )
    claims = (
        pl.col("ward_code").is_in(list(extent.ward_codes)).fill_null(False)
        if extent
        else pl.lit(False)
    )
    rules = [
        _Rule(
            "not_a_postcode",
            "postcode",
            ~pl.col("postcode").str.contains(POSTCODE_PATTERN),
            "not a full United Kingdom postcode",
        ),
        *_coordinate_rules(extent, far=claims),
        _repeated("postcode"),
    ]
    good, faults = _part(source, cells, frame, rules)
    if extent is not None:
        good = good.filter(_inside(extent))
    spaced = pl.col("postcode").str.replace(r"(.{3})$", " $1")
    return ContextRows(tables.conform(good.with_columns(spaced), tables.POSTCODE), faults)


def read_places(
    source: ContextSource,
    root: Path,
    extent: Extent | None = None,
    directory: pl.DataFrame | None = None,
) -> ContextRows:
    """Return tables.PLACE for children's homes, licensed premises or schools.

    A place without a grid reference stands where its postcode does, by the `directory`
    (tables.POSTCODE). One that neither places is kept without coordinates, and told as a fault; one
    whose postcode is of a district that the directory doesn't have lies elsewhere and is refused.
    """
    cells = _read_cells(source, root)
    frame = _numbers(cells, "easting_m", "northing_m", "capacity").with_columns(
        pl.lit(PLACE_KINDS[source.kind]).alias("kind"),
        *(_missing_as_null(name) for name in ("category", "address", "postcode")),
    )
    frame = _placed_by_postcode(frame, directory)
    unplaced = pl.col("easting_m").is_null()
    no_place, *coordinates = _coordinate_rules(extent, far=pl.lit(True))
    rules = [
        _blank("place_id"),
        _blank("name"),
        *(rule._replace(bad=~unplaced & rule.bad) for rule in coordinates),
        _Rule(
            "outside_area",
            "postcode",
            unplaced & pl.col("_elsewhere"),
            "the place lies outside the area and its margin",
        ),
        _repeated("place_id"),
    ]
    good, faults = _part(source, cells, frame, rules)
    nowhere = good.filter(unplaced)
    told = _fault_rows(source, cells, nowhere, no_place)
    note = None
    if nowhere.height:
        note = (
            f"{nowhere.height} of {good.height} rows have no grid reference and no postcode that"
            " the directory knows: they are kept, on no map and near nothing."
        )
    every = tables.union([faults, told], tables.QUARANTINE).sort("row")
    return ContextRows(tables.conform(good, tables.PLACE), every, note)


def _placed_by_postcode(frame: pl.DataFrame, directory: pl.DataFrame | None) -> pl.DataFrame:
    """Return the places with the coordinates of their postcode where they have none of their own.

    `_elsewhere`: whether the postcode is of a district that the directory doesn't have.
    """
    known = tables.empty(tables.POSTCODE) if directory is None else directory
    code = pl.col("postcode").str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")
    by_code = known.select(
        _code=code, _east=pl.col("easting_m"), _north=pl.col("northing_m")
    ).unique("_code", keep="first", maintain_order=True)
    districts = by_code["_code"].str.head(-3).unique()
    own = (pl.col("easting_m") != 0) & (pl.col("northing_m") != 0)
    return (
        frame.with_columns(_code=code, _own=own.fill_null(value=False))
        .join(by_code, on="_code", how="left", maintain_order="left")
        .with_columns(
            easting_m=pl.when("_own").then("easting_m").otherwise("_east"),
            northing_m=pl.when("_own").then("northing_m").otherwise("_north"),
            _elsewhere=(
                pl.col("_code").str.contains(POSTCODE_PATTERN)
                & ~pl.col("_code").str.head(-3).is_in(districts.implode())
                & pl.lit(known.height > 0)
            ).fill_null(value=False),
        )
    )


def read_circles(source: ContextSource, root: Path, extent: Extent | None = None) -> ContextRows:
    """Return centres and radii (CIRCLE_SCHEMA, metres) of a CSV layer, to be drawn as areas."""
    cells = _read_cells(source, root)
    name = _missing_as_null("name")
    frame = _numbers(cells, "easting_m", "northing_m", "radius_m").with_columns(
        pl.lit(AREA_KINDS[source.kind]).alias("kind"),
        pl.coalesce(name, pl.col("area_id")).alias("name"),
        _missing_as_null("note"),
    )
    rules = [
        _blank("area_id"),
        *_coordinate_rules(extent, far=pl.lit(True)),
        _Rule(
            "impossible_radius",
            "radius_m",
            ~pl.col("radius_m").is_between(1, 20_000).fill_null(False),
            "the radius is not a number of metres from 1 to 20,000",
        ),
        _repeated("area_id"),
    ]
    good, faults = _part(source, cells, frame, rules)
    return ContextRows(
        good.select(pl.col(name).cast(dtype) for name, dtype in CIRCLE_SCHEMA.items()), faults
    )


def read_population(source: ContextSource, root: Path, extent: Extent | None = None) -> ContextRows:
    """Return tables.POPULATION (count) from ward x age x sex x DfE ethnicity code.

    A file without these columns is read as ONS and Nomis publish such figures
    (`official_population`); only what neither reading knows is refused.
    """
    try:
        cells = _read_cells(source, root)
    except DeliveryError as error:
        wards_of = _wards_of(source, root)
        rows = read_official(source, _sheets(source, root), extent, wards_of)
        if rows is None:
            raise error from None
        return rows
    code = cells["ethnicity_code"].str.to_uppercase()
    group = code.str.slice(0, 1).replace_strict(ETHNIC_GROUPS, default=None, return_dtype=pl.String)
    sex = (
        cells["sex"].str.to_lowercase().replace_strict(SEXES, default=None, return_dtype=pl.String)
    )
    frame = _numbers(cells, "age_years", "population").with_columns(
        code.alias("ethnicity_code"),
        group.alias("ethnic_group"),
        sex.alias("sex"),
        source=pl.lit(source.id),
        age_to=pl.col("age_years"),
    )
    key = ("ward_code", "age_years", "sex", "ethnicity_code")
    rules = [
        _blank("ward_code"),
        _Rule(
            "impossible_age",
            "age_years",
            ~_is_whole("age_years", 0, 120),
            "the age is not in whole years from 0 to 120",
        ),
        _Rule(
            "unknown_sex",
            "sex",
            pl.col("sex").is_null(),
            "the sex is neither female nor male",
        ),
        _Rule(
            "unknown_ethnicity",
            "ethnicity_code",
            ~pl.col("ethnicity_code").str.contains(r"^[WMABO][A-Z]{3}$|^CHNE$"),
            "not a DfE ethnicity code of a group",
        ),
        _Rule(
            "impossible_count",
            "population",
            ~_is_whole("population", 0, 10_000_000),
            "the count is not a whole number from 0",
        ),
        _repeated(*key),
    ]
    if extent is not None and extent.ward_codes:
        rules.insert(
            1,
            _Rule(
                "unknown_ward",
                "ward_code",
                ~pl.col("ward_code").is_in(list(extent.ward_codes)),
                "no ward of the area has this code: the codes may be of another year",
            ),
        )
    good, faults = _part(source, cells, frame, rules)
    note = wards_without(good, extent) or None
    return ContextRows(tables.conform(good, tables.POPULATION), faults, note)


def _wards_of(source: ContextSource, root: Path) -> dict[str, str] | None:
    """Return the ward of each smaller area by the source's lookup; None without one."""
    if source.areas is None:
        return None
    lookup = source.areas
    where = f"reference/{lookup.file}"
    try:
        text = context_path(source, root, lookup.file).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        problem = Problem(where, "can't be read.", f"It is the lookup of {source.id}, in UTF-8.")
        raise DeliveryError(problem) from None
    rows = list(csv.reader(io.StringIO(text)))
    header = [cell.strip() for cell in rows[0]] if rows else []
    missing = [name for name in (lookup.code, lookup.ward) if name not in header]
    if missing:
        cure = f"Check `areas:` of {source.id}."
        raise DeliveryError([Problem(where, f"there is no column '{n}'.", cure) for n in missing])
    code, ward = header.index(lookup.code), header.index(lookup.ward)
    whole = [row for row in rows[1:] if len(row) > max(code, ward) and row[code].strip()]
    return {row[code].strip(): row[ward].strip() for row in whole}


def read_regional_summary(
    source: ContextSource, root: Path, extent: Extent | None = None
) -> ContextRows:
    """Return tables.REGIONAL_SUMMARY: children at risk by authority and quarter (count)."""
    cells = _read_cells(source, root)
    counts = ("total", "at_risk", "significant", "serious")
    quarter = cells["quarter"].map_elements(_quarter_or_none, return_dtype=pl.String)
    frame = _numbers(cells, *counts).with_columns(quarter.alias("quarter"))
    parts = pl.sum_horizontal("at_risk", "significant", "serious", ignore_nulls=False)
    rules = [
        _blank("authority"),
        _Rule(
            "not_a_quarter",
            "quarter",
            pl.col("quarter").is_null(),
            "not a fiscal quarter such as 2015-16 Q4",
        ),
        _Rule(
            "impossible_count",
            "total",
            ~_is_whole("total", 0, 10_000_000),
            "the total is not a whole number from 0",
        ),
        _Rule(
            "parts_exceed_total",
            "total",
            (parts > pl.col("total")).fill_null(False),
            "the risk levels add up to more than the total",
        ),
        _repeated("authority", "quarter"),
    ]
    good, faults = _part(source, cells, frame, rules)
    return ContextRows(tables.conform(good, tables.REGIONAL_SUMMARY), faults)


READERS = {
    "postcodes": read_postcodes,
    "childrens_homes": read_places,
    "licensed_premises": read_places,
    "schools": read_places,
    "gang_territories": read_circles,
    "crime_group_territories": read_circles,
    "drug_hotspots": read_circles,
    "known_hotspots": read_circles,
    "population": read_population,
    "regional_summary": read_regional_summary,
}


def read_context(
    source: ContextSource,
    root: Path,
    extent: Extent | None = None,
    directory: pl.DataFrame | None = None,
) -> ContextRows:
    """Return the table of a CSV source by its kind, with its faults.

    `directory` is tables.POSTCODE, for registers that give a postcode alone. `extent` comes from
    `geo.boundaries.extent_of`; without it places are checked against Britain alone.

    Raises DeliveryError naming every problem of a file that can't be used at all.
    """
    if source.kind in PLACE_KINDS:
        return read_places(source, root, extent, directory)
    return READERS[source.kind](source, root, extent)


def _read_cells(source: ContextSource, root: Path) -> pl.DataFrame:
    """Return the file's cells as text, white space trimmed, one column a standard name, and `row`.

    `row` counts data rows from 0. A standard name the file lacks is a column of empty text.
    """
    where = f"reference/{source.file}"
    _, lines = _sheets(source, root)[0]
    header, rows = _split_rows(lines, source, where)
    _check_header(header, source, where)
    frame = pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row").with_columns(
        pl.all().str.strip_chars()
    )
    frame = frame.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    for column, accepted in source.only.items():
        frame = frame.filter(pl.col(column).is_in(list(accepted)))
    return frame.select(
        "row",
        *(
            pl.col(source.column(name)).alias(name)
            if source.column(name) in header
            else pl.lit("").alias(name)
            for name in source.names.all
        ),
    )


def _sheets(source: ContextSource, root: Path) -> list[tuple[str, list[list[str]]]]:
    """Return the file's sheets, name and lines of cells; a CSV file is one without a name."""
    path = context_path(source, root)
    where = f"reference/{source.file}"
    try:
        data = path.read_bytes()
    except OSError:
        raise DeliveryError(
            Problem(
                where,
                "the file is not there or can't be opened.",
                "Ask for it or mend `file`.",
            )
        ) from None
    if not data.strip():
        raise DeliveryError(Problem(where, "the file is empty.", "Ask for it again."))
    if source.is_workbook:
        named: list[str | None] = [source.read.sheet]
        if source.read.sheet is None:
            named = [*sheet_names(data, where)] or named
        return [(name or "", _sheet_lines(data, name, where)) for name in named]
    if b"\x00" in data:
        raise DeliveryError(Problem(where, "this is not a text file.", "Ask for a CSV file."))
    try:
        text = data.decode("utf-8-sig" if source.read.encoding == "utf-8" else source.read.encoding)
    except UnicodeDecodeError:
        raise DeliveryError(
            Problem(
                where,
                f"the text is not in the encoding {source.read.encoding}.",
                "Name its encoding under `read:`, often cp1252.",
            )
        ) from None
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=source.read.delimiter))
    except csv.Error:
        raise DeliveryError(
            Problem(where, "the file can't be read as CSV.", "Ask for it again.")
        ) from None
    return [("", lines)]


def _sheet_lines(data: bytes, name: str | None, where: str) -> list[list[str]]:
    cells = read_xlsx(data, ReadSettings(sheet=name), where)
    return [[cell or "" for cell in line] for line in cells.iter_rows()]


def _split_rows(
    lines: list[list[str]], source: ContextSource, where: str
) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows that aren't blank; raise for rows of another width."""
    start = source.read.header_row
    if len(lines) < start:
        raise DeliveryError(Problem(where, f"there is no line {start}.", "Mend `header_row`."))
    header = [cell.strip() for cell in lines[start - 1]]
    rows = [line for line in lines[start:] if any(cell.strip() for cell in line)]
    if not rows:
        raise DeliveryError(Problem(where, "there is a header but no row.", "Ask for it again."))
    ragged = [number for number, line in enumerate(rows) if len(line) != len(header)]
    if ragged:
        raise DeliveryError(
            Problem(
                f"{where}, data row {ragged[0]}",
                f"{len(ragged)} row(s) have more or fewer cells than the header.",
                "Check `delimiter` under `read:`, or ask for the file again.",
            )
        )
    return header, rows


def _check_header(header: list[str], source: ContextSource, where: str) -> None:
    """Raise DeliveryError with all that is wrong with the header at once."""
    problems = []
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        problems.append(
            Problem(
                where,
                f"the header repeats {', '.join(map(repr, repeated))}.",
                "Ask again.",
            )
        )
    wanted = [source.column(name) for name in source.names.required]
    if source.kind in PLACE_KINDS and source.column("postcode") not in header:
        # A register tells where its places are by a grid reference or by a postcode.
        wanted += [source.column(name) for name in ("easting_m", "northing_m")]
    wanted += [column for column in source.columns.values() if column not in wanted]
    wanted += [column for column in source.only if column not in wanted]
    problems += [
        Problem(
            where,
            f"there is no column '{column}'.",
            f"It has {', '.join(header[:12])}: map it under `columns:` of {source.id}.",
        )
        for column in wanted
        if column not in header
    ]
    if problems:
        raise DeliveryError(problems)


def _part(
    source: ContextSource, cells: pl.DataFrame, frame: pl.DataFrame, rules: list[_Rule]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the good rows and the faults: a row is refused by the first rule it breaks."""
    first = pl.lit(None, dtype=pl.Int64)
    for number, rule in reversed([*enumerate(rules)]):
        first = pl.when(rule.bad).then(pl.lit(number)).otherwise(first)
    judged = frame.with_columns(first.alias("_rule"))
    bad = judged.filter(pl.col("_rule").is_not_null()).select("row", "_rule")
    if bad.height == frame.height:
        broken = bad["_rule"].replace_strict(range(len(rules)), [rule.id for rule in rules])
        worst = broken.mode().sort()[0]
        raise DeliveryError(
            Problem(
                f"reference/{source.file}",
                f"none of its {frame.height} rows can be used ({worst}).",
                f"Check `columns:` of {source.id}.",
            )
        )
    faults = [
        _fault_rows(source, cells, bad.filter(pl.col("_rule") == number), rule)
        for number, rule in enumerate(rules)
    ]
    return (
        judged.filter(pl.col("_rule").is_null()).drop("_rule"),
        tables.union(faults, tables.QUARANTINE).sort("row"),
    )


def _fault_rows(
    source: ContextSource, cells: pl.DataFrame, bad: pl.DataFrame, rule: _Rule
) -> pl.DataFrame:
    """Return rows of the file as faults of a rule, with the cell as it was written."""
    return cells.join(bad.select("row"), on="row").select(
        pl.lit(source.id).alias("dataset"),
        pl.lit(source.file).alias("file"),
        "row",
        pl.lit(source.column(rule.name)).alias("column"),
        pl.col(rule.name).alias("value"),
        pl.lit(rule.id).alias("rule"),
        pl.lit(rule.reason).alias("reason"),
    )


def _numbers(cells: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Return the cells with these columns as numbers; what is none becomes null."""
    return cells.with_columns(
        pl.col(name).str.replace_all(r"[, ]", "").cast(pl.Float64, strict=False) for name in names
    )


def _missing_as_null(name: str) -> pl.Expr:
    return pl.when(pl.col(name) == "").then(None).otherwise(pl.col(name)).alias(name)


def _blank(name: str) -> _Rule:
    return _Rule(f"blank_{name}", name, pl.col(name) == "", "the cell is empty")


def _repeated(*names: str) -> _Rule:
    return _Rule(
        "repeated_id",
        names[0],
        ~pl.struct(names).is_first_distinct(),
        f"{', '.join(names)} stood in an earlier row already",
    )


def _is_whole(name: str, least: int, most: int) -> pl.Expr:
    number = pl.col(name)
    return (number.is_between(least, most) & (number == number.floor())).fill_null(False)


def _inside(box: Extent, east: str = "easting_m", north: str = "northing_m") -> pl.Expr:
    within = pl.col(east).is_between(box.west, box.east) & pl.col(north).is_between(
        box.south, box.north
    )
    return within.fill_null(False)


def _coordinate_rules(extent: Extent | None, far: pl.Expr) -> list[_Rule]:
    """Rules on easting and northing; `far` says for which rows outside the extent is a fault."""
    blank = (
        pl.any_horizontal(pl.col("easting_m", "northing_m").is_null())
        | (pl.col("easting_m") == 0)
        | (pl.col("northing_m") == 0)
    )
    rules = [
        _Rule(NO_COORDINATES, "easting_m", blank, "easting or northing is not given"),
    ]
    if extent is not None:
        swapped = _inside(extent, "northing_m", "easting_m") & ~_inside(extent)
        rules += [
            _Rule("swapped", "easting_m", swapped, "easting and northing look swapped"),
            _Rule(
                "outside_area",
                "easting_m",
                ~_inside(extent) & (far | ~_inside(BRITAIN)),
                "the place lies outside the area and its margin",
            ),
        ]
    else:
        rules.append(
            _Rule(
                "outside_britain",
                "easting_m",
                ~_inside(BRITAIN),
                "not a British grid reference",
            )
        )
    return rules


def _quarter_or_none(text: str) -> str | None:
    try:
        return parse_quarter(text)
    except ValueError:
        return None
