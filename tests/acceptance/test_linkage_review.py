"""The review loop: decisions that hold, ids that last, merges and splits told, accuracy printed.

One folder goes through three runs: as it came; after a reviewer's workbook; and, its warehouse
deleted, after new files, corrected files and decisions that contradict one another.
"""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from tests.acceptance import linkage_cases as cases
from tests.exam_runs import Ran, command

pytestmark = pytest.mark.slow

SAME = "twin girls without numbers"  # decided against the program: one child, both names known
DIFFERENT = "surname by gender"  # decided against the program: two girls
UNSURE = "father and son"
CONTRADICTORY = "brothers and sisters"
WHO, WHEN, WHY = "A. Reviewer", "2016-04-30", "both files looked up"
EARLIER = "2015-16_Q3"


@dataclass
class Loop:
    borough: cases.Borough
    before: Ran  # as it came
    after: Ran  # decided
    decided: dict[str, set[frozenset[str]]]


def _keep(ran: Ran, name: str) -> Ran:
    """A copy of what the run left, so that the next run in the folder doesn't change it."""
    to = cases.place() / name
    shutil.copytree(ran.folder, to)
    return Ran(to, ran.code, ran.out, ran.err, ran.seconds, ran.cpu_seconds, ran.peak_mb)


def _truth(b: cases.Borough) -> dict[tuple[str, int], tuple[str, str]]:
    return {(r.dataset, r.at): (r.case, r.who) for r in b.rows if r.role == "child"}


def _told(rows: str, truth: dict) -> set[tuple[str, str]]:
    """Whose a side's rows are: rows of the file, the headings being the first."""
    found = re.findall(r"(\w+)/2015-16_Q4\.csv, row (\d+) of the file", rows)
    assert found
    return {truth[d, int(n) - 2] for d, n in found}


@cache
def decided() -> Loop:
    """A reviewer decides three pairs of `Review` and, by truth, all of `Sample`."""
    b, first = cases.first()
    ran = _keep(first, "decided")
    truth = _truth(b)
    book = openpyxl.load_workbook(ran.output / "restricted" / "clerical_review.xlsx")
    pairs: dict[str, set[frozenset[str]]] = {}
    answers = {SAME: "same", DIFFERENT: "different", UNSURE: "can't tell"}
    of_case = {i: name for name in answers for _, i in cases.identities(b, ran, name)}
    for sheet in ("Review", "Sample"):
        head = [c.value for c in book[sheet][1]]
        for cells in book[sheet].iter_rows(min_row=2):
            at = dict(zip(head, cells, strict=True))
            one, other = at["identity a"].value, at["identity b"].value
            case = of_case.get(one) if of_case.get(one) == of_case.get(other) else None
            if sheet == "Review":
                if case is None or case in pairs:
                    continue
                answer = answers[case]
                pairs.setdefault(case, set()).add(frozenset((one, other)))
            else:
                if of_case.get(one) or of_case.get(other):
                    continue
                a, c = (_told(at[f"rows of {side}"].value, truth) for side in "ab")
                unsure = len(a) > 1 or len(c) > 1 or any(w == "?" for _, w in a | c)
                answer = "can't tell" if unsure else "same" if a == c else "different"
            at["decision"].value, at["who"].value = answer, WHO
            at["when"].value, at["why"].value = WHEN, WHY
    book.save(ran.folder / "review" / "decided.xlsx")
    return Loop(b, first, _keep(cases.run(ran.folder), "decided-kept"), pairs)


