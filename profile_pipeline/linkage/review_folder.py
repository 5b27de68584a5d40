"""What the linkage must not lose: `review/` of the profile folder, and a linkage that uses it.

`person_registry.csv` (identity hash, person id), `identity.key`, `decisions.csv` (of people),
`shown_identities.csv` (what the reviewers saw), `person_changes.csv` (merges, splits, corrections,
who is gone), `identity_places.csv` (where identities stood, in keyed marks) and the trained models.
All their owner's alone. Filled workbooks of the clerical review are read from here.
"""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from profile_pipeline import tables
from profile_pipeline.linkage import corrections, saved_models
from profile_pipeline.linkage import decisions as clerical
from profile_pipeline.linkage.accuracy import estimate, sample_pairs
from profile_pipeline.linkage.circumstances import suspect_forms
from profile_pipeline.linkage.clusters import BELOW, DIFFERENT, IMPLIED, JOINED, SAME, cluster
from profile_pipeline.linkage.explain import weakest_links
from profile_pipeline.linkage.fairness import ENOUGH, ethnic_category
from profile_pipeline.linkage.identities import collapse, enough, said
from profile_pipeline.linkage.persons import (
    Linkage,
    assign_at_threshold,
    assign_person_ids,
    link_children,
    link_others,
    link_suspects,
)
from profile_pipeline.linkage.registry import CHANGE_SCHEMA, REGISTRY_SCHEMA
from profile_pipeline.linkage.review import FIELDS, suspects_room, together
from profile_pipeline.linkage.suspects import cross_role, possible_same_person
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.settings import LinkageSettings
from profile_pipeline.store import write_private

OTHER = "other"  # people of roles that a plan names beside child and suspect, linked together
PAIR = ["identity_a", "identity_b"]
SHOWN = "shown_identities.csv"
STOPS = (25, 50, 100, 150, 200, 300)  # pairs of the sample after which one may stop
SPARE = 5  # pairs drawn for a group beyond those its figure needs, as some can't be told
OTHER_THRESHOLDS = (2.0, 8.0, 11.0)  # beside the default and the strict one


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
class _Role:
    """A role's records collapsed, and what is known of it before it is linked."""

    name: str
    subjects: pl.DataFrame
    identities: pl.DataFrame
    of_record: pl.DataFrame
    states: pl.DataFrame


def review_path(plan: Plan) -> Path:
    """Return the review folder, made if need be, its owner's alone."""
    folder = plan.folder / "review"
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    return folder


def identity_key(plan: Plan, subjects: pl.DataFrame) -> bytes:
    """Return the key of the identity hashes, made on the first run and kept.

    It is drawn from the whole of what the first run's records say, in whatever order and files: the
    same records give the same key, and thereby the same person ids, while nobody who lacks them can
    work it out from a name.
    """
    path = review_path(plan) / "identity.key"
    if path.is_file():
        return bytes.fromhex(path.read_text().strip())
    content = hashlib.blake2b(digest_size=32, person=b"identity-key")
    for text in said(subjects).sort():
        content.update(hashlib.blake2b(text.encode(), digest_size=32).digest())
    key = content.digest()
    write_private(path, key.hex().encode())
    return key


