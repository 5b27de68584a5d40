"""The data collection plan: who is asked for what, why and how, and how their files are read.

Objects only: what a dataset is, which columns hold identity, which rows evidence which indicator.
Reading YAML and telling problems is in `load.py`; applying a mapping to rows is in `intake`.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from profile_pipeline.plan.expect import Expect
from profile_pipeline.plan.handling import HandlingDefault
from profile_pipeline.plan.lawful_basis import LawfulBasis
from profile_pipeline.plan.reading import Delivery, ReadSettings
from profile_pipeline.plan.settings import Strict
from profile_pipeline.plan.standards import completed
from profile_pipeline.plan.template import TEMPLATE, Collects, expanded_template
from profile_pipeline.tables import DERIVED_FIELDS, MEASURES

ID = r"^[a-z][a-z0-9_]*$"
ANY_POSTCODE = "any"  # as a postcode's format: other countries' too, as they are written

# Code lists for fields whose standard values the profile relies on, where a plan names none.
SUBJECT_CODES = {
    "sex": "sex",
    "ethnicity": "ethnicity_text",
    "appearance": "appearance",
    "disability": "disability",
}
MEASURE_CODES = {
    ("missing_episode", "category"): "missing_category",
    ("cse_tracker", "risk_level"): "risk_level",
    ("cse_tracker", "status"): "tracker_status",
    ("cse_tracker", "legal_status"): "legal_status",
    ("cse_tracker", "education"): "education",
    ("cse_tracker", "referral_source"): "referral_source",
    ("cse_tracker", "method"): "method",
    ("looked_after", "need"): "need",
    ("assessment", "need"): "need",
    ("information_report", "reliability"): "report_grade",
    ("information_report", "accuracy"): "report_grade",
    ("information_report", "consent"): "consent",
}


def _short_form(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


class Source(Strict):
    """A column of the agency's file and how its cells are read; `Column: DOB` may be written short.

    `format` one or several strptime formats (ISO dates are always understood), `values` the
    agency's spellings to standard values, `codes` a code list by name, `required` that a row
    without a usable value can't be used at all.
    """

    column: str = Field(min_length=1)
    format: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    values: dict[str, str | None] | None = None
    codes: str | None = None
    required: bool = False

    @field_validator("values", mode="before")
    @classmethod
    def _values_are_text(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {_yaml_text(key): None if v is None else _yaml_text(v) for key, v in value.items()}


def _yaml_text(value: Any) -> str:
    # YAML 1.1 readers turn Y, N, yes and no into booleans; a plan means the letters.
    if isinstance(value, bool):
        return "Y" if value else "N"
    return str(value)


Cell = Annotated[Source, BeforeValidator(_short_form)]
Cells = Annotated[tuple[Cell, ...], BeforeValidator(_as_list)]


class NameInOneColumn(Source):
    """A full name in one column; `order` says which part comes first."""

    order: Literal["SURNAME, Forename", "Forename Surname"] = "SURNAME, Forename"


class LocalId(Source):
    """An id that an issuer gave; the same digits from two issuers are not the same id."""

    issuer: str = Field(pattern=ID)


class Born(Strict):
    """A date of birth in three columns, or the year alone where no more is held."""

    year: Cell
    month: Cell | None = None
    day: Cell | None = None

    def sources(self) -> list[Source]:
        """The columns, year first."""
        return [source for source in (self.year, self.month, self.day) if source is not None]


class Subject(Strict):
    """A person a row speaks of: the columns that say who."""

    role: str = Field(default="child", pattern=ID)
    required: bool = Field(default=True, description="a row without this person can't be used")
    name: Annotated[NameInOneColumn, BeforeValidator(_short_form)] | None = None
    forename: Cell | None = None
    surname: Cell | None = None
    other_names: Cells = ()
    date_of_birth: Cell | None = None
    born: Born | None = Field(default=None, description="birth as year, month and day, or the year")
    age: Cell | None = None
    sex: Cell | None = None
    ethnicity: Cell | None = None
    appearance: Cell | None = None
    disability: Cell | None = None
    postcode: Cell | None = None
    other_postcodes: Cells = Field(default=(), description="earlier or further homes' postcodes")
    address: Cells = Field(default=(), description="the home's address, in one or several columns")
    email: Cells = Field(default=(), description="e-mail addresses; for linkage only")
    phone: Cells = Field(default=(), description="telephone numbers; for linkage only")
    nhs_number: Cell | None = None
    upn: Cell | None = None
    local_ids: tuple[LocalId, ...] = ()
    vehicle: Cell | None = None

    @model_validator(mode="after")
    def _born_once(self) -> "Subject":
        if self.born and self.date_of_birth:
            raise ValueError("give `date_of_birth` or `born` (year, month, day), not both")
        return self

    @model_validator(mode="after")
    def _some_identity(self) -> "Subject":
        identity = (
            self.name,
            self.forename,
            self.surname,
            self.other_names,
            self.date_of_birth,
            self.born,
            self.email,
            self.phone,
            self.nhs_number,
            self.upn,
            self.local_ids,
        )
        if not any(identity):
            raise ValueError(
                "no column says who the person is; map a name, date of birth or an identifier"
            )
        return self

    def sources(self) -> list[Source]:
        """Every column this subject uses."""
        single = (
            self.name,
            self.forename,
            self.surname,
            self.date_of_birth,
            self.age,
            self.sex,
            self.ethnicity,
            self.appearance,
            self.disability,
            self.postcode,
            self.nhs_number,
            self.upn,
            self.vehicle,
        )
        several = (
            *self.other_names,
            *self.other_postcodes,
            *self.address,
            *self.email,
            *self.phone,
            *self.local_ids,
            *(self.born.sources() if self.born else ()),
        )
        return [*(s for s in single if s is not None), *several]

    def identity_columns(self) -> list[str]:
        """Columns of which at least one must be there for a row to name the person."""
        single = (
            self.name,
            self.forename,
            self.surname,
            self.date_of_birth,
            self.nhs_number,
            self.upn,
        )
        found = [s.column for s in single if s is not None]
        several = (*self.other_names, *self.email, *self.phone, *self.local_ids)
        born = [self.born.year.column] if self.born else []
        return [*found, *(s.column for s in several), *born]


class Ratio(Strict):
    """The column divided by another is at least a share."""

    over: str
    share: float = Field(gt=0)


class Condition(Strict):
    """A test on one column; spelling, case and surrounding space don't matter. Never SQL."""

    column: str
    equals: str | None = None
    is_in: tuple[str, ...] | None = Field(default=None, alias="in")
    has_code: Annotated[tuple[str, ...] | None, BeforeValidator(_as_list)] = None
    ratio_at_least: Ratio | None = None
    at_least: float | None = Field(default=None, description="the number in the column, or more")
    not_blank: Literal[True] | None = None

    @field_validator("equals", mode="before")
    @classmethod
    def _equals_text(cls, value: Any) -> Any:
        return value if value is None else _yaml_text(value)

    @field_validator("is_in", "has_code", mode="before")
    @classmethod
    def _list_text(cls, value: Any) -> Any:
        if value is None:
            return None
        return tuple(_yaml_text(item) for item in _as_list(value))

    @model_validator(mode="after")
    def _one_test(self) -> "Condition":
        tests = (
            self.equals,
            self.is_in,
            self.has_code,
            self.ratio_at_least,
            self.at_least,
            self.not_blank,
        )
        if sum(test is not None for test in tests) != 1:
            raise ValueError(
                "give exactly one of equals, in, has_code, ratio_at_least, at_least, not_blank"
            )
        return self

    def columns(self) -> list[str]:
        """Columns the test looks at."""
        return [self.column, *([self.ratio_at_least.over] if self.ratio_at_least else [])]


