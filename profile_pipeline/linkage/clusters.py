"""Join identities into persons by falling weight, refusing what can't be one person.

Connected components let one bad link merge two children, and twins are joined by any record that
fits both. Here a link joins two clusters only if nothing the clusters hold as a whole forbids it,
so a refusal holds through every path. Clerical decisions come first and always hold.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from typing import Any

import jellyfish
import polars as pl

from profile_pipeline.linkage.families import hold_families, homes, relatives
from profile_pipeline.linkage.learnt import Learnt
from profile_pipeline.linkage.names import slip

SAME, DIFFERENT, CANT_TELL = "same", "different", "can't tell"
JOINED, IMPLIED, REFUSED, BELOW, CLERICAL = (
    "joined", "implied", "refused", "below_threshold", "clerical",
)  # fmt: skip
ATTESTED = 3  # people (dates of birth) from which a spelling counts as a name of its own
MARGIN = 3.0  # bits by which the best of two rivals must lead
PROFILE_MARGIN = 2.0  # bits above the threshold, as the best of several pairs is taken
PROFILE_ROUNDS = 4
LONELY_ROOM = 4.0  # bits that a lone record's source may add, for each lone side
NOTHING_ELSE = "nothing else fits, and most records of this source fit somewhere"
TWO_FIT = "fits two people about equally well"
NAME_ALONE = "little but the name agrees, and the home is another"
# Share of children who are twins or triplets (ONS, Birth characteristics: 15 to 16 multiple
# maternities in 1,000), share of records with a wrong forename (the model's default m of a
# different forename), and for how many people of the data such a prior counts.
MULTIPLE_BIRTHS, WRONG_FORENAME, PRIOR_PEOPLE = 0.03, 0.02, 20
# Siblings at one home are 30 times as many as twins (1.5 maternities in 100, about one sibling pair
# for every two children); a third of that is allowed for. Only where births spread over so many
# years that siblings would be seen: a file of one school year holds twins and no siblings.
TWINS_TO_SIBLINGS, SIBLING_YEARS = 0.1, 20
NUMBERED_PAIRS = 20  # pairs with numbers from which these tell whether forenames part people
BIRTHS_PART = -5.0  # weight of a different date of birth from which it parts people, bits
# Verdicts on two forenames.
CLASH, DOUBT, FIT = 0, 1, 2


@dataclass(frozen=True)
class Name:
    """The forms of one written name."""

    fore: str
    first: str
    words: frozenset[str]
    telling: frozenset[str]
    kin: frozenset[str]
    all_kin: frozenset[str]
    sounds: frozenset[str]
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
    homes: set[str] = field(default_factory=set)

    def absorb(self, other: Evidence) -> None:
        """Add another cluster's evidence to this one."""
        self.members += other.members
        self.records += other.records
        self.names += other.names
        self.dobs += other.dobs
        self.sexes += other.sexes
        self.local_ids += other.local_ids
        self.homes |= other.homes
        for kind, counter in other.numbers.items():
            self.numbers.setdefault(kind, Counter()).update(counter)

    def kinds(self) -> tuple[bool, int]:
        """Return whether a forename is given, and how many kinds of evidence are held."""
        kinds = (self.dobs, self.sexes, self.local_ids, self.homes)
        return bool(self.names), len(self.numbers) + sum(map(bool, kinds))


def _most(counter: Counter[Any]) -> Any:
    """The value most records give; the smallest of those on a tie, so that order never matters."""
    if not counter:
        return None
    return min(counter.items(), key=lambda item: (-item[1], item[0]))[0]


def _attested(identities: pl.DataFrame) -> frozenset[str]:
    """Return the forenames that several people (dates of birth) bear."""
    counted = (
        identities.select("fore_telling", "dob")
        .explode("fore_telling")
        .drop_nulls()
        .group_by("fore_telling")
        .agg(pl.col("dob").n_unique())
    )
    return frozenset(counted.filter(pl.col("dob") >= ATTESTED)["fore_telling"])


