"""A person's explanation in words, from tables: for the terminal, and for a page of waterfalls.

Restricted: names rows, dates and reasons of one person. Names and numbers of the person aren't in
it; they stand in the rows it points to.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from profile_pipeline.errors import PlanError, Problem
from profile_pipeline.file_rows import in_words, with_file_row
from profile_pipeline.linkage.clusters import SAME
from profile_pipeline.linkage.explain import Explanation, explain_person, waterfall
from profile_pipeline.linkage.registry import CHANGE_SCHEMA
from profile_pipeline.linkage.review import words
from profile_pipeline.linkage.saved_models import bar
from profile_pipeline.plan.load import Plan

Lines = list[str]
AGAINST_SHOWN = 15
CHANGES = {
    "corrected": "kept the id over a corrected file",
    "gone": "in no file any more",
    "back": "in the files again",
}
NEAR_IDS = 3
Read = Callable[[str], pl.DataFrame]
"""Gives a table by `schema.table`."""


@dataclass(frozen=True)
class Told:
    """A person's explanation: lines of text, and each link that holds, step by step.

    `waterfalls`: what is held by what, and its steps (`comparison, level, weight, total`).
    """

    person: str
    lines: Lines
    waterfalls: list[tuple[str, pl.DataFrame]]


def explained(read: Read, places: pl.DataFrame, plan: Plan, person: str) -> Told:
    """Return the explanation of a person.

    Records with file, row and date; what holds each, weight by weight; what argued against; the
    weakest link and the strict threshold; decisions of people; former ids; of suspects, who else
    they may be; indicators with rows. Raises PlanError when nobody has the id.

    Args:
        read: gives a table by `schema.table`.
        places: quality.file_row, where rows stand in the agencies' files.
        plan: the plan.
        person: id of a child or suspect.
    """
    record_person, registry = read("people.record_person"), _registry(plan.folder)
    known = record_person["person_id"].unique()
    if person not in set(known):
        left = _left(plan.folder, person)
        if left is not None:
            raise PlanError(Problem(person, *left))
        raise PlanError(Problem(person, "no person has this id.", _hint(registry, known, person)))
    identity = read("people.identity")
    links, evidence = read("people.link"), read("people.evidence")
    told = explain_person(person, record_person, identity, links, evidence)
    subject = read("records.subject").select("record_id", "date")
    names = _short_names(told)
    of_identity = dict(
        identity.join(record_person.select("record_id", "person_id"), on="record_id")
        .select("identity", "person_id")
        .unique()
        .iter_rows()
    )
    records = _counted(told.records.height, "record", "records")
    identities = _counted(len(names), "identity", "identities")
    decided = _decided(read("people.decision"), set(names), evidence)
    held, waterfalls = _holds(told, evidence, names)
    lines = [
        f"{person}: {records}, {identities} (restricted: person-level data)",
        *_firmness(read("people.person_link"), person, plan.settings.linkage.strict_threshold),
        *_held_by_people(decided),
        *_history(plan.folder, registry, person),
        "",
        "Records (I1, I2 ...: an identity is what is written about the person, once):",
        *_records(told, subject, names, places),
        "",
        "What holds each identity, weight by weight (log2: +1 doubles the odds):",
        *held,
        *_against(told, names, of_identity),
        *_decisions(decided, names),
        *_suspect(read, person),
        "",
        *_indicators(read, places, plan, person, record_person),
    ]  # fmt: skip
    return Told(person, lines, waterfalls)


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _registry(folder: Path) -> pl.DataFrame:
    path = folder / "review" / "person_registry.csv"
    if path.is_file():
        return pl.read_csv(path, infer_schema=False)
    return pl.DataFrame(schema=dict.fromkeys(("identity", "person_id", "former_ids"), pl.String))


def _changes(folder: Path, person: str) -> pl.DataFrame:
    """Return the log's rows about a person, in order."""
    path = folder / "review" / "person_changes.csv"
    if not path.is_file():
        return pl.DataFrame(schema=dict.fromkeys((*CHANGE_SCHEMA, "as_at"), pl.String))
    return pl.read_csv(path, infer_schema=False).filter(
        (pl.col("old_person_id") == person) | (pl.col("new_person_id") == person)
    )