class Event(Strict):
    """What a row evidences: an indicator, or a measure with its fields."""

    indicator: str | None = None
    measure: str | None = None
    role: str = "child"
    when: Annotated[tuple[Condition, ...], BeforeValidator(_as_list)] = ()
    any_of: Annotated[tuple[Condition, ...], BeforeValidator(_as_list)] = ()
    date: Cell | None = Field(default=None, description="default: what dates the row")
    fields: dict[str, Cell] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_kind(self) -> "Event":
        if (self.indicator is None) == (self.measure is None):
            raise ValueError("give either an indicator or a measure")
        if self.indicator and self.fields:
            raise ValueError("fields belong to a measure, not to an indicator")
        if self.measure:
            if self.measure not in MEASURES:
                raise ValueError(
                    f"there is no measure '{self.measure}'; known: {', '.join(sorted(MEASURES))}"
                )
            known = set(measure_fields(self.measure))
            unknown = sorted(set(self.fields) - known)
            if unknown:
                raise ValueError(
                    f"measure '{self.measure}' has no field {', '.join(unknown)};"
                    f" known: {', '.join(sorted(known))}"
                )
        return self

    def columns(self) -> list[str]:
        """Every column the event looks at."""
        tested = [c for condition in (*self.when, *self.any_of) for c in condition.columns()]
        dated = [self.date.column] if self.date else []
        return [*tested, *dated, *(source.column for source in self.fields.values())]