@cache
def later() -> tuple[Loop, Ran]:
    """A quarter more, a file corrected, one sent with rows on top; the warehouse deleted."""
    loop = decided()
    folder = Path(tempfile.mkdtemp(dir=cases.place())) / "later"
    shutil.copytree(loop.after.folder, folder)
    (folder / "warehouse.duckdb").unlink()
    new = cases.Borough(day=700)
    # an earlier quarter comes late: a record that fits both of DIFFERENT, and an unrelated child
    new.police(DIFFERENT, "?", "Zofia", "Wierzbowska", "2000-07-19", "F", "DY9 3BB")
    new.council(
        DIFFERENT, "?", "Zofia", "Wierzbowski", "2000-07-19", "F", "DY2 1AP", council_id="C79001"
    )
    new.council(
        "new child", "A", "Zebedee", "Xanthorpe", "2001-12-02", "M", "DY8 9QQ", council_id="C79002"
    )
    for r in new.rows:
        r.cells[cases.COLUMNS[r.dataset][-1]] = "2015-11-11"
    for dataset in ("council", "police"):
        path = folder / "data" / dataset / f"{EARLIER}.csv"
        with path.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, cases.COLUMNS[dataset], restval="")
            writer.writeheader()
            writer.writerows(r.cells for r in new.rows if r.dataset == dataset)
    # council and police send the quarter again with cells put right, in place
    _correct(folder, "council", "Forename", "Imogen", "Postcode", "DY3 1AX")  # of SAME
    _correct(folder, "council", "Forename", "Horatia", "Postcode", "DY3 4AX")  # her only record
    # school sends it again with two rows more on top
    path = folder / "data" / "school" / f"{cases.QUARTER}.csv"
    head, *rest = path.read_text("utf-8").splitlines()
    top = [
        ",Wolfram,Yellowham,2002-08-08,M,DY7 9QQ,2016-02-02",
        ",Ygraine,Zouchley,2003-09-09,F,DY6 9QQ,2016-02-03",
    ]
    path.write_text("\n".join([head, *top, *rest]) + "\n", "utf-8")
    # A is B, B is C, and A is not C
    found = {
        r.who: i
        for r, i in cases.identities(loop.borough, loop.after, CONTRADICTORY)
        if r.dataset == "council"
    }
    file = folder / "review" / "decisions.csv"
    have = pl.read_csv(file, infer_schema=False)
    more = [
        {
            "identity_a": min(found[x], found[y]),
            "identity_b": max(found[x], found[y]),
            "decision": answer,
            "who": WHO,
            "decided_on": WHEN,
            "why": WHY,
            "source": "by hand",
        }
        for x, y, answer in (("A", "B", "same"), ("B", "C", "same"), ("A", "C", "different"))
    ]
    pl.concat([have, pl.DataFrame(more)], how="diagonal").write_csv(file)
    return loop, cases.run(folder)


def _correct(folder, dataset, column, value, other, to) -> None:
    path = folder / "data" / dataset / f"{cases.QUARTER}.csv"
    frame = pl.read_csv(path, infer_schema=False).with_columns(pl.all().fill_null(""))
    assert (frame[column] == value).sum() == 1
    frame.with_columns(
        pl.when(pl.col(column) == value).then(pl.lit(to)).otherwise(pl.col(other)).alias(other)
    ).write_csv(path)


def _person(ran: Ran, loop: Loop, name: str, who: str, dataset: str, shift: int = 0) -> str:
    (row,) = (r for r in loop.borough.rows if (r.case, r.who, r.dataset) == (name, who, dataset))
    return cases.persons_of(ran)[dataset, row.at + shift, row.role]


# --- decisions


def test_the_pairs_to_decide_are_in_the_workbook():
    assert set(decided().decided) == {SAME, DIFFERENT, UNSURE}


def test_decisions_are_kept_with_who_when_and_why():
    """Point 4: "decisions (...) (who, when, why) are kept in `review/decisions.csv`"."""
    loop = decided()
    kept = pl.read_csv(loop.after.folder / "review" / "decisions.csv", infer_schema=False)
    have = {frozenset((r["identity_a"], r["identity_b"])): r for r in kept.iter_rows(named=True)}
    for name, answer in ((SAME, "same"), (DIFFERENT, "different"), (UNSURE, "can't tell")):
        for pair in loop.decided[name]:
            row = have[pair]
            assert row["decision"] == answer
            assert (row["who"], row["decided_on"], row["why"]) == (WHO, WHEN, WHY)


def test_a_pair_decided_the_same_is_one_person():
    loop = decided()
    (pair,) = loop.decided[SAME]
    assert len(_persons_of_identities(loop.after, pair)) == 1


def test_a_pair_decided_different_is_two_persons():
    loop = decided()
    (pair,) = loop.decided[DIFFERENT]
    assert len(_persons_of_identities(loop.before, pair)) == 1
    assert len(_persons_of_identities(loop.after, pair)) == 2


def _persons_of_identities(ran: Ran, pair) -> set[str]:
    names = ", ".join(f"'{i}'" for i in pair)
    got = ran.sql(
        "select distinct r.person_id from people.identity i"
        " join people.record_person r using (dataset, file, row, role)"
        f" where i.identity in ({names})"
    )
    return set(got["person_id"])


def test_decided_pairs_are_not_asked_again():
    loop = decided()
    queue = loop.after.sql("select identity_a, identity_b from people.review_queue")
    asked = {frozenset(r) for r in queue.iter_rows()}
    assert not asked & set().union(*loop.decided.values())


