"""From the plan's `expect:` entries to rules that Great Expectations can run.

A rule is plain data. Its values never reach a message: ids, columns and the plan's own limits do.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import polars as pl

from profile_pipeline.errors import PlanError, Problem
from profile_pipeline.plan.expect import AS_AT, Bound, Expect
from profile_pipeline.tables import Dtype

OLDEST_YEARS = 20  # a CSE profile's rows may speak of a childhood, not of the age before it

Form = Literal["given", "text", "number", "seconds", "days", "rank", "quarter"]


@dataclass(frozen=True)
class Rule:
    """One rule: what is compared, how, and what follows when it fails.

    `type` is the class in `great_expectations.expectations`; `kwargs` its arguments without the
    columns. `form` says as what the columns are handed over (`expectations.run`). `description` is
    the rule in words, `fault` what is wrong with a row that breaks it.
    """

    rule: str
    type: str
    columns: tuple[str, ...]
    form: Form
    severity: Literal["warning", "critical"]
    level: Literal["row", "dataset"]
    action: Literal["quarantine", "warn"]
    description: str
    kwargs: Mapping[str, object] = field(default_factory=dict)
    fault: str = ""


def rules_for(
    expect: Iterable[Expect],
    columns: Mapping[str, Dtype],
    *,
    as_at: date,
    aliases: Mapping[str, str] | None = None,
    where: str = "collection_plan.yaml",
) -> list[Rule]:
    """Return the rules of a dataset's `expect:` entries, `rows_within` left to `volume_rules`.

    `columns` are those of the frame that will be judged and their types: harmonised fields, and
    columns as sent (String). `aliases` lead from a column as sent to the harmonised field made of
    it, for conditions on dates. Raises PlanError with a problem for every entry that can't be.
    """
    problems: list[Problem] = []
    rules: list[Rule] = []
    for number, entry in enumerate(expect, 1):
        if entry.column is None:
            continue
        try:
            rules.append(_rule(entry, columns, as_at, aliases or {}))
        except _UnfitError as unfit:
            problems.append(Problem(f"{where}, expect {number}", unfit.what, unfit.cure))
    if problems:
        raise PlanError(problems)
    return number_ids(rules)


def automatic_rules(
    columns: Mapping[str, Dtype],
    *,
    required: Sequence[str],
    key: Sequence[str],
    period_start: date,
    as_at: date,
    dates: Sequence[str] = ("date",),
) -> list[Rule]:
    """Return the rules that hold for every dataset, whether the plan states them or not.

    Every required field is given; every date in `dates` lies between 20 years before the period and
    the as-at date (row rules, critical); the key occurs once (of the dataset, critical: a fault of
    the program or of a mapping, not of one row). Fields the frame doesn't have are left out.
    """
    rules = [
        Rule(
            _slug(f"{column}_given"),
            "ExpectColumnValuesToNotBeNull",
            (column,),
            "given",
            "critical",
            "row",
            "quarantine",
            f"{column} is given",
            fault=f"{column} is not given",
        )
        for column in required
        if column in columns
    ]
    oldest = date(period_start.year - OLDEST_YEARS, period_start.month, 1)
    for column in dates:
        if column in columns and columns[column] in (pl.Date, pl.Datetime):
            entry = Expect(column=column, between=(oldest, "as_at"))
            rule = _rule(entry, columns, as_at, {})
            rules.append(replace(rule, rule=_slug(f"{column}_plausible")))
    if key:
        rules.append(
            Rule(
                "key_unique",
                "ExpectColumnValuesToBeUnique",
                tuple(key),
                "rank",
                "critical",
                "dataset",
                "warn",
                f"{', '.join(key)} together occur once",
            )
        )
    return number_ids(rules)


def volume_rules(
    expect: Iterable[Expect], rows: Mapping[str, int], *, column: str = "quarter"
) -> list[Rule]:
    """Return the rules of `rows_within`: a quarter's rows against the mean of the earlier ones.

    `rows` are the rows of every quarter that was loaded, by label; judged are quarters with at
    least two before them. `column` of the frame holds the quarter.
    """
    rules = []
    labels = sorted(rows)
    for entry in expect:
        if entry.rows_within is None:
            continue
        for number, label in enumerate(labels[2:], 2):
            mean = sum(rows[earlier] for earlier in labels[:number]) / number
            share = entry.rows_within / 100
            rules.append(
                Rule(
                    _slug(f"rows_{label}"),
                    "ExpectTableRowCountToBeBetween",
                    (column,),
                    "quarter",
                    entry.severity,
                    "dataset",
                    "warn",
                    f"rows of {label} differ by at most {entry.rows_within:g}% from the mean of "
                    f"the {number} quarters before ({mean:.0f})",
                    {
                        "min_value": int(mean * (1 - share)),
                        "max_value": int(mean * (1 + share)) + 1,
                        "row_condition": label,
                    },
                )
            )
    return number_ids(rules)


def number_ids(rules: Iterable[Rule]) -> list[Rule]:
    """Return the rules, second and further ones of an id with a number (`date_between_2`)."""
    seen: dict[str, int] = {}
    unique = []
    for rule in rules:
        seen[rule.rule] = count = seen.get(rule.rule, 0) + 1
        unique.append(rule if count == 1 else replace(rule, rule=f"{rule.rule}_{count}"))
    return unique


class _UnfitError(Exception):
    """An entry that can't be made into a rule."""

    def __init__(self, what: str, cure: str) -> None:
        self.what, self.cure = what, cure


