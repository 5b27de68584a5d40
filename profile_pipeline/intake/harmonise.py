"""One dataset's rows from what the agency wrote to standard values, with every fault named.

Works on all files of a dataset at once, in polars expressions. Result: one wide frame (a row a
received row that can be used) and the faults. Reading single cells is in `cells.py`.

Columns of the wide frame: `dataset, file, row, quarter, date, reference`, then
`<role>__<field>` and `<role>__present` for each person, `measure__<measure>` (date, null when the
row is none) with `<measure>__<field>`, and `indicator__<n>__<role>__<indicator>`
(date, null for no).
"""

from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import polars as pl

from profile_pipeline.ages import age_on
from profile_pipeline.codes.lookup import (
    code_list,
    fold,
    fold_expr,
    suggest,
    unknown_texts,
)
from profile_pipeline.intake import cells
from profile_pipeline.intake.cells import NO_FAULT, REASONS, Reader
from profile_pipeline.plan.collection import (
    ANY_POSTCODE,
    MEASURE_CODES,
    SUBJECT_CODES,
    Condition,
    Dataset,
    Event,
    Source,
    Subject,
)
from profile_pipeline.quarters import last_day, quarter_expr
from profile_pipeline.tables import (
    MEASURES,
    MOMENT,
    QUARANTINE,
    TEXTS,
    UNKNOWN_VALUE,
    Dtype,
    conform,
    empty,
)

# Parts of a person that several columns may hold, and the field that gathers them.
PARTS = {
    "alias": "other_names",
    "home": "other_postcodes",
    "line": "address",
    "contact": "contacts",
    "id": "local_ids",
}

BORN = ("year", "month", "day")

# Codes that are kept as written, whose spellings a list must know all the same.
KEPT_CODES = {("information_report", "handling_code"): "handling_code"}

ETHNICITY, WORDS = "ethnicity_", "ethnicity_text"

FREE_TEXT = {
    ("information_report", "information"),
    ("information_report", "opinion"),
    ("information_report", "consent_reason"),
    ("offence", "place"),
    ("disruption", "place"),
}


@dataclass(frozen=True)
class Harmonised:
    """What became of one dataset's rows."""

    rows: pl.DataFrame
    quarantine: pl.DataFrame
    repairs: pl.DataFrame
    unknown_values: pl.DataFrame


@dataclass(frozen=True)
class _Read:
    name: str
    column: str
    reader: Reader
    parts: dict[str, str]


@dataclass
class _Build:
    """What is read from which column, gathered first, then read distinct cell by distinct cell."""

    dataset: Dataset
    own_codes: Path | None
    unknown: tuple[str, ...]
    readers: list[_Read] = field(default_factory=list)
    required: dict[str, str] = field(default_factory=dict)
    coded: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def add(
        self, name: str, source: Source, reader: Reader, parts: dict[str, str] | None = None
    ) -> None:
        """Read a column into `name`, and its further parts (reader's column -> name)."""
        parts = parts or {"value": name}
        self.readers.append(_Read(name, source.column, reader, parts))
        self.faults[name] = source.column
        self.names += [part for part in parts.values() if part not in self.names]
        if source.required:
            self.required[name] = source.column

    def spellings(self, source: Source, default: str | None) -> dict[str, str | None] | None:
        """The source's own values, else its code list, else the field's; None for plain text.

        `U: not known` in a plan's values means not recorded, no category of its own.
        """
        listed = source.codes or default
        found: dict[str, str | None] = {}
        if listed:
            if listed.startswith(ETHNICITY) and listed != WORDS:
                # Words in a column of codes are as clear; short codes are the list's own.
                words = code_list(WORDS, self.own_codes)
                found.update({text: code for text, code in words.items() if len(text) > 3})
            found.update(code_list(listed, self.own_codes))
        if source.values is not None:
            standard = set(found.values())
            own = {
                fold(key): None
                if standard and value and value not in standard and fold(value) in self.unknown
                else value
                for key, value in source.values.items()
            }
            found = {**found, **own} if source.codes else own
        return found or None


