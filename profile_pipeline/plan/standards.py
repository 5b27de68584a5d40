"""Statutory returns as they are: `standard: ssda903` in the plan stands for a whole mapping.

A standard is a file of `standards/`: the lists of a return, and for each what a dataset of the
plan says (`read, headers, dated_by, subjects, events, lookup`). A dataset of the plan that names a
standard is expanded into one ordinary dataset a list, `<id>_<list>` (a return of a single list
keeps the plan's id), so that everything else, from conservation to gaps, works list by list. What
joins two lists (a child's date of birth stands in the 903's header, a pupil's name in the list of
pupils) is a `lookup:` of the expanded dataset; see `intake.lookups`.

Title, what, why, how, lawful basis and retention stay the plan's own. Of the standard's part a plan
may change anything:

- `read`, `headers` and `also` add to every list;
- `lists: {oc2: {events: [...]}}` replaces parts of one list, `lists: {oc3: null}` leaves it out;
- `dated_by`, `reference`, `subjects`, `events`, `expect` and `lookup` replace those of a return
  that has a single list.

`delivery.files` names the files with `{list}` (`ssda903/SSDA903_{year}_{list}.csv`), or only their
folder (`ssda903/{quarter}`; a folder without period, `ssda903`, holds files that name their year,
term or quarter themselves). `every` follows from the placeholder when it is not given. Ids in a
return are the council's: `issuer:` says whose, so that the same number elsewhere is the same child.

Dictionaries only, so that `collection.py` can use it; what comes out is checked there.
"""

import difflib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML

from profile_pipeline.plan.reading import LIST, PERIODS

FOLDER = Path(str(files("profile_pipeline.plan"))) / "standards"
ISSUER = "{issuer}"
ADDED = ("read", "headers", "also")
OWN = ("id", "title", "delivery", "standard", "issuer", "lists")
REPLACED = ("dated_by", "reference", "subjects", "events", "expect", "lookup")


def standard_names() -> list[str]:
    """Return the names of the standards that can be given."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def _read(name: str) -> dict[str, Any]:
    content = YAML(typ="safe", pure=True).load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    if "based_on" not in content:
        return dict(content)
    base = _read(content["based_on"])["lists"]
    lists = {name: _changed(base[name], change) for name, change in content["lists"].items()}
    return {**content, "lists": lists}


def _named(dataset: Mapping[str, Any]) -> str:
    """Return the standard meant: a return's files that end in .xml are in its XML layout."""
    name = str(dataset["standard"])
    delivery = dataset.get("delivery")
    files = str(delivery.get("files", "")) if isinstance(delivery, Mapping) else ""
    as_xml = f"{name}_xml"
    return as_xml if files.lower().endswith(".xml") and as_xml in standard_names() else name