def _rule(
    entry: Expect, columns: Mapping[str, Dtype], as_at: date, aliases: Mapping[str, str]
) -> Rule:
    named = entry.column or ""
    column = _find(named, columns, aliases, entry.dated)
    dtype = columns[column]
    if entry.between is not None and not entry.dated and dtype in (pl.Date, pl.Datetime):
        raise _UnfitError(
            f"column '{named}' holds dates.",
            "Give dates, such as 2014-04-01, or as_at.",
        )
    if dtype == pl.List and not entry.not_null:
        raise _UnfitError(f"column '{named}' may hold several values.", "Only not_null fits it.")
    other = entry.before or entry.after
    quarantine = entry.level == "row" and entry.severity == "critical" and entry.row != "warn"
    why = f" ({entry.why})" if entry.why else ""

    def make(type_: str, form: Form, words: str, *more: str, **kwargs: object) -> Rule:
        return Rule(
            _slug(f"{named}_{entry.condition}"),
            type_,
            (column, *more),
            form,
            entry.severity,
            entry.level,
            "quarantine" if quarantine else "warn",
            f"{named} {words}{why}",
            kwargs,
            f"{named} {_broken(words)}{why}",
        )

    if entry.between is not None:
        low, high = entry.between
        words = f"lies between {_word(low)} and {_word(high)}"
        low_number = _number(low, as_at, end=False)
        high_number = _number(high, as_at, end=True)
        form: Form = "seconds" if entry.dated else "number"
        return make(
            "ExpectColumnValuesToBeBetween",
            form,
            words,
            min_value=low_number,
            max_value=high_number,
        )
    if entry.not_null:
        if entry.at_least is None:
            return make("ExpectColumnValuesToNotBeNull", "given", "is given")
        words = f"is given in at least {entry.at_least:g}% of rows"
        return make("ExpectColumnValuesToNotBeNull", "given", words, mostly=entry.at_least / 100)
    if entry.in_set is not None:
        words = f"is one of {len(entry.in_set)} values the plan lists"
        return make("ExpectColumnValuesToBeInSet", "text", words, value_set=list(entry.in_set))
    if entry.matches is not None:
        words = "has the pattern the plan states"
        pattern = f"^(?:{entry.matches})$"
        return make("ExpectColumnValuesToMatchRegex", "text", words, regex=pattern)
    if entry.unique:
        return make("ExpectColumnValuesToBeUnique", "rank", "occurs once")
    if other is None:
        raise _UnfitError("it compares with no column", "Name the other column.")
    second = _find(other, columns, aliases, True)
    whole_days = pl.Date in (columns[column], columns[second])
    pair = (column, second) if entry.after else (second, column)
    word = "after" if entry.after else "before"
    rule = make(
        "ExpectColumnPairValuesAToBeGreaterThanB",
        "days" if whole_days else "seconds",
        f"is not {'earlier' if entry.after else 'later'} than {other}",
        or_equal=True,
        ignore_row_if="either_value_is_missing",
    )
    return replace(rule, rule=_slug(f"{named}_{word}_{other}"), columns=pair)


def _find(named: str, columns: Mapping[str, Dtype], aliases: Mapping[str, str], dated: bool) -> str:
    """Return the frame's column: as named, or the field made of it where a date is needed."""
    column = aliases.get(named, named) if dated or named not in columns else named
    if column not in columns:
        known = [*columns, *aliases]
        near = difflib.get_close_matches(named, known, n=1)
        cure = f"Did you mean '{near[0]}'?" if near else "Name a field or a column as sent."
        raise _UnfitError(f"this dataset has no column '{named}'.", cure)
    if dated and columns[column] not in (pl.Date, pl.Datetime):
        cure = "Map it to a field with its date format first, or use another condition."
        raise _UnfitError(f"column '{named}' holds text, not dates.", cure)
    return column


def _number(bound: Bound, as_at: date, *, end: bool) -> float | None:
    """Return a bound as a number; a day as its first or last moment, seconds from 1970."""
    if bound is None:
        return None
    if isinstance(bound, int | float):
        return float(bound)
    day = as_at if isinstance(bound, str) else bound
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    moment = start + timedelta(days=1, microseconds=-1) if end else start
    return moment.timestamp()


# How a rule in words begins, and how the fault does.
BROKEN = {
    "lies between": "does not lie between",
    "is given": "is not given",
    "is one of": "is none of",
    "has the pattern": "has not the pattern",
    "occurs once": "occurs more than once",
    "is not earlier": "is earlier",
    "is not later": "is later",
}


def _broken(words: str) -> str:
    start = next(each for each in BROKEN if words.startswith(each))
    return BROKEN[start] + words.removeprefix(start)


def _word(bound: Bound) -> str:
    if bound is None:
        return "any value"
    return "the as-at date" if bound == AS_AT else str(bound)


def _slug(text: str) -> str:
    """Return an id of small letters, digits and underscores (Dagster's rule for names)."""
    return re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_") or "rule"
