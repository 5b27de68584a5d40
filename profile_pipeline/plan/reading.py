"""How an agency's files are read and when they are due: `read:` and `delivery:` of a dataset.

Objects and their checks only: finding files is in `intake.deliveries`, opening them in
`intake.readers`.
"""

import codecs
import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from profile_pipeline.plan.settings import Strict
from profile_pipeline.quarters import file_form, first_day, fiscal_year, last_day, parse_quarter

TOTALS = (
    *("Total", "Totals", "Total records", "Grand total", "Sub-total", "Subtotal"),
    *("Count", "Record count", "Row count", "Number of records", "Number of rows"),
    # What a report writer puts below its rows, alone in its line.
    *("End of list", "End of report", "End of file", "End of data", "End", "*** End", "Source"),
    *("Note", "Notes", "Report run", "Run on", "Extracted", "Generated", "Printed", "Data as at"),
)
QUARTER, YEAR, TERM, LIST = "{quarter}", "{year}", "{term}", "{list}"
PERIODS = {"quarter": QUARTER, "year": YEAR, "term": TERM}
# Quarter in which a school census is taken (October, January, May) -> term, calendar year.
CENSUS_TERMS = {"Q3": ("autumn", 0), "Q4": ("spring", 1), "Q1": ("summer", 0)}
NO_ENCODINGS = ("idna", "punycode", "unicode-escape", "raw-unicode-escape")
DAYS = re.compile(r"(\d{1,4})\s*(day|week)s?", re.IGNORECASE)


def _delimiter(value: Any) -> Any:
    """Accept the words an analyst would use for characters that can't be seen."""
    words = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
    return words.get(value.strip().lower(), value) if isinstance(value, str) else value


def _days(value: Any) -> Any:
    """`14 days`, `2 weeks` or a plain number of days."""
    if isinstance(value, str) and not value.strip().isdecimal():
        match = DAYS.fullmatch(value.strip())
        if match is None:
            raise ValueError(
                f"'{value}' is no number of days; write how long after the period's end the file is"
                " due, such as `14 days` or `2 weeks`"
            )
        return int(match[1]) * (7 if match[2].lower() == "week" else 1)
    return value


def _label(value: Any) -> Any:
    return parse_quarter(value) if isinstance(value, str) else value


QuarterLabel = Annotated[str, BeforeValidator(_label)]


class ReadSettings(Strict):
    """How a dataset's files are laid out.

    A file that is plainly UTF-8 is read as UTF-8 even where `encoding` names a one-byte encoding
    such as cp1252, and one that is plainly UTF-16 as that: agencies change their exports between
    quarters, and a name read in the wrong encoding is a child that isn't found again.
    """

    # A tab is a delimiter, and a sheet's name may end in a space: nothing is stripped here.
    model_config = ConfigDict(str_strip_whitespace=False)

    format: Literal["csv", "xlsx", "parquet", "xml"] | None = Field(
        default=None, description="by the file's ending when not given"
    )
    encoding: str = Field(default="utf-8-sig", description="of CSV files, as Python names it")
    delimiter: Annotated[str, BeforeValidator(_delimiter)] = Field(
        default=",", description="one character between the cells of a CSV file, or `tab`"
    )
    header_row: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="row of the column headings, from 1; rows above are titles",
    )
    sheet: str | None = Field(
        default=None, description="of a workbook; first visible sheet if not given"
    )
    sheets: tuple[str, ...] = Field(
        default=(),
        description="other names the sheet has had; `*` for any text, case and punctuation apart",
    )
    headings: tuple[str, ...] = Field(
        default=(),
        description="of a workbook: the headings are in the first row that holds one of these,"
        " whatever `header_row` says",
    )
    known: tuple[str, ...] = Field(
        default=(),
        description="the plan's headings, filled in from the mapping: a file whose heading row has"
        " none of them is searched for the row, delimiter or sheet that has",
    )
    record: str | None = Field(
        default=None,
        description="of an XML file: the group that makes a row, with the groups inside it that"
        " come several times, such as `Children/Child > CINdetails > Assessments`; with `>>` a"
        " group that holds none of the next is no row",
    )
    together: tuple[str, ...] = Field(
        default=(),
        description="of an XML file: elements that come several times in a row and stand in one"
        " cell, such as factor codes; others are numbered, `Disability 2`",
    )
    totals: tuple[str, ...] = Field(
        default=TOTALS,
        description="a last row that starts with one of these, else numbers only, is no record",
    )

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            known = codecs.lookup(value.strip())
            # Codecs such as `zip` or `rot13` are no encodings of text.
            if known.name in NO_ENCODINGS or not isinstance("".encode(known.name), bytes):
                raise LookupError
        except (LookupError, UnicodeError, ValueError, TypeError, AttributeError):
            raise ValueError(
                f"'{value}' is not an encoding; usual ones are utf-8-sig, cp1252 and utf-16"
            ) from None
        return known.name if known.name != "utf-8" else "utf-8-sig"

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str) -> str:
        if len(value) != 1 or value in '"\r\n\0 ' or value.isalnum():
            raise ValueError("the delimiter is one character such as ',' or ';', or the word tab")
        return value

    @field_validator("totals")
    @classmethod
    def _not_blank(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not text.strip() for text in value):
            raise ValueError("a totals text may not be blank: every blank row would match")
        return value


