"""What each agency is asked for, from the plan alone: columns of its templates, and who is meant.

`template_of` turns any dataset into the one that reads its filled template: the same people,
indicators and measures, under canonical headings (`plan.template`). A condition on a measure's own
column stays a condition (a share of sessions, an assessment factor); any other becomes a yes/no
column, so that an agency need not hand over codes that only it understands.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import polars as pl

from profile_pipeline.codes.lookup import code_list, fold, list_names, unknown_texts
from profile_pipeline.plan.collection import (
    ANY_POSTCODE,
    MEASURE_CODES,
    SUBJECT_CODES,
    Agency,
    Condition,
    Dataset,
    Event,
    LocalId,
    Source,
    Subject,
)
from profile_pipeline.plan.lawful_basis import basis_note
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.reading import ReadSettings
from profile_pipeline.plan.template import (
    DATE,
    DATE_FORMATS,
    LOCAL_IDS,
    MOMENT_FORMATS,
    PERSON,
    RECEIVED_ONLY,
    REFERENCE,
    TEMPLATE_READ,
    YES,
    field_heading,
    field_source,
    id_heading,
    indicator_heading,
    person_heading,
    words,
)
from profile_pipeline.quarters import quarters_between
from profile_pipeline.tables import DERIVED_FIELDS, MEASURES, MOMENT, TEXTS

Kind = Literal["text", "identifier", "date", "moment", "number", "code", "codes", "yes_no"]
FORMS: dict[Kind, str] = {
    "text": "Text",
    "identifier": "Text, with every leading zero",
    "date": "Date, dd/mm/yyyy",
    "moment": "Date and time, dd/mm/yyyy hh:mm",
    "number": "Number",
    "code": "One of the list",
    "codes": "Codes, separated by spaces",
    "yes_no": "yes or no",
}
IDENTIFIERS = ("nhs_number", "upn", LOCAL_IDS)
ID_FIELDS = ("home_urn", "school_urn", "crime_reference", "reference", "offence_code")
# Fields that the log of information reports has whatever a plan maps: what may be shared with whom
# hangs on them.
ALWAYS = ("information_report",)


@dataclass(frozen=True)
class TemplateColumn:
    """A column of a blank template.

    `codes` names its code list, `values` are the plan's own. `as_you_send` is the heading in the
    agency's own file that tells it, or headings; None where no column of that file is read for it.
    """

    heading: str
    kind: Kind
    meaning: str
    needed: bool = False
    codes: str | None = None
    values: tuple[str, ...] = ()
    as_you_send: str | None = None


@dataclass(frozen=True)
class Template:
    """A dataset's template: its columns, what reads it, and the plan's columns in it."""

    columns: tuple[TemplateColumn, ...]
    dataset: Dataset
    renamed: dict[str, str]

    @property
    def headings(self) -> list[str]:
        """Headings of row 1, in order."""
        return [column.heading for column in self.columns]

    def fits(self, headings: Sequence[str]) -> bool:
        """Whether a file's headings are exactly the template's, in whatever order and case."""
        return {_folded(h) for h in headings} == {_folded(h) for h in self.headings}

    def resembles(self, headings: Sequence[str]) -> bool:
        """Whether a file has most of the template's headings: columns were taken out or added."""
        own = {_folded(h) for h in self.headings}
        return 2 * len(own.intersection(_folded(h) for h in headings)) > len(own)


def _folded(heading: str) -> str:
    return " ".join(heading.replace("\ufeff", "").split()).casefold()


def template_columns(dataset: Dataset) -> tuple[TemplateColumn, ...]:
    """Return the columns of a dataset's blank template; none for a statutory return."""
    template = template_of(dataset)
    return template.columns if template else ()


def template_of(dataset: Dataset) -> Template | None:
    """Return a dataset's template; null for a statutory return, which is sent in its own layout.

    The template's dataset has the same subjects, and the same events in the same order.
    """
    return None if dataset.standard is not None else _Build(dataset).template()