def read_registry(plan: Plan) -> pl.DataFrame | None:
    """Return the registry of person ids; None before the first run."""
    path = review_path(plan) / "person_registry.csv"
    return pl.read_csv(path, schema=REGISTRY_SCHEMA) if path.is_file() else None


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
    folder, settings = review_path(plan), plan.settings.linkage
    found = clerical.read_workbooks(folder)
    decided = clerical.merged(clerical.read_decisions(folder), found)
    key, registry, seen = identity_key(plan, subjects), read_registry(plan), _read_shown(folder)
    groups_of = ["child", "suspect"]
    if subjects.filter(_rows_of(OTHER)).height:
        groups_of.append(OTHER)
    roles = [
        _collapsed(name, subjects.filter(_rows_of(name)), key, decided, seen, around)
        for name in groups_of
    ]
    models = saved_models.read_models(folder)
    linkages, used = [], []
    for role in roles:
        linkage, model = _linked(role, settings, key, folder, models, around)
        linkages.append(linkage)
        used.append(model)
    states = _states(roles, linkages)
    people, registries, changes, stood = [], [], [], []
    before = _read_places(folder)
    for role, linkage in zip(roles, linkages, strict=True):
        known = _of_role(registry, linkage)
        now = _places(role, key)
        corrected = None
        if known is not None:
            corrected = corrections.carried(before, now, known["identity"])
        records, renewed, log = assign_person_ids(linkage, known, corrected)
        now = now.drop("person_id").join(renewed.select("identity", "person_id"), on="identity")
        now = now.select(list(corrections.SCHEMA))
        people.append(records)
        registries.append(renewed)
        stood.append(now)
        changes.append(log)
        if known is not None:
            left = corrections.gone_and_back(
                before.filter(_rows_of(role.name)),
                now,
                known,
            )
            changes.append(left.join(log, on="old_person_id", how="anti"))
    change = pl.concat([pl.DataFrame(schema=CHANGE_SCHEMA), *changes])
    links = pl.concat([linkage.links for linkage in linkages])
    evidence = _evidence(linkages, settings)
    answered = clerical.to_apply(states)
    cohort_from = plan.settings.overlap_at_least if indicators is not None else 0
    queue = _queue(linkages, answered, settings, indicators, cohort_from)
    sample = _sample(linkages[0], evidence, answered, settings)
    groups = _sample_groups(linkages[0], roles[0].subjects, evidence, sample, states, settings)
    frames = {
        "record_person": _with_duplicates(pl.concat(people), duplicates),
        "link": links,
        "identity": pl.concat([_identity(linkage) for linkage in linkages]),
        "evidence": evidence,
        "decision": states,
        "review_queue": queue,
        "review_sample": sample,
        "review_groups": groups,
        "review_stopping": _stopping(evidence, sample, states, settings.seed),
        "oversize": _of_all([_listed(linkage, queue, answered) for linkage in linkages]),
        "unlinkable": _of_all(
            [one.unlinkable.with_columns(pl.lit(one.role).alias("role")) for one in linkages]
        ),
        "contradiction": _contradictions(states),
        "change": change,
    }
    others = {
        role.name: _at_thresholds(one, settings) for role, one in zip(roles, linkages, strict=True)
    }
    frames["threshold_person"] = others["child"]
    frames["person_link"] = pl.concat(
        _person_link(one, records, others[one.role])
        for one, records in zip(linkages, people, strict=True)
    )
    every = pl.concat(people)
    frames["possible_same_person"] = possible_same_person(linkages[1], people[1], settings, around)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        of_children, path = used[0], Path(scratch) / "model.json"
        if of_children is not None:
            write_private(path, of_children.content)
        frames["suspect_cross_role"] = cross_role(
            subjects, linkages[0], linkages[1], every, settings, key,
            path if of_children is not None else None, ever if ever is not None else indicators,
        )  # fmt: skip
    shown_now = pl.concat(frame.select(PAIR) for frame in (queue, sample, groups, decided))
    _keep(plan, pl.concat(registries), change)
    places = pl.concat(stood).sort("identity")
    write_private(folder / corrections.FILE, places.write_csv().encode())
    _keep_review(folder, decided, seen, roles, shown_now)
    for role, model in zip(roles, used, strict=True):
        if model is not None:
            write_private(folder / model.file, model.content)
            models = saved_models.listed(models, role.name, model, role.identities)
    write_private(folder / saved_models.FILE, models.write_csv().encode())
    counts = _counts(frames, linkages, people, settings)
    counts |= {f"model_version_{r.name}": m.version for r, m in zip(roles, used, strict=True) if m}
    weights = [
        saved_models.match_weights(role.name, model.content)
        for role, model in zip(roles, used, strict=True)
        if model is not None
    ]
    return Linked(
        frames, counts, pl.concat([pl.DataFrame(schema=saved_models.WEIGHT_SCHEMA), *weights])
    )


def _rows_of(group: str) -> pl.Expr:
    """Return whether a record's role belongs to a group that is linked by itself."""
    child, suspect = tables.is_child(pl.col("role")), pl.col("role") == "suspect"
    return {"child": child, "suspect": suspect}.get(group, ~(child | suspect))


