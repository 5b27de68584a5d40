"""The linkage of all records: of children, of suspects and of anybody else, each by themselves.

`link_all` reads what earlier runs left in `review/` (`review_folder`), links each group of roles
(`persons`), gives its persons their ids (`registry`), makes the frames of schema people
(`person_frames`, `review_frames`, `review_sample`, `suspects`), and keeps in `review/` what the
next run needs.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from profile_pipeline import tables
from profile_pipeline.linkage import (
    corrections,
    person_frames,
    review_folder,
    review_frames,
    review_sample,
    saved_models,
)
from profile_pipeline.linkage import decisions as clerical
from profile_pipeline.linkage.circumstances import suspect_forms
from profile_pipeline.linkage.decisions import PAIR
from profile_pipeline.linkage.identities import collapse
from profile_pipeline.linkage.persons import (
    Linkage,
    assign_person_ids,
    link_children,
    link_others,
    link_suspects,
)
from profile_pipeline.linkage.registry import CHANGE_SCHEMA, PREFIX
from profile_pipeline.linkage.suspects import cross_role, possible_same_person
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.settings import LinkageSettings
from profile_pipeline.store import write_private

OTHER = "other"  # people of roles that a plan names beside child and suspect, linked together


@dataclass(frozen=True)
class Linked:
    """Frames by name (see `assets.people`), counts for the log, and the models' match weights."""

    frames: dict[str, pl.DataFrame]
    counts: dict[str, int]
    weights: pl.DataFrame

    @property
    def persons_by_role(self) -> dict[str, int]:
        """Persons found, by role."""
        named = (role for role in ("child", "suspect", OTHER) if f"persons_{role}" in self.counts)
        return {role: self.counts[f"persons_{role}"] for role in named}


@dataclass(frozen=True)
class _Group:
    """A group's records collapsed to identities, and the decisions about these (`states`)."""

    name: str
    subjects: pl.DataFrame
    identities: pl.DataFrame
    of_record: pl.DataFrame
    states: pl.DataFrame


@dataclass(frozen=True)
class _Persons:
    """A group's persons: records with their ids, and what the next run must know of them."""

    records: pl.DataFrame
    registry: pl.DataFrame
    change: pl.DataFrame
    places: pl.DataFrame


@dataclass(frozen=True)
class _Found:
    """A group linked; `model` is None where there were too few identities for one."""

    group: _Group
    linkage: Linkage
    model: saved_models.Model | None
    persons: _Persons


def link_all(
    subjects: pl.DataFrame,
    duplicates: pl.DataFrame,
    plan: Plan,
    indicators: pl.DataFrame | None = None,
    ever: pl.DataFrame | None = None,
    around: pl.DataFrame | None = None,
) -> Linked:
    """Return every record's person, for children and, apart from them, for suspects.

    Filled workbooks in `review/` are read first; a decision in them holds from this run on.

    Args:
        subjects: records.subject.
        duplicates: quality.duplicate; a row that repeats another speaks of the same persons.
        plan: the plan; its `review/` folder is read and renewed.
        indicators: the key of a record and `indicator`, those that place a child in the priority
            cohort; pairs that touch it come first in the queue. They change no link.
        ever: the same over the whole period, of all indicators, with `counts` (in overlap) and
            `harm` (recorded as harmed): what is told of a child who may also be a suspect.
        around: the crimes and premises that rows of suspects speak of (`circumstances`).

    Raises PlanError when a workbook or a file of `review/` can't be used.
    """
    settings = plan.settings.linkage
    cohort_from = plan.settings.overlap_at_least if indicators is not None else 0
    kept = review_folder.read_review(plan, subjects)
    found = [
        _link_group(_collapsed(name, subjects, kept, around), kept, settings, around)
        for name in _groups(subjects)
    ]
    frames = {
        **_of_persons(found, duplicates, settings),
        **_of_review(found, settings, indicators, cohort_from),
        **_of_suspects(
            found, kept, subjects, settings, ever if ever is not None else indicators, around
        ),
    }
    _keep(found, kept, frames, str(plan.settings.as_at))
    return Linked(frames, _counts(frames, found), _match_weights(found))


def _groups(subjects: pl.DataFrame) -> list[str]:
    """Return whom to link by themselves: children, suspects, and others where there are any."""
    return ["child", "suspect", *([OTHER] if subjects.filter(_rows_of(OTHER)).height else [])]


def _rows_of(group: str) -> pl.Expr:
    """Return whether a record's role belongs to a group that is linked by itself."""
    child, suspect = tables.is_child(pl.col("role")), pl.col("role") == "suspect"
    return {"child": child, "suspect": suspect}.get(group, ~(child | suspect))


