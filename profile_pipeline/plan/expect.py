"""What a partnership expects of a dataset's values: the `expect:` entries of the collection plan.

Objects and their checks only; `expectations.rules` turns them into rules that run.
"""

import re
from datetime import date
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BeforeValidator, Field, field_validator, model_validator

from profile_pipeline.plan.settings import Strict

AS_AT = "as_at"
CONDITIONS = (
    "between",
    "not_null",
    "in_set",
    "matches",
    "unique",
    "before",
    "after",
    "rows_within",
)

Bound = date | int | float | Literal["as_at"] | None


def _as_text(value: Any) -> Any:
    """Cells are text: `in_set: [1, 2]` means the texts 1 and 2; `yes` and `no` need quotes."""
    if isinstance(value, bool):
        raise ValueError('put words such as "yes" in quotes: YAML reads them as true and false')
    return str(value) if isinstance(value, int | float | date) else value


class Expect(Strict):
    """One expectation: a column and exactly one condition (`rows_within` needs no column).

    Blank cells break `not_null` alone. A row that breaks a critical expectation is quarantined
    unless `row: warn` says otherwise; `not_null` with `at_least`, and `rows_within`, speak of the
    dataset as a whole and lead to an intelligence gap, not to the quarantine.
    """

    column: str | None = Field(
        default=None,
        description="harmonised field such as date_of_birth, or column as sent",
    )
    between: tuple[Bound, Bound] | None = Field(
        default=None,
        description="[lowest, highest], dates or numbers, both allowed; or as_at",
    )
    not_null: Literal[True] | None = Field(default=None, description="a value must be given")
    at_least: float | None = Field(
        default=None, gt=0, le=100, description="percent of rows that must have a value"
    )
    in_set: tuple[Annotated[str, BeforeValidator(_as_text)], ...] | None = Field(
        default=None, min_length=1, description="values that may occur, as written"
    )
    matches: str | None = Field(default=None, description="pattern that the whole value must match")
    unique: Literal[True] | None = Field(default=None, description="no value occurs twice")
    before: str | None = Field(default=None, description="column that may not be earlier")
    after: str | None = Field(default=None, description="column that may not be later")
    rows_within: float | None = Field(
        default=None,
        gt=0,
        description="percent a quarter's rows may differ from earlier quarters",
    )
    severity: Literal["warning", "critical"] = "critical"
    row: Literal["quarantine", "warn"] | None = Field(
        default=None,
        description="what becomes of the row; by the severity when not given",
    )
    why: str = Field(default="", description="the reason, for whoever reads the result")

    @field_validator("matches")
    @classmethod
    def _is_a_pattern(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            re.compile(f"^(?:{value})$")
            pl.Series([""]).str.contains(f"^(?:{value})$")
        except (re.error, pl.exceptions.PolarsError, OverflowError, RecursionError):
            raise ValueError(
                f"'{value}' is not a pattern that can be used (no look-around, no back-references)"
            ) from None
        return value

    @field_validator("between")
    @classmethod
    def _is_a_range(cls, value: tuple[Bound, Bound] | None) -> tuple[Bound, Bound] | None:
        if value is None:
            return None
        low, high = value
        dates = [isinstance(bound, date | str) for bound in value if bound is not None]
        if not dates:
            raise ValueError("give the lowest or the highest value, or both")
        if len(set(dates)) > 1:
            raise ValueError("both ends are dates or both are numbers")
        if isinstance(low, date) and isinstance(high, date) and high < low:
            raise ValueError("the highest value comes second")
        if isinstance(low, int | float) and isinstance(high, int | float) and high < low:
            raise ValueError("the highest value comes second")
        return value

    @model_validator(mode="after")
    def _has_one_condition(self) -> "Expect":
        given = [name for name in CONDITIONS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(CONDITIONS)}")
        if (self.column is None) != (given == ["rows_within"]):
            raise ValueError("name the column (only rows_within has none)")
        if self.at_least is not None and not self.not_null:
            raise ValueError("at_least goes with `not_null: true`")
        if self.row == "quarantine" and self.severity == "warning":
            raise ValueError("a row is quarantined for a critical expectation only")
        if self.row is not None and self.level == "dataset":
            raise ValueError("this expectation speaks of the dataset as a whole: leave `row` out")
        return self

    @property
    def condition(self) -> str:
        """The name of the one condition that is given."""
        return next(name for name in CONDITIONS if getattr(self, name) is not None)

    @property
    def level(self) -> Literal["row", "dataset"]:
        """Whether single rows can fail."""
        of_all = self.at_least is not None or self.rows_within is not None
        return "dataset" if of_all else "row"

    @property
    def dated(self) -> bool:
        """Whether it compares dates: `between` with dates, `before` and `after`."""
        bounds = self.between or ()
        return any(isinstance(b, date | str) for b in bounds) or bool(self.before or self.after)