def harmonise(
    work: pl.DataFrame, dataset: Dataset, *, period_start: date, own_codes: Path | None = None
) -> Harmonised:
    """Return a dataset's harmonised rows and its faults.

    Args:
        work: received text under the plan's column names, with `_file`, `_row`, `_quarter`
            (the quarter the file was delivered for); rows that count, without duplicates.
        dataset: the plan's dataset.
        period_start: first day of the profile's period; a child who was 18 by then is an adult.
        own_codes: the profile folder's own code lists.
    """
    build = _Build(dataset, own_codes, unknown_texts(own_codes))
    _row_date(build)
    for subject in dataset.subjects:
        _subject(build, subject)
    for event in dataset.events:
        if event.measure:
            _measure(build, event)
    wide = _date_rows(_read_all(work, build), dataset)
    wide = _births(_lists(wide, build), build)
    wide = _check_dates_of_birth(wide, build, period_start)
    wide = _events(wide, build)
    quarantine, repairs = _faults(wide, build)
    unknown_values = _unknown_values(wide, build)
    # The wide frame is several times the rows: only what is kept of it is copied.
    rows = _rows(wide, build)
    del wide
    rows = rows.join(quarantine, on=("file", "row"), how="anti", maintain_order="left")
    return Harmonised(
        rows=rows.sort("file", "row"),
        quarantine=quarantine,
        repairs=repairs,
        unknown_values=unknown_values,
    )


def _read_distinct(work: pl.DataFrame, column: str, reader: Reader) -> pl.DataFrame:
    """Read a column once for each distinct cell; the result has the height of `work`."""
    distinct = work[column].unique(maintain_order=True)
    if 2 * len(distinct) > work.height:
        return reader(work[column])
    read = reader(distinct).with_columns(distinct.alias("_cell"))
    return (
        work.select(pl.col(column).alias("_cell"))
        .join(read, on="_cell", how="left", nulls_equal=True, maintain_order="left")
        .drop("_cell")
    )


def _read_all(work: pl.DataFrame, build: _Build) -> pl.DataFrame:
    columns = []
    for read in build.readers:
        cells_read = _read_distinct(work, read.column, read.reader)
        columns += [cells_read[part].alias(f"v:{name}") for part, name in read.parts.items()]
        columns.append(cells_read["fault"].alias(f"f:{read.name}"))
    return work.hstack(columns)


def _row_date(build: _Build) -> None:
    dated, unknown = build.dataset.dated_by, build.unknown
    if isinstance(dated, Source):
        source = dated.model_copy(update={"required": True})
        build.add("date", source, partial(cells.read_date, formats=dated.format, unknown=unknown))
    if build.dataset.reference:
        build.add("reference", build.dataset.reference, partial(cells.read_text, unknown=unknown))