def _collapsed(
    name: str, subjects: pl.DataFrame, kept: review_folder.Kept, around: pl.DataFrame | None
) -> _Group:
    """Return a group's identities, and which decisions are about them."""
    own, suspects = subjects.filter(_rows_of(name)), name == "suspect"
    identities, of_record = collapse(own, kept.key, around if suspects else None)
    if suspects:
        identities = suspect_forms(identities, of_record, around)
    states = clerical.effective(kept.decided, kept.shown, identities, of_record)
    return _Group(name, own, identities, of_record, states)


def _link_group(
    group: _Group,
    kept: review_folder.Kept,
    settings: LinkageSettings,
    around: pl.DataFrame | None,
) -> _Found:
    """Link a group, and give its persons their ids."""
    linkage, model = _linked(group, kept, settings, around)
    return _Found(group, linkage, model, _with_ids(group, linkage, kept))


def _linked(
    group: _Group,
    kept: review_folder.Kept,
    settings: LinkageSettings,
    around: pl.DataFrame | None,
) -> tuple[Linkage, saved_models.Model | None]:
    """Link a group with its saved model, or train one; None with too few identities for a model."""
    links: dict[str, Callable[..., Linkage]] = {
        "child": link_children, "suspect": partial(link_suspects, around=around),
    }  # fmt: skip
    # The same arguments otherwise.
    link = partial(
        links.get(group.name, link_others), group.subjects, settings=settings, key=kept.key
    )
    wanted = clerical.to_apply(group.states)
    decisions = wanted if wanted.height else None
    known = (
        None if settings.retrain else saved_models.usable(kept.folder, group.name, group.identities)
    )
    if known is not None:
        linkage, content = link(decisions=decisions, model=known), known.read_bytes()
        return linkage, saved_models.entered(kept.models, group.name, content, group.identities)
    with tempfile.TemporaryDirectory(dir=kept.folder) as scratch:
        path = Path(scratch) / "model.json"
        linkage = link(save_model_to=path)
        if not path.is_file():
            return linkage, None
        content = saved_models.stable(path.read_text(encoding="utf-8"))
        write_private(path, content)
        if decisions is not None:  # without any, what was saved decides to the last digit alike
            linkage = link(decisions=decisions, model=path)
    return linkage, saved_models.entered(kept.models, group.name, content, group.identities)


def _with_ids(group: _Group, linkage: Linkage, kept: review_folder.Kept) -> _Persons:
    """Return a group's persons, who keep the ids that they had."""
    now = _places(group, kept.key)
    known, corrected = None, None
    if kept.registry is not None:
        own = pl.col("person_id").str.starts_with(PREFIX.get(group.name, "P"))
        known = kept.registry.filter(own)
        corrected = corrections.carried(kept.places, now, known["identity"])
    records, registry, change = assign_person_ids(linkage, known, corrected)
    places = now.drop("person_id").join(registry.select("identity", "person_id"), on="identity")
    places = places.select(list(corrections.SCHEMA))
    if known is not None:
        before = kept.places.filter(_rows_of(group.name))
        left = corrections.gone_and_back(before, places, known)
        change = pl.concat([change, left.join(change, on="old_person_id", how="anti")])
    return _Persons(records, registry, change, places)


def _places(group: _Group, key: bytes) -> pl.DataFrame:
    """Return where a group's identities stand and what they say, without persons yet."""
    nobody = group.identities.select("identity", pl.lit(None, dtype=pl.String).alias("person_id"))
    quarters = group.subjects.select("record_id", "quarter")
    return corrections.places(group.identities, group.of_record, quarters, nobody, key)


def _of_persons(
    found: list[_Found], duplicates: pl.DataFrame, settings: LinkageSettings
) -> dict[str, pl.DataFrame]:
    """Return the frames that say who is who, and what each person rests on."""
    others = [person_frames.threshold_person(one.linkage, settings) for one in found]
    records = pl.concat(one.persons.records for one in found)
    return {
        "record_person": person_frames.record_person(records, duplicates),
        "link": pl.concat(one.linkage.links for one in found),
        "identity": pl.concat(person_frames.identity(one.linkage) for one in found),
        "unlinkable": pl.concat(
            (
                one.linkage.unlinkable.with_columns(pl.lit(one.linkage.role).alias("role"))
                for one in found
            ),
            how="diagonal_relaxed",
        ),
        "threshold_person": others[0],
        "person_link": pl.concat(
            person_frames.person_link(one.linkage, one.persons.records, other)
            for one, other in zip(found, others, strict=True)
        ),
        "change": pl.concat(
            [pl.DataFrame(schema=CHANGE_SCHEMA), *(one.persons.change for one in found)]
        ),
    }


