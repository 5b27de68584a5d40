"""Join identities into persons by falling weight, refusing what can't be one person.

Connected components let one bad link merge two children, and twins are joined by any record that
fits both. Here a link joins two clusters only if nothing the clusters hold as a whole forbids it,
so a refusal holds through every path. Clerical decisions come first and always hold.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import jellyfish
import polars as pl

from profile_pipeline.linkage.names import slip

SAME, DIFFERENT, CANT_TELL = "same", "different", "can't tell"
JOINED, IMPLIED, REFUSED, BELOW, CLERICAL = (
    "joined", "implied", "refused", "below_threshold", "clerical",
)  # fmt: skip
ATTESTED = 3  # people (dates of birth) from which a spelling counts as a name of its own
# Verdicts on two forenames.
CLASH, DOUBT, FIT = 0, 1, 2


@dataclass(frozen=True)
class Name:
    """The forms of one written name."""

    fore: str
    first: str
    words: frozenset[str]
    kin: frozenset[str]
    sound: str
    all_words: frozenset[str]
    sur_words: frozenset[str]


@dataclass
class Evidence:
    """What a cluster holds: every value with the number of records that give it."""

    members: list[int]
    records: int
    names: Counter[int] = field(default_factory=Counter)
    dobs: Counter[str] = field(default_factory=Counter)
    sexes: Counter[str] = field(default_factory=Counter)
    numbers: dict[str, Counter[str]] = field(default_factory=dict)
    local_ids: Counter[str] = field(default_factory=Counter)

    def absorb(self, other: Evidence) -> None:
        """Add another cluster's evidence to this one."""
        self.members += other.members
        self.records += other.records
        self.names += other.names
        self.dobs += other.dobs
        self.sexes += other.sexes
        self.local_ids += other.local_ids
        for kind, counter in other.numbers.items():
            self.numbers.setdefault(kind, Counter()).update(counter)


def _most(counter: Counter[Any]) -> Any:
    """The value most records give; the smallest of those on a tie, so that order never matters."""
    if not counter:
        return None
    return min(counter.items(), key=lambda item: (-item[1], item[0]))[0]


class Names:
    """Compares written forenames, remembering verdicts."""

    def __init__(self, identities: pl.DataFrame) -> None:
        """Number the distinct names of the identities."""
        columns = (
            "fore",
            "fore_first",
            "fore_words",
            "fore_kin",
            "fore_sound",
            "name_words",
            "sur_words",
        )
        self.of_identity: list[int] = []
        self.names: list[Name] = []
        known: dict[Hashable, int] = {}
        for fore, first, words, kin, sound, every, sur in identities.select(columns).iter_rows():
            key = (fore, tuple(kin or ()), tuple(every or ()))
            if key not in known:
                known[key] = len(self.names)
                self.names.append(
                    Name(
                        fore or "", first or "", frozenset(words or ()), frozenset(kin or ()),
                        sound or "", frozenset(every or ()), frozenset(sur or ()),
                    )
                )  # fmt: skip
            self.of_identity.append(known[key])
        attested = (
            identities.drop_nulls(["fore_first", "dob"])
            .group_by("fore_first")
            .agg(pl.col("dob").n_unique())
            .filter(pl.col("dob") >= ATTESTED)
        )
        self.attested = frozenset(attested["fore_first"])
        self._verdicts: dict[tuple[int, int], int | None] = {}

    def verdict(self, a: int, b: int) -> int | None:
        """CLASH, DOUBT or FIT for two numbered names; None when one is not given."""
        key = (a, b) if a <= b else (b, a)
        if key not in self._verdicts:
            self._verdicts[key] = self._compare(self.names[key[0]], self.names[key[1]])
        return self._verdicts[key]

    def _compare(self, a: Name, b: Name) -> int | None:
        if not a.fore or not b.fore:
            return None
        if a.fore == b.fore or a.words & b.words or a.kin & b.kin:
            return FIT
        if a.words & b.sur_words or b.words & a.sur_words:
            return FIT
        if 1 in (len(a.fore), len(b.fore)):
            return FIT if a.fore[0] == b.fore[0] else DOUBT
        both_names = a.first in self.attested and b.first in self.attested
        near = slip(a.first, b.first) or (a.sound == b.sound and len(a.sound) >= 2)
        if near:
            return DOUBT if both_names else FIT
        if not both_names and jellyfish.jaro_winkler_similarity(a.fore, b.fore) >= 0.75:
            return DOUBT
        return CLASH


def _near_number(a: str, b: str) -> bool:
    return a == b or jellyfish.damerau_levenshtein_distance(a, b) <= 1


def _near_date(a: str, b: str) -> bool:
    """Whether a slip, exchanged day and month, or a 1 January default explain two dates (yyyymmdd)."""
    if a == b or (a[:4] == b[:4] and ("0101" in (a[4:], b[4:]) or a[4:] == b[6:] + b[4:6])):
        return True
    return jellyfish.damerau_levenshtein_distance(a, b) <= 1


