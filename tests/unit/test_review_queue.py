"""The order of the clerical queue: what an analyst with one hour should see first."""

from datetime import date

import polars as pl

from profile_pipeline.linkage.clusters import Clusterer
from profile_pipeline.linkage.identities import collapse
from profile_pipeline.linkage.review import queue, together
from profile_pipeline.plan.settings import LinkageSettings
from tests.unit.test_review_folder import subjects

KEY = b"k"
BORN = date(2001, 5, 17)


class Children:
    """Identities by surname, each a person of their own, and pairs between them."""

    def __init__(self, **children: dict[str, object]) -> None:
        rows = [{"forename": "Ella", "surname": name, **more} for name, more in children.items()]
        self.identities, of_record = collapse(subjects(*rows), KEY)
        hashes = dict(of_record.select("record_id", "identity").iter_rows())
        self.of = {name: hashes[f"r{place}"] for place, name in enumerate(children)}

    def queue(
        self,
        *pairs: tuple[str, str, float, str],
        shown: dict[str, str] | None = None,
        together: tuple[tuple[str, ...], ...] = (),
        loose: tuple[tuple[str, str], ...] = (),
        limit: int = 200,
        why: dict[str, str] | None = None,
    ) -> pl.DataFrame:
        """Return the queue of pairs `a, b, match weight, decision`."""
        of = self.of
        cluster = {identity: identity for identity in of.values()}
        for names in together:
            first = min(of[name] for name in names)
            cluster |= {of[name]: first for name in names}
        rows = [
            {
                "identity_a": min(of[a], of[b]), "identity_b": max(of[a], of[b]),
                "match_weight": weight, "match_probability": 0.5, "decision": decision,
                "reason": (why or {"refused": "a rule"}).get(decision),
                "weight_surname": 9.0, "level_surname": "same surname",
            }
            for a, b, weight, decision in pairs
        ]  # fmt: skip
        told = None
        if shown is not None:
            told = pl.DataFrame(
                [(of[name], i) for name, many in shown.items() for i in many],
                schema=["identity", "indicator"],
                orient="row",
            )
        return queue(
            self.identities,
            pl.DataFrame({"identity": list(cluster), "cluster": list(cluster.values())}),
            pl.DataFrame(rows),
            LinkageSettings(review_limit=limit),
            told,
            3,
            pl.DataFrame(
                [sorted((of[a], of[b])) for a, b in loose],
                schema={"identity_a": pl.String, "identity_b": pl.String},
                orient="row",
            ),
        )

    def names(self, found: pl.DataFrame) -> list[set[str]]:
        """Return the names of each pair, in order."""
        name = {identity: name for name, identity in self.of.items()}
        return [{name[a], name[b]} for a, b in found.select("identity_a", "identity_b").iter_rows()]


def test_a_pair_that_makes_a_child_one_of_the_cohort_comes_before_likelier_errors() -> None:
    some = Children(Amy={}, Bea={}, Cat={}, Dot={}, Eve={}, Fay={})
    found = some.queue(
        ("Amy", "Bea", 4.9, "below_threshold"),
        ("Cat", "Dot", 0.1, "below_threshold"),
        ("Eve", "Fay", 0.1, "below_threshold"),
        shown={"Amy": "a", "Bea": "b", "Cat": "ab", "Dot": "c", "Eve": "abc", "Fay": "c"},
    )
    assert some.names(found)[0] == {"Cat", "Dot"}
    assert "apart neither does" in found["matters"][0]
    # Eve has three by herself: the answer adds no child to the cohort.
    assert found.filter(pl.col("matters").str.contains("apart neither")).height == 1


def test_the_likelier_the_linkage_is_wrong_the_sooner_a_pair_comes() -> None:
    some = Children(Amy={}, Bea={}, Cat={}, Dot={}, Eve={}, Fay={}, Gil={}, Hal={})
    found = some.queue(
        ("Amy", "Bea", 9.0, "joined"),
        ("Cat", "Dot", 5.1, "joined"),
        ("Eve", "Fay", 4.9, "below_threshold"),
        ("Gil", "Hal", 0.5, "below_threshold"),
        together=(("Amy", "Bea"), ("Cat", "Dot")),
    )
    assert some.names(found) == [
        {"Eve", "Fay"}, {"Gil", "Hal"}, {"Cat", "Dot"}, {"Amy", "Bea"},
    ]  # fmt: skip


