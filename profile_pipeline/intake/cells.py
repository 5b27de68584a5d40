"""From a cell as received to a standard value: dates, codes, postcodes, identifiers, text.

Each reader takes a column of received text and returns a frame of the same height with the value
(null when there is none) and `fault`, the rule that was broken (null when none was). A cell that
breaks a rule is blanked or mended, never guessed at. Readers work in stages, since polars repeats a
nested expression for every use of it; `harmonise.py` calls them on distinct cells only. No rule
about whole rows here.
"""

from collections.abc import Callable, Mapping
from datetime import date

import polars as pl

from profile_pipeline.codes.lookup import fold_expr
from profile_pipeline.intake.dates import read_other_forms
from profile_pipeline.intake.person_names import name_part, whole_name

ISO_DATES = ("%Y-%m-%d",)
ISO_MOMENTS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M")
# Excel counts days from 30 December 1899 (1900 system, its leap-year error included).
EXCEL_EPOCH = date(1899, 12, 30)
# Five digits: 1954 to 2064, so that years and small counts are not taken for dates.
SERIAL = r"^[2-5]\d{4}(\.\d+)?$"
DATE_LIKE = r"^\d{1,4}[-/. ]([0-9]{1,2}|[A-Za-z]{3,9})[-/. ]\d{2,4}"
# Royal Mail's grammar for inward and outward codes.
OUTWARD = r"GIR|[A-PR-UWYZ](?:[0-9][0-9A-HJKPSTUW]?|[A-HK-Y][0-9][0-9ABEHMNPRVWXY]?)"
UNIT = rf"^({OUTWARD})([0-9][ABD-HJLNP-UW-Z]{{2}}|0AA)$"
SECTOR = rf"^({OUTWARD}) ([0-9])$"
DISTRICT = rf"^({OUTWARD})$"
ONE_DIGIT = "^(" + "|".join(f"{digit}{{10}}" for digit in range(10)) + ")$"
# A spreadsheet's 1.23457E+09: the digits that told numbers apart are gone.
DIGITS_LOST = r"^\d([.,]\d+)?[eE]\+\d+$"
WHOLE_AS_FRACTION = r"^(\d+)\.0+$"
THOUSANDS = r"^-?\d{1,3}(,\d{3})+(\.\d+)?$"
AGE_IN_WORDS = (
    r"^(?:(?<years>\d{1,3})\s*(?:y|yrs?|years?)\.?(?:\s*old)?)?[\s,]*"
    r"(?:(?:and\s+)?(?<months>\d{1,2})\s*(?:m|mo|mths?|months?)\.?(?:\s*old)?)?$"
)
# The NHS's codes for no fixed abode, not known and living abroad.
NO_HOME = r"^(ZZ99 ?[0-9][A-Z]{2}|NFA|NO FIXED (ABODE|ADDRESS)|HOMELESS)$"
NO_ANSWER = "\x00"  # a spelling that means "not recorded"
ENUMERATOR = r"^\(?[A-Za-z]{1,2}(?:\.[A-Za-z0-9]{1,4})*\)\s*|^\(?[A-Za-z]\.[A-Za-z0-9]{1,4}\)?\s+"
CODE_FIRST = (
    r"^((?:[A-Za-z]{0,2}\d{1,3}[A-Za-z]?(?:\.\d{1,2})?|[A-Za-z]|[A-Z]{4}))"
    r"(?:\s*[-–:=>./]+\s*|\s+)(\S.*)$"
)
UPN = r"^[A-Z][0-9]{11}[0-9A-Z]$"

