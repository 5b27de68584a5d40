"""The profile folder as checked objects: `profile.yaml`, `collection_plan.yaml`, `indicators.yaml`.

`load_plan` reads all three, collects every problem of all of them, and raises once.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

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
from profile_pipeline.plan.placeholders import placeholder_problems
from profile_pipeline.plan.settings import ProfileSettings, ScreeningGroup, Strict
from profile_pipeline.plan.standards import expanded
from profile_pipeline.plan.yaml_file import checked, line_of, line_with, plain, read_yaml
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
    """`indicators.yaml` as a whole: what differs from the program's own list.

    An entry with the id of one of the program's own takes its place, any other is added.
    """

    indicators: tuple[Indicator, ...] = ()
    leave_out: tuple[str, ...] = Field(
        default=(), description="ids of the program's own that the partnership doesn't use"
    )


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
        return _own_codes(self.folder)

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
    plan, problems = read_plan(folder)
    if problems or plan is None:
        raise PlanError(problems)
    return plan


def read_plan(folder: Path) -> tuple[Plan | None, list[Problem]]:
    """Return a profile folder's plan as far as it holds, and every problem of all its files.

    One fault hides no other: a dataset that doesn't hold is left out of the plan, and the names the
    others use are looked up all the same. The plan is None when the settings don't hold, or no
    dataset or indicator does.

    Raises PlanError when there is no such folder.
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

    own = folder / INDICATORS_FILE
    default = Path(str(files("profile_pipeline.plan"))) / INDICATORS_FILE
    settings_yaml = attempt(lambda: read_yaml(folder / PROFILE_FILE))
    collection_yaml = attempt(lambda: read_yaml(folder / COLLECTION_FILE))
    indicators_yaml = (
        attempt(lambda: read_yaml(own, of="indicators")) if own.is_file() else {"indicators": []}
    )
    built_in = read_yaml(default)

    settings = settings_yaml is not None and attempt(
        lambda: checked(settings_yaml, ProfileSettings, name=PROFILE_FILE)
    )
    if collection_yaml is not None:
        attempt(lambda: checked(collection_yaml, CollectionPlan, name=COLLECTION_FILE))
    if indicators_yaml is not None:
        attempt(lambda: checked(indicators_yaml, Indicators, name=INDICATORS_FILE))
    problems += placeholder_problems(settings_yaml, PROFILE_FILE)
    problems += placeholder_problems(collection_yaml, COLLECTION_FILE)
    if settings:
        problems += _settings_problems(settings, settings_yaml)
    left_out, faults = _left_out(indicators_yaml, _ids(built_in, "indicators"))
    problems += [*_indicator_problems(indicators_yaml), *faults]
    named = [*_ids(built_in, "indicators"), *_ids(indicators_yaml, "indicators")]
    known = [name for name in dict.fromkeys(named) if name not in left_out]
    # The program's order, own entries in their place, new ones behind.
    entries = {
        each.id: each
        for content in (built_in, indicators_yaml)
        for _, each in _holding(content, "indicators", Indicator)
    }
    indicators = [entries[name] for name in known if name in entries]
    placed, faults = _spread_returns(collection_yaml, known)
    problems += faults
    datasets = _dataset_names(collection_yaml, placed)
    crossed = _cross_problems(placed, collection_yaml, known, _own_codes(folder))
    problems += [problem for _, problem in crossed]
    problems += _group_problems(
        _holding(settings_yaml, "screening_groups", ScreeningGroup), datasets, settings_yaml
    )
    agencies = _holding(collection_yaml, "agencies", Agency)
    faulty = {position for position, _ in crossed}
    sound = tuple(dataset for position, dataset in placed if position not in faulty)
    if not (settings and sound and agencies and indicators):
        return None, problems
    collection = CollectionPlan(
        agreed_with=str(collection_yaml.get("agreed_with") or ""),
        agencies=tuple(_standing_in(sound, [agency for _, agency in agencies])),
        datasets=sound,
        context=tuple(source for _, source in _holding(collection_yaml, "context", ContextSource)),
    )
    return Plan(folder.resolve(), settings, collection, tuple(indicators)), problems


Item = TypeVar("Item", bound=Strict)


def _items(content: Any, key: str) -> list[tuple[int, Any]]:
    """Return the entries of a list of a file, as far as it is one, each with its place."""
    entries = content.get(key) if isinstance(content, dict) else None
    return list(enumerate(entries)) if isinstance(entries, list) else []


