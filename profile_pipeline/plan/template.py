"""The canonical headings of blank templates, and datasets of the plan that rely on them.

A dataset that says `read: template` maps no column: `collects` says which indicators and measures a
row may speak of, and of whom, and the headings of the template that `request` writes give the
mapping. Headings are made from names of the program, never from labels that an analyst may reword,
so that a template filled last year still loads.

Dictionaries only, so that `collection.py` can use it; what comes out is checked there.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import polars as pl
from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from profile_pipeline.plan.settings import Strict
from profile_pipeline.tables import DERIVED_FIELDS, MEASURES, MOMENT

TEMPLATE = "template"
# A workbook that Excel saves as CSV is cp1252; what is plainly UTF-8 is read as that anyway.
TEMPLATE_READ: dict[str, Any] = {"encoding": "cp1252"}
DATE_FORMATS = ("%d/%m/%Y",)
MOMENT_FORMATS = ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y")
YES = ("yes", "y", "true", "1")
REFERENCE, DATE = "Reference", "Date"

ROLES = {"suspect": "Person of concern"}
# Field of a person -> how its heading ends, and what it means.
PERSON: dict[str, tuple[str, str]] = {
    "forename": ("forename", "First name or names, as your records have them."),
    "surname": ("surname", "Family name, with every part of it."),
    "other_names": ("also known as", "Nicknames, aliases, earlier or other spellings of the name."),
    "date_of_birth": ("date of birth", "Blank when it isn't known; never a stand-in date."),
    "age": ("age", "Whole years, where no date of birth is known."),
    "sex": ("sex", "As recorded."),
    "ethnicity": ("ethnicity", "As the person or family says, never as an officer sees it."),
    "appearance": ("appearance", "Officer-defined appearance; never put this under ethnicity."),
    "disability": ("disability", "Whether a disability is recorded."),
    "postcode": ("home postcode", "Full where you hold it; a sector is better than nothing."),
    "other_postcodes": ("earlier postcode", "An earlier or second home's postcode."),
    "address": ("home address", "House and street; used to match records, never shown."),
    "email": ("e-mail address", "Used to match records, never shown."),
    "phone": ("telephone number", "As text; used to match records, never shown."),
    "nhs_number": ("NHS number", "Ten digits, as text."),
    "upn": ("UPN", "Unique pupil number, as text."),
    "vehicle": ("vehicle", "Registration, make, colour, as far as known."),
}  # fmt: skip
LOCAL_IDS = "local_ids"
USUAL: dict[str, tuple[str, ...]] = {
    "child": (
        "forename", "surname", "other_names", "date_of_birth", "sex", "ethnicity", "disability",
        "postcode", LOCAL_IDS,
    ),
    "suspect": (
        "forename", "surname", "other_names", "date_of_birth", "age", "sex", "appearance",
        "postcode", "vehicle",
    ),
}  # fmt: skip

# Headings that words of the field's name alone would leave unclear.
FIELD_HEADINGS: dict[tuple[str, str], str] = {
    ("information_report", "reliability"): "Reliability (5 = always reliable, 1 = unreliable)",
    ("information_report", "accuracy"): "Accuracy (1 = known true, 5 = suspected false)",
    ("information_report", "agency"): "Reporting agency",
    ("information_report", "consent_reason"): "Reason for consent decision",
    ("information_report", "assessed_as"): "Information or intelligence",
    ("information_report", "information"): "Information (fact: what was seen, heard or said)",
    ("information_report", "opinion"): "Opinion (what it may mean)",
    ("information_report", "licensed_service"): "Licensed service involved",
    ("information_report", "premises_name"): "Trading name of premises",
    ("information_report", "premises_address"): "Address of premises",
    ("information_report", "willing_to_engage"): "Third party willing to engage with police",
    ("missing_episode", "category"): "Missing or absent",
    ("missing_episode", "risk"): "Police risk grade",
    ("missing_episode", "home_name"): "Children's home",
    ("missing_episode", "interview_offered"): "Return interview offered",
    ("missing_episode", "interview_at"): "Return interview at",
    ("missing_episode", "interview_by"): "Return interview by",
    ("missing_count", "interview_offered"): "Return interview offered",
    ("missing_count", "interview_accepted"): "Return interview accepted",
    ("assessment", "authorised"): "Assessment authorised",
    ("assessment", "factors"): "Assessment factors",
    ("cse_tracker", "education"): "Education provision",
    ("cse_tracker", "model"): "Model of exploitation",
    ("cse_tracker", "method"): "Online or offline",
    ("looked_after", "started"): "Looked after from",
    ("looked_after", "ended"): "Looked after to",
    ("offence", "non_recent"): "Over 12 months before recorded",
    ("offence", "online"): "Online element",
    ("offence", "place_type"): "Kind of place",
    ("offence", "easting_m"): "Easting (metres)",
    ("offence", "northing_m"): "Northing (metres)",
}
# Answers that a field of the contract knows and no code list holds.
FIELD_VALUES: dict[tuple[str, str], tuple[str, ...]] = {
    ("missing_episode", "category"): ("missing", "absent"),
    ("missing_episode", "risk"): ("no apparent risk", "low", "medium", "high"),
    ("exclusion", "category"): ("permanent", "fixed_period", "lunchtime"),
    ("information_report", "source_type"): ("witnessed", "professional", "member of the public"),
    ("information_report", "assessed_as"): ("information", "intelligence"),
}
# The field of a measure that dates its rows; `quarter_end` for lists as they stood.
DATED_BY: dict[str, str] = {
    "missing_episode": "reported_at",
    "information_report": "reported_at",
    "assessment": "referral_date",
    "cse_tracker": "quarter_end",
    "looked_after": "quarter_end",
    "missing_count": "quarter_end",
    "school_attendance": "quarter_end",
}
# Columns of a log that are kept as received and go no further.
RECEIVED_ONLY: dict[str, dict[str, str]] = {
    "information_report": {
        "Reporter name": "Who made the report. Kept as received; it is never copied from this log.",
        "Reporter post": "Post or job title. Kept as received only.",
        "Reporter contact": "How the reporter can be reached. Kept as received only.",
    }
}
CAPITALS = {"cse": "CSE", "urn": "URN", "sen": "SEN", "nfa": "NFA"}


def words(name: str) -> str:
    """Return a name of the program as a heading: `sexual_health` is `Sexual health`."""
    parts = [CAPITALS.get(part, part) for part in name.split("_")]
    text = " ".join(parts)
    return text[:1].upper() + text[1:]


def person_heading(role: str, field: str) -> str:
    """Return the heading of a person's field, such as `Child date of birth`."""
    return f"{ROLES.get(role, words(role))} {PERSON[field][0]}"