def _date_rows(wide: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    if isinstance(dataset.dated_by, Source):
        return wide
    ends = {quarter: last_day(quarter) for quarter in wide["_quarter"].unique().to_list()}
    day = pl.col("_quarter").replace_strict(
        list(ends), list(ends.values()), default=None, return_dtype=pl.Date
    )
    return wide.with_columns(day.alias("v:date"))


def _subject(build: _Build, subject: Subject) -> None:
    role, unknown = subject.role, build.unknown
    if subject.name is not None:
        reader = partial(cells.read_full_name, order=subject.name.order, unknown=unknown)
        parts = {
            "surname": f"{role}__surname",
            "forename": f"{role}__forename",
            "alias": f"{role}__alias:name",
        }
        build.add(f"{role}__surname", subject.name, reader, parts)
    for name in ("forename", "surname"):
        source = getattr(subject, name)
        if source is not None:
            parts = {"value": f"{role}__{name}", "alias": f"{role}__alias:{name}"}
            build.add(
                f"{role}__{name}", source, partial(cells.read_name_part, unknown=unknown), parts
            )
    if subject.vehicle is not None:
        build.add(f"{role}__vehicle", subject.vehicle, partial(cells.read_text, unknown=unknown))
    for source in subject.other_names:
        build.add(
            f"{role}__alias:{source.column}", source, partial(cells.read_text, unknown=unknown)
        )
    for local in subject.local_ids:
        reader = partial(_read_local_id, issuer=local.issuer, unknown=unknown)
        build.add(f"{role}__id:{local.column}", local, reader)
    born = subject.date_of_birth
    if born is not None:
        reader = partial(cells.read_date, formats=born.format, unknown=unknown)
        build.add(f"{role}__date_of_birth", born, reader)
    if subject.born is not None:
        for name in BORN:
            source = getattr(subject.born, name)
            if source is not None:
                reader = partial(cells.read_number, unknown=unknown)
                build.add(f"{role}__born:{name}", source, reader)
    if subject.age is not None:
        build.add(f"{role}__age_years", subject.age, partial(cells.read_age, unknown=unknown))
    for name, column in (
        ("sex", "sex"),
        ("ethnicity", "ethnicity_code"),
        ("appearance", "appearance_code"),
        ("disability", "disability"),
    ):
        source = getattr(subject, name)
        if source is not None:
            spellings = build.spellings(source, SUBJECT_CODES[name]) or {}
            reader = partial(cells.read_code, spellings=spellings, unknown=unknown)
            build.add(f"{role}__{column}", source, reader)
            build.coded[f"{role}__{column}"] = source.codes or SUBJECT_CODES[name]
    if subject.postcode is not None:
        parts = {
            "value": f"{role}__postcode",
            "sector": f"{role}__postcode_sector",
            "district": f"{role}__postcode_district",
        }
        build.add(
            f"{role}__postcode", subject.postcode, _postcodes(subject.postcode, unknown), parts
        )
    for source in subject.other_postcodes:
        build.add(f"{role}__home:{source.column}", source, _postcodes(source, unknown))
    for source in subject.address:
        build.add(
            f"{role}__line:{source.column}", source, partial(cells.read_text, unknown=unknown)
        )
    for source in subject.email:
        build.add(f"{role}__contact:{source.column}", source, partial(_read_email, unknown=unknown))
    for source in subject.phone:
        build.add(f"{role}__contact:{source.column}", source, partial(_read_phone, unknown=unknown))
    if subject.nhs_number is not None:
        reader = partial(cells.read_nhs_number, unknown=unknown)
        build.add(f"{role}__nhs_number", subject.nhs_number, reader)
    if subject.upn is not None:
        build.add(f"{role}__upn", subject.upn, partial(cells.read_upn, unknown=unknown))


def _read_local_id(raw: pl.Series, *, issuer: str, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read an id; `None` and zeros alone stand for none, and would join strangers."""
    read = cells.read_text(raw, unknown)
    held = read["value"].str.contains(r"(?i)^(none|[0\W_]*)$").fill_null(value=False)
    lost = read["value"].str.contains(cells.DIGITS_LOST).fill_null(value=False)
    whole = read["value"].str.contains(cells.WHOLE_AS_FRACTION).fill_null(value=False)
    plain = pl.col("value").str.to_uppercase().str.replace(cells.WHOLE_AS_FRACTION, "${1}")
    return read.with_columns(
        value=pl.when(~(held | lost)).then(pl.lit(f"{issuer}:") + plain),
        fault=pl.when(held)
        .then(pl.lit("unknown_text"))
        .when(lost)
        .then(pl.lit("digits_lost"))
        .when(whole)
        .then(pl.lit("number_mended"))
        .otherwise("fault"),
    )


def _postcodes(source: Source, unknown: tuple[str, ...]) -> Reader:
    """Return how postcodes are read; `format: any` takes other countries' as they are written."""
    if ANY_POSTCODE in source.format:
        return partial(_read_any_postcode, unknown=unknown)
    return partial(cells.read_postcode, unknown=unknown)


def _read_any_postcode(raw: pl.Series, *, unknown: tuple[str, ...]) -> pl.DataFrame:
    none = pl.lit(None, dtype=pl.String)
    return cells.read_text(raw, unknown).with_columns(
        value=pl.col("value").str.to_uppercase(), sector=none, district=none
    )


def _read_email(raw: pl.Series, *, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read an e-mail address: lower case, no spaces; a cell that holds nothing like one is none."""
    text = pl.col("value").str.to_lowercase().str.replace_all(r"\s+", "")
    return cells.read_text(raw, unknown).with_columns(
        value=pl.when(text.str.contains("@", literal=True)).then(text)
    )


def _read_phone(raw: pl.Series, *, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read a telephone number: its last nine digits, so that +44 and 0 before it are the same."""
    digits = pl.col("value").str.replace_all(r"\D", "")
    told = (digits.str.len_chars() >= 9) & (digits.str.slice(-9) != "0" * 9)
    return cells.read_text(raw, unknown).with_columns(
        value=pl.when(told).then(digits.str.slice(-9))
    )


def _births(wide: pl.DataFrame, build: _Build) -> pl.DataFrame:
    """Put together dates of birth that stand in several columns; the year alone stays a year."""
    for subject in build.dataset.subjects:
        if subject.born is None:
            continue
        role, name = subject.role, f"{subject.role}__date_of_birth"
        parts = [
            pl.col(f"v:{role}__born:{part}").cast(pl.Int64, strict=False)
            if f"v:{role}__born:{part}" in wide.columns
            else pl.lit(None, dtype=pl.Int64)
            for part in BORN
        ]
        year = pl.when(parts[0].is_between(1900, pl.col("v:date").dt.year())).then(parts[0])
        padded = [
            part.cast(pl.String).str.zfill(size)
            for part, size in zip(parts, (4, 2, 2), strict=True)
        ]
        whole = pl.concat_str(padded, separator="-")
        born = whole.str.to_date("%Y-%m-%d", strict=False)
        wide = wide.with_columns(
            born.alias(f"v:{name}"),
            pl.when(born.is_null()).then(year).alias(f"v:{role}__birth_year"),
            pl.when(whole.is_not_null() & born.is_null())
            .then(pl.lit("impossible_date"))
            .otherwise(NO_FAULT)
            .alias(f"f:{name}"),
        )
        build.faults[name] = subject.born.year.column
        build.names += [name, f"{role}__birth_year"]
    return wide


def _lists(wide: pl.DataFrame, build: _Build) -> pl.DataFrame:
    """Gather a person's aliases, further postcodes and local ids into lists, and the address."""
    for subject in build.dataset.subjects:
        for part, name in PARTS.items():
            start = f"v:{subject.role}__{part}:"
            columns = [column for column in wide.columns if column.startswith(start)]
            # Most names hold no other one: a million lists of nothing take memory and time.
            held = [column for column in columns if wide[column].null_count() < wide.height]
            if columns:
                gathered = pl.lit([], dtype=pl.List(pl.String))
                if held:
                    gathered = pl.concat_list(held).list.drop_nulls()
                if name == "address":
                    line = gathered.list.join(", ")
                    gathered = pl.when(line != "").then(line)
                wide = wide.with_columns(gathered.alias(f"v:{subject.role}__{name}"))
                build.names.append(f"{subject.role}__{name}")
    return wide


def _measure(build: _Build, event: Event) -> None:
    measure = str(event.measure)
    schema = MEASURES[measure].polars_schema
    for name, source in event.fields.items():
        field_name = f"{measure}__{name}"
        default = MEASURE_CODES.get((measure, name))
        reader = _field_reader(build, source, (measure, name), schema[name])
        build.add(field_name, source, reader)
        if schema[name] == pl.String and build.spellings(source, default):
            build.coded[field_name] = source.codes or default or "values of the plan"
        elif schema[name] == pl.Boolean:
            build.coded[field_name] = source.codes or "yes_no"
        elif (measure, name) in KEPT_CODES:
            build.kept[field_name] = KEPT_CODES[measure, name]


def _field_reader(build: _Build, source: Source, field_of: tuple[str, str], dtype: Dtype) -> Reader:
    """Return how a measure's field is read, by its type in the contract."""
    unknown = build.unknown
    spellings = build.spellings(source, MEASURE_CODES.get(field_of))
    if dtype == pl.Date:
        return partial(cells.read_date, formats=source.format, unknown=unknown)
    if dtype == MOMENT:
        return partial(cells.read_moment, formats=source.format, unknown=unknown)
    if dtype == pl.Float64:
        return partial(cells.read_number, unknown=unknown)
    if dtype == pl.Boolean:
        flags = spellings or code_list("yes_no", build.own_codes)
        return partial(cells.read_flag, spellings=flags, unknown=unknown)
    if dtype == TEXTS:
        return cells.read_codes
    if spellings:
        return partial(cells.read_code, spellings=spellings, unknown=unknown)
    if field_of in FREE_TEXT:
        return cells.read_free_text
    if field_of[1].endswith("postcode"):
        return partial(cells.read_postcode, unknown=unknown)
    return partial(cells.read_category, unknown=unknown)


def _check_dates_of_birth(wide: pl.DataFrame, build: _Build, period_start: date) -> pl.DataFrame:
    """Blank impossible dates of birth, reckon ages, and mark adults in a child's place."""
    for subject in build.dataset.subjects:
        role = subject.role
        name = f"{role}__date_of_birth"
        if f"v:{name}" in wide.columns:
            born, on, fault = pl.col(f"v:{name}"), pl.col("v:date"), pl.col(f"f:{name}")
            source = subject.date_of_birth
            if source is not None and any("%y" in form for form in source.format):
                # A two-digit year can't lie ahead of the row: 31 is 1931 in a row of 2015.
                wide = wide.with_columns(
                    pl.when(born > on)
                    .then(born.dt.offset_by("-100y"))
                    .otherwise(born)
                    .alias(f"v:{name}")
                )
            default_day = born == date(1900, 1, 1)
            early, ahead = (born < date(1900, 1, 1)), (born > on)
            wide = wide.with_columns(
                pl.when(default_day)
                .then(pl.lit("unknown_text"))
                .when(early)
                .then(pl.lit("date_of_birth_too_early"))
                .when(ahead)
                .then(pl.lit("date_of_birth_in_future"))
                .otherwise(fault)
                .alias(f"f:{name}"),
                pl.when(~(early | ahead | default_day).fill_null(value=False))
                .then(born)
                .alias(f"v:{name}"),
            )
            if role == "child":
                wide = _adults(wide, role, name, period_start)
            reckoned = age_on(pl.col(f"v:{name}"), on)
            given = f"v:{role}__age_years"
            age = pl.coalesce(pl.col(given), reckoned) if given in wide.columns else reckoned
            wide = wide.with_columns(age.alias(given))
            build.names += [f"{role}__age_years"] * (f"{role}__age_years" not in build.names)
        present = pl.any_horizontal(
            [
                _given(wide, f"v:{role}__{part}")
                for part in (
                    "forename",
                    "surname",
                    "other_names",
                    "date_of_birth",
                    "birth_year",
                    "contacts",
                    "nhs_number",
                    "upn",
                    "local_ids",
                )
            ]
        )
        wide = wide.with_columns(present.alias(f"v:{role}__present"))
        build.names.append(f"{role}__present")
    return wide


def _given(wide: pl.DataFrame, name: str) -> pl.Expr:
    if name not in wide.columns:
        return pl.lit(value=False)
    if wide.schema[name] == pl.List(pl.String):
        return (pl.col(name).list.len() > 0).fill_null(value=False)
    return pl.col(name).is_not_null()


def _adults(wide: pl.DataFrame, role: str, name: str, period_start: date) -> pl.DataFrame:
    """Mark rows about someone who was 18 before the period began.

    Where another row gives the same identifier a child's date of birth, the date is wrong, not the
    child: a future date of birth written with a two-digit year looks like an adult's.
    """
    born = pl.col(f"v:{name}")
    adult = (age_on(born, pl.lit(period_start)) >= 18).fill_null(value=False)
    wide = wide.with_columns(adult.alias("_adult"))
    ids = [
        column
        for column in (
            f"v:{role}__nhs_number",
            f"v:{role}__upn",
            f"v:{role}__local_ids",
            "v:reference",
        )
        if column in wide.columns
    ]
    contradicted = pl.lit(value=False)
    for column in ids:
        key = (
            pl.col(column).list.first()
            if wide.schema[column] == pl.List(pl.String)
            else pl.col(column)
        )
        children = (
            wide.filter(~pl.col("_adult") & born.is_not_null()).select(key).to_series().drop_nulls()
        )
        contradicted = contradicted | key.is_in(children.unique().implode()).fill_null(value=False)
    wrong = pl.col("_adult") & contradicted
    return wide.with_columns(
        pl.when(wrong)
        .then(pl.lit("date_of_birth_contradicted"))
        .otherwise(pl.col(f"f:{name}"))
        .alias(f"f:{name}"),
        pl.when(~wrong).then(born).alias(f"v:{name}"),
        (pl.col("_adult") & ~contradicted).alias(f"a:{role}"),
    ).drop("_adult")


def _holds(wide: pl.DataFrame, condition: Condition, unknown: tuple[str, ...]) -> pl.Series:
    """Return whether a row meets a condition, as booleans."""
    if condition.ratio_at_least is not None:
        part = cells.read_number(wide[condition.column], unknown)["value"]
        whole = cells.read_number(wide[condition.ratio_at_least.over], unknown)["value"]
        test = (whole > 0) & (part >= condition.ratio_at_least.share * whole)
        return test.fill_null(value=False)
    if condition.at_least is not None:
        number = cells.read_number(wide[condition.column], unknown)["value"]
        return (number >= condition.at_least).fill_null(value=False)

    def one(raw: pl.Series) -> pl.DataFrame:
        frame = cells.read_category(raw, unknown).with_columns(
            folded=fold_expr(cells.clean(pl.lit(raw)))
        )
        if condition.equals is not None:
            test = pl.col("folded") == fold(condition.equals)
        elif condition.is_in is not None:
            test = pl.col("folded").is_in([fold(value) for value in condition.is_in])
        elif condition.has_code is not None:
            wanted = [code.upper() for code in condition.has_code]
            frame = frame.with_columns(codes=cells.read_codes(raw)["value"])
            test = pl.col("codes").list.set_intersection(wanted).list.len() > 0
        else:
            test = pl.col("value").is_not_null()
        return frame.select(test.fill_null(value=False).alias("value"))

    return _read_distinct(wide, condition.column, one)["value"]


def _event_holds(wide: pl.DataFrame, event: Event, unknown: tuple[str, ...]) -> pl.Series:
    holds = pl.Series("holds", [True]).new_from_index(0, wide.height)
    for condition in event.when:
        holds = holds & _holds(wide, condition, unknown)
    if event.any_of:
        some = pl.Series("some", [False]).new_from_index(0, wide.height)
        for condition in event.any_of:
            some = some | _holds(wide, condition, unknown)
        holds = holds & some
    return holds


def _events(wide: pl.DataFrame, build: _Build) -> pl.DataFrame:
    columns = []
    for number, event in enumerate(build.dataset.events):
        name = (
            f"measure__{event.measure}"
            if event.measure
            else f"indicator__{number}__{event.role}__{event.indicator}"
        )
        holds = _event_holds(wide, event, build.unknown)
        if event.indicator:
            holds = holds & wide[f"v:{event.role}__present"]
        day = wide["v:date"]
        if event.date is not None:
            reader = partial(cells.read_date, formats=event.date.format, unknown=build.unknown)
            own = _read_distinct(wide, event.date.column, reader)
            day = own["value"].fill_null(day)
            # The event then goes by the row's date, which may be another quarter.
            fault = pl.select(pl.when(holds).then(own["fault"])).to_series()
            columns.append(fault.alias(f"f:{name}"))
            build.faults[name] = event.date.column
        columns.append(pl.select(pl.when(holds).then(day).alias(f"v:{name}")).to_series())
        build.names.append(name)
    return wide.hstack(columns)


def _fault_rows(wide: pl.DataFrame, build: _Build, name: str, rule: pl.Expr) -> pl.DataFrame:
    """Return rows in the shape of a fault for one column (or the row as a whole)."""
    column = build.faults.get(name)
    looked_at = {"_file", "_row", *rule.meta.root_names(), *([column] if column else [])}
    return (
        wide.select(sorted(looked_at))
        .with_columns(rule.alias("rule"))
        .filter(pl.col("rule").is_not_null())
        .select(
            pl.lit(build.dataset.id).alias("dataset"),
            pl.col("_file").alias("file"),
            pl.col("_row").alias("row"),
            pl.lit(column, dtype=pl.String).alias("column"),
            (pl.col(column) if column else pl.lit(None, dtype=pl.String)).alias("value"),
            "rule",
            pl.col("rule")
            .replace_strict(REASONS, default=None, return_dtype=pl.String)
            .alias("reason"),
        )
        .cast(QUARANTINE.polars_schema)  # type: ignore[arg-type]
    )


def _faults(wide: pl.DataFrame, build: _Build) -> tuple[pl.DataFrame, pl.DataFrame]:
    none = pl.DataFrame(schema=QUARANTINE.polars_schema)
    out: list[pl.DataFrame] = [none]
    for name in build.required:
        blank = pl.when(pl.col(f"v:{name}").is_null()).then(
            pl.when(pl.col(f"f:{name}") == "unknown_text")
            .then(pl.lit("blank_required"))
            .otherwise(pl.col(f"f:{name}").fill_null("blank_required"))
        )
        out.append(_fault_rows(wide, build, name, blank))
    for subject in build.dataset.subjects:
        if subject.required:
            absent = pl.when(~pl.col(f"v:{subject.role}__present")).then(pl.lit("no_identifier"))
            out.append(_fault_rows(wide, build, "", absent))
        if f"a:{subject.role}" in wide.columns:
            adult = pl.when(pl.col(f"a:{subject.role}")).then(pl.lit("adult_throughout"))
            out.append(_fault_rows(wide, build, f"{subject.role}__date_of_birth", adult))
    order = ("file", "row", "column", "rule")
    quarantine = pl.concat(out).unique(maintain_order=True).sort(order)
    mended = [none] + [_fault_rows(wide, build, name, pl.col(f"f:{name}")) for name in build.faults]
    repairs = (
        pl.concat(mended)
        .join(quarantine, on=("file", "row"), how="anti", maintain_order="left")
        .unique(("file", "row", "column", "rule"), maintain_order=True)
        .sort(order)
    )
    return quarantine, repairs


def _rows(kept: pl.DataFrame, build: _Build) -> pl.DataFrame:
    quarter = quarter_expr(pl.col("v:date"))
    names = [name for name in build.names if name not in ("date", "reference") and ":" not in name]
    reference = (
        pl.col("v:reference") if "v:reference" in kept.columns else pl.lit(None, dtype=pl.String)
    )
    return kept.select(
        pl.lit(build.dataset.id).alias("dataset"),
        pl.col("_file").alias("file"),
        pl.col("_row").alias("row"),
        quarter.alias("quarter"),
        pl.col("v:date").alias("date"),
        reference.alias("reference"),
        *(pl.col(f"v:{name}").alias(name) for name in names),
    )


def _unknown_values(wide: pl.DataFrame, build: _Build) -> pl.DataFrame:
    parts = []
    for name, codes in (build.coded | build.kept).items():
        column = build.faults[name]
        unread = pl.col(f"f:{name}") == "unknown_code"
        if name in build.kept:
            known = list(code_list(codes, build.own_codes))
            unread = ~fold_expr(pl.col(f"v:{name}")).is_in(known)
        counted = (
            wide.filter(unread).group_by(cells.clean(pl.col(column)).alias("value")).len("rows")
        )
        if counted.height:
            spellings = code_list(codes, build.own_codes) if codes != "values of the plan" else {}
            parts.append(
                counted.with_columns(
                    dataset=pl.lit(build.dataset.id),
                    column=pl.lit(column),
                    codes=pl.lit(codes),
                    suggestion=pl.col("value").map_elements(
                        lambda value, known=spellings: suggest(value, known),  # type: ignore[misc]
                        return_dtype=pl.String,
                        skip_nulls=True,
                    ),
                )
            )
    if not parts:
        return empty(UNKNOWN_VALUE)
    united = pl.concat(parts, how="diagonal").unique(
        ("column", "value"), keep="first", maintain_order=True
    )
    return conform(united, UNKNOWN_VALUE).sort("column", "value")
