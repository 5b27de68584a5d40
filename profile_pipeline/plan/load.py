"""The profile folder as checked objects: `profile.yaml`, `collection_plan.yaml`, `indicators.yaml`.

`load_plan` reads all three, collects every problem of all of them, and raises once.
"""

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import Field

from profile_pipeline.codes.lookup import code_list, fold, list_names, unknown_texts
from profile_pipeline.errors import PlanError, Problem
from profile_pipeline.plan.collection import (
    ANY_POSTCODE,
    MEASURE_CODES,
    SUBJECT_CODES,
    Agency,
    Dataset,
    Indicator,
    Source,
)
from profile_pipeline.plan.context import ContextSource
from profile_pipeline.plan.settings import ProfileSettings, Strict
from profile_pipeline.plan.standards import expanded
from profile_pipeline.plan.yaml_file import checked, line_of, plain, read_yaml
from profile_pipeline.quarters import first_day, last_day, quarter_of, quarters_between
from profile_pipeline.tables import MEASURES

PROFILE_FILE = "profile.yaml"
COLLECTION_FILE = "collection_plan.yaml"
INDICATORS_FILE = "indicators.yaml"

# Lists whose standard values the method counts by: another value would be a category of its own.
CLOSED_LISTS = {
    "sex",
    "ethnicity_text",
    "appearance",
    "disability",
    "yes_no",
    "risk_level",
    "tracker_status",
    "report_grade",
}


class CollectionPlan(Strict):
    """`collection_plan.yaml` as a whole."""

    agreed_with: str = ""
    agencies: tuple[Agency, ...] = Field(min_length=1)
    datasets: tuple[Dataset, ...] = Field(min_length=1)
    context: tuple[ContextSource, ...] = ()