def _ids(content: Any, key: str) -> list[str]:
    """Return the ids of a list's entries, of those too that don't hold otherwise."""
    return [str(entry["id"]) for _, entry in _items(content, key) if _has_id(entry)]


def _has_id(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("id"), str)


def _dataset_names(content: Any, placed: list[tuple[int, Dataset]]) -> list[str]:
    """Return the names that may be used of datasets: of those too that don't hold otherwise.

    A statutory return that is spread over its lists is no dataset itself.
    """
    held = {position for position, _ in placed}
    others = [e["id"] for p, e in _items(content, "datasets") if _has_id(e) and p not in held]
    return list(dict.fromkeys([*(dataset.id for _, dataset in placed), *others]))


def _standing_in(datasets: Iterable[Dataset], agencies: list[Agency]) -> Iterator[Agency]:
    """Yield the agencies, and one for each name that only a dataset gives, so far as it is told."""
    yield from agencies
    for name in sorted({dataset.agency for dataset in datasets} - {a.id for a in agencies}):
        yield agencies[0].model_copy(update={"id": name, "name": name})


def _own_codes(folder: Path) -> Path | None:
    own = folder / "codes"
    return own if own.is_dir() else None


def _holding(content: Any, key: str, model: type[Item]) -> list[tuple[int, Item]]:
    """Return the entries of a list that hold by themselves, each with its place."""
    found = []
    for position, entry in _items(content, key):
        # Its faults are told where the file is checked as a whole.
        with suppress(PlanError):
            found.append((position, checked(plain(entry), model, name="")))
    return found


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


def _left_out(content: Any, built_in: list[str]) -> tuple[list[str], list[Problem]]:
    """Return the program's own indicators that `leave_out` strikes off, and names that are none."""
    named = [(place, name) for place, name in _items(content, "leave_out") if isinstance(name, str)]
    problems = [
        Problem(
            f"{INDICATORS_FILE}:{line_of(content, ['leave_out', place])}",
            f"leave_out: the program has no indicator '{name}' of its own.",
            _near(name, built_in),
        )
        for place, name in named
        if name not in built_in
    ]
    return [name for _, name in named], problems


def _indicator_problems(content: Any) -> list[Problem]:
    """Ids of indicators that are used twice."""
    ids = _ids(content, "indicators")
    return [
        Problem(
            f"{INDICATORS_FILE}:{line_of(content, ['indicators', position, 'id'])}",
            f"indicators: the id '{entry['id']}' is used twice.",
        )
        for position, entry in _items(content, "indicators")
        if _has_id(entry) and entry["id"] in ids[:position]
    ]


def _spread_returns(
    content: Any, indicators: list[str]
) -> tuple[list[tuple[int, Dataset]], list[Problem]]:
    """Return the datasets that hold, one for each list of a statutory return, and the faults of it.

    Each comes with its place among the datasets as written.
    """
    placed: list[tuple[int, Dataset]] = []
    problems: list[Problem] = []
    for position, dataset in _holding(content, "datasets", Dataset):
        if dataset.standard is None:
            placed.append((position, dataset))
            continue
        # The parts are the standard's, changed by the plan: its line is the dataset's.
        where = f"{COLLECTION_FILE}:{line_of(content, ['datasets', position])}"
        given = plain(content["datasets"][position])
        try:
            spread = list(expanded(given, agency=dataset.agency, indicators=indicators))
        except PlanError as error:
            problems += error.problems
            continue
        for each in spread:
            try:
                one = checked(each, Dataset, name=COLLECTION_FILE)
            except PlanError as error:
                problems += [Problem(where, f"'{each['id']}': {p.what}") for p in error.problems]
            else:
                placed.append((position, one.model_copy(update={"standard": dataset.standard})))
    return placed, problems


def _near(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(known)}."