@dataclass
class _Build:
    """Columns gathered so far, by heading, and which of the plan's columns each stands for."""

    dataset: Dataset
    columns: dict[str, TemplateColumn] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    measured: set[str] = field(default_factory=set)

    def template(self) -> Template:
        plan = self.dataset
        reference = self._reference(plan.reference)
        dated = self._dated(plan)
        subjects = tuple(self._subject(subject) for subject in plan.subjects)
        measures = {
            number: self._measure(event)
            for number, event in enumerate(plan.events)
            if event.measure
        }
        events = tuple(
            self._tested(measures.get(number, event), event)
            for number, event in enumerate(plan.events)
        )
        also: list[str] = []
        for event in plan.events:
            for heading, meaning in RECEIVED_ONLY.get(str(event.measure), {}).items():
                self._put(heading, "text", meaning)
                also.append(heading)
        read = plan.model_copy(
            update={
                "read": ReadSettings.model_validate(TEMPLATE_READ),
                "headers": {},
                "lookup": (),
                "also": tuple(also),
                "reference": reference,
                "dated_by": dated,
                "subjects": subjects,
                "events": events,
            }
        )
        return Template(tuple(self.columns.values()), read, dict(self.renamed))

    def _put(
        self,
        heading: str,
        kind: Kind,
        meaning: str,
        *,
        source: Source | None = None,
        codes: str | None = None,
        values: Sequence[str] = (),
        needed: bool = False,
        told_by: Sequence[str] = (),
    ) -> str:
        """Add a column and return its heading; a column of the plan is asked for once.

        `told_by` are the plan's columns that tell it where it stands for none of them alone.
        """
        own = source.column if source else None
        if own is not None and own in self.renamed:
            held = self.columns[self.renamed[own]]
            same = {held.kind, kind} <= {"date", "moment"} or {held.kind, kind} <= {
                "text",
                "identifier",
            }
            if held.kind == kind or same:
                wider: Kind = "moment" if "moment" in (held.kind, kind) else held.kind
                self.columns[held.heading] = TemplateColumn(
                    held.heading,
                    wider,
                    held.meaning,
                    held.needed or needed,
                    held.codes,
                    held.values,
                    held.as_you_send,
                )
                return held.heading
        number, free = 2, heading
        while free in self.columns:
            free, number = f"{heading} {number}", number + 1
        self.columns[free] = TemplateColumn(
            free, kind, meaning, needed, codes, tuple(values), own or ", ".join(told_by) or None
        )
        if own is not None:
            self.renamed.setdefault(own, free)
        return free

    def _reference(self, source: Source | None) -> Source | None:
        if source is None:
            return None
        heading = self._put(
            REFERENCE,
            "identifier",
            "Your own number for the record, so that a question can be answered.",
            source=source,
            needed=source.required,
        )
        return Source(column=heading, required=source.required)

    def _dated(self, plan: Dataset) -> Any:
        dated = plan.dated_by
        if not isinstance(dated, Source):
            return dated
        measured = (
            (event.measure, name)
            for event in plan.events
            if event.measure
            for name, source in event.fields.items()
            if source.column == dated.column
        )
        measure, name = next(measured, (None, None))
        heading, kind = DATE, "date"
        if measure is not None and name is not None:
            heading = field_heading(measure, name)
            kind = _kind(measure, name)[0]
        heading = self._put(
            heading,
            "moment" if kind == "moment" else "date",
            "What dates the record; it decides the quarter in which the record counts.",
            source=dated,
            needed=True,
        )
        return Source(column=heading, format=MOMENT_FORMATS if kind == "moment" else DATE_FORMATS)

    def _subject(self, subject: Subject) -> Subject:
        """Return the subject under the template's headings."""
        role = subject.role
        given: dict[str, Any] = {"role": role, "required": subject.required}
        for name in PERSON:
            sources = getattr(subject, name)
            if name in ("forename", "surname") and subject.name is not None:
                sources = sources or Source(column=f"\0{subject.name.column}")
            if name == "date_of_birth" and subject.born is not None:  # asked for in one column
                sources = Source(column=f"\0{subject.born.year.column}")
            if not sources:
                continue
            several = sources if isinstance(sources, tuple) else (sources,)
            read = [self._person_field(role, name, source) for source in several]
            given[name] = tuple(read) if isinstance(sources, tuple) else read[0]
        given[LOCAL_IDS] = tuple(
            LocalId(column=self._id(role, local), issuer=local.issuer, required=local.required)
            for local in subject.local_ids
        )
        return Subject.model_validate(given)

    def _id(self, role: str, local: LocalId) -> str:
        whose = local.issuer.replace("_", " ")
        return self._put(
            id_heading(role, local.issuer),
            "identifier",
            f"The person's number in the system of {whose}.",
            source=local,
            needed=local.required,
        )

    def _person_field(self, role: str, name: str, source: Source) -> Source:
        # A full name in one column is asked for in two: nothing of the plan's is renamed.
        made_up = source.column.startswith("\0")
        told_by = [source.column[1:]] if made_up else []
        codes = SUBJECT_CODES.get(name)
        kind: Kind = "code" if codes else "identifier" if name in IDENTIFIERS else "text"
        if name == "date_of_birth":
            kind = "date"
        elif name == "age":
            kind = "number"
        elsewhere = source.format if ANY_POSTCODE in source.format else ()
        heading = self._put(
            person_heading(role, name),
            kind,
            PERSON[name][1],
            source=None if made_up else source,
            codes=codes,
            needed=source.required,
            told_by=told_by,
        )
        return Source(
            column=heading,
            format=DATE_FORMATS if kind == "date" else elsewhere,
            codes=codes,
            values=_spellings(codes) if codes else None,
            required=source.required,
        )

    def _measure(self, event: Event) -> Event:
        measure = str(event.measure)
        schema = MEASURES[measure].polars_schema
        derived = DERIVED_FIELDS.get(measure, ())
        common = ("dataset", "file", "row", "quarter", "date", "reference", *derived)
        names = list(event.fields)
        if measure in ALWAYS:
            names = [n for n in schema if n not in common or n in event.fields]
        about = {column.name: column.description for column in MEASURES[measure].columns}
        fields = {}
        for name in names:
            source = event.fields.get(name)
            kind, codes = _kind(measure, name)
            stated = field_source(measure, name, schema[name])
            values = tuple(stated.get("values", ())) if codes is None else ()
            if source is not None and kind == "text" and (source.values or source.codes):
                kind, codes, values = _own_list(source)
            elif values:
                kind = "code"
            heading = self._put(
                str(stated["column"]),
                kind,
                _meaning(about[name]),
                source=source,
                codes=codes,
                values=values,
                needed=source is not None and source.required,
            )
            self.measured.add(heading)
            spellings = _spellings(codes) if codes and codes != "yes_no" else None
            fields[name] = Source(
                column=heading,
                format=tuple(stated.get("format", ())),
                codes=codes,
                values=spellings or ({v: v for v in values} if values else None),
                required=source is not None and source.required,
            )
        return event.model_copy(update={"fields": fields})

    def _tested(self, mapped: Event, given: Event) -> Event:
        """Return the event with its conditions and date under the template's headings."""
        update: dict[str, Any] = {}
        tests = (*given.when, *given.any_of)
        if tests and all(self._kept(test) for test in tests):
            update["when"] = tuple(self._under_headings(test) for test in given.when)
            update["any_of"] = tuple(self._under_headings(test) for test in given.any_of)
        elif tests:
            if given.indicator:
                heading = indicator_heading(given.role, given.indicator)
                meaning = f"Whether it applies: {in_words(given)}."
            else:
                heading = f"{words(str(given.measure))} (yes/no)"
                meaning = "Whether the row is one."
            if heading not in self.columns:
                columns = dict.fromkeys(column for test in tests for column in test.columns())
                self._put(heading, "yes_no", meaning, codes="yes_no", told_by=list(columns))
            update["when"] = (Condition.model_validate({"column": heading, "in": YES}),)
            update["any_of"] = ()
        if given.date is not None:
            whose = words(given.indicator or str(given.measure))
            heading = self._put(f"{whose} date", "date", "When it happened.", source=given.date)
            update["date"] = Source(column=heading, format=(*DATE_FORMATS, *MOMENT_FORMATS))
        return mapped.model_copy(update=update)

    def _kept(self, test: Condition) -> bool:
        """Whether a condition can stay as it is: its columns are a measure's own, in one coding."""
        if test.equals is not None or test.is_in is not None:
            return self.renamed.get(test.column) == test.column  # A yes/no column of a template.
        return all(self.renamed.get(column) in self.measured for column in test.columns())

    def _under_headings(self, test: Condition) -> Condition:
        update: dict[str, Any] = {"column": self.renamed[test.column]}
        if test.ratio_at_least:
            over = self.renamed[test.ratio_at_least.over]
            update["ratio_at_least"] = test.ratio_at_least.model_copy(update={"over": over})
        return test.model_copy(update=update)