def _of_all(parts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(parts, how="diagonal_relaxed")


def _collapsed(
    name: str,
    subjects: pl.DataFrame,
    key: bytes,
    decided: pl.DataFrame,
    seen: pl.DataFrame,
    around: pl.DataFrame | None,
) -> _Role:
    suspects = name == "suspect"
    identities, of_record = collapse(subjects, key, around if suspects else None)
    if suspects:
        identities = suspect_forms(identities, of_record, around)
    states = clerical.effective(decided, seen, identities, of_record)
    return _Role(name, subjects, identities, of_record, states)


def _linked(
    role: _Role,
    settings: LinkageSettings,
    key: bytes,
    folder: Path,
    models: pl.DataFrame,
    around: pl.DataFrame | None,
) -> tuple[Linkage, saved_models.Model | None]:
    """Link a role with its saved model, or train one; None with too few identities for a model."""
    links: dict[str, Callable[..., Linkage]] = {
        "child": link_children, "suspect": partial(link_suspects, around=around),
    }  # fmt: skip
    link = links.get(role.name, link_others)  # the same arguments otherwise
    wanted = clerical.to_apply(role.states)
    decisions = wanted if wanted.height else None
    known = None if settings.retrain else saved_models.usable(folder, role.name, role.identities)
    if known is not None:
        linkage = link(role.subjects, settings=settings, key=key, decisions=decisions, model=known)
        content = known.read_bytes()
        return linkage, saved_models.entered(models, role.name, content, role.identities)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path = Path(scratch) / "model.json"
        linkage = link(role.subjects, settings=settings, key=key, save_model_to=path)
        if not path.is_file():
            return linkage, None
        content = saved_models.stable(path.read_text(encoding="utf-8"))
        write_private(path, content)
        if decisions is None:  # what was saved weighs and decides to the last digit alike
            return linkage, saved_models.entered(models, role.name, content, role.identities)
        linkage = link(role.subjects, settings=settings, key=key, decisions=decisions, model=path)
    return linkage, saved_models.entered(models, role.name, content, role.identities)


def _states(roles: list[_Role], linkages: list[Linkage]) -> pl.DataFrame:
    """Return every decision with its state: of children, of suspects, or of nobody now."""
    found = []
    for role, linkage in zip(roles, linkages, strict=True):
        refused = linkage.contradictions.select(
            pl.col("identity_a").alias("applied_a"),
            pl.col("identity_b").alias("applied_b"),
            pl.lit(True).alias("refused"),
        )
        refused = pl.concat(
            [
                refused,
                refused.select(
                    pl.col("applied_b").alias("applied_a"),
                    pl.col("applied_a").alias("applied_b"),
                    "refused",
                ),
            ]
        ).unique()
        found.append(
            role.states.join(refused, on=["applied_a", "applied_b"], how="left")
            .with_columns(
                pl.when(pl.col("refused").fill_null(False))
                .then(pl.lit(clerical.CONTRADICTS))
                .otherwise("state")
                .alias("state")
            )
            .drop("refused")
        )
    states = pl.concat(found).unique(maintain_order=True)
    own = [name for name in clerical.SCHEMA if name != "superseded"]
    applies = pl.col("state").is_in([clerical.COUNTS])
    # A decision about children is lost among suspects, and the other way round.
    somewhere = states.filter(~pl.col("state").is_in([clerical.LOST])).select(own).unique()
    gone = pl.col("state") == clerical.LOST
    kept = pl.concat(
        [states.filter(~gone), states.filter(gone).join(somewhere, on=own, how="anti")]
    ).unique()
    return tables.conform(kept, tables.DECISION).sort(
        applies, *own, "state", "applied_a", "applied_b", descending=[True, *[False] * 10]
    )


def _contradictions(states: pl.DataFrame) -> pl.DataFrame:
    """Return the decisions that contradict others: both identities, who, when, source."""
    return states.filter(pl.col("state") == clerical.CONTRADICTS).select(
        *PAIR, "decision", "who", "decided_on", "source"
    )


def _evidence(linkages: list[Linkage], settings: LinkageSettings) -> pl.DataFrame:
    """Return the scored pairs of all roles, with what the linkage by itself makes of each."""
    parts = []
    for linkage in linkages:
        links = linkage.links
        if linkage.decisions is not None:
            links = cluster(
                linkage.identities,
                linkage.evidence,
                threshold=linkage.threshold,
                strict=settings.strict_threshold,
                learnt=linkage.learnt,
            ).links
        by_itself = links.select(*PAIR, pl.col("decision").is_in([JOINED, IMPLIED]).alias("linked"))
        parts.append(
            linkage.evidence.join(
                by_itself, on=PAIR, how="left", maintain_order="left"
            ).with_columns(pl.lit(linkage.role).alias("role"))
        )
    return _of_all(parts).sort("match_weight", *PAIR, descending=[True, False, False])


def _queue(
    linkages: list[Linkage],
    answered: pl.DataFrame,
    settings: LinkageSettings,
    indicators: pl.DataFrame | None,
    cohort_from: int,
) -> pl.DataFrame:
    """Return the pairs to decide: children's by what hangs on them, then a share of suspects."""
    queues: dict[str, pl.DataFrame] = {}
    room = 0  # children's links below the threshold come in whatever room suspects take
    for one in sorted(linkages, key=lambda each: each.role != "suspect"):
        told = None
        if indicators is not None and one.role == "child":
            held = one.record_cluster.join(indicators, on=tables.SUBJECT_KEY)
            told = held.select("identity", "indicator").unique()
        # Pairs decided already leave the queue, and others take their place.
        narrower = settings.model_copy(update={"review_limit": settings.review_limit - room})
        queues[one.role] = one.queue(narrower, told, cohort_from, answered).with_columns(
            pl.lit(one.role).alias("role")
        )
        if one.role == "suspect":
            room = suspects_room(queues[one.role].height, settings.review_limit)
    others = [queues[name] for name in ("child", OTHER) if name in queues]
    return together(_of_all(others), queues["suspect"], settings.review_limit)


NOT_ASKED = " (not in the review queue, which is full)"


def _listed(linkage: Linkage, queue: pl.DataFrame, answered: pl.DataFrame) -> pl.DataFrame:
    """Return people.oversize of a role, saying which loosely held persons nobody is asked about."""
    asked = pl.concat([queue.select(PAIR), answered.select(PAIR)])
    left_out = linkage.loose.join(asked, on=PAIR, how="anti")["cluster"].unique()
    return linkage.oversize.with_columns(
        pl.when(pl.col("cluster").is_in(left_out.implode()))
        .then(pl.col("reason") + NOT_ASKED)
        .otherwise("reason")
        .alias("reason"),
        pl.lit(linkage.role).alias("role"),
    )


def _sample(
    linkage: Linkage, evidence: pl.DataFrame, answered: pl.DataFrame, settings: LinkageSettings
) -> pl.DataFrame:
    """Return the pairs of children to decide for the accuracy estimate, those decided left out.

    The order may be stopped at any point. Weights are with it for the estimate, not for the reader.
    """
    pairs = _as_links(evidence)
    wanted = settings.review_sample + answered.height
    drawn = (
        sample_pairs(pairs, wanted, settings.seed)
        .join(answered, on=PAIR, how="anti", maintain_order="left")
        .head(settings.review_sample)
    )
    return _with_fields(drawn, linkage)


def _sample_groups(
    linkage: Linkage,
    subjects: pl.DataFrame,
    evidence: pl.DataFrame,
    sample: pl.DataFrame,
    states: pl.DataFrame,
    settings: LinkageSettings,
) -> pl.DataFrame:
    """Return further pairs to decide, so that every ethnic group can have a figure of its own.

    Drawn within a group as the sample is among all, for groups of which the sample and decisions
    on samples hold fewer than ENOUGH pairs. Columns as the sample's, and `drawn_for`.
    """
    pairs = _as_links(evidence)
    of_cluster = (
        linkage.record_cluster.join(subjects, on=tables.SUBJECT_KEY)
        .with_columns(ethnic_category().alias("group"))
        .filter(pl.col("group") != tables.NOT_RECORDED)
        .group_by("cluster", "group")
        .len()
        .sort("cluster", "len", "group", descending=[False, True, False])
        .unique("cluster", keep="first", maintain_order=True)
    )
    of_identity = (
        linkage.record_cluster.select("identity", "cluster")
        .unique()
        .join(of_cluster, on="cluster")
        .select("identity", "group")
    )
    member = pl.concat(
        pairs.select(PAIR)
        .join(of_identity.rename({"identity": side}), on=side)
        .select(*PAIR, "group")
        for side in PAIR
    ).unique()
    decided = clerical.of_sample(states, (clerical.SAMPLE_SHEET, clerical.GROUPS_SHEET))
    taken = pl.concat([sample.select(PAIR), decided.select(PAIR)]).unique()
    answered = clerical.to_apply(states).select(PAIR)
    parts = [sample.clear().with_columns(pl.lit(None, dtype=pl.String).alias("drawn_for"))]
    groups: list[str] = member["group"].unique().sort().to_list()
    for group in groups if settings.review_sample else []:
        inside = member.filter(pl.col("group") == group).select(PAIR)
        wanted = ENOUGH + SPARE - inside.join(taken, on=PAIR, how="semi").height
        if wanted <= 0:
            continue
        own = pairs.join(inside, on=PAIR, how="semi")
        drawn = (
            sample_pairs(own, wanted + taken.height + answered.height, settings.seed)
            .join(pl.concat([taken, answered]), on=PAIR, how="anti", maintain_order="left")
            .head(wanted)
        )
        taken = pl.concat([taken, drawn.select(PAIR)])
        parts.append(_with_fields(drawn, linkage).with_columns(pl.lit(group).alias("drawn_for")))
    return pl.concat(parts)


def _with_fields(pairs: pl.DataFrame, linkage: Linkage) -> pl.DataFrame:
    """Return the pairs with what either identity says."""
    fields = linkage.identities.select("identity", *FIELDS)
    for side in "ab":
        named = fields.rename(
            {"identity": f"identity_{side}", **{f: f"{f}_{side}" for f in FIELDS}}
        )
        pairs = pairs.join(named, on=f"identity_{side}", how="left", maintain_order="left")
    return pairs


def _stopping(
    evidence: pl.DataFrame, sample: pl.DataFrame, states: pl.DataFrame, seed: int
) -> pl.DataFrame:
    """Return the estimate's limits by pairs of the sample decided, if all agree with it.

    Columns `pairs, precision_lower, precision_upper, recall_lower, recall_upper`; decisions there
    already count.
    """
    links, known = _as_links(evidence), clerical.of_sample(states)
    agreed = sample.select(
        *PAIR,
        pl.when("linked").then(pl.lit(SAME)).otherwise(pl.lit(DIFFERENT)).alias("decision"),
    )
    rows = []
    for pairs in (count for count in STOPS if count <= sample.height):
        answers = pl.concat([known.select(agreed.columns), agreed.head(pairs)])
        figure = estimate(links, answers, seed)
        limits = [
            limit
            for name in ("precision", "recall")
            for limit in (figure[name].lower, figure[name].upper)
        ]
        rows.append((pairs, *limits))
    names = ("precision_lower", "precision_upper", "recall_lower", "recall_upper")
    schema = {"pairs": pl.Int64, **dict.fromkeys(names, pl.Float64)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _as_links(evidence: pl.DataFrame) -> pl.DataFrame:
    """Return the scored pairs of children as the linkage by itself decides them."""
    by_itself = pl.when("linked").then(pl.lit(JOINED)).otherwise(pl.lit(BELOW))
    return evidence.filter(pl.col("role") == "child").select(
        *PAIR, "match_weight", by_itself.alias("decision")
    )


def _identity(linkage: Linkage) -> pl.DataFrame:
    held = linkage.identities.select("identity", (~enough("fore", "sur")).alias("too_little"))
    frame = linkage.record_cluster.join(held, on="identity", maintain_order="left").with_columns(
        (pl.len().over("cluster") == 1).alias("alone")
    )
    return tables.conform(frame, tables.IDENTITY)


def _at_thresholds(linkage: Linkage, settings: LinkageSettings) -> pl.DataFrame:
    """Return the records' persons at other thresholds; of suspects at the strict one alone."""
    strict, own = settings.strict_threshold, linkage.threshold
    wanted = {strict, own, *OTHER_THRESHOLDS} if linkage.role == "child" else {strict}
    parts = []
    for threshold in sorted(wanted):
        same = threshold == own
        frame = linkage.record_cluster if same else assign_at_threshold(linkage, threshold)
        parts.append(
            frame.with_columns(
                pl.lit(threshold, dtype=pl.Float64).alias("threshold"),
                pl.lit(threshold == strict).alias("strict"),
            )
        )
    return tables.union(parts, tables.THRESHOLD_PERSON)


def _person_link(
    linkage: Linkage, records: pl.DataFrame, at_thresholds: pl.DataFrame
) -> pl.DataFrame:
    """Return people.person_link of a role."""
    place = linkage.record_cluster.join(records.select("record_id", "person_id"), on="record_id")
    weakest = weakest_links(linkage.record_cluster, linkage.evidence).select(
        "cluster", "weakest_link"
    )
    strict = at_thresholds.filter("strict").select("record_id", pl.col("cluster").alias("part"))
    frame = (
        place.join(strict, on="record_id", how="left")
        .group_by("person_id", "cluster")
        .agg(
            pl.col("identity").n_unique().cast(pl.Int64).alias("identities"),
            pl.col("part").n_unique().cast(pl.Int64).alias("parts_at_strict"),
        )
        .join(weakest, on="cluster", how="left")
        .with_columns(
            pl.lit(linkage.role).alias("role"),
            (pl.col("parts_at_strict") == 1).alias("stays_at_strict"),
        )
        .sort("person_id")
    )
    return tables.conform(frame, tables.PERSON_LINK)


def _counts(
    frames: dict[str, pl.DataFrame],
    linkages: list[Linkage],
    people: list[pl.DataFrame],
    settings: LinkageSettings,
) -> dict[str, int]:
    """Return counts for the log and the UI; nothing in them speaks of a person."""
    counts: dict[str, int] = {}
    for linkage, records in zip(linkages, people, strict=True):
        role = linkage.role
        counts[f"records_{role}"] = records.height
        counts[f"identities_{role}"] = linkage.identities.height
        counts[f"persons_{role}"] = records["person_id"].n_unique()
    by_decision = frames["link"].group_by("decision").len().sort("decision")
    counts |= {f"pairs_{name}": int(size) for name, size in by_decision.iter_rows()}
    states = frames["decision"]
    counts |= {
        "review_queue": frames["review_queue"].height,
        "loosely_held": pl.concat(one.loose["cluster"] for one in linkages).n_unique(),
        "loosely_held_not_in_queue": frames["oversize"]
        .filter(pl.col("reason").str.ends_with(NOT_ASKED))
        .height,
        "review_sample": frames["review_sample"].height,
        "decisions_that_count": states.filter(pl.col("state") == clerical.COUNTS)
        .select(*PAIR)
        .unique()
        .height,
        "decisions_contradictory": frames["contradiction"].height,
        "decisions_without_records": states.filter(pl.col("state") == clerical.LOST).height,
    }
    return counts


def _read_shown(folder: Path) -> pl.DataFrame:
    path = folder / SHOWN
    if not path.is_file():
        return pl.DataFrame(schema=clerical.SHOWN_SCHEMA)
    return pl.read_csv(path, schema=clerical.SHOWN_SCHEMA)


def _read_places(folder: Path) -> pl.DataFrame:
    path = folder / corrections.FILE
    if not path.is_file():
        return pl.DataFrame(schema=corrections.SCHEMA)
    return pl.read_csv(path, schema=corrections.SCHEMA)


def _places(role: _Role, key: bytes) -> pl.DataFrame:
    """Return where a role's identities stand and what they say, without persons yet."""
    nobody = role.identities.select("identity", pl.lit(None, dtype=pl.String).alias("person_id"))
    quarters = role.subjects.select("record_id", "quarter")
    return corrections.places(role.identities, role.of_record, quarters, nobody, key)


def _keep_review(
    folder: Path,
    decided: pl.DataFrame,
    seen: pl.DataFrame,
    roles: list[_Role],
    pairs: pl.DataFrame,
) -> None:
    """Keep the decisions, and what the identities shown or decided about hold."""
    if decided.height:
        write_private(folder / clerical.FILE, decided.write_csv().encode())
    wanted = pl.concat([pairs["identity_a"], pairs["identity_b"]]).unique()
    now = [clerical.shown(role.identities, role.of_record, wanted) for role in roles]
    every = pl.concat([seen, *now]).unique().sort(list(clerical.SHOWN_SCHEMA))
    write_private(folder / SHOWN, every.write_csv().encode())


def _of_role(registry: pl.DataFrame | None, linkage: Linkage) -> pl.DataFrame | None:
    if registry is None:
        return None
    prefix = {"child": "C", "suspect": "S"}.get(linkage.role, "P")
    return registry.filter(pl.col("person_id").str.starts_with(prefix))


def _with_duplicates(records: pl.DataFrame, duplicates: pl.DataFrame) -> pl.DataFrame:
    """Return the records with a row for each that repeats another, as the same person."""
    repeats = duplicates.join(
        records.rename({"row": "kept_row"}), on=("dataset", "file", "kept_row"), how="inner"
    ).with_columns(
        record_id=pl.concat_str(
            "dataset",
            pl.lit(":"),
            "file",
            pl.lit(":"),
            pl.col("row").cast(pl.String),
            pl.lit(":"),
            "role",
        )
    )
    both = pl.concat([records, repeats.select(records.columns)])
    return tables.conform(both, tables.RECORD_PERSON).sort(tables.RECORD_PERSON.key)


def _keep(plan: Plan, registry: pl.DataFrame, change: pl.DataFrame) -> None:
    folder = review_path(plan)
    write_private(folder / "person_registry.csv", registry.sort("identity").write_csv().encode())
    if change.height:
        path = folder / "person_changes.csv"
        noted = change.with_columns(as_at=pl.lit(str(plan.settings.as_at)))
        before = path.read_text() if path.is_file() else ""
        write_private(path, (before + noted.write_csv(include_header=not before)).encode())