def measure_fields(measure: str) -> list[str]:
    """Fields of a measure that a plan can map."""
    common = {"dataset", "file", "row", "quarter", "date", *DERIVED_FIELDS.get(measure, ())}
    return [name for name in MEASURES[measure].polars_schema if name not in common]


class Sum(Strict):
    """The sum of a column over the other list's rows of the same key that meet a condition.

    `at_most` names a column of this list: a sum above it is impossible and not used.
    """

    column: str
    where: Condition | None = None
    at_most: str | None = None


class Lookup(Strict):
    """Columns that another list of the same delivery holds about the same key.

    For each row the other dataset's rows of the same quarter with the same key are sought (`on`:
    this list's column -> the other's). What they say in `columns` (this list's name -> the other's)
    fills cells that the row itself leaves blank or lacks; where they disagree nothing is taken.
    """

    dataset: str = Field(description="id of the dataset that holds the other list")
    on: dict[str, str] = Field(min_length=1)
    columns: dict[str, str] = Field(default_factory=dict)
    sums: dict[str, Sum] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _adds_something(self) -> "Lookup":
        if not self.columns and not self.sums:
            raise ValueError("name the columns to look up, or sums")
        return self

    def adds(self) -> list[str]:
        """Columns that the lookup gives a row."""
        return [*self.columns, *self.sums]

    def needs(self) -> list[str]:
        """Columns of this list that the lookup looks at."""
        return [*self.on, *(s.at_most for s in self.sums.values() if s.at_most)]

    def takes(self) -> list[str]:
        """Columns of the other list, once each."""
        tested = [c for s in self.sums.values() if s.where for c in s.where.columns()]
        summed = [s.column for s in self.sums.values()]
        return list(dict.fromkeys([*self.on.values(), *self.columns.values(), *summed, *tested]))


class Agency(Strict):
    """An agency of the partnership."""

    id: str = Field(pattern=ID)
    name: str
    sector: Literal["statutory", "voluntary", "health", "education", "other"] = "statutory"
    lead: str = ""
    contact_route: str = Field(default="", description="secure route by which files are sent")


class AsksFor(Strict):
    """Who is asked for: children who meet an indicator, or a whole file for a stated reason."""

    who: Literal["children_who_meet", "whole_file"] = "children_who_meet"
    reason: str = ""

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, value: Any) -> Any:
        if isinstance(value, AsksFor):
            return value
        if value == "children_who_meet":
            return {"who": value}
        if isinstance(value, dict) and set(value) == {"whole_file"} and value["whole_file"]:
            return {"who": "whole_file", "reason": str(value["whole_file"])}
        if isinstance(value, dict) and value.get("who") == "whole_file" and value.get("reason"):
            return value
        if value == "whole_file" or (isinstance(value, dict) and "whole_file" in value):
            raise ValueError(
                "a whole file is asked for only with a reason: write {whole_file: why it is needed}"
            )
        raise ValueError("write children_who_meet, or {whole_file: why it is needed}")