# What is wrong with a cell or row in an agency's words, and what became of the cell if it was kept.
REASONS: dict[str, str] = {
    "unknown_text": (
        "the cell holds a stand-in for 'not known', such as N/K or 01/01/1900; it counts as not"
        " given"
    ),
    "control_characters": "control characters were removed",
    "excel_serial_date": "a spreadsheet serial number was read as the date it stands for",
    "date_in_another_form": (
        "the date is not written as agreed, but can be read in one way only, and was read so"
    ),
    "impossible_date": (
        "there is no such day in the calendar (day, month and year are read in the order agreed)"
    ),
    "not_a_date": "the cell is no date in any agreed form",
    "date_of_birth_in_future": (
        "the date of birth is later than the date of the row itself; it counts as not given"
    ),
    "date_of_birth_too_early": "the date of birth is before 1900; it counts as not given",
    "date_of_birth_contradicted": (
        "the date of birth is an adult's, but other rows with the same identifier give a child's;"
        " it counts as not given"
    ),
    "unknown_code": "the value is in no code list; it counts as not recorded",
    "not_a_postcode": "the cell is no postcode, sector or district; it counts as not given",
    "no_fixed_abode": "the postcode stands for no fixed abode or an address that is not known",
    "postcode_in_text": "one postcode was taken out of a longer text",
    "postcode_mended": "a letter and a digit that look alike were exchanged in the postcode",
    "not_an_nhs_number": (
        "the cell is no NHS number (ten digits, not all the same); it counts as not given"
    ),
    "not_a_upn": (
        "the cell is no unique pupil number (a letter, then eleven digits, then a digit or letter);"
        " it counts as not given"
    ),
    "digits_lost": (
        "a spreadsheet cut the number down to its first digits (1.2E+09); it counts as not given:"
        " please send the column as text"
    ),
    "number_mended": "a spreadsheet's '.0' was taken off the number",
    "age_in_words": "the age was written with words; the completed years were taken",
    "not_a_number": "the cell is no number; it counts as not given",
    "not_an_age": "the cell is no age in whole years from 0 to 120; it counts as not given",
    "no_identifier": "nothing says who the row is about: no name, date of birth or identifier",
    "adult_throughout": (
        "by the date of birth the person was already 18 when the profile's period began"
    ),
    "blank_required": "the cell is blank, and without it the row can't be counted",
    "exact_duplicate": "the row repeats an earlier row of the same file to the letter",
    "superseded": "a newer delivery of the same quarter counts",
}


Reader = Callable[[pl.Series], pl.DataFrame]
NO_FAULT = pl.lit(None, dtype=pl.String)


def clean(text: pl.Expr) -> pl.Expr:
    """Return text without control characters and surplus space; blank is null."""
    tidy = (
        text.str.replace_all(r"[\t\r\n]+", " ")
        .str.replace_all(r"[\x00-\x1f\x7f-\x9f\u200b\ufeff]", "")
        .str.replace_all(r"[\s\u00a0]+", " ")
        .str.strip_chars()
    )
    return tidy.replace("", None)


def _is(test: pl.Expr) -> pl.Expr:
    return test.fill_null(value=False)