def _kind(measure: str, name: str) -> tuple[Kind, str | None]:
    dtype = MEASURES[measure].polars_schema[name]
    if (measure, name) in MEASURE_CODES:
        return "code", MEASURE_CODES[measure, name]
    if dtype == pl.Boolean:
        return "yes_no", "yes_no"
    if dtype == pl.Date:
        return "date", None
    if dtype == MOMENT:
        return "moment", None
    if dtype == TEXTS:
        return "codes", None
    if dtype in (pl.Float64, pl.Int64):
        return "number", None
    return ("identifier" if name in ID_FIELDS else "text"), None


def _own_list(source: Source) -> tuple[Kind, str | None, tuple[str, ...]]:
    """Return kind, code list and values of a column that the plan itself gives a list for."""
    if source.codes and not source.values:
        return "code", source.codes, ()
    unknown = unknown_texts()
    values = dict.fromkeys(
        v for v in (source.values or {}).values() if v and fold(v) not in unknown
    )
    return "code", None, tuple(values)


def _meaning(description: str) -> str:
    """Return a contract's description without its clause on null, as a sentence."""
    said = "; ".join(part for part in description.split("; ") if not part.startswith("null"))
    said = said.replace("dont_know", "or don't know").replace(" ... ", " to ")
    said = said.replace(" (restricted)", "").replace(", local time", "")
    return f"{said[:1].upper()}{said[1:]}."