class Clusterer:
    """Clusters of identities that grow by links and decisions, under constraints."""

    def __init__(self, identities: pl.DataFrame) -> None:
        """Start with every identity alone; `identities` as from `identities.collapse`."""
        self.ids: list[str] = identities["identity"].to_list()
        self.index = {identity: place for place, identity in enumerate(self.ids)}
        self.names = Names(identities)
        self.root = list(range(len(self.ids)))
        self.clusters: dict[int, Evidence] = {}
        self.apart: dict[int, set[int]] = defaultdict(set)
        columns = ("records", "dob", "sex", "nhs_sure", "upn", "local_ids")
        for place, (records, dob, sex, nhs, upn, local) in enumerate(
            identities.select(columns).iter_rows()
        ):
            evidence = Evidence([place], records)
            if self.names.names[self.names.of_identity[place]].fore:
                evidence.names[self.names.of_identity[place]] = records
            if dob:
                evidence.dobs[dob] = records
            if sex:
                evidence.sexes[sex] = records
            for kind, number in (("NHS number", nhs), ("UPN", upn)):
                if number:
                    evidence.numbers[kind] = Counter({number: records})
            for number in local or ():
                evidence.local_ids[number] = records
            self.clusters[place] = evidence

    def find(self, place: int) -> int:
        """Return the cluster that an identity is in."""
        while self.root[place] != place:
            self.root[place] = self.root[self.root[place]]
            place = self.root[place]
        return place

    def join(self, a: int, b: int) -> None:
        """Join the clusters of two identities, whatever they hold."""
        first, second = sorted((self.find(a), self.find(b)))
        if first == second:
            return
        self.root[second] = first
        self.clusters[first].absorb(self.clusters.pop(second))
        for other in self.apart.pop(second, set()):
            self.apart[other].discard(second)
            self.apart[other].add(first)
            self.apart[first].add(other)

    def part(self, a: int, b: int) -> None:
        """Hold that two identities are different people, for good."""
        first, second = self.find(a), self.find(b)
        self.apart[first].add(second)
        self.apart[second].add(first)

    def refusal(self, a: int, b: int) -> str | None:
        """Return why the clusters of two identities can't be one person; None if they may be."""
        first, second = self.find(a), self.find(b)
        if second in self.apart[first]:
            return "decided to be different people"
        x, y = self.clusters[first], self.clusters[second]
        agree, conflict = self._numbers(x, y)
        if (
            conflict
            and len(agree) < len(conflict) + 1
            and not (agree and self._same_identity(x, y))
        ):
            return f"{' and '.join(conflict)} differ by more than a slip"
        fit = self._forenames(x, y)
        sexes = _most(x.sexes), _most(y.sexes)
        sex_differs = None not in sexes and sexes[0] != sexes[1]
        if fit is not None and len(agree) < 2:
            if fit < 0.5:
                return "forenames are different names"
            if sex_differs and fit < 1.5 and not agree:
                return "sex differs and forenames may be different names"
        if not agree:
            dobs = _most(x.dobs), _most(y.dobs)
            if None not in dobs and dobs[0] != dobs[1]:
                if not _near_date(*dobs):
                    return "dates of birth differ by more than a slip"
                if min(x.dobs[dobs[0]], y.dobs[dobs[1]]) >= 3 and "0101" not in (
                    dobs[0][4:],
                    dobs[1][4:],
                ):
                    return "each date of birth is given by several records"
        return None

    def _numbers(self, x: Evidence, y: Evidence) -> tuple[list[str], list[str]]:
        agree, conflict = [], []
        for kind in ("NHS number", "UPN"):
            p, q = x.numbers.get(kind), y.numbers.get(kind)
            if not p or not q:
                continue
            if (
                _near_number(_most(p), _most(q))
                or _most(p) in q
                and q[_most(p)] * 2 >= q.total()
                or _most(q) in p
                and p[_most(q)] * 2 >= p.total()
            ):
                agree.append(kind)
            elif not any(_near_number(i, j) for i in p for j in q):
                conflict.append(kind)
        if x.local_ids & y.local_ids:
            agree.append("local id")
        return agree, conflict

    def _same_identity(self, x: Evidence, y: Evidence) -> bool:
        """Whether name and date of birth agree, so that one wrong number is the likelier story."""
        fit = self._forenames(x, y)
        dobs = _most(x.dobs), _most(y.dobs)
        return (fit is None or fit > 1.5) and (None in dobs or _near_date(*dobs))

    def _forenames(self, x: Evidence, y: Evidence) -> float | None:
        """Mean verdict over the records' forenames: 0 all clash, 2 all fit; None not comparable."""
        total = weight = 0
        for a, n in x.names.items():
            for b, m in y.names.items():
                verdict = self.names.verdict(a, b)
                if verdict is not None:
                    total += n * m * verdict
                    weight += n * m
        return total / weight if weight else None