def _left(folder: Path, person: str) -> tuple[str, str] | None:
    """What became of a person who is in no file any more; None of anybody else."""
    changes = _changes(folder, person)
    if changes.is_empty() or changes.row(-1, named=True)["change"] != "gone":
        return None
    day = changes.row(-1, named=True)["as_at"]
    return (
        f"none of this person's records was in the files any more as at {day}.",
        "A later delivery left them out, or changed them too much to be known for the same; the id"
        " is kept for the same records should they come back.",
    )


def _hint(registry: pl.DataFrame, known: pl.Series, person: str) -> str:
    """Who an unknown id may mean: the persons it was merged or split into, or ids like it."""
    if not person:
        return "Give one, such as C000123: they are in the priority cohort and in people.person."
    former = registry.filter(
        pl.col("former_ids").fill_null("").str.split(" ").list.contains(person)
    )["person_id"]
    now = sorted(set(former) & set(known))
    if now:
        return (
            f"It was merged or split: its records are now of {' and '.join(now)}. "
            f"Did you mean {' or '.join(now)}?"
        )
    near = difflib.get_close_matches(person, sorted(known), n=NEAR_IDS, cutoff=0.8)
    if near:
        return f"Did you mean {' or '.join(near)}? Ids are in the priority cohort."
    return "Ids are in the priority cohort and in people.person; they look like C000123."


def _short_names(told: Explanation) -> dict[str, str]:
    """Return I1, I2 ... for the identities, in the order of their records."""
    order = told.records["identity"].unique(maintain_order=True)
    return {identity: f"I{place}" for place, identity in enumerate(order, start=1)}


def _firmness(person_link: pl.DataFrame, person: str, strict: float) -> Lines:
    found = person_link.filter(pl.col("person_id") == person).row(0, named=True)
    if found["identities"] == 1:
        return ["All records say the same of who it is; no link is needed."]
    weakest = found["weakest_link"]
    first = (
        "Some identity is held by several records together, or by a decision: no weakest link."
        if weakest is None
        else f"Weakest link it rests on: match weight {weakest:.1f}."
    )
    if found["stays_at_strict"]:
        return [first, f"The records stay together at the strict threshold ({strict:g})."]
    parts = found["parts_at_strict"]
    return [first, f"At the strict threshold ({strict:g}) the records would be {parts} persons."]


def _history(folder: Path, registry: pl.DataFrame, person: str) -> Lines:
    """Former ids, and merges, splits and corrections that touched the person."""
    own = registry.filter(pl.col("person_id") == person)["former_ids"].drop_nulls()
    former = sorted({old for text in own for old in text.split(" ")} - {person, ""})
    lines = [f"Former ids of its records: {', '.join(former)}."] if former else []
    return lines + [
        f"  {day}: {CHANGES.get(change, f'{change} of {old} into {new}')}"
        f" ({_counted(int(count), 'identity', 'identities')})"
        for change, old, new, count, day in _changes(folder, person)
        .select("change", "old_person_id", "new_person_id", "identities", "as_at")
        .iter_rows()
    ]


def _records(
    told: Explanation, subject: pl.DataFrame, names: dict[str, str], places: pl.DataFrame
) -> Lines:
    dated = told.records.join(subject, on="record_id", how="left", maintain_order="left")
    return [
        f"  {names[identity]:<4} {day}  {dataset}, {file}, {place}"
        for identity, day, dataset, file, place in with_file_row(dated, places)
        .select("identity", "date", "dataset", "file", in_words())
        .iter_rows()
    ]