def test_right_decisions_change_no_other_person():
    """All of the sample was answered by truth: nobody but the three decided cases may change."""
    loop = decided()
    before, after = cases.persons_of(loop.before), cases.persons_of(loop.after)
    spared = {SAME, DIFFERENT, UNSURE}
    named = [r for r in loop.borough.rows if r.case not in spared and r.who != "?"]
    wrong = {"a common name and 1 January"}  # decided rightly, if it was in the sample
    changed = {
        r.case for r in named if before[r.dataset, r.at, r.role] != after[r.dataset, r.at, r.role]
    }
    assert changed <= wrong


def test_merges_and_splits_are_logged_with_old_and_new_ids():
    """Point 6: "merges and splits are logged with old and new ids"."""
    loop = decided()
    log = {tuple(r) for r in loop.after.sql(
        "select change, old_person_id, new_person_id from people.change").iter_rows()}  # fmt: skip
    (pair,) = loop.decided[SAME]
    old = _persons_of_identities(loop.before, pair)
    (new,) = _persons_of_identities(loop.after, pair)
    assert {("merge", o, new) for o in old - {new}} <= log
    (pair,) = loop.decided[DIFFERENT]
    (one,) = _persons_of_identities(loop.before, pair)
    parts = _persons_of_identities(loop.after, pair)
    assert one in parts
    assert {("split", one, p) for p in parts - {one}} <= log


def test_a_new_id_was_never_anybodys():
    loop = decided()
    (pair,) = loop.decided[DIFFERENT]
    fresh = _persons_of_identities(loop.after, pair) - _persons_of_identities(loop.before, pair)
    assert not fresh & set(cases.persons_of(loop.before).values())


def test_explain_of_a_retired_id_names_the_person_it_became():
    """Point 5, 6: an id that was merged away is still understood."""
    loop = decided()
    (pair,) = loop.decided[SAME]
    (new,) = _persons_of_identities(loop.after, pair)
    (old,) = _persons_of_identities(loop.before, pair) - {new}
    told = command("explain", old, "--profile", str(loop.after.folder), folder=loop.after.folder)
    assert new in told.text
    assert "Traceback" not in told.text


def test_explain_tells_of_the_decision():
    loop = decided()
    (pair,) = loop.decided[SAME]
    (new,) = _persons_of_identities(loop.after, pair)
    told = command("explain", new, "--profile", str(loop.after.folder), folder=loop.after.folder)
    assert told.code == 0
    assert re.search(rf"I\d and I\d: same, by {WHO} on {WHEN} \({WHY}\)", told.out)


def test_explain_says_what_argued_against_a_decision():
    """Point 5: "what argued against": two forenames, held to be one child by a decision alone."""
    loop = decided()
    (pair,) = loop.decided[SAME]
    (new,) = _persons_of_identities(loop.after, pair)
    told = command("explain", new, "--profile", str(loop.after.folder), folder=loop.after.folder)
    assert "different forename" in told.out


# --- accuracy, estimated from decisions alone


@pytest.mark.parametrize("measure", ["precision", "recall"])
def test_accuracy_is_estimated_with_an_interval_that_holds_the_truth(measure):
    """Point 4: "precision and recall can be estimated with intervals *without* truth"."""
    loop = decided()
    got = loop.after.sql(
        f"select value, lower, upper, pairs_decided from people.linkage_accuracy"
        f" where dimension = 'all' and measure = '{measure}'"
    ).row(0, named=True)
    assert got["pairs_decided"] > 100
    assert 0 <= got["lower"] <= got["value"] <= got["upper"] <= 1
    assert got["lower"] < got["upper"]
    truth = _truth(loop.borough)
    rows = loop.before.sql("select dataset, row::bigint as row, identity from people.identity"
                           " where role = 'child'")  # fmt: skip
    who = {i: truth[d, n] for d, n, i in rows.iter_rows()}
    right = joined = same = 0
    links = loop.before.sql("select identity_a, identity_b, decision from people.link")
    for one, other, decision in links.iter_rows():
        if one in who and other in who and "?" not in (who[one][1], who[other][1]):
            together = decision in {"joined", "implied"}
            true = who[one] == who[other]
            right, joined, same = right + (together and true), joined + together, same + true
    share = right / (joined if measure == "precision" else same)
    assert got["lower"] - 1e-9 <= share <= got["upper"] + 1e-9


def test_report_prints_precision_and_recall_with_intervals():
    """Point 4: "and the profile prints them"."""
    page = decided().after.output / "sub_group" / "problem_profile.html"
    text = " ".join(re.sub(r"<[^>]*>", " ", page.read_text("utf-8")).split())
    part = text[text.index("Who is who") :][:6000]
    figure = r"\d+\.\d% \(\d+\.\d to \d+\.\d\)"
    assert re.search(rf"All {figure} {figure}", part)  # right of the joins made; made of those due