class Names:
    """Compares written forenames, remembering verdicts."""

    def __init__(self, identities: pl.DataFrame, attested: frozenset[str] | None = None) -> None:
        """Number the distinct names of the identities; `attested` where that was learnt before."""
        columns = (
            "fore",
            "fore_words",
            "fore_telling",
            "fore_kin",
            "fore_kin_all",
            "fore_sound",
            "sur_words",
        )
        self.of_identity: list[int] = []
        self.names: list[Name] = []
        known: dict[Hashable, int] = {}
        for row in identities.select(columns).iter_rows():
            fore, words, telling, kin, all_kin, sound, sur = row
            key = (fore, tuple(kin or ()), tuple(all_kin or ()), tuple(sur or ()))
            if key not in known:
                known[key] = len(self.names)
                lists = (words, telling, kin, all_kin, (sound,) if sound else (), sur)
                first = words[0] if words else ""
                self.names.append(
                    Name(fore or "", first, *(frozenset(some or ()) for some in lists))
                )
            self.of_identity.append(known[key])
        self.attested = _attested(identities) if attested is None else attested
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
        if a.fore == b.fore:
            return FIT
        if a.telling & b.telling:
            return FIT if a.first == b.first or self._rest_fits(a, b) else DOUBT
        if a.kin & b.kin:
            return FIT
        if a.words & b.sur_words or b.words & a.sur_words:
            return FIT
        if 1 in (len(a.fore), len(b.fore)):
            return FIT if a.fore[0] == b.fore[0] else DOUBT
        # A name that a whole community bears, beside others that aren't given on both sides.
        if (a.all_kin & b.all_kin) and not (len(a.words) > 1 and len(b.words) > 1):
            return FIT
        # A name given alone may be any of several; several on both sides must be told apart by
        # the ones that aren't shared by a whole community.
        alone = 1 in (len(a.words), len(b.words))
        near = [
            (p, q)
            for p in (a.words if alone else a.telling)
            for q in (b.words if alone else b.telling)
            if min(len(p), len(q)) > 1 and slip(p, q)
        ]
        if any(p not in self.attested or q not in self.attested for p, q in near):
            return FIT
        if near or any(len(sound) >= 2 for sound in a.sounds & b.sounds):
            return DOUBT
        if self._initials(a, b) or self._initials(b, a):
            return DOUBT
        known = a.telling <= self.attested and b.telling <= self.attested
        if not known and jellyfish.jaro_winkler_similarity(a.fore, b.fore) >= 0.75:
            return DOUBT
        return CLASH

    @staticmethod
    def _rest_fits(a: Name, b: Name) -> bool:
        """Whether the names beside a common one may be the same: a sister bears it as her second.

        "Madison L" may be "Madison" or "Lea Madison", but hardly "Courtney Madison".
        """
        common = a.telling & b.telling
        p, q = (
            {word[0] for word in one.words - common if word in one.telling or len(word) == 1}
            for one in (a, b)
        )
        return not p or not q or bool(p & q)

    @staticmethod
    def _initials(a: Name, b: Name) -> bool:
        """Whether one name's initial is that of the other's first ("M Danyal", "Mohammed").

        A middle initial is such a sign ("Robert J", "John") if nothing beside the other's first
        speaks against it: "John J" is another.
        """
        rest = {word[0] for word in b.words if word != b.first}
        return any(
            len(word) == 1
            and b.first.startswith(word)
            and (word == a.first or not rest or a.first[:1] in rest)
            for word in a.words
        )