def _of_review(
    found: list[_Found],
    settings: LinkageSettings,
    indicators: pl.DataFrame | None,
    cohort_from: int,
) -> dict[str, pl.DataFrame]:
    """Return the frames of the clerical review; samples are drawn of children alone."""
    linkages = [one.linkage for one in found]
    states = review_frames.decision_states(linkages, [one.group.states for one in found])
    answered = clerical.to_apply(states)
    evidence = review_frames.evidence(linkages, settings)
    queue = review_frames.review_queue(linkages, answered, settings, indicators, cohort_from)
    children, subjects = linkages[0], found[0].group.subjects
    sample = review_sample.review_sample(children, evidence, answered, settings)
    return {
        "evidence": evidence,
        "decision": states,
        "contradiction": review_frames.contradictions(states),
        "review_queue": queue,
        "review_sample": sample,
        "review_groups": review_sample.review_groups(
            children, subjects, evidence, sample, states, settings
        ),
        "review_stopping": review_sample.review_stopping(evidence, sample, states, settings.seed),
        "oversize": pl.concat(
            (review_frames.oversize(one, queue, answered) for one in linkages),
            how="diagonal_relaxed",
        ),
    }


def _of_suspects(
    found: list[_Found],
    kept: review_folder.Kept,
    subjects: pl.DataFrame,
    settings: LinkageSettings,
    indicators: pl.DataFrame | None,
    around: pl.DataFrame | None,
) -> dict[str, pl.DataFrame]:
    """Return the suspects who may be one person, and those who may be children too."""
    children, suspects = found[:2]
    records = pl.concat(one.persons.records for one in found)
    with tempfile.TemporaryDirectory(dir=kept.folder) as scratch:
        model = None
        if children.model is not None:
            model = Path(scratch) / "model.json"
            write_private(model, children.model.content)
        also_children = cross_role(
            subjects, children.linkage, suspects.linkage, records, settings, kept.key, model,
            indicators,
        )  # fmt: skip
    return {
        "possible_same_person": possible_same_person(
            suspects.linkage, suspects.persons.records, settings, around
        ),
        "suspect_cross_role": also_children,
    }


def _keep(
    found: list[_Found], kept: review_folder.Kept, frames: dict[str, pl.DataFrame], as_at: str
) -> None:
    """Keep what the next run needs, in `review/`."""
    review_folder.keep_persons(
        kept.folder,
        registry=pl.concat(one.persons.registry for one in found),
        change=frames["change"],
        places=pl.concat(one.persons.places for one in found),
        as_at=as_at,
    )
    asked = (frames["review_queue"], frames["review_sample"], frames["review_groups"], kept.decided)
    wanted = pl.concat(frame[side] for side in PAIR for frame in asked).unique()
    shown = [clerical.shown(one.group.identities, one.group.of_record, wanted) for one in found]
    review_folder.keep_decisions(kept.folder, kept.decided, pl.concat([kept.shown, *shown]))
    review_folder.keep_models(
        kept.folder,
        kept.models,
        [
            (one.group.name, one.model, one.group.identities)
            for one in found
            if one.model is not None
        ],
    )


def _counts(frames: dict[str, pl.DataFrame], found: list[_Found]) -> dict[str, int]:
    """Return counts for the log and the UI; nothing in them speaks of a person."""
    counts: dict[str, int] = {}
    for one in found:
        role, records = one.group.name, one.persons.records
        counts[f"records_{role}"] = records.height
        counts[f"identities_{role}"] = one.linkage.identities.height
        counts[f"persons_{role}"] = records["person_id"].n_unique()
    by_decision = frames["link"].group_by("decision").len().sort("decision")
    counts |= {f"pairs_{name}": int(size) for name, size in by_decision.iter_rows()}
    states = frames["decision"]
    counts |= {
        "review_queue": frames["review_queue"].height,
        "loosely_held": pl.concat(one.linkage.loose["cluster"] for one in found).n_unique(),
        "loosely_held_not_in_queue": frames["oversize"]
        .filter(pl.col("reason").str.ends_with(review_frames.NOT_ASKED))
        .height,
        "review_sample": frames["review_sample"].height,
        "decisions_that_count": states.filter(pl.col("state") == clerical.COUNTS)
        .select(*PAIR)
        .unique()
        .height,
        "decisions_contradictory": frames["contradiction"].height,
        "decisions_without_records": states.filter(pl.col("state") == clerical.LOST).height,
    }
    return counts | {
        f"model_version_{one.group.name}": one.model.version for one in found if one.model
    }


def _match_weights(found: list[_Found]) -> pl.DataFrame:
    """Return the match weights of the models used, columns `saved_models.WEIGHT_SCHEMA`."""
    weights = [
        saved_models.match_weights(one.group.name, one.model.content)
        for one in found
        if one.model is not None
    ]
    return pl.concat([pl.DataFrame(schema=saved_models.WEIGHT_SCHEMA), *weights])