def _cleared(
    clusterer: Clusterer, decisions: pl.DataFrame | None
) -> tuple[list[tuple[int, int]], list[tuple[int, int]], pl.DataFrame]:
    """Return the pairs decided the same and different, and the decisions that contradict others.

    Of several decisions on one pair the last counts. Where "same" decisions, one after the other,
    join a pair that was decided "different", all of that group are refused: a person must look again.
    """
    schema = {"identity_a": pl.String, "identity_b": pl.String, "decision": pl.String}
    refused = pl.DataFrame(schema=schema)
    if decisions is None or decisions.is_empty():
        return [], [], refused
    ordered = decisions.with_columns(
        pl.min_horizontal("identity_a", "identity_b").alias("identity_a"),
        pl.max_horizontal("identity_a", "identity_b").alias("identity_b"),
    )
    if "when" in ordered.columns:
        ordered = ordered.sort("when", maintain_order=True)
    last = ordered.unique(["identity_a", "identity_b"], keep="last", maintain_order=True).sort(
        "identity_a", "identity_b"
    )
    rows = [
        (clusterer.index[a], clusterer.index[b], decision)
        for a, b, decision in last.select(list(schema)).iter_rows()
        if a in clusterer.index and b in clusterer.index and a != b
    ]
    same = [(a, b) for a, b, decision in rows if decision == SAME]
    different = [(a, b) for a, b, decision in rows if decision == DIFFERENT]
    root: dict[int, int] = {}

    def find(place: int) -> int:
        while root.setdefault(place, place) != place:
            place = root[place]
        return place

    for a, b in same:
        first, second = sorted((find(a), find(b)))
        root[second] = first
    bad = {find(a) for a, b in different if find(a) == find(b)}
    if bad:
        wrong = [
            (clusterer.ids[a], clusterer.ids[b], decision)
            for a, b, decision in rows
            if decision in (SAME, DIFFERENT) and find(a) == find(b) and find(a) in bad
        ]
        refused = pl.DataFrame(wrong, schema=schema, orient="row")
        same = [(a, b) for a, b in same if find(a) not in bad]
        different = [(a, b) for a, b in different if not (find(a) == find(b) and find(a) in bad)]
    return same, different, refused


@dataclass(frozen=True)
class Clustered:
    """The outcome: a cluster for every identity, a decision for every pair, refused decisions."""

    clusters: pl.DataFrame
    links: pl.DataFrame
    contradictions: pl.DataFrame


def cluster(
    identities: pl.DataFrame,
    pairs: pl.DataFrame,
    *,
    threshold: float,
    decisions: pl.DataFrame | None = None,
) -> Clustered:
    """Join identities by falling match weight.

    `pairs` has `identity_a, identity_b, match_weight`. Returns `clusters` (`identity, cluster`, a
    cluster named by its smallest identity), `links` (the pairs with `decision` and `reason`), and
    the contradictory decisions, which were not applied.
    """
    work = Clusterer(identities)
    same, different, contradictions = _cleared(work, decisions)
    for a, b in same:
        work.join(a, b)
    for a, b in different:
        work.part(a, b)
    decided = {tuple(sorted(pair)): SAME for pair in same} | {
        tuple(sorted(pair)): DIFFERENT for pair in different
    }
    ordered = pairs.sort(
        "match_weight", "identity_a", "identity_b", descending=[True, False, False]
    )
    outcome: list[str] = []
    reasons: list[str | None] = []
    for first, second, weight in ordered.select(
        "identity_a", "identity_b", "match_weight"
    ).iter_rows():
        a, b = work.index[first], work.index[second]
        decision, reason = _one(work, a, b, weight, threshold, decided)
        outcome.append(decision)
        reasons.append(reason)
    clusters = pl.DataFrame(
        {
            "identity": work.ids,
            "cluster": [work.ids[work.find(place)] for place in range(len(work.ids))],
        },
        schema={"identity": pl.String, "cluster": pl.String},
    )
    links = ordered.with_columns(
        pl.Series("decision", outcome, dtype=pl.String),
        pl.Series("reason", reasons, dtype=pl.String),
    )
    return Clustered(clusters, links, contradictions)


def _one(
    work: Clusterer,
    a: int,
    b: int,
    weight: float,
    threshold: float,
    decided: dict[tuple[int, ...], str],
) -> tuple[str, str | None]:
    known = decided.get((min(a, b), max(a, b)))
    if known is not None:
        return CLERICAL, f"decided by a person: {known}"
    if work.find(a) == work.find(b):
        return IMPLIED, None
    if weight < threshold:
        return BELOW, None
    reason = work.refusal(a, b)
    if reason is not None:
        return REFUSED, reason
    work.join(a, b)
    return JOINED, None