class Indicators(Strict):
    """`indicators.yaml` as a whole."""

    indicators: tuple[Indicator, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Plan:
    """Everything a partnership has laid down, checked."""

    folder: Path
    settings: ProfileSettings
    collection: CollectionPlan
    indicators: tuple[Indicator, ...]

    @property
    def data_root(self) -> Path:
        """Folder of the agencies' files."""
        return (self.folder / self.settings.data).resolve()

    @property
    def reference_root(self) -> Path:
        """Folder of registers and boundaries."""
        return (self.folder / self.settings.reference).resolve()

    @property
    def own_codes(self) -> Path | None:
        """The folder's own code lists, if it has any."""
        own = self.folder / "codes"
        return own if own.is_dir() else None

    @property
    def quarters(self) -> list[str]:
        """Labels of the period's quarters, in order, up to the as-at date."""
        end = min(self.settings.period.end, self.settings.as_at)
        return quarters_between(self.settings.period.start, end)

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """The plan's datasets, in its order."""
        return self.collection.datasets

    def dataset(self, dataset_id: str) -> Dataset:
        """Return a dataset by id."""
        return next(dataset for dataset in self.datasets if dataset.id == dataset_id)

    def agency(self, agency_id: str) -> Agency:
        """Return an agency by id."""
        return next(agency for agency in self.collection.agencies if agency.id == agency_id)

    def agency_name(self, dataset_id: str) -> str:
        """Return the name of the agency that supplies a dataset."""
        return self.agency(self.dataset(dataset_id).agency).name


def load_plan(folder: Path) -> Plan:
    """Read and check a profile folder.

    Raises:
        PlanError: with every problem of all its files, each with file and line.
    """
    if not folder.is_dir():
        raise PlanError(
            Problem(str(folder), "is not a folder.", "Give the folder that holds profile.yaml.")
        )
    problems: list[Problem] = []

    def attempt(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except PlanError as error:
            problems.extend(error.problems)
            return None

    settings_yaml = attempt(lambda: read_yaml(folder / PROFILE_FILE))
    collection_yaml = attempt(lambda: read_yaml(folder / COLLECTION_FILE))
    own = folder / INDICATORS_FILE
    default = Path(str(files("profile_pipeline.plan"))) / INDICATORS_FILE
    indicators_yaml = attempt(lambda: read_yaml(own if own.is_file() else default))

    settings = settings_yaml is not None and attempt(
        lambda: checked(settings_yaml, ProfileSettings, name=PROFILE_FILE)
    )
    collection = collection_yaml is not None and attempt(
        lambda: checked(collection_yaml, CollectionPlan, name=COLLECTION_FILE)
    )
    indicators = indicators_yaml is not None and attempt(
        lambda: checked(indicators_yaml, Indicators, name=INDICATORS_FILE)
    )
    if settings:
        problems += _settings_problems(settings, settings_yaml)
    places: list[int] = []
    if collection and indicators:
        spread = attempt(lambda: _spread_returns(collection, collection_yaml, indicators))
        collection, places = spread or (None, [])
    if indicators:
        problems += _indicator_problems(indicators, indicators_yaml)
    if settings and collection and indicators:
        plan = Plan(folder.resolve(), settings, collection, indicators.indicators)
        problems += _cross_problems(plan, places, collection_yaml, settings_yaml)
        if not problems:
            return plan
    raise PlanError(problems)


def _settings_problems(settings: ProfileSettings, content: Any) -> list[Problem]:
    """Faults between the settings' own parts."""
    start, end = settings.period.start, settings.period.end
    where = f"{PROFILE_FILE}:{line_of(content, ['period'])}"
    problems = []
    if start != first_day(quarter_of(start)) or end != last_day(quarter_of(end)):
        problems.append(
            Problem(
                where,
                "period: must be whole fiscal quarters (April to June and so on).",
                f"Nearest: {first_day(quarter_of(start))} to {last_day(quarter_of(end))}.",
            )
        )
    if settings.as_at < start:
        problems.append(
            Problem(
                f"{PROFILE_FILE}:{line_of(content, ['as_at'])}",
                f"as_at: {settings.as_at} lies before the period starts ({start}).",
            )
        )
    return problems


def _indicator_problems(indicators: Indicators, content: Any) -> list[Problem]:
    """Ids of indicators that are used twice."""
    ids = [indicator.id for indicator in indicators.indicators]
    return [
        Problem(
            f"{INDICATORS_FILE}:{line_of(content, ['indicators', position, 'id'])}",
            f"indicators: the id '{name}' is used twice.",
        )
        for position, name in enumerate(ids)
        if name in ids[:position]
    ]


def _spread_returns(
    collection: Any, content: Any, indicators: Indicators
) -> tuple[CollectionPlan, list[int]]:
    """Return the plan with a dataset for each list of its statutory returns.

    Second, for each dataset, its place among the datasets as written.
    """
    datasets: list[Dataset] = []
    places: list[int] = []
    known = [indicator.id for indicator in indicators.indicators]
    for position, dataset in enumerate(collection.datasets):
        if dataset.standard is None:
            spread = [dataset]
        else:
            given = plain(content["datasets"][position])
            spread = []
            for each in expanded(given, agency=dataset.agency, indicators=known):
                try:
                    one = checked(each, Dataset, name=COLLECTION_FILE)
                except PlanError as error:
                    # The parts are the standard's, changed by the plan: its line is the dataset's.
                    where = f"{COLLECTION_FILE}:{line_of(content, ['datasets', position])}"
                    raise PlanError(
                        Problem(where, f"'{each['id']}': {p.what}") for p in error.problems
                    ) from None
                spread.append(one.model_copy(update={"standard": dataset.standard}))
        datasets += spread
        places += [position] * len(spread)
    return collection.model_copy(update={"datasets": tuple(datasets)}), places


def _near(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(known)}."


def _cross_problems(
    plan: Plan, places: list[int], collection_yaml: Any, settings_yaml: Any
) -> list[Problem]:
    """Names used in one place and defined in another, and names used twice."""
    problems: list[Problem] = []
    collection = plan.collection
    lists = list(list_names(plan.own_codes))
    agencies = [agency.id for agency in collection.agencies]
    indicators = [indicator.id for indicator in plan.indicators]
    datasets = [dataset.id for dataset in collection.datasets]

    def add(path: list[str | int], what: str, cure: str = "") -> None:
        where = f"{COLLECTION_FILE}:{line_of(collection_yaml, path)}"
        problems.append(Problem(where, what, cure))

    for kind, ids in (("agencies", agencies), ("datasets", datasets)):
        for position, name in enumerate(ids):
            if name in ids[:position]:
                place = places[position] if kind == "datasets" else position
                add([kind, place, "id"], f"{kind}: the id '{name}' is used twice.")
    for position, dataset in zip(places, collection.datasets, strict=True):
        at: list[str | int] = ["datasets", position]
        if dataset.agency not in agencies:
            add(
                [*at, "agency"],
                f"'{dataset.id}': there is no agency '{dataset.agency}'.",
                _near(dataset.agency, agencies),
            )
        for number, event in enumerate(dataset.events):
            if event.indicator and event.indicator not in indicators:
                add(
                    [*at, "events", number],
                    f"'{dataset.id}': there is no indicator '{event.indicator}'.",
                    _near(event.indicator, indicators),
                )
        for lookup in dataset.lookup:
            if lookup.dataset not in datasets:
                add(
                    [*at, "lookup"],
                    f"'{dataset.id}': lookup: there is no dataset '{lookup.dataset}'.",
                    _near(lookup.dataset, datasets),
                )
        for source in dataset.sources():
            if source.codes and source.codes not in lists:
                add(
                    at,
                    f"'{dataset.id}': there is no code list '{source.codes}'.",
                    _near(source.codes, lists),
                )
        for form in _date_formats(dataset):
            if not _is_date_format(form):
                add(
                    at,
                    f"'{dataset.id}': '{form}' is not a date format.",
                    "Write the parts as %d day, %m month, %Y year, such as '%d/%m/%Y'.",
                )
        for column, value, standard in _strange_values(dataset, plan.own_codes):
            add(
                at,
                f"'{dataset.id}': column '{column}': '{value}' is no standard value.",
                _near(value, standard),
            )
    for position, group in enumerate(plan.settings.screening_groups):
        for name in group.datasets:
            if name not in datasets:
                where = f"{PROFILE_FILE}:{line_of(settings_yaml, ['screening_groups', position])}"
                parts = [each for each in datasets if each.startswith(f"{name}_")]
                hint = f"Name its lists: {', '.join(parts)}." if parts else _near(name, datasets)
                problems.append(
                    Problem(where, f"screening_groups: there is no dataset '{name}'.", hint)
                )
    return problems


def _date_formats(dataset: Dataset) -> list[str]:
    """Return the formats of a dataset's columns; `any` of a postcode is none of a date."""
    places = [
        source
        for subject in dataset.subjects
        for source in (subject.postcode, *subject.other_postcodes)
        if source is not None
    ]
    return [
        form
        for source in dataset.sources()
        for form in source.format
        if not (form == ANY_POSTCODE and source in places)
    ]


def _is_date_format(form: str) -> bool:
    """Return whether a date written in the format is read as the same date."""
    moment = pl.Series([datetime(2016, 3, 31, 13, 45)])  # noqa: DTZ001
    try:
        written = moment.dt.strftime(form)
        read = [
            written.str.to_date(form, strict=False)[0],
            written.str.to_datetime(form, strict=False).dt.date()[0],
        ]
    except pl.exceptions.PolarsError:
        return False
    return "%" in form and moment.dt.date()[0] in read


def _strange_values(
    dataset: Dataset, own_codes: Path | None
) -> Iterator[tuple[str, str, list[str]]]:
    """Yield column, value and the standard values for values that are mapped to none of them."""
    unknown = unknown_texts(own_codes)
    for name, source in _coded(dataset):
        if name not in CLOSED_LISTS:
            continue
        standard = sorted({value for value in code_list(name).values() if value is not None})
        given = list((source.values or {}).values())
        if source.codes in list_names(own_codes):
            given += code_list(source.codes, own_codes).values()
        for value in dict.fromkeys(given):
            if value is not None and value not in standard and fold(value) not in unknown:
                yield source.column, value, standard


def _coded(dataset: Dataset) -> Iterator[tuple[str, Source]]:
    """Yield the code list of each column that is read by one, and the column."""
    for subject in dataset.subjects:
        for field, name in SUBJECT_CODES.items():
            source = getattr(subject, field)
            if source is not None:
                yield name, source
    for event in dataset.events:
        for field, source in event.fields.items():
            measure = str(event.measure)
            if MEASURES[measure].polars_schema[field] == pl.Boolean:
                yield "yes_no", source
            elif (measure, field) in MEASURE_CODES:
                yield MEASURE_CODES[measure, field], source