def _cleaned(raw: pl.Series, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Return `text` cleaned, `not_known` (it means "we don't know"), `known` and `controls`."""
    frame = pl.DataFrame({"raw": raw.cast(pl.String)})
    frame = frame.with_columns(
        text=clean(pl.col("raw")),
        controls=_is(pl.col("raw").str.contains(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")),
    ).with_columns(folded=fold_expr(pl.col("text")))
    # A lone dash or question mark folds to nothing.
    frame = frame.with_columns(
        not_known=_is(pl.col("folded").is_in(list(unknown)) | (pl.col("folded") == ""))
    )
    return frame.with_columns(known=pl.when(~pl.col("not_known")).then("text"))


def _faults(*tests: tuple[pl.Expr, str]) -> pl.Expr:
    """Return the rule of the first test that holds, null for none."""
    return pl.coalesce([pl.when(_is(test)).then(pl.lit(rule)) for test, rule in tests])


NOT_KNOWN = (pl.col("not_known"), "unknown_text")
CONTROLS = (pl.col("controls"), "control_characters")


def read_text(raw: pl.Series, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read text that identifies (a name, a reference); `unknown` texts become null."""
    return _cleaned(raw, unknown).select(value="known", fault=_faults(NOT_KNOWN, CONTROLS))


def read_category(raw: pl.Series, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read a category as written; "not known" is an answer, so that it is no fault."""
    return _cleaned(raw, unknown).select(value="known", fault=_faults(CONTROLS))


def read_free_text(raw: pl.Series) -> pl.DataFrame:
    """Read free text: control characters go, everything else stays."""
    return _cleaned(raw, ()).select(value="text", fault=_faults(CONTROLS))


def read_moment(raw: pl.Series, formats: tuple[str, ...], unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read a date and time by the plan's formats, ISO, or a spreadsheet's serial number."""
    frame = _cleaned(raw, unknown).with_columns(value=pl.lit(None, dtype=pl.Datetime("us")))
    for form in dict.fromkeys((*formats, *ISO_DATES, *ISO_MOMENTS)):
        if frame.filter(pl.col("value").is_null() & pl.col("known").is_not_null()).is_empty():
            break
        left = pl.when(pl.col("value").is_null()).then("known")
        if any(part in form for part in ("%H", "%I", "%T", "%R")):
            read = left.str.to_datetime(form, strict=False, time_unit="us")
        else:
            read = left.str.to_date(form, strict=False).cast(pl.Datetime("us"))
        # `%Y` takes 15 for the year 15: a year has four digits, or `%y` is in the plan.
        read = pl.when(read.dt.year() >= 1000).then(read)
        frame = frame.with_columns(value=pl.coalesce("value", read))
    frame = frame.with_columns(
        is_serial=pl.col("value").is_null() & _is(pl.col("known").str.contains(SERIAL))
    ).with_columns(
        seconds=pl.when("is_serial")
        .then((pl.col("known").cast(pl.Float64, strict=False) * 86_400).round())
        .cast(pl.Int64, strict=False)
    )
    serial = pl.lit(EXCEL_EPOCH).cast(pl.Datetime("us")) + pl.duration(seconds="seconds")
    frame = frame.with_columns(value=pl.when("is_serial").then(serial).otherwise("value"))
    unread = (frame["known"].is_not_null() & frame["value"].is_null()).arg_true()
    other = pl.Series("other", [None], dtype=pl.Datetime("us")).new_from_index(0, frame.height)
    if len(unread):
        other = other.scatter(unread, read_other_forms(frame["known"].gather(unread), formats))
    frame = frame.with_columns(other)
    frame = frame.with_columns(value=pl.coalesce("value", "other"))
    frame = frame.with_columns(unread=pl.col("known").is_not_null() & pl.col("value").is_null())
    return frame.select(
        "value",
        fault=_faults(
            NOT_KNOWN,
            (pl.col("is_serial"), "excel_serial_date"),
            (pl.col("other").is_not_null(), "date_in_another_form"),
            (pl.col("unread") & pl.col("known").str.contains(DATE_LIKE), "impossible_date"),
            (pl.col("unread"), "not_a_date"),
        ),
    )


def read_date(raw: pl.Series, formats: tuple[str, ...], unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read a date; the time of day, when given, is dropped."""
    return read_moment(raw, formats, unknown).with_columns(pl.col("value").cast(pl.Date))


def read_code(
    raw: pl.Series, spellings: Mapping[str, str | None], unknown: tuple[str, ...]
) -> pl.DataFrame:
    """Read a coded value by its folded spellings; see `_code_with_text` for `WBRI - White British`.

    "Not known" is an answer, not a fault; a value that no list holds is.
    """
    known = {spelling: code for spelling, code in spellings.items() if code is not None}
    frame = _cleaned(raw, unknown)
    frame = frame.with_columns(
        value=_replace(pl.col("folded"), known), listed=_is(pl.col("folded").is_in(list(spellings)))
    )
    left = (frame["text"].is_not_null() & ~frame["listed"] & ~frame["not_known"]).arg_true()
    if len(left):
        value, listed = _code_with_text(frame["text"].gather(left), spellings, unknown)
        frame = frame.with_columns(
            frame["value"].scatter(left, value), frame["listed"].scatter(left, listed)
        )
    unlisted = pl.col("text").is_not_null() & ~pl.col("listed") & ~pl.col("not_known")
    return frame.select("value", fault=_faults((unlisted, "unknown_code"), CONTROLS))


def _code_with_text(
    text: pl.Series, spellings: Mapping[str, str | None], unknown: tuple[str, ...]
) -> tuple[pl.Series, pl.Series]:
    """Return the values of cells that hold a code and its words, and whether a list knows them.

    `[WBRI] White British`, `A1 - White British`, `White British (WBRI)`, `b) Female`, `1.0`. A code
    holds a digit, is one letter, or four capitals; any other first word may change the meaning
    (`Not Indian`) and makes the cell unknown, as code and words that contradict each other do.
    """
    known = {spelling: code for spelling, code in spellings.items() if code is not None}
    meant = {**known, **dict.fromkeys((s for s, c in spellings.items() if c is None), NO_ANSWER)}
    meant.update(dict.fromkeys((s for s in unknown if s not in meant), NO_ANSWER))
    frame = pl.DataFrame({"text": text})
    # What numbers a form's choices, `a)` or `(A.A1)`, is no code.
    cell = pl.col("text").str.replace(ENUMERATOR, "")
    frame = frame.with_columns(
        cell=cell,
        front=pl.coalesce(cell.str.extract(r"^\[([^\]]+)\]"), cell.str.extract(CODE_FIRST, 1)),
        back=cell.str.extract(r"[\[(]([^\])]+)[\])]\s*$"),
        words=cell.str.replace(r"^\[[^\]]+\]\s*", "")
        .str.replace(CODE_FIRST, "${2}")
        .str.replace(CODE_FIRST, "${2}")
        .str.replace(r"\s*[\[(][^\])]*[\])]\s*$", ""),
        number=cell.str.extract(r"^(\d+)\.0+$", 1),
    )
    frame = frame.with_columns(
        _replace(fold_expr(pl.col(name)), meant).alias(name)
        for name in ("cell", "front", "back", "words", "number")
    ).with_columns(
        # A code of one letter or digit alone says nothing beside words that no list knows.
        front=pl.when(
            pl.col("text").str.contains(r"^\W*[A-Z]{4}\b|^\[") | pl.col("words").is_not_null()
        ).then("front"),
        back=pl.when(
            pl.col("text").str.contains(r"[\[(][A-Z]{4}[\])]\s*$") | pl.col("words").is_not_null()
        ).then("back"),
    )
    parts = [pl.col(name) for name in ("front", "words", "back")]
    agree = pl.concat_list(parts).list.drop_nulls().list.n_unique() == 1
    whole = pl.coalesce("cell", "number")
    value = pl.coalesce(whole, pl.when(agree).then(pl.coalesce(parts)))
    frame = frame.select(value=value)
    return (
        frame.select(pl.when(pl.col("value") != NO_ANSWER).then("value")).to_series(),
        frame["value"].is_not_null(),
    )


def _replace(text: pl.Expr, known: Mapping[str, str]) -> pl.Expr:
    if not known:
        return pl.lit(None, dtype=pl.String)
    return text.replace_strict(
        list(known), list(known.values()), default=None, return_dtype=pl.String
    )


def read_flag(
    raw: pl.Series, spellings: Mapping[str, str | None], unknown: tuple[str, ...]
) -> pl.DataFrame:
    """Read yes or no as a boolean; null is not recorded."""
    return read_code(raw, spellings, unknown).with_columns(
        value=pl.col("value").replace_strict(
            ["yes", "no"], [True, False], default=None, return_dtype=pl.Boolean
        )
    )


def read_number(raw: pl.Series, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read a number, thousands separators allowed; `1,5` could be two things and is none."""
    frame = _cleaned(raw, unknown)
    plain = ~pl.col("known").str.contains(",") | pl.col("known").str.contains(THOUSANDS)
    frame = frame.with_columns(
        value=pl.when(plain).then(
            pl.col("known").str.replace_all(",", "").cast(pl.Float64, strict=False)
        )
    )
    frame = frame.with_columns(value=pl.when(pl.col("value").is_finite()).then("value"))
    bad = pl.col("known").is_not_null() & pl.col("value").is_null()
    return frame.select("value", fault=_faults(NOT_KNOWN, (bad, "not_a_number")))


def read_age(raw: pl.Series, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read an age in whole years; of `10y 4m` the years, which are completed ones."""
    text = raw.cast(pl.String).str.strip_chars().str.to_lowercase()
    words = pl.select(text.str.extract_groups(AGE_IN_WORDS)).to_series().struct.unnest()
    years, months = words["years"], words["months"]
    said = years.is_not_null() | months.is_not_null()
    number = pl.select(
        pl.when(said).then(years.fill_null("0")).otherwise(raw.cast(pl.String))
    ).to_series()
    frame = read_number(number, unknown).with_columns(said.alias("said"))
    frame = frame.with_columns(
        fits=_is(pl.col("value").is_between(0, 120) & (pl.col("value") == pl.col("value").floor()))
    )
    bad = (pl.col("fault") == "not_a_number") | (pl.col("value").is_not_null() & ~pl.col("fits"))
    return frame.select(
        value=pl.when("fits").then("value").cast(pl.Int64),
        fault=_faults(
            (bad, "not_an_age"),
            (pl.col("fault") == "unknown_text", "unknown_text"),
            (pl.col("said"), "age_in_words"),
        ),
    )


def read_postcode(raw: pl.Series, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read a full postcode (`value`), its `sector` (`DY1 1`) and `district` (`DY1`).

    A sector or a district alone leaves `value` null. The space decides between them: `DY11` is a
    district, `DY1 1` a sector. O for 0 and I for 1 in the inward code's first place are mended.
    """
    frame = _cleaned(raw, unknown).with_columns(pl.col("known").str.to_uppercase())
    frame = frame.with_columns(packed=pl.col("known").str.replace_all(r"[^A-Z0-9]", ""))
    frame = frame.with_columns(
        swapped=pl.col("packed")
        .str.replace(r"O([A-Z]{2})$", "0${1}")
        .str.replace(r"[IL]([A-Z]{2})$", "1${1}"),
        is_unit=_is(pl.col("packed").str.contains(UNIT)),
    )
    frame = frame.with_columns(
        is_mended=~pl.col("is_unit") & _is(pl.col("swapped").str.contains(UNIT))
    )
    inside = rf"(?:^|[^A-Z0-9])((?:{OUTWARD}) ?[0-9][ABD-HJLNP-UW-Z]{{2}})(?:[^A-Z0-9]|$)"
    found = pl.col("known").str.extract_all(inside)
    frame = frame.with_columns(
        inner=pl.when((found.list.len() == 1) & ~pl.col("is_unit") & ~pl.col("is_mended")).then(
            pl.col("known").str.extract(inside, 1).str.replace_all(" ", "")
        ),
        no_home=_is(pl.col("known").str.contains(NO_HOME)),
    )
    frame = frame.with_columns(
        whole=pl.when("is_unit").then("packed").when("is_mended").then("swapped").otherwise("inner")
    )
    partial = pl.col("whole").is_null()
    frame = frame.with_columns(
        outward=pl.col("whole").str.head(-3),
        inward=pl.col("whole").str.tail(3),
        is_sector=partial & _is(pl.col("known").str.contains(SECTOR)),
        is_district=partial & _is(pl.col("packed").str.contains(DISTRICT)),
    )
    frame = frame.with_columns(
        value=pl.col("outward") + " " + pl.col("inward"),
        district=pl.when(~partial)
        .then("outward")
        .when("is_sector")
        .then(pl.col("known").str.head(-2))
        .when("is_district")
        .then("packed"),
    )
    sector = pl.when(~partial).then(pl.col("value").str.head(-2)).when("is_sector").then("known")
    unread = pl.col("known").is_not_null() & pl.col("district").is_null()
    return frame.select(
        "value",
        "district",
        sector=sector,
        fault=_faults(
            NOT_KNOWN,
            (pl.col("no_home"), "no_fixed_abode"),
            (pl.col("is_mended"), "postcode_mended"),
            (pl.col("inner").is_not_null(), "postcode_in_text"),
            (unread, "not_a_postcode"),
        ),
    )


def read_nhs_number(raw: pl.Series, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read ten digits, spaces and hyphens allowed. The checksum is the linkage's business."""
    frame = _cleaned(raw, unknown).with_columns(
        digits=pl.col("known").str.replace_all(r"[ -]", "").str.replace(r"\.0+$", "")
    )
    # A digit held down stands for no number, though 1111111111 has a right check digit.
    frame = frame.with_columns(
        digits=pl.when(pl.col("digits").str.contains(ONE_DIGIT))
        .then(pl.lit("one digit"))
        .otherwise("digits")
    )
    return _by_pattern(frame, "digits", r"^[0-9]{10}$", "not_an_nhs_number")


def read_upn(raw: pl.Series, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read a unique pupil number; the census's UN1 to UN7 mean it is not known."""
    frame = _cleaned(raw, unknown).with_columns(
        upn=pl.col("known").str.to_uppercase().str.replace_all(" ", "")
    )
    frame = frame.with_columns(
        not_known=pl.col("not_known") | _is(pl.col("upn").str.contains(r"^UN[1-9]$"))
    ).with_columns(upn=pl.when(~pl.col("not_known")).then("upn"))
    return _by_pattern(frame, "upn", UPN, "not_a_upn")


def _by_pattern(frame: pl.DataFrame, column: str, pattern: str, rule: str) -> pl.DataFrame:
    frame = frame.with_columns(fits=_is(pl.col(column).str.contains(pattern)))
    bad = pl.col(column).is_not_null() & ~pl.col("fits")
    lost = bad & pl.col("known").str.contains(DIGITS_LOST)
    return frame.select(
        value=pl.when("fits").then(column),
        fault=_faults(NOT_KNOWN, (lost, "digits_lost"), (bad, rule)),
    )


def read_codes(raw: pl.Series) -> pl.DataFrame:
    """Read several codes in one cell, separated by spaces, commas or semicolons."""
    text = clean(pl.col("raw")).str.to_uppercase().str.replace_all(r"[\s,;|/]+", " ")
    return pl.DataFrame({"raw": raw.cast(pl.String)}).select(
        value=text.str.strip_chars().str.split(" "), fault=NO_FAULT
    )


def read_full_name(raw: pl.Series, order: str, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read `surname`, `forename` and `alias` out of a full name in one column.

    `SURNAME, Forename (aka Nick)` gives the parts on either side of the comma; what stands in
    brackets, quotation marks or after `aka` is the alias. See `person_names`.
    """
    frame = _cleaned(raw, unknown)
    frame = frame.with_columns(whole_name(pl.col("known"), order, unknown))
    return frame.select(
        "alias",
        "surname",
        "forename",
        fault=_faults(NOT_KNOWN, (pl.col("stopgap"), "unknown_text"), CONTROLS),
    )


def read_name_part(raw: pl.Series, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read a forename or a surname in a column of its own, and the `alias` that stands with it."""
    frame = _cleaned(raw, unknown)
    frame = frame.with_columns(name_part(pl.col("known"), unknown))
    return frame.select(
        "value",
        "alias",
        fault=_faults(NOT_KNOWN, (pl.col("stopgap"), "unknown_text"), CONTROLS),
    )