def _cross_problems(
    placed: list[tuple[int, Dataset]],
    collection_yaml: Any,
    indicators: list[str],
    own_codes: Path | None,
) -> list[tuple[int | None, Problem]]:
    """Names used in one place and defined in another, and names used twice.

    Each with the place of the dataset it is a problem of. A list that can't be read at all is a
    problem by itself, and nothing is looked up in it.
    """
    problems: list[tuple[int | None, Problem]] = []
    lists = list(list_names(own_codes))
    agencies = _ids(collection_yaml, "agencies")
    datasets = _dataset_names(collection_yaml, placed)

    def add(path: list[str | int], what: str, cure: str = "", value: str = "") -> None:
        line = line_with(collection_yaml, path, value) if value else line_of(collection_yaml, path)
        where = f"{COLLECTION_FILE}:{line}"
        # A wrong agency or indicator keeps no file from being read: its columns are looked at too.
        readable = "agency" in path or "events" in path
        dataset = path[1] if path[0] == "datasets" and not readable else None
        problems.append((dataset if isinstance(dataset, int) else None, Problem(where, what, cure)))

    written = [(p, e["id"]) for p, e in _items(collection_yaml, "agencies") if _has_id(e)]
    for kind, named in (("agencies", written), ("datasets", [(p, d.id) for p, d in placed])):
        ids = [name for _, name in named]
        for number, (place, name) in enumerate(named):
            if name in ids[:number]:
                add([kind, place, "id"], f"{kind}: the id '{name}' is used twice.")
    held = {position for position, _ in placed}
    broken = [(p, e) for p, e in _items(collection_yaml, "datasets") if p not in held]
    uses = [(p, d.id, _names_used(d.model_dump())) for p, d in placed]
    uses += [(p, str(e.get("id")), _names_used(e)) for p, e in broken if isinstance(e, dict)]
    defined = {"agency": agencies, "indicator": indicators, "dataset": datasets}
    for position, dataset_id, names in uses:
        for path, kind, name in names:
            # A list that can't be read at all is a problem by itself.
            if defined[kind] and name not in defined[kind]:
                add(
                    ["datasets", position, *path],
                    f"'{dataset_id}': {'lookup: ' if kind == 'dataset' else ''}there is no {kind} "
                    f"'{name}'.",
                    _near(name, defined[kind]),
                )
    for position, dataset in placed:
        at: list[str | int] = ["datasets", position]
        for source in dataset.sources():
            if source.codes and source.codes not in lists:
                add(
                    at,
                    f"'{dataset.id}': there is no code list '{source.codes}'.",
                    _near(source.codes, lists),
                    source.codes,
                )
        for form in dict.fromkeys(_date_formats(dataset)):
            if not _is_date_format(form):
                add(
                    at,
                    f"'{dataset.id}': '{form}' is not a date format.",
                    "Write the parts as %d day, %m month, %Y year, such as '%d/%m/%Y'.",
                    form,
                )
        for column, value, standard in _strange_values(dataset, own_codes):
            add(
                at,
                f"'{dataset.id}': column '{column}': '{value}' is no standard value.",
                _near(value, standard),
                value,
            )
    return problems


def _names_used(entry: Mapping[str, Any]) -> list[tuple[list[str | int], str, str]]:
    """Return where a dataset's entry names something defined elsewhere, its kind, and the name."""
    found: list[tuple[list[str | int], str, Any]] = [(["agency"], "agency", entry.get("agency"))]
    for list_key, kind in (("events", "indicator"), ("lookup", "dataset")):
        items = entry.get(list_key)
        for number, item in enumerate(items if isinstance(items, list | tuple) else ()):
            if isinstance(item, Mapping):
                found.append(([list_key, number], kind, item.get(kind)))
    return [(path, kind, name) for path, kind, name in found if isinstance(name, str)]


def _group_problems(
    groups: list[tuple[int, ScreeningGroup]], datasets: list[str], settings_yaml: Any
) -> list[Problem]:
    """Datasets of the groups to be screened that the collection plan doesn't have."""
    problems = []
    for position, group in groups:
        for name in group.datasets:
            parts = [each for each in datasets if each.startswith(f"{name}_")]
            if datasets and name not in datasets:
                where = f"{PROFILE_FILE}:{line_of(settings_yaml, ['screening_groups', position])}"
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
    for name, source in coded(dataset):
        if name not in CLOSED_LISTS:
            continue
        standard = sorted({value for value in code_list(name).values() if value is not None})
        given = list((source.values or {}).values())
        if source.codes in list_names(own_codes):
            given += code_list(source.codes, own_codes).values()
        for value in dict.fromkeys(given):
            if value is not None and value not in standard and fold(value) not in unknown:
                yield source.column, value, standard


def coded(dataset: Dataset) -> Iterator[tuple[str, Source]]:
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