def id_heading(role: str, issuer: str) -> str:
    """Return the heading of an id, such as `Child number (dudley council)`."""
    return f"{ROLES.get(role, words(role))} number ({issuer.replace('_', ' ')})"


def field_heading(measure: str, field: str) -> str:
    """Return the heading of a measure's field."""
    return FIELD_HEADINGS.get((measure, field), words(field))


def indicator_heading(role: str, indicator: str) -> str:
    """Return the heading of an indicator's yes/no column."""
    whose = "" if role == "child" else f"{ROLES.get(role, words(role))}: "
    return f"{whose}{words(indicator)} (yes/no)"


def _usual_child() -> dict[str, tuple[str, ...] | None]:
    return {"child": None}


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _with_usual(value: Any) -> Any:
    if isinstance(value, str | list | tuple):
        return dict.fromkeys(_as_list(value))
    return value


def _with_all(value: Any) -> Any:
    return dict.fromkeys(_as_list(value)) if isinstance(value, str | list) else value


class Collects(Strict):
    """What the rows of a template's file may say: `collects:` of a dataset that reads a template.

    `persons` are roles with the fields asked for (none named: the usual ones); `measures` likewise
    with their fields (none named: all). With one indicator each row evidences it, unless the whole
    file is asked for; otherwise the template has a yes/no column for each indicator.
    """

    indicators: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    measures: Annotated[
        dict[str, Annotated[tuple[str, ...], BeforeValidator(_as_list)] | None],
        BeforeValidator(_with_all),
    ] = Field(default_factory=dict)
    persons: Annotated[
        dict[str, Annotated[tuple[str, ...], BeforeValidator(_as_list)] | None],
        BeforeValidator(_with_usual),
    ] = Field(default_factory=_usual_child, min_length=1)
    issuer: str | None = Field(
        default=None, description="who gives the ids; the agency if not told"
    )

    @field_validator("persons")
    @classmethod
    def _known_fields(
        cls, value: dict[str, tuple[str, ...] | None]
    ) -> dict[str, tuple[str, ...] | None]:
        for role, fields in value.items():
            unknown = [f for f in fields or () if f not in PERSON and f != LOCAL_IDS]
            if unknown:
                raise ValueError(
                    f"a {role} has no field {', '.join(unknown)};"
                    f" known: {', '.join((*PERSON, LOCAL_IDS))}"
                )
        return value

    @model_validator(mode="after")
    def _something(self) -> "Collects":
        if not self.indicators and not self.measures:
            raise ValueError("name the indicators or the measures that the rows evidence")
        return self