def test_accuracy_of_the_cohort_is_measured_apart():
    """Point 7: "Purity and recall of that cohort are measured apart"."""
    got = decided().after.sql("select distinct dimension, category from people.linkage_accuracy")
    told = " ".join(f"{d} {c}" for d, c in got.iter_rows()).casefold()
    assert "cohort" in told or "indicators" in told


@pytest.mark.parametrize("dimension", ["ethnic_group", "sex", "looked_after", "source"])
def test_accuracy_by_group(dimension):
    """Point 8: precision and recall by ethnic group, sex, looked-after status and source."""
    got = decided().after.sql(
        "select * from people.linkage_accuracy where value is not null"
        f" and dimension = '{dimension}'"
    )
    assert not got.is_empty()
    assert got.filter(pl.col("lower").is_null() | pl.col("upper").is_null()).is_empty()


# --- a quarter later


def test_decision_same_survives_a_corrected_record():
    """Point 4: decisions "survive re-runs and new data": a twin's postcode was put right."""
    loop, ran = later()
    have = {_person(ran, loop, SAME, who, "council") for who in "AB"}
    assert len(have) == 1


def test_decision_different_survives_a_record_that_fits_both():
    """Point 4: "override the model for ever"."""
    loop, ran = later()
    assert _person(ran, loop, DIFFERENT, "A", "council") != _person(
        ran, loop, DIFFERENT, "A", "police"
    )


def test_persons_keep_their_ids_over_a_new_quarter_and_a_deleted_warehouse():
    """Point 6: "A person keeps the id over re-runs, new quarters and corrected files"."""
    loop, ran = later()
    before, after = cases.persons_of(loop.after), cases.persons_of(ran)
    spared = {SAME, DIFFERENT, CONTRADICTORY, "the same digits from two agencies"}
    changed = []
    for r in loop.borough.rows:
        if r.case in spared:
            continue
        shift = 2 if r.dataset == "school" else 0  # two rows more on top
        if before[r.dataset, r.at, r.role] != after[r.dataset, r.at + shift, r.role]:
            changed.append((r.case, r.dataset))
    assert not changed


def test_a_child_whose_only_record_is_corrected_keeps_the_id():
    """Point 6: "corrected files": the same row with another postcode is the same child."""
    loop, ran = later()
    name = "the same digits from two agencies"
    assert _person(ran, loop, name, "A", "council") == _person(
        loop.after, loop, name, "A", "council"
    )


def test_an_id_that_a_correction_took_away_is_logged_or_kept():
    """Point 6: "merges and splits are logged with old and new ids": no id vanishes."""
    loop, ran = later()
    have = set(ran.sql("select distinct person_id from people.record_person")["person_id"])
    log = pl.read_csv(ran.folder / "review" / "person_changes.csv", infer_schema=False)
    told = set(log["old_person_id"])
    gone = set(cases.persons_of(loop.after).values()) - have
    assert gone <= told


def test_new_children_get_new_ids():
    loop, ran = later()
    known = set(cases.persons_of(loop.before).values()) | set(cases.persons_of(loop.after).values())
    got = cases.persons_of(ran)
    assert not {got["school", 0, "child"], got["school", 1, "child"]} & known
    assert not {cases.persons_of(ran, EARLIER)["council", 1, "child"]} & known


def test_contradictory_decisions_are_listed():
    """Measures: "contradictory decisions are listed and refused"."""
    loop, ran = later()
    found = {
        i
        for r, i in cases.identities(loop.borough, loop.after, CONTRADICTORY)
        if r.dataset == "council"
    }
    listed = ran.sql("select identity_a, identity_b from people.contradiction")
    pairs = [set(p) for p in listed.iter_rows() if set(p) <= found]
    assert len(pairs) >= 2
    assert set().union(*pairs) == found


def test_contradictory_decisions_are_refused():
    loop, ran = later()
    before = [_person(loop.after, loop, CONTRADICTORY, w, "council") for w in "ABC"]
    assert [_person(ran, loop, CONTRADICTORY, w, "council") for w in "ABC"] == before


def test_every_decision_is_audited():
    """Point 4: decisions "are audited": each says what became of it."""
    _, ran = later()
    kept = pl.read_csv(ran.folder / "review" / "decisions.csv", infer_schema=False)
    got = ran.sql("from people.decision")
    assert got.height == kept.height
    assert got["state"].null_count() == 0
    assert got["who"].null_count() == 0