class Delivery(Strict):
    """When a dataset is due and what its files are called.

    In `files`, `*` stands for any text within one folder or file name, and

    - `{quarter}` for the fiscal quarter: `2015-16_Q4` or `2015-16 Q4`;
    - `{year}` for the fiscal year: `2015-16`, or `2016` as the year ends in March 2016. Such a file
      belongs to the year's last quarter, its rows to the quarters of their own dates;
    - `{term}` for a school census: `2015_autumn` is taken in October 2015 (Q3), `2016_spring` in
      January (Q4), `2016_summer` in May (Q1);
    - `{list}` for one of the names in `lists`: a standard return is several files.
    """

    every: Literal["quarter", "year", "term", "once"] = "quarter"
    due: Annotated[int, BeforeValidator(_days)] = Field(
        default=14, ge=0, description="days after the end of the quarter, written `14 days`"
    )
    files: str = Field(
        description="path below the data folder, such as `police_missing/{quarter}.csv`"
    )
    lists: tuple[str, ...] = Field(default=(), description="what `{list}` may be in a file's name")
    other_lists: tuple[str, ...] = Field(
        default=(),
        description="names of the return's other lists: a file that one of them fits better is"
        " not this list's (`sw_episodes` ends in `episodes`)",
    )
    optional: bool = Field(default=False, description="nothing is missing when it doesn't come")
    or_files: tuple[str, ...] = Field(
        default=(), description="other ways in which the files of a standard return are named"
    )
    first: QuarterLabel | None = Field(default=None, description="first quarter agreed")
    last: QuarterLabel | None = Field(default=None, description="last quarter agreed")

    @field_validator("files")
    @classmethod
    def _stays_below_the_data(cls, value: str) -> str:
        text = value.replace("\\", "/")
        path = PurePosixPath(text)
        if (
            not path.parts
            or path.is_absolute()
            or ".." in path.parts
            or re.match(r"[A-Za-z]:", text)
        ):
            raise ValueError("the files must lie below the data folder: no leading '/', no '..'")
        if any(ord(character) < 32 for character in text) or text.endswith("/"):
            raise ValueError("the pattern must name a file, such as `police_missing/{quarter}.csv`")
        rest = text
        for placeholder in (*PERIODS.values(), LIST):
            rest = rest.replace(placeholder, "")
        if "{" in rest or "}" in rest:
            raise ValueError("the only placeholders are {quarter}, {year}, {term} and {list}")
        if not path.suffix:
            raise ValueError("the pattern needs a file ending such as .csv, .xlsx or .parquet")
        return str(path)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Delivery":
        for every, placeholder in PERIODS.items():
            named = placeholder in self.files
            if self.every == every and not named:
                raise ValueError(f"files of `every: {every}` need {placeholder} in their name")
            if self.every == "once" and named:
                raise ValueError(f"a file that comes `once` has no {placeholder} in its name")
            if self.every != every and named:
                raise ValueError(f"{placeholder} goes with `every: {every}`")
        if self.first and self.last and first_day(self.last) < first_day(self.first):
            raise ValueError(f"the last quarter ({self.last}) lies before the first ({self.first})")
        return self

    def quarters(self, period: list[str]) -> list[str]:
        """Return the labels of the quarters that are due, given the profile's own quarters.

        A file that comes once belongs to the last of them, a year's file to the year's last, a
        school census to the quarter in which it is taken.
        """
        agreed = self.agreed(period)
        if self.every == "once":
            return agreed[-1:]
        if self.every == "year":
            return list({fiscal_year(label): label for label in agreed}.values())
        if self.every == "term":
            return [label for label in agreed if label[-2:] in CENSUS_TERMS]
        return agreed

    def agreed(self, period: list[str]) -> list[str]:
        """Return the labels of the quarters from the first agreed to the last."""
        return [
            label
            for label in period
            if (self.first is None or first_day(label) >= first_day(self.first))
            and (self.last is None or first_day(label) <= first_day(self.last))
        ]

    def due_on(self, quarter: str) -> date:
        """Return the day by which the quarter's file is due."""
        ends = f"{fiscal_year(quarter)} Q4" if self.every == "year" else quarter
        return last_day(ends) + timedelta(days=self.due)

    def path_for(self, quarter: str) -> str:
        """Return the path that the quarter's file should have, below the data folder."""
        path = self.files.replace(QUARTER, file_form(quarter)).replace(YEAR, fiscal_year(quarter))
        path = path.replace(LIST, self.lists[0] if self.lists else LIST)
        term, later = CENSUS_TERMS.get(quarter[-2:], ("", 0))
        return path.replace(TERM, f"{int(quarter[:4]) + later}_{term}")

    def quarter_told(self, text: str, due: Sequence[str]) -> str | None:
        """Return the quarter that a file's name tells by its period, as the name writes it.

        Null when no period can be told; a label that isn't in `due` when it was not agreed.
        """
        if self.every == "year":
            year = _year_told(text)
            if year is None:
                return None
            return next((q for q in due if fiscal_year(q) == year), f"{year} Q4")
        if self.every == "term":
            found = re.search(r"\d{4}", text)
            names = {term: (number, later) for number, (term, later) in CENSUS_TERMS.items()}
            term = next((name for name in names if name in text.lower()), None)
            if found is None or term is None:
                return None
            number, later = names[term]
            begins = int(found[0]) - later
            return f"{begins}-{(begins + 1) % 100:02d} {number}"
        try:
            return parse_quarter(text.upper())
        except ValueError:
            return None


def _year_told(text: str) -> str | None:
    """Return the fiscal year: `2016` is the one that ends in March 2016, `2015-16` says both."""
    numbers = re.findall(r"\d{4}|\d{2}", text)
    first = int(numbers[0]) - (len(numbers) == 1)
    if len(numbers) > 1 and (first + 1) % 100 != int(numbers[1]) % 100:
        return None
    return f"{first}-{(first + 1) % 100:02d}"