def _alike(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs of one surname, date of birth and home (postcode or address)."""
    homes = [
        pl.col(f"level_{name}").str.contains(f"^same {name}$|^most words")
        for name in ("postcode", "address")
        if f"level_{name}" in pairs.columns
    ]
    if not homes or not {"level_surname", "level_birth"} <= set(pairs.columns):
        return pairs.select("identity_a", "identity_b").clear()
    return pairs.filter(
        pl.col("level_surname").str.contains("same surname|another spelling")
        & (pl.col("level_birth") == "same date of birth")
        & pl.any_horizontal(homes)
    ).select("identity_a", "identity_b")


def _near_number(a: str, b: str) -> bool:
    return a == b or jellyfish.damerau_levenshtein_distance(a, b) <= 1


def _one_home(x: set[str], y: set[str]) -> bool:
    """Whether two people's postcodes and addresses have one in common, but for slips."""
    if x & y:
        return True
    for a in x:
        for b in y:
            if jellyfish.damerau_levenshtein_distance(a, b) <= 1:
                return True
            one, other = set(a.split()), set(b.split())
            few = min(len(one), len(other))
            if few >= 3 and len(one & other) >= 0.6 * few:  # an address
                return True
    return False


def near_date(a: str, b: str) -> bool:
    """Whether a recording error may explain two dates (yyyymmdd).

    A slip, day and month exchanged, a 1 January default, two of day, month and year the same, or
    ten days at most: siblings can't be born so close unless they are twins.
    """
    if a == b or (a[:4] == b[:4] and ("0101" in (a[4:], b[4:]) or a[4:] == b[6:] + b[4:6])):
        return True
    if (a[:4] == b[:4]) + (a[4:6] == b[4:6]) + (a[6:] == b[6:]) == 2:
        return True
    if jellyfish.damerau_levenshtein_distance(a, b) <= 1:
        return True
    return abs((_day(a) - _day(b)).days) <= 10


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


class Clusterer:
    """Clusters of identities that grow by links and decisions, under constraints."""

    def __init__(self, identities: pl.DataFrame, learnt: Learnt | None = None) -> None:
        """Start with every identity alone; `identities` as from `identities.collapse`."""
        self.learnt = learnt
        self.ids: list[str] = identities["identity"].to_list()
        self.index = {identity: place for place, identity in enumerate(self.ids)}
        self.names = Names(identities, learnt.attested if learnt else None)
        self.root = list(range(len(self.ids)))
        self.clusters: dict[int, Evidence] = {}
        self.apart: dict[int, set[int]] = defaultdict(set)
        self.forenames_part = self.births_part = True
        self.families = hold_families(identities) if learnt is None else learnt.families
        self.odds_of_error = 0.0
        self.homes = homes(identities)
        columns = ("records", "dob", "sex", "nhs_sure", "upn", "local_ids", "postcodes", "address")
        for place, (records, dob, sex, nhs, upn, local, postcodes, address) in enumerate(
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
            evidence.homes = {home for home in (*(postcodes or ()), address) if home}
            self.clusters[place] = evidence

    def find(self, place: int) -> int:
        """Return the cluster that an identity is in."""
        while self.root[place] != place:
            self.root[place] = self.root[self.root[place]]
            place = self.root[place]
        return place

    def unnamed(self, place: int) -> bool:
        """Whether no record of an identity's cluster gives a forename: it may be either twin's."""
        return not self.clusters[self.find(place)].names

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
            verb = "differs" if len(conflict) == 1 else "differ"
            return f"{' and '.join(conflict)} {verb} by more than a slip"
        fit = self._forenames(x, y)
        sexes = _most(x.sexes), _most(y.sexes)
        sex_differs = None not in sexes and sexes[0] != sexes[1]
        if fit is not None and len(agree) < 2:
            if self.forenames_part and fit < 0.5 and not (agree and self._similar(x, y)):
                return "forenames are different names"
            if sex_differs and fit < 1.5 and not agree:
                return "sex differs and forenames may be different names"
        if not agree and not x.dobs & y.dobs:
            dobs = _most(x.dobs), _most(y.dobs)
            if None not in dobs:
                near = any(near_date(p, q) for p in x.dobs for q in y.dobs)
                if not near and self.births_part:
                    return "dates of birth differ by more than a slip"
                if not near and self.families and fit is not None and fit < 1.5:
                    return "dates of birth differ and forenames may be different names"
                if x.homes and y.homes and not _one_home(x.homes, y.homes):
                    return "date of birth and home both differ"
                several = min(x.dobs[dobs[0]], y.dobs[dobs[1]]) >= 3
                if several and "0101" not in (dobs[0][4:], dobs[1][4:]):
                    return "each date of birth is given by several records"
        return None

    def judge(self, pairs: pl.DataFrame, threshold: float) -> None:
        """Settle what a different forename, and a different date of birth, mean in these data.

        Another forename beside one surname, birth and home is a twin or a forename wrongly
        recorded. Both stories are reckoned, and forenames part people unless the odds of the second
        reach the threshold (bits). Where such pairs hold numbers, the numbers tell. Elsewhere the
        rate of twins comes from people whose forename several records give, as an error is hardly
        made twice; that of errors from forenames given once, beyond the twins expected among them.
        Both start from what is known of children at large, so few data don't lift the rule.

        A different date of birth parts people where the model has found that the dates of one
        person hardly ever differ so (weight of BIRTHS_PART or less). Elsewhere it does beside
        forenames that may be different names, if the data hold families.
        """
        if {"level_birth", "weight_birth"} <= set(pairs.columns):
            learnt = pairs.filter(pl.col("level_birth") == "different date of birth")
            weight = learnt["weight_birth"].max()
            self.births_part = not isinstance(weight, float) or weight <= BIRTHS_PART
        if self.learnt is None:
            self.odds_of_error = round(self._odds_of_error(_alike(pairs)), 4)
        else:
            self.odds_of_error = self.learnt.odds_of_error
        self.forenames_part = self.odds_of_error < threshold

    def _odds_of_error(self, alike: pl.DataFrame) -> float:
        """Log2 odds that a forename given once beside one surname, birth and home is an error."""
        same, clash = [], []
        agree = differ = 0
        for first, second in alike.iter_rows():
            a, b = self.index[first], self.index[second]
            verdict = self.names.verdict(self.names.of_identity[a], self.names.of_identity[b])
            if verdict == FIT:
                same.append((a, b))
            elif verdict == CLASH:
                clash.append((a, b))
                yes, no = self._numbers(self.clusters[a], self.clusters[b])
                agree, differ = agree + bool(yes), differ + bool(no and not yes)
        if agree + differ >= NUMBERED_PAIRS:
            return math.log2((agree + 0.5) / (differ + 0.5))
        root: dict[int, int] = {}

        def find(place: int) -> int:
            while root.setdefault(place, place) != place:
                place = root[place]
            return place

        for a, b in same:
            first_root, second_root = sorted((find(a), find(b)))
            root[second_root] = first_root
        records: Counter[int] = Counter()
        for place, evidence in self.clusters.items():
            if evidence.names and evidence.dobs and evidence.homes:
                records[find(place)] += evidence.records
        twins, odd = set(), set()
        for a, b in clash:
            for one, other in ((find(a), find(b)), (find(b), find(a))):
                if records[one] > 1 and records[other] > 1:
                    twins.add(one)
                elif records[one] == 1:
                    odd.add(one)
        most = self._twins_at_most()
        if most is not None:
            apart = len({(min(r), max(r)) for r in ((find(a), find(b)) for a, b in clash)})
            return math.log2((max(0.0, apart - most) + 0.5) / most)
        several = sum(count > 1 for count in records.values())
        rate = (len(twins) + MULTIPLE_BIRTHS * PRIOR_PEOPLE) / (several + PRIOR_PEOPLE)
        lone = len(records) - several
        error = (max(0.0, len(odd) - rate * lone) + WRONG_FORENAME * PRIOR_PEOPLE) / (
            lone + PRIOR_PEOPLE
        )
        return math.log2(error / rate)

    def _twins_at_most(self) -> float | None:
        """Return how many twin pairs there may be, from siblings; None where none could be seen."""
        if "year" not in self.homes.columns:
            return None
        years = self.homes["year"]
        early, late = years.quantile(0.05), years.quantile(0.95)
        if early is None or late is None or late - early < SIBLING_YEARS:
            return None
        return TWINS_TO_SIBLINGS * sum(relatives(self.homes))

    def _similar(self, x: Evidence, y: Evidence) -> bool:
        """Whether the usual forenames look alike, which with one agreeing number is enough."""
        usual = _most(x.names), _most(y.names)
        if None in usual:
            return False
        a, b = (self.names.names[place].fore for place in usual)
        return (
            jellyfish.jaro_winkler_similarity(a, b) >= 0.7
            or jellyfish.damerau_levenshtein_distance(a, b) <= 1
        )

    def share_a_number(self, a: int, b: int) -> bool:
        """Whether the clusters of two identities hold one number or local id."""
        return bool(self._numbers(self.clusters[self.find(a)], self.clusters[self.find(b)])[0])

    def _numbers(self, x: Evidence, y: Evidence) -> tuple[list[str], list[str]]:
        agree, conflict = [], []
        for kind in ("NHS number", "UPN"):
            p, q = x.numbers.get(kind), y.numbers.get(kind)
            if not p or not q:
                continue
            if (
                _near_number(_most(p), _most(q))
                or (_most(p) in q and q[_most(p)] * 2 >= q.total())
                or (_most(q) in p and p[_most(q)] * 2 >= p.total())
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
        return (fit is None or fit > 1.5) and (None in dobs or near_date(*dobs))

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
    join a pair decided "different", all of that group are refused until someone looks again.
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
    learnt: Learnt


def cluster(
    identities: pl.DataFrame,
    pairs: pl.DataFrame,
    *,
    threshold: float,
    strict: float = 14.0,
    decisions: pl.DataFrame | None = None,
    learnt: Learnt | None = None,
    held: pl.DataFrame | None = None,
    lonely: bool = True,
) -> Clustered:
    """Join identities by falling match weight.

    `pairs` has `identity_a, identity_b, match_weight`. Returns `clusters` (`identity, cluster`, a
    cluster named by its smallest identity), `links` (the pairs with `decision` and `reason`), and
    the contradictory decisions, which were not applied. With `learnt`, what an earlier run found
    out about its data is used instead of found out again. `held` (`identity_a, identity_b`) are
    joined from the start, as decisions are, unless people decided otherwise. Without `lonely` no
    record joins its one candidate below the threshold for standing alone.
    """
    identities = _in_order(identities)
    work = Clusterer(identities, learnt)
    work.judge(pairs, threshold)
    same, different, contradictions = _cleared(work, decisions)
    for a, b in same:
        work.join(a, b)
    for a, b in different:
        work.part(a, b)
    for one, other in () if held is None else held.select("identity_a", "identity_b").iter_rows():
        a, b = work.index[one], work.index[other]
        if work.find(b) not in work.apart[work.find(a)]:
            work.join(a, b)
    ordered = pairs.with_columns(
        pl.col(f"identity_{side}").replace_strict(work.index, return_dtype=pl.Int64).alias(side)
        for side in "ab"
    ).sort(
        pl.col("match_weight"), pl.min_horizontal("a", "b"), pl.max_horizontal("a", "b"),
        descending=[True, False, False],
    )  # fmt: skip
    edges = list(ordered.select("a", "b", "match_weight").iter_rows())
    ordered = ordered.drop("a", "b")
    neighbours: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for a, b, weight in edges:
        if weight >= threshold - MARGIN:
            neighbours[a].append((b, weight))
            neighbours[b].append((a, weight))
    joined: set[tuple[int, int]] = set()
    reasons: dict[tuple[int, int], str] = {}
    for a, b, weight in edges:
        if weight < threshold:
            break
        if work.find(a) == work.find(b):
            continue
        reason = work.refusal(a, b)
        sure = weight >= strict and not work.unnamed(a) and not work.unnamed(b)
        if reason is None and _rival(work, neighbours, a, b, weight, sure):
            reason = TWO_FIT
        if reason is None:
            work.join(a, b)
            joined.add((a, b))
        else:
            reasons[a, b] = reason
    _join_profiles(work, ordered, threshold + PROFILE_MARGIN, joined, reasons)
    placed = _alone(identities, work)
    alone = _chances(placed) if learnt is None else learnt.alone
    if lonely:
        _join_lonely(work, edges, lone_bits(placed, alone), threshold, joined, reasons)
    decided = {tuple(sorted(pair)): SAME for pair in same} | {
        tuple(sorted(pair)): DIFFERENT for pair in different
    }
    outcome = [_outcome(work, edge, threshold, joined, reasons, decided) for edge in edges]
    clusters = (
        pl.DataFrame(
            {"identity": work.ids, "root": [work.find(place) for place in range(len(work.ids))]},
            schema={"identity": pl.String, "root": pl.Int64},
        )
        .select("identity", pl.col("identity").min().over("root").alias("cluster"))
        .sort("identity")
    )
    links = ordered.with_columns(
        pl.Series("decision", [decision for decision, _ in outcome], dtype=pl.String),
        pl.Series("reason", [reason for _, reason in outcome], dtype=pl.String),
    )
    found = Learnt(work.names.attested, work.odds_of_error, alone, work.families)
    return Clustered(clusters, links, contradictions, found)


def _in_order(identities: pl.DataFrame) -> pl.DataFrame:
    """Sort identities by what they hold: no tie is broken by a key or by the order of rows."""
    columns = (
        "forename", "surname", "dob", "sex", "postcode", "sector", "district", "nhs", "upn",
        "address", "records", "in_datasets", "local_ids", "postcodes", "other_names", "identity",
    )  # fmt: skip
    keys = [
        pl.col(name).list.join("|") if identities.schema[name] == pl.List(pl.String) else name
        for name in columns
        if name in identities.columns
    ]
    return identities.sort(keys, nulls_last=True)


def _rival(
    work: Clusterer,
    neighbours: dict[int, list[tuple[int, float]]],
    a: int,
    b: int,
    weight: float,
    sure: bool = False,
) -> bool:
    """Whether one side fits a third cluster about as well, which the other side can't be.

    Which of the two it is nothing tells then, however much agrees. The side in question is the one
    without a forename, or else the one with fewer records, and the one that holds less. Beside a
    link that is `sure` by its weight, a third that shares a number with the other side is no rival:
    their names are rather two spellings of one person's.
    """
    sides = work.find(a), work.find(b)
    held = {place: work.clusters[place].kinds() for place in sides}
    asked = {
        min(sides, key=lambda place: (held[place][0], work.clusters[place].records)),
        *(place for place in sides if held[place] == min(held.values())),
    }
    for one in sorted(asked):
        other = sides[0] if one == sides[1] else sides[1]
        thirds = {
            work.find(third)
            for member in work.clusters[one].members
            for third, found in neighbours[member]
            if found >= weight - MARGIN
        }
        fitting = [
            third for third in sorted(thirds - set(sides)) if work.refusal(third, one) is None
        ]
        if any(
            work.refusal(third, other) is not None
            and not (sure and work.share_a_number(third, other))
            for third in fitting
        ):
            return True
        # Nor does a record without forename join a third that fits either of two twins as well.
        if not held[one][0] and any(
            work.refusal(*pair) is not None for pair in combinations(fitting, 2)
        ):
            return True
    return False


# Comparisons that speak of one thing: the best pair is taken for them together.
_TOGETHER = (
    ("forename", "second_forename", "surname"), ("birth", "age"), ("postcode", "area"), ("sex",),
    ("nhs",), ("upn",), ("local_id",), ("address",), ("contact",), ("nickname",), ("vehicle",),
    ("alias",), ("case",), ("premises",),
)  # fmt: skip
# What takes back part of what others tell: between clusters the worst pair counts.
TAKES_BACK = ("household",)


def _profiles(work: Clusterer, pairs: pl.DataFrame) -> pl.DataFrame:
    """Return weights between clusters: for each kind of evidence, the best of their pairs.

    A child who moved or changed name agrees with one of their records in the address and with
    another in the name. Columns `a, b` (one identity of each cluster), `weight`.
    """
    names = {c.removeprefix("weight_") for c in pairs.columns if c.startswith("weight_")}
    groups = [[name for name in group if name in names] for group in _TOGETHER]
    groups = [group for group in groups if group]
    against = [f"weight_{name}" for name in TAKES_BACK if name in names]
    place = pl.DataFrame(
        {"identity": work.ids, "root": [work.find(i) for i in range(len(work.ids))]},
        schema={"identity": pl.String, "root": pl.Int64},
    )
    between = (
        pairs.join(place.rename({"identity": "identity_a", "root": "a"}), on="identity_a")
        .join(place.rename({"identity": "identity_b", "root": "b"}), on="identity_b")
        .filter(pl.col("a") != pl.col("b"))
        .with_columns(
            pl.min_horizontal("a", "b").alias("a"),
            pl.max_horizontal("a", "b").alias("b"),
            (
                pl.col("match_weight")
                - pl.sum_horizontal(f"weight_{n}" for g in groups for n in g)
                - pl.sum_horizontal(pl.lit(0.0), *against)
            ).alias("prior"),
        )
    )
    best = [
        pl.sum_horizontal(f"weight_{name}" for name in group).max().alias(f"best_{place}")
        for place, group in enumerate(groups)
    ]
    return (
        between.group_by("a", "b")
        .agg(*best, pl.col("prior").min(), pl.col(against).min())
        .select(
            "a",
            "b",
            pl.sum_horizontal("prior", *(f"best_{place}" for place in range(len(groups))), *against)
            .round(4)
            .alias("weight"),
        )
        .sort("weight", "a", "b", descending=[True, False, False])
    )


def _join_profiles(
    work: Clusterer,
    pairs: pl.DataFrame,
    threshold: float,
    joined: set[tuple[int, int]],
    reasons: dict[tuple[int, int], str],
) -> None:
    """Join clusters whose evidence taken together reaches the threshold, best first, in rounds."""
    if not any(column.startswith("weight_") for column in pairs.columns):
        return
    for _ in range(PROFILE_ROUNDS):
        rows = list(
            _profiles(work, pairs).filter(pl.col("weight") >= threshold - MARGIN).iter_rows()
        )
        neighbours: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for a, b, weight in rows:
            neighbours[a].append((b, weight))
            neighbours[b].append((a, weight))
        done = False
        for a, b, weight in rows:
            if weight < threshold:
                break
            if work.find(a) == work.find(b) or work.refusal(a, b) is not None:
                continue
            if _rival(work, neighbours, a, b, weight):
                reasons.setdefault((a, b), TWO_FIT)
                continue
            work.join(a, b)
            done = True
        if not done:
            return


def _alone(identities: pl.DataFrame, work: Clusterer) -> pl.DataFrame:
    """Return `place, dataset, alone`: identities by dataset, and whether they are a lone record."""
    sizes = Counter(work.find(place) for place in range(len(work.ids)))
    alone = pl.Series(
        [sizes[work.find(place)] == 1 for place in range(len(work.ids))], dtype=pl.Boolean
    )
    return identities.select(
        pl.int_range(pl.len()).alias("place"),
        pl.col("in_datasets").alias("dataset"),
        (alone & (pl.col("records") == 1)).alias("alone"),
    ).explode("dataset")


def _chances(placed: pl.DataFrame) -> dict[str, float]:
    """Return, by dataset, the chance that an identity is a lone record (Jeffreys)."""
    found = placed.group_by("dataset").agg(
        ((pl.col("alone").sum() + 0.5) / (pl.len() + 1)).round(6).alias("chance")
    )
    return dict(found.sort("dataset").iter_rows())


def lone_bits(placed: pl.DataFrame, chances: Mapping[str, float]) -> dict[int, float]:
    """Return for each record that stands alone the bits by which it is expected not to.

    A match weight compares "these two are one person" with "these two are any two people". A
    record's one candidate competes with less: that nobody else in the data is this person. Where
    nearly all of a source's records have others of the same person that is rare, and its chance
    (`chances`, by dataset) takes the place of one. At most LONELY_ROOM bits, as some may have been
    found a partner wrongly. A source not known of before adds nothing.
    """
    known = pl.DataFrame(
        {"dataset": list(chances), "chance": list(chances.values())},
        schema={"dataset": pl.String, "chance": pl.Float64},
    )
    bits = (
        placed.filter("alone")
        .join(known, on="dataset")
        .select("place", (-pl.col("chance").log(2)).clip(0, LONELY_ROOM).round(4))
    )
    return dict(bits.iter_rows())


def _join_lonely(
    work: Clusterer,
    edges: list[tuple[int, int, float]],
    bits: dict[int, float],
    threshold: float,
    joined: set[tuple[int, int]],
    reasons: dict[tuple[int, int], str],
) -> None:
    """Join lone records to their one candidate, best first, by weight and what being alone tells.

    A lone record that fits another cluster within MARGIN bits stays alone.
    """
    least = threshold - 2 * LONELY_ROOM - MARGIN
    neighbours: dict[int, list[tuple[int, float]]] = defaultdict(list)
    heap: list[tuple[float, int, int, float]] = []
    for a, b, weight in edges:
        for lone, other in ((a, b), (b, a)):
            if weight >= least:
                neighbours[lone].append((other, weight))
        if a in bits or b in bits:
            most = weight + bits.get(a, 0.0) + bits.get(b, 0.0)
            if most >= threshold and work.find(a) != work.find(b):
                heap.append((-most, a, b, weight))
    heapq.heapify(heap)
    while heap:
        negative, a, b, weight = heapq.heappop(heap)
        if work.find(a) == work.find(b):
            continue
        bare = [
            place
            for place in (a, b)
            if place in bits and work.clusters[work.find(place)].records == 1
        ]
        now = weight + sum(bits[place] for place in bare)
        if now < threshold:
            continue
        if now < -negative:
            heapq.heappush(heap, (-now, a, b, weight))
            continue
        reason = work.refusal(a, b)
        if reason is None and (
            any(
                _else_fits(work, neighbours, place, b if place == a else a, weight)
                for place in bare
            )
            or _rival(work, neighbours, a, b, weight)
        ):
            reason = TWO_FIT
        if reason is None and bare and name_alone(work.clusters, work.find(a), work.find(b)):
            reason = NAME_ALONE
        if reason is None and bare:
            work.join(a, b)
            joined.add((a, b))
            reasons[a, b] = NOTHING_ELSE
        elif reason is not None:
            reasons.setdefault((a, b), reason)


def name_alone(clusters: dict[int, Evidence], a: int, b: int) -> bool:
    """Whether two clusters with homes share no home, date of birth or number.

    That nobody else fits says little of a namesake who lives elsewhere: the source may know a child
    whom no other source does, above all one of another area.
    """
    x, y = clusters[a], clusters[b]
    shared = x.homes & y.homes or x.dobs & y.dobs or x.local_ids & y.local_ids
    numbers = any(x.numbers.get(kind, Counter()) & held for kind, held in y.numbers.items())
    return bool(x.homes and y.homes) and not (shared or numbers)


def _else_fits(
    work: Clusterer,
    neighbours: dict[int, list[tuple[int, float]]],
    lone: int,
    other: int,
    weight: float,
) -> bool:
    """Whether a lone record fits a third cluster about as well as the one it may join."""
    here = {work.find(lone), work.find(other)}
    return any(
        found >= weight - MARGIN
        and work.find(third) not in here
        and work.refusal(lone, third) is None
        for third, found in neighbours[lone]
    )


def _outcome(
    work: Clusterer,
    edge: tuple[int, int, float],
    threshold: float,
    joined: set[tuple[int, int]],
    reasons: dict[tuple[int, int], str],
    decided: dict[tuple[int, ...], str],
) -> tuple[str, str | None]:
    a, b, weight = edge
    known = decided.get((min(a, b), max(a, b)))
    if known is not None:
        return CLERICAL, f"decided by a person: {known}"
    if (a, b) in joined:
        return JOINED, reasons.get((a, b))
    if work.find(a) == work.find(b):
        return IMPLIED, None
    if weight < threshold:
        return BELOW, None
    return REFUSED, reasons.get((a, b)) or work.refusal(a, b) or TWO_FIT