# --- code lists -------------------------------------------------------------------------------


# What stands in a template's list for a standard value, where the value alone would not be clear.
NICE: dict[str, dict[str, str]] = {
    "risk_level": {"none": "no current risk"},
    "report_grade": {"dont_know": "don't know"},
    "tracker_status": {"nfa": "no further action"},
}
NOT_KNOWN = "not known"
UNSAID = {"REFU": "refused", "NOBT": "not yet obtained"}
HAVE_THEIR_OWN = ("report_grade",)  # "don't know" is one of the grades
# Appendix A names the ends of each scale; what lies between is put in words here.
GRADES: dict[str, dict[str, str]] = {
    "reliability": {
        "5": "always reliable",
        "4": "mostly reliable",
        "3": "sometimes reliable",
        "2": "rarely reliable",
        "1": "unreliable",
    },
    "accuracy": {
        "1": "known to be true without doubt",
        "2": "probably true",
        "3": "possibly true",
        "4": "doubtful",
        "5": "suspected to be false",
    },
}


def choices(codes: str, own: Path | None = None) -> list[tuple[str, str]]:
    """Return what a coded column may hold, and the standard value each choice stands for.

    In the order of the code list; ethnic groups are written `WBRI White British`. `not known` comes
    last: it is an answer, and no blank.
    """
    spellings = code_list(codes, own)
    if codes in ("ethnicity_text", "ethnicity_dfe"):
        named = _ethnic_groups(own)
        unsaid = [("REFU", ""), ("NOBT", ""), (NOT_KNOWN, "")]
        return [*((text, code) for code, text in named.items()), *unsaid]
    found: dict[str, str] = {}
    for code in spellings.values():
        if code is not None and code not in found:
            found[code] = NICE.get(codes, {}).get(code) or code.replace("_", " ")
    shown = [(text, code) for code, text in found.items()]
    return shown if codes in HAVE_THEIR_OWN else [*shown, (NOT_KNOWN, "")]


def choice_meanings(column: TemplateColumn) -> dict[str, str]:
    """Return choice -> what it means, where a choice doesn't say so itself.

    The two grades of an information report share a code list and run in opposite directions.
    """
    if column.codes == "report_grade":
        scale = "accuracy" if column.heading.startswith("Accuracy") else "reliability"
        return GRADES[scale] | {"don't know": "say so rather than guess"}
    return UNSAID if (column.codes or "").startswith("ethnicity") else {}


def _ethnic_groups(own: Path | None) -> dict[str, str]:
    """Return DfE code -> `WBRI White British`, from the list of spellings."""
    found: dict[str, str] = {}
    for spelling, code in code_list("ethnicity_text", own).items():
        if code and spelling.startswith(f"{code.lower()} ") and code not in found:
            found[code] = f"{code} {_group_name(spelling.split(' ', 1)[1])}"
    return found


PROPER = (
    "white",
    "british",
    "irish",
    "black",
    "asian",
    "african",
    "caribbean",
    "chinese",
    "indian",
    "pakistani",
    "bangladeshi",
    "mixed",
    "gypsy",
    "roma",
    "traveller",
)


def _group_name(text: str) -> str:
    named = " ".join(w.capitalize() if w in PROPER else w for w in text.split())
    return (named[:1].upper() + named[1:]).replace("Gypsy Roma", "Gypsy/Roma")


def _spellings(codes: str) -> dict[str, str | None]:
    """Return each choice of a template's list -> its standard value, as a plan's `values` would."""
    if codes not in list_names():
        return {}
    return {text: code or None for text, code in choices(codes)}


# --- who is asked for -------------------------------------------------------------------------


def in_words(event: Event, columns: dict[str, str] | None = None) -> str:
    """Return an indicator's conditions in words, such as `Gifts is Y`; empty for none."""
    named = columns or {}
    when = [_test_in_words(test, named) for test in event.when]
    some = [_test_in_words(test, named) for test in event.any_of]
    return "; ".join([*when, *([" or ".join(some)] if some else [])])