def standard(name: str) -> dict[str, Any]:
    """Return a standard: `title`, `about`, `files`, `dated_files` (names in a folder) and `lists`.

    `not_read`, when given, names lists of the return that hold nothing for a profile, and
    `dated_files_too` other ways to name its files in a folder.

    Raises ValueError when there is none of the name.
    """
    known = standard_names()
    if name not in known:
        near = difflib.get_close_matches(str(name).lower(), known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
        raise ValueError(f"there is no standard '{name}'; {hint}")
    return deepcopy(_read(name))


def completed(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan's dataset that names a standard with what it may leave out filled in.

    That is `dated_by`, and of the delivery `every`, `{list}` and the files in a folder. Raises
    ValueError in words for the analyst; what is no dataset is left to the model's own checks.
    """
    whole = standard(_named(dataset))
    result = {"dated_by": "quarter_end", **dataset}
    unknown = sorted(set(dataset.get("lists") or {}) - set(whole["lists"]))
    if unknown:
        raise ValueError(
            f"standard '{dataset['standard']}' has no list {', '.join(unknown)};"
            f" known: {', '.join(whole['lists'])}"
        )
    delivery = dataset.get("delivery")
    if isinstance(delivery, dict) and isinstance(delivery.get("files"), str):
        result["delivery"] = _delivery(delivery, whole)
    given = [key for key in REPLACED if dataset.get(key)]
    if given and len(whole["lists"]) > 1:
        raise ValueError(
            f"'{given[0]}' must say for which list of the return: write it under"
            f" `lists: {{<list>: ...}}`; lists: {', '.join(whole['lists'])}"
        )
    return result


def _delivery(delivery: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    path = given = str(delivery["files"]).rstrip("/")
    if not PurePosixPath(path).suffix:
        dated = any(mark in path for mark in PERIODS.values())
        path = f"{path}/{whole['files' if dated else 'dated_files']}"
    if LIST in str(whole["files"]) and LIST not in path:
        before, star, after = path.rpartition("*")
        if not star or "/" in after:
            raise ValueError(
                "this return is several files: write {list} where their names differ, such as"
                f" `{path.rpartition('/')[0] or 'folder'}/{whole['files']}`"
            )
        path = f"{before}*{LIST}{after}"
    told = next((every for every, mark in PERIODS.items() if mark in path), "once")
    result = {"every": told, **delivery, "files": path}
    if path == f"{given}/{whole['dated_files']}" and "dated_files_too" in whole:
        result["or_files"] = [f"{given}/{name}" for name in whole["dated_files_too"]]
    return result


def expanded(
    dataset: Mapping[str, Any], *, agency: str, indicators: Iterable[str]
) -> list[dict[str, Any]]:
    """Return the datasets that a plan's dataset with a standard stands for, not yet checked.

    Args:
        dataset: the plan's dataset as given; `completed` has found no fault with it.
        agency: id of its agency, the issuer of ids where the plan names none.
        indicators: ids of the profile's indicators; a standard's events of others are left out,
            since a partnership that strikes an indicator off its list doesn't want it counted.
    """
    whole = standard(_named(dataset))
    known = set(indicators)
    several = len(whole["lists"]) > 1
    changes = dataset.get("lists") or {}
    shared = {key: value for key, value in dataset.items() if key not in (*ADDED, *REPLACED, *OWN)}
    given = _delivery(dataset["delivery"], whole)
    left_out = {name for name, change in changes.items() if change is None}
    result = []
    for name, spec in whole["lists"].items():
        if name in left_out:
            continue
        parts = {key: spec[key] for key in (*ADDED, *REPLACED) if key in spec}
        parts["events"] = [
            event
            for event in parts.get("events", ())
            if "indicator" not in event or event["indicator"] in known
        ]
        parts["lookup"] = [
            {**lookup, "dataset": f"{dataset['id']}_{lookup['dataset']}"}
            for lookup in parts.get("lookup", ())
            if lookup["dataset"] not in left_out
        ]
        own = changes.get(name) or {}
        if not several:
            own = {**{key: dataset[key] for key in REPLACED if dataset.get(key)}, **own}
        for change in ({key: dataset[key] for key in ADDED if key in dataset}, own):
            parts = _changed(parts, change)
        listed = LIST in given["files"]
        if listed and LIST not in whole["files"] and "read" in parts:
            # One workbook of sheets that came as a file a list: any sheet that holds the headings.
            parts["read"] = {k: v for k, v in parts["read"].items() if k not in ("sheet", "sheets")}
        delivery = {
            **given,
            "lists": spec.get("called", ()) if listed else (),
            "other_lists": _other_lists(name, whole) if listed else (),
            "optional": bool(spec.get("optional") or given.get("optional")),
        }
        title = spec["title"]
        result.append(
            {
                **_with_issuer(parts, str(dataset.get("issuer") or agency)),
                **shared,
                "id": f"{dataset['id']}_{name}" if several else dataset["id"],
                "title": f"{dataset['title']}: {title}" if several else dataset["title"],
                "delivery": delivery,
            }
        )
    return result


def _other_lists(name: str, whole: Mapping[str, Any]) -> list[str]:
    """Return what the return's other lists are called, those that aren't read included."""
    others = [
        called
        for other, spec in whole["lists"].items()
        if other != name
        for called in spec.get("called", ())
    ]
    return [*others, *whole.get("not_read", ())]


def _changed(parts: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return a list's parts changed by the plan: `read`, `headers`, `also` add, others replace."""
    result = dict(parts)
    for key, value in change.items():
        held = result.get(key)
        if key == "headers" and isinstance(held, dict) and isinstance(value, dict):
            merged = {name: _listed(names) for name, names in held.items()}
            for name, names in value.items():
                merged[name] = [*merged.get(name, ()), *_listed(names)]
            result[key] = merged
        elif key == "read" and isinstance(held, dict) and isinstance(value, dict):
            result[key] = {**held, **value}
        elif key == "also" and held:
            result[key] = [*held, *_listed(value)]
        else:
            result[key] = value
    return result


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _with_issuer(value: Any, issuer: str) -> Any:
    if isinstance(value, dict):
        return {key: _with_issuer(item, issuer) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_issuer(item, issuer) for item in value]
    return issuer if value == ISSUER else value