def expanded_template(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan's dataset that says `read: template` as an ordinary one, not yet checked.

    Raises ValueError in words for the analyst; what is no proper `collects` is left to its model.
    """
    own = [key for key in ("subjects", "events", "reference", "headers") if dataset.get(key)]
    if own:
        raise ValueError(
            f"`{own[0]}` doesn't go with `read: template`: the template's headings are the mapping"
        )
    if not dataset.get("collects"):
        raise ValueError(
            "`read: template` needs `collects`, such as {indicators: [missing_education]}"
        )
    result = {"dated_by": "quarter_end", **dataset, "read": TEMPLATE_READ}
    try:
        collects = Collects.model_validate(dataset["collects"])
    except ValidationError:
        return result
    # Whole files are asked for with a reason, `{whole_file: ...}`; they hold other children too.
    each_row = len(collects.indicators) == 1 and not isinstance(dataset.get("asks_for"), dict)
    issuer = collects.issuer or str(dataset.get("agency"))
    return {
        **result,
        "dated_by": dataset.get("dated_by") or _dated_by(collects),
        "reference": {"column": REFERENCE},
        "subjects": [
            _subject(role, fields, issuer, alone=len(collects.persons) == 1)
            for role, fields in collects.persons.items()
        ],
        "events": [
            *(_indicator(name, collects, each_row=each_row) for name in collects.indicators),
            *({"measure": name, "fields": _fields(name, collects)} for name in collects.measures),
        ],
        "also": [c for name in collects.measures for c in RECEIVED_ONLY.get(name, ())],
    }


def _dated_by(collects: Collects) -> Any:
    measure = next(iter(collects.measures), "")
    field = DATED_BY.get(measure)
    if field == "quarter_end":
        return field
    if field is not None and field in _fields(measure, collects):
        return {"column": field_heading(measure, field), "format": list(MOMENT_FORMATS)}
    return {"column": DATE, "format": list(DATE_FORMATS)}


def _subject(
    role: str, fields: tuple[str, ...] | None, issuer: str, *, alone: bool
) -> dict[str, Any]:
    given = fields if fields is not None else USUAL.get(role, USUAL["child"])
    subject: dict[str, Any] = {"role": role, "required": alone}
    for field in given:
        if field == LOCAL_IDS:
            subject[field] = [{"column": id_heading(role, issuer), "issuer": issuer}]
        else:
            source: dict[str, Any] = {"column": person_heading(role, field)}
            if field == "date_of_birth":
                source["format"] = list(DATE_FORMATS)
            subject[field] = source
    return subject


def _indicator(name: str, collects: Collects, *, each_row: bool) -> dict[str, Any]:
    role = "child" if "child" in collects.persons else next(iter(collects.persons))
    event: dict[str, Any] = {"indicator": name, "role": role}
    if not each_row:
        event["when"] = {"column": indicator_heading(role, name), "in": list(YES)}
    return event


def _fields(measure: str, collects: Collects) -> dict[str, Any]:
    if measure not in MEASURES:
        return {}
    named = collects.measures.get(measure)
    derived = DERIVED_FIELDS.get(measure, ())
    common = ("dataset", "file", "row", "quarter", "date", "reference", *derived)
    schema = MEASURES[measure].polars_schema
    return {
        field: field_source(measure, field, schema.get(field))
        for field in (named or schema)
        if field not in common
    }


def field_source(measure: str, field: str, dtype: Any) -> dict[str, Any]:
    """Return how a template's column of a measure's field is read, as a plan would say it."""
    source: dict[str, Any] = {"column": field_heading(measure, field)}
    if dtype == pl.Date:
        source["format"] = list(DATE_FORMATS)
    elif dtype == MOMENT:
        source["format"] = list(MOMENT_FORMATS)
    elif (measure, field) in FIELD_VALUES:
        source["values"] = {value: value for value in FIELD_VALUES[measure, field]}
    return source
