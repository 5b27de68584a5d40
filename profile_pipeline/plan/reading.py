"""How an agency's files are read and when they are due: `read:` and `delivery:` of a dataset.

Objects and their checks only: finding files is in `intake.deliveries`, opening them in
`intake.readers`.
"""

import codecs
import re
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
from profile_pipeline.quarters import file_form, first_day, last_day, parse_quarter

TOTALS = ("Total", "Totals", "Total records", "Grand total", "Sub-total", "Subtotal")
QUARTER = "{quarter}"
NO_ENCODINGS = ("idna", "punycode", "unicode-escape", "raw-unicode-escape")
DAYS = re.compile(r"(\d{1,4})\s*(day|week)s?", re.IGNORECASE)


def _delimiter(value: Any) -> Any:
    """Accept the words an analyst would use for characters that can't be seen."""
    words = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
    return words.get(value.strip().lower(), value) if isinstance(value, str) else value


def _days(value: Any) -> Any:
    """`14 days`, `2 weeks` or a plain number of days."""
    if isinstance(value, str) and (match := DAYS.fullmatch(value.strip())):
        return int(match[1]) * (7 if match[2].lower() == "week" else 1)
    return value


def _label(value: Any) -> Any:
    return parse_quarter(value) if isinstance(value, str) else value


QuarterLabel = Annotated[str, BeforeValidator(_label)]


class ReadSettings(Strict):
    """How a dataset's files are laid out.

    A file that is plainly UTF-8 is read as UTF-8 even where `encoding` names a one-byte encoding
    such as cp1252: agencies change their exports between quarters, and a name read in the wrong
    encoding is a child that isn't found again.
    """

    # A tab is a delimiter, and a sheet's name may end in a space: nothing is stripped here.
    model_config = ConfigDict(str_strip_whitespace=False)

    format: Literal["csv", "xlsx", "parquet"] | None = Field(
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

    In `files`, `{quarter}` stands for the fiscal quarter (`2015-16_Q4` or `2015-16 Q4`) and `*` for
    any text within one folder or file name.
    """

    every: Literal["quarter", "once"] = "quarter"
    due: Annotated[int, BeforeValidator(_days)] = Field(
        default=14, ge=0, description="days after the end of the quarter, written `14 days`"
    )
    files: str = Field(
        description="path below the data folder, such as `police_missing/{quarter}.csv`"
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
        rest = text.replace(QUARTER, "")
        if "{" in rest or "}" in rest:
            raise ValueError("the only placeholder is {quarter}")
        if not path.suffix:
            raise ValueError("the pattern needs a file ending such as .csv, .xlsx or .parquet")
        return str(path)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Delivery":
        if self.every == "quarter" and QUARTER not in self.files:
            raise ValueError("files of `every: quarter` need {quarter} in their name")
        if self.every == "once" and QUARTER in self.files:
            raise ValueError("a file that comes `once` has no {quarter} in its name")
        if self.first and self.last and first_day(self.last) < first_day(self.first):
            raise ValueError(f"the last quarter ({self.last}) lies before the first ({self.first})")
        return self

    def quarters(self, period: list[str]) -> list[str]:
        """Return the labels of the quarters that are due, given the profile's own quarters.

        A file that comes once belongs to the last of them.
        """
        agreed = [
            label
            for label in period
            if (self.first is None or first_day(label) >= first_day(self.first))
            and (self.last is None or first_day(label) <= first_day(self.last))
        ]
        return agreed if self.every == "quarter" else agreed[-1:]

    def due_on(self, quarter: str) -> date:
        """Return the day by which the quarter's file is due."""
        return last_day(quarter) + timedelta(days=self.due)

    def path_for(self, quarter: str) -> str:
        """Return the path that the quarter's file should have, below the data folder."""
        return self.files.replace(QUARTER, file_form(quarter))