def _suspect(read: Read, person: str) -> Lines:
    """Of a suspect, or of a child who may be one: who else they may be, and why that isn't said."""
    pairs = read("people.possible_same_person").filter(
        (pl.col("person_a") == person) | (pl.col("person_b") == person)
    )
    roles = read("people.suspect_cross_role").filter(
        (pl.col("person_id") == person) | (pl.col("child_person_id") == person)
    )
    lines = [
        f"  {b if a == person else a}, match weight {weight:.1f}: {why}; for: {said}"
        for a, b, weight, why, said in pairs.select(
            "person_a", "person_b", "match_weight", "why_apart", "speaks_for"
        ).iter_rows()
    ]
    if lines:
        lines = ["", "May be the same person as (kept apart):", *lines]
    for row in roles.iter_rows(named=True):
        if row["person_id"] == person and row["under_18"] == "yes":
            lines += ["", "Under 18 on the day of a record: stands apart from adult suspects."]
        if row["child_person_id"] is not None:
            other = row["child_person_id"] if row["person_id"] == person else row["person_id"]
            kind = "a child" if row["person_id"] == person else "a suspect"
            lines += [
                "",
                f"Also recorded as {kind}: {other}, {row['standing']}"
                f" (match weight {row['match_weight']:.1f}; {row['speaks_for']}).",
            ]
    return list(dict.fromkeys(lines)) if lines else []


def _holds(
    told: Explanation, evidence: pl.DataFrame, names: dict[str, str]
) -> tuple[Lines, list[tuple[str, pl.DataFrame]]]:
    lines: Lines = []
    found: list[tuple[str, pl.DataFrame]] = []
    told_of: set[frozenset[str]] = set()
    first = told.records.unique("identity", keep="first", maintain_order=True)
    for row in first.iter_rows(named=True):
        name = names[row["identity"]]
        if row["held_by"] is None:
            lines.append(f"  {name}: {row['speaks_for']}")
            continue
        other, weight = names[row["held_by"]], row["match_weight"]
        pair = frozenset((name, other))
        again = " (as above)" if pair in told_of else ""
        why = "" if again or not row["reason"] else f": {row['reason']}"
        lines.append(f"  {name} is held by {other}, match weight {weight:.1f}{again}{why}")
        if again:
            continue
        told_of.add(pair)
        steps = waterfall(evidence, row["identity"], row["held_by"]).filter(
            pl.col("weight").is_not_null() & (pl.col("weight").round(1) != 0)
        )
        found.append((f"{name} is held by {other}, match weight {weight:.1f}", steps))
        lines += _waterfall(steps)
    return lines, found


def _waterfall(steps: pl.DataFrame) -> Lines:
    return [
        f"      {weight:+6.1f} {comparison:<10} {level:<52} {bar(weight, 1.0, 20)}".rstrip()
        for comparison, level, weight in steps.select("comparison", "level", "weight").iter_rows()
    ]


def _against(told: Explanation, names: dict[str, str], of_identity: dict[str, str]) -> Lines:
    """What spoke against the links that hold, and who was considered and left apart."""
    # Two identities may each be held by the other: their link is told once.
    links: dict[frozenset[str], str] = {}
    for identity, held, said in (
        told.records.unique("identity", keep="first", maintain_order=True)
        .filter((pl.col("speaks_against") != "").fill_null(False))
        .select("identity", "held_by", "speaks_against")
        .iter_rows()
    ):
        pair = frozenset((identity, held))
        links.setdefault(pair, f"  {names[identity]} and {names[held]}: {said}")
    lines = list(links.values())
    if lines:
        lines = ["", "What argued against:", *lines]
    if told.against.is_empty():
        return [*lines, "", "Nobody else was considered."]
    lines += ["", "Considered and left apart:"]
    inside = pl.col("identity_a").is_in(list(names))
    others = told.against.with_columns(
        own=pl.when(inside).then("identity_a").otherwise("identity_b"),
        other=pl.when(inside).then("identity_b").otherwise("identity_a"),
    ).with_columns(person=pl.col("other").replace(of_identity))
    # One line for each person: the pair that agrees best.
    best = others.unique("person", keep="first", maintain_order=True)
    for row in best.head(AGAINST_SHOWN).iter_rows(named=True):
        own, other = row["own"], row["other"]
        reason = row["reason"] or "the evidence falls short of the threshold"
        lines.append(
            f"  {names[own]} with {of_identity.get(other, 'another')},"
            f" match weight {row['match_weight']:.1f}: {reason}"
        )
        if row["speaks_against"]:
            lines.append(f"      against: {row['speaks_against']}")
    left = best.height - AGAINST_SHOWN
    return [*lines, f"  and {left} more"] if left > 0 else lines