def _test_in_words(test: Condition, named: dict[str, str]) -> str:
    column = named.get(test.column, test.column)
    if test.ratio_at_least is not None:
        over = named.get(test.ratio_at_least.over, test.ratio_at_least.over)
        return f"{column} at least {100 * test.ratio_at_least.share:.4g} % of {over}"
    if test.at_least is not None:
        return f"{column} is {test.at_least:.4g} or more"
    if test.equals is not None:
        return f"{column} is '{test.equals}'"
    if test.not_blank:
        return f"{column} is filled in"
    options = test.is_in or test.has_code or ()
    listed = " or ".join([", ".join(options[:-1]), options[-1]] if len(options) > 1 else options)
    return f"{column} holds code {listed}" if test.has_code else f"{column} is {listed}"


def _field_words(dataset: Dataset) -> dict[str, str]:
    """Return the plan's columns that are a measure's field -> the field in words."""
    return {
        source.column: name.replace("_", " ")
        for event in dataset.events
        for name, source in event.fields.items()
    }


def thresholds(plan: Plan, dataset: Dataset) -> list[str]:
    """Return, indicator by indicator, when a child meets it; the plan's own words replace all."""
    if dataset.threshold:
        return [dataset.threshold]
    labels = {indicator.id: indicator.label for indicator in plan.indicators}
    named = _field_words(dataset)
    told: dict[str, None] = {}
    for event in dataset.events:
        if event.indicator is None:
            continue
        label = labels.get(event.indicator, words(event.indicator))
        condition = in_words(event, named)
        if condition and all(c.endswith("(yes/no)") for c in event.columns()):
            condition = "where your records say so"
        told[f"{label}: {condition or 'every record of it in the period'}"] = None
    return list(told)


def asked_for(plan: Plan, dataset: Dataset) -> str:
    """Return who is asked for in one sentence."""
    if dataset.asks_for.who == "whole_file":
        return f"The whole file. Why: {dataset.asks_for.reason.rstrip('.')}."
    met = thresholds(plan, dataset)
    if not met:
        return f"Only records of this kind: {dataset.what}"
    return "Only children who meet an indicator, as told below; nobody else's record."


def denominators(dataset: Dataset) -> str:
    """Return how rates are reckoned without a list of all children."""
    if dataset.denominators:
        return f"With the file, as totals and never as a list of children: {dataset.denominators}"
    return (
        "None from you. Rates use published or aggregate totals (such as population by ward and"
        " age), never a list of all children."
    )


SECURE = re.compile(r"secure|encrypt|portal|sftp|egress|cjsm|nhs\W?mail|gcsx|mft", re.IGNORECASE)


def secure_route(agency: Agency, datasets: Sequence[Dataset]) -> str:
    """Return the route by which an agency sends its files; empty when the plan names none.

    `contact_route` of the agency, else what its datasets' `how` says, where that is a secure route.
    """
    clauses = [part.strip(" .") for d in datasets for part in re.split(r"[,;]", d.how)]
    told = dict.fromkeys(f"{c[:1].upper()}{c[1:]}" for c in clauses if SECURE.search(c))
    return agency.contact_route.rstrip(".") or "; ".join(told)


def plan_notes(plan: Plan) -> list[str]:
    """Return what the plan leaves unsaid about routes, lawful bases and thresholds, a line each."""
    without = [
        agency.id
        for agency in plan.collection.agencies
        if (sent := [d for d in plan.datasets if d.agency == agency.id])
        and not secure_route(agency, sent)
    ]
    notes = []
    if without:
        notes.append(
            f"agencies: no secure route is stated for {', '.join(without)};"
            " write `contact_route` beside the name."
        )
    for dataset in plan.datasets:
        note = basis_note(dataset, plan.agency(dataset.agency))
        notes += [note] if note else []
        has_child = any(s.role == "child" and s.required for s in dataset.subjects)
        open_ended = dataset.asks_for.who == "children_who_meet" and not thresholds(plan, dataset)
        if has_child and open_ended:
            notes.append(
                f"{dataset.id}: asks for children who meet an indicator, but maps none; write"
                " `threshold`, or `asks_for: {whole_file: why}`."
            )
    return notes


# --- when ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """A file that is due: its quarter, the name it should have, the day it is due."""

    quarter: str
    file: str
    due_on: date


def due_files(plan: Plan, dataset: Dataset) -> list[Due]:
    """Return the files that are due over the whole period of the profile, in order."""
    period = quarters_between(plan.settings.period.start, plan.settings.period.end)
    return [
        Due(
            quarter, Path(dataset.delivery.path_for(quarter)).name, dataset.delivery.due_on(quarter)
        )
        for quarter in dataset.delivery.quarters(period)
    ]