def test_a_link_below_the_threshold_that_holds_a_person_is_asked_about_first() -> None:
    some = Children(Amy={}, Bea={}, Cat={}, Dot={}, Eve={}, Fay={})
    pairs = (
        ("Amy", "Bea", 4.9, "below_threshold"),
        ("Cat", "Dot", 4.8, "below_threshold"),
        ("Eve", "Fay", 4.5, "joined"),
    )
    held = {"together": (("Eve", "Fay"),), "limit": 1}
    assert some.names(some.queue(*pairs, **held)) == [{"Amy", "Bea"}]
    found = some.queue(*pairs, **held, loose=(("Eve", "Fay"),))
    assert some.names(found) == [{"Eve", "Fay"}]
    assert "held together by this link" in found["matters"][0]


def test_a_pair_that_fell_short_and_that_a_rule_forbids_besides_comes_last_and_says_why() -> None:
    upn = {"upn": "A123456789012", "date_of_birth": BORN}
    other = {"upn": "B987654321098", "date_of_birth": BORN}
    some = Children(Amy=upn, Bea=other, Cat={"date_of_birth": BORN}, Cathy={"date_of_birth": BORN})
    found = some.queue(
        ("Amy", "Bea", 4.9, "below_threshold"), ("Cat", "Cathy", 0.1, "below_threshold")
    )
    assert some.names(found) == [{"Cat", "Cathy"}, {"Amy", "Bea"}]
    assert "UPN" in str(found["reason"][1])


def test_the_numbers_that_hold_a_pair_apart_are_shown_though_another_record_gives_them() -> None:
    some = Children(
        Amy={"date_of_birth": BORN},
        Amie={"date_of_birth": BORN, "nhs_number": "9434765919"},
        Bea={"nhs_number": "9434765870"},
    )
    found = some.queue(("Amy", "Bea", 9.0, "refused"), together=(("Amy", "Amie"),))
    side = "a" if found["surname_a"][0] == "amy" else "b"
    other = "b" if side == "a" else "a"
    assert found[f"nhs_{side}"][0] == "9434765919 (another record)"
    assert found[f"nhs_{other}"][0] == "9434765870"
    assert "forename: ella (2)" in found[f"beside_{side}"][0]
    assert "date of birth: 2001-05-17 (2)" in found[f"beside_{side}"][0]


def test_suspects_take_a_bounded_share_after_all_children() -> None:
    children = pl.DataFrame({"role": ["child"] * 10})
    suspects = pl.DataFrame({"role": ["suspect"] * 10})
    both = together(children, suspects, 10)
    assert both["role"].to_list() == ["child"] * 8 + ["suspect"] * 2
    assert together(children.head(0), suspects, 10).height == 2
    assert together(children, suspects.head(0), 10).height == 10


def test_a_joined_pair_says_why_though_its_weight_falls_short() -> None:
    some = Children(Amy={}, Bea={}, Cat={}, Dot={})
    found = some.queue(
        ("Amy", "Bea", 3.9, "joined"),
        ("Cat", "Dot", 2.8, "implied"),
        together=(("Amy", "Bea"), ("Cat", "Dot")),
        loose=(("Cat", "Dot"),),
        why={"joined": "nothing else fits"},
    )
    pairs = map(frozenset, some.names(found))
    said = dict(zip(pairs, found["reason"], strict=True))
    assert said[frozenset({"Amy", "Bea"})].endswith(": nothing else fits")
    assert "through other records" in said[frozenset({"Cat", "Dot"})]


def test_two_whom_people_decided_to_be_different_are_not_asked_about_by_another_pair() -> None:
    some = Children(Amy={}, Amie={}, Bea={}, Cat={})
    work = Clusterer(some.identities)
    one, other = (work.index[some.of[name]] for name in ("Amy", "Bea"))
    work.part(one, other)
    found = some.queue(
        ("Amie", "Bea", 9.0, "refused"),
        ("Amie", "Cat", 9.0, "below_threshold"),
        together=(("Amy", "Amie"),),
        why={"refused": str(work.refusal(one, other))},
    )
    assert some.names(found) == [{"Amie", "Cat"}]