class Dataset(Strict):
    """One dataset of an agency: what is collected, why, how, by when, and what it means."""

    id: str = Field(pattern=ID)
    agency: str
    title: str
    what: str
    why: str
    how: str
    lead: str = ""
    lawful_basis: LawfulBasis
    keep_for: str
    asks_for: AsksFor = Field(default_factory=lambda: AsksFor.model_validate("children_who_meet"))
    threshold: str = Field(
        default="", description="when a child meets the indicator; told by the conditions if empty"
    )
    denominators: str = Field(
        default="", description="aggregate counts that come with the file, for rates"
    )
    collects: Collects | None = Field(
        default=None, description="with `read: template`: what the rows may say; no mapping needed"
    )
    delivery: Delivery
    read: ReadSettings = ReadSettings()
    headers: dict[str, Annotated[tuple[str, ...], BeforeValidator(_as_list)]] = Field(
        default_factory=dict, description="other headings a column has had: plan's name -> others"
    )
    standard: str | None = Field(
        default=None, description="a statutory return in its own layout: no mapping needed"
    )
    issuer: str | None = Field(
        default=None, pattern=ID, description="who gave the ids of a return; its agency if not told"
    )
    lists: dict[str, dict[str, Any] | None] = Field(
        default_factory=dict,
        description="list of the return -> what differs from the standard; null leaves it out",
    )
    dated_by: Cell | Literal["quarter_end"]
    lookup: tuple[Lookup, ...] = ()
    also: tuple[str, ...] = Field(
        default=(), description="columns that may come and are kept as received only"
    )
    reference: Cell | None = Field(default=None, description="the row's own reference")
    subjects: tuple[Subject, ...] = ()
    events: tuple[Event, ...] = ()
    expect: tuple[Expect, ...] = ()
    handling_default: HandlingDefault | None = Field(
        default=None, description="what is taken of information reports that don't state it"
    )

    @model_validator(mode="before")
    @classmethod
    def _standard(cls, value: Any) -> Any:
        return completed(value) if isinstance(value, dict) and value.get("standard") else value

    @model_validator(mode="before")
    @classmethod
    def _template(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if value.get("read") != TEMPLATE:
            if not value.get("collects"):
                return value
            raise ValueError("`collects` goes with `read: template`")
        return expanded_template(value)

    @field_validator("dated_by", mode="before")
    @classmethod
    def _dated_by(cls, value: Any) -> Any:
        if isinstance(value, str) and value != "quarter_end":
            return {"column": value}
        return value

    @model_validator(mode="after")
    def _roles(self) -> "Dataset":
        roles = [subject.role for subject in self.subjects]
        if len(set(roles)) != len(roles):
            raise ValueError("two subjects have the same role")
        for event in self.events:
            if event.indicator and event.role not in roles:
                raise ValueError(
                    f"indicator '{event.indicator}' is about a '{event.role}',"
                    " but no subject has that role"
                )
        measures = [event.measure for event in self.events if event.measure]
        if len(set(measures)) != len(measures):
            raise ValueError("a measure is mapped twice")
        if self.handling_default and "information_report" not in measures:
            raise ValueError("`handling_default` goes with the measure information_report")
        if "{list}" in self.delivery.files and not (self.standard or self.delivery.lists):
            raise ValueError("{list} in files goes with `standard:`")
        if not self.standard and (self.lists or self.issuer):
            raise ValueError("`lists` and `issuer` go with `standard:`")
        return self

    @model_validator(mode="after")
    def _headings_are_known(self) -> "Dataset":
        """Give the reader the headings, so that it finds them where they are not expected."""
        if not self.read.known:
            names = [n for c in self.columns() for n in (c, *self.headers.get(c, ()))]
            read = self.read.model_copy(update={"known": tuple(dict.fromkeys(names))})
            object.__setattr__(self, "read", read)
        return self

    def columns(self) -> list[str]:
        """Every column the plan maps, once each, in order."""
        dated = [self.dated_by.column] if isinstance(self.dated_by, Source) else []
        reference = [self.reference.column] if self.reference else []
        subjects = [s.column for subject in self.subjects for s in subject.sources()]
        events = [c for event in self.events for c in event.columns()]
        keys = [c for lookup in self.lookup for c in (*lookup.needs(), *lookup.adds())]
        return list(dict.fromkeys([*reference, *dated, *subjects, *events, *keys]))

    def sources(self) -> list[Source]:
        """Every column that is read into a value, as often as it is."""
        dated = [self.dated_by] if isinstance(self.dated_by, Source) else []
        reference = [self.reference] if self.reference else []
        subjects = [source for subject in self.subjects for source in subject.sources()]
        events = [
            source
            for event in self.events
            for source in (*event.fields.values(), *([event.date] if event.date else []))
        ]
        return [*dated, *reference, *subjects, *events]

    def looked_up(self) -> list[str]:
        """Columns that another list may give where this one lacks them."""
        return list(dict.fromkeys(c for lookup in self.lookup for c in lookup.adds()))

    def quarters_told(self, period: list[str]) -> list[str]:
        """Return the quarters of the period that files of this dataset may tell of.

        More than those in which a file is due where one file covers a year, or comes once and has
        a column that dates its rows.
        """
        several = self.delivery.every == "year" or (
            self.delivery.every == "once" and self.date_column() is not None
        )
        return self.delivery.agreed(period) if several else self.delivery.quarters(period)

    def date_column(self) -> str | None:
        """Column that dates the rows; null for snapshots."""
        return self.dated_by.column if isinstance(self.dated_by, Source) else None


class Indicator(Strict):
    """An indicator of the strategy or the screening tool, and what kind of thing it is."""

    id: str = Field(pattern=ID)
    label: str
    kind: Literal["vulnerability", "sign", "harm", "concern"]
    counts_in_overlap: bool = True
    strategy: str = Field(default="", description="the strategy's own indicator it stands for")
    only_seen_in: Literal["", "screening", "intelligence"] = ""
