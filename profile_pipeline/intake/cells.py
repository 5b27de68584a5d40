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
UPN = r"^[A-Z][0-9]{11}[0-9A-Z]$"
ALIAS_WORDS = r"a\.?k\.?a\.?|known as|nee|née|prev(?:iously)?"

# What is wrong with a cell or row in an agency's words, and what became of the cell if it was kept.
REASONS: dict[str, str] = {
    "unknown_text": (
        "the cell holds a stand-in for 'not known', such as N/K or 01/01/1900; it counts as not"
        " given"
    ),
    "control_characters": "control characters were removed",
    "excel_serial_date": "a spreadsheet serial number was read as the date it stands for",
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
    "postcode_mended": "a letter and a digit that look alike were exchanged in the postcode",
    "not_an_nhs_number": (
        "the cell is no NHS number (ten digits, not all the same); it counts as not given"
    ),
    "not_a_upn": (
        "the cell is no unique pupil number (a letter, then eleven digits, then a digit or letter);"
        " it counts as not given"
    ),
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
    frame = frame.with_columns(unread=pl.col("known").is_not_null() & pl.col("value").is_null())
    return frame.select(
        "value",
        fault=_faults(
            NOT_KNOWN,
            (pl.col("is_serial"), "excel_serial_date"),
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
    """Read a coded value by its folded spellings; `[WBRI] White British` is read by its bracket.

    "Not known" is an answer, not a fault; a value that no list holds is.
    """
    known = {spelling: code for spelling, code in spellings.items() if code is not None}
    listed = list(spellings)
    frame = _cleaned(raw, unknown).with_columns(
        bracket=fold_expr(pl.col("text").str.extract(r"^\[([^\]]+)\]", 1))
    )
    frame = frame.with_columns(
        value=pl.coalesce(_replace(pl.col("folded"), known), _replace(pl.col("bracket"), known)),
        is_listed=_is(pl.col("folded").is_in(listed) | pl.col("bracket").is_in(listed)),
    )
    unlisted = pl.col("text").is_not_null() & ~pl.col("is_listed") & ~pl.col("not_known")
    return frame.select("value", fault=_faults((unlisted, "unknown_code"), CONTROLS))


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
    """Read a number, thousands separators allowed."""
    frame = _cleaned(raw, unknown).with_columns(
        value=pl.col("known").str.replace_all(",", "").cast(pl.Float64, strict=False)
    )
    frame = frame.with_columns(value=pl.when(pl.col("value").is_finite()).then("value"))
    bad = pl.col("known").is_not_null() & pl.col("value").is_null()
    return frame.select("value", fault=_faults(NOT_KNOWN, (bad, "not_a_number")))


def read_age(raw: pl.Series, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read an age in whole years."""
    frame = read_number(raw, unknown).with_columns(
        fits=_is(pl.col("value").is_between(0, 120) & (pl.col("value") == pl.col("value").floor()))
    )
    bad = (pl.col("fault") == "not_a_number") | (pl.col("value").is_not_null() & ~pl.col("fits"))
    return frame.select(
        value=pl.when("fits").then("value").cast(pl.Int64),
        fault=_faults((bad, "not_an_age"), (pl.col("fault") == "unknown_text", "unknown_text")),
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
    frame = frame.with_columns(
        whole=pl.when("is_unit").then("packed").when("is_mended").then("swapped")
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
            NOT_KNOWN, (pl.col("is_mended"), "postcode_mended"), (unread, "not_a_postcode")
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
    return frame.select(value=pl.when("fits").then(column), fault=_faults(NOT_KNOWN, (bad, rule)))


def read_codes(raw: pl.Series) -> pl.DataFrame:
    """Read several codes in one cell, separated by spaces, commas or semicolons."""
    text = clean(pl.col("raw")).str.to_uppercase().str.replace_all(r"[\s,;|/]+", " ")
    return pl.DataFrame({"raw": raw.cast(pl.String)}).select(
        value=text.str.strip_chars().str.split(" "), fault=NO_FAULT
    )


def read_full_name(raw: pl.Series, order: str, unknown: tuple[str, ...]) -> pl.DataFrame:
    """Read `surname`, `forename` and `alias` out of a full name in one column.

    `SURNAME, Forename (aka Nick)` gives the parts on either side of the comma; what stands in
    brackets or after `aka` is the alias.
    """
    frame = _cleaned(raw, unknown)
    known = pl.col("known")
    frame = frame.with_columns(
        bare=known.str.replace_all(r"\s*[\(\[].*?[\)\]]", "").str.replace(
            r"(?i)\s+a\.?k\.?a\.?\s.*$", ""
        ),
        alias=clean(
            pl.coalesce(
                known.str.extract(
                    rf"[\(\[]\s*(?i:{ALIAS_WORDS})?:?\s*(.+?)\s*[\)\]]",
                    1,
                ),
                known.str.extract(r"(?i)\s+a\.?k\.?a\.?\s+(.+)$", 1),
            )
        ),
    )
    bare = pl.col("bare")
    frame = frame.with_columns(
        before=bare.str.extract(r"^([^,]*),", 1),
        after=bare.str.extract(r",(.*)$", 1),
        first=bare.str.extract(r"^(.*?)\s+\S+$", 1),
        last=bare.str.extract(r"(\S+)$", 1),
        comma=_is(bare.str.contains(",", literal=True)),
    )
    surname: pl.Expr
    forename: pl.Expr
    if order == "SURNAME, Forename":
        surname = pl.when("comma").then("before").otherwise("bare")
        forename = pl.when("comma").then("after")
    else:
        surname = pl.when("comma").then("before").when(pl.col("first").is_not_null()).then("last")
        forename = pl.when("comma").then("after").otherwise(pl.coalesce("first", "bare"))
    return frame.select(
        "alias",
        surname=clean(surname),
        forename=clean(forename),
        fault=_faults(NOT_KNOWN, CONTROLS),
    )