def _decided(decision: pl.DataFrame, inside: set[str], evidence: pl.DataFrame) -> pl.DataFrame:
    """Return the decisions about any of the identities, with what the weights say of the pair.

    Adds `match_weight, speaks_for, speaks_against` (null where the pair wasn't compared) and
    `joins`: whether it holds two of them together.
    """
    ids = sorted(inside)
    of_a, of_b = pl.col("applied_a").is_in(ids), pl.col("applied_b").is_in(ids)
    about = decision.filter(of_a | of_b).with_columns(
        pl.min_horizontal("applied_a", "applied_b").alias("identity_a"),
        pl.max_horizontal("applied_a", "applied_b").alias("identity_b"),
        (of_a & of_b & (pl.col("decision") == SAME)).alias("joins"),
    )
    pairs = words(evidence.join(about, on=["identity_a", "identity_b"], how="semi"))
    said = ("identity_a", "identity_b", "match_weight", "speaks_for", "speaks_against")
    return about.join(
        pairs.select(said), on=["identity_a", "identity_b"], how="left", maintain_order="left"
    )


def _held_by_people(decided: pl.DataFrame) -> Lines:
    if not decided["joins"].any():
        return []
    return ["A decision of people holds some of them together, whatever the weights say (below)."]


def _decisions(decided: pl.DataFrame, names: dict[str, str]) -> Lines:
    """Decisions of people about any of the identities, and what argued for and against each."""
    if decided.is_empty():
        return []
    lines = ["", "Decisions of people:"]
    for row in decided.iter_rows(named=True):
        a, b = (names.get(row[side], "another person") for side in ("applied_a", "applied_b"))
        why = f" ({row['why']})" if row["why"] else ""
        lines.append(
            f"  {a} and {b}: {row['decision']}, by {row['who']} on {row['decided_on']}{why}"
        )
        if row["match_weight"] is None:
            lines.append("      the linkage did not compare the two")
            continue
        lines.append(f"      match weight {row['match_weight']:.1f}, for: {row['speaks_for']}")
        if row["speaks_against"]:
            lines.append(f"      what argued against: {row['speaks_against']}")
    return lines


def _indicators(
    read: Read,
    places: pl.DataFrame,
    plan: Plan,
    person: str,
    record_person: pl.DataFrame,
) -> Lines:
    labels = {indicator.id: indicator.label for indicator in plan.indicators}
    mine = record_person.filter(pl.col("person_id") == person)
    events = (
        read("records.indicator_event")
        .join(mine.select("dataset", "file", "row", "role"), on=["dataset", "file", "row", "role"])
        .sort("indicator", "date", "dataset", "file", "row")
    )
    lines = ["Indicators, each with its rows (all periods received):"]
    placed = with_file_row(events, places).with_columns(in_words().alias("place"))
    for (indicator,), rows in placed.group_by("indicator", maintain_order=True):
        lines.append(f"  {labels.get(str(indicator), str(indicator))}")
        lines += [
            f"      {day}  {dataset}, {file}, {place}"
            for day, dataset, file, place in rows.select(
                "date", "dataset", "file", "place"
            ).iter_rows()
        ]
    return lines if events.height else [*lines, "  none"]
