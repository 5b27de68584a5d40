"""YAML files with line numbers, and pydantic's complaints about them in an analyst's words."""

import difflib
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from profile_pipeline.errors import PlanError, Problem

SIZE_LIMIT = 5_000_000
DAY = re.compile(r"(?<![\d-])\d{4}-\d{1,2}-\d{1,2}(?![\d-])")
DAY_FORM = "Write it as 2016-03-31."
# What pydantic wants, by the first part of its error's name, as an analyst would say it.
WANTED = {
    "date": f"is not a date. {DAY_FORM}",
    "datetime": f"is not a date. {DAY_FORM}",
    "int": "is not a whole number.",
    "float": "is not a number.",
    "decimal": "is not a number.",
    "bool": "is neither true nor false.",
    "string": "is not a text. Put it between quotation marks.",
}
BOUNDS = {
    "greater_than_equal": "{} or more",
    "greater_than": "greater than {}",
    "less_than_equal": "{} or less",
    "less_than": "less than {}",
}
ENTRIES = "must have `key: value` entries below it."
LIST = "must be a list: `[one, two]`, or a line with `- ` for each."

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path, *, of: str = "") -> Any:
    """Return the file's content with line numbers.

    `of` names the key under which a list stands when the file is that list and nothing else.

    Raises PlanError, with the line where it is known, when the file can't be read.
    """
    name = path.name
    if not path.is_file():
        raise PlanError(
            Problem(name, f"is not in {path.parent}.", "Make it with `profile-pipeline new`.")
        )
    if path.stat().st_size > SIZE_LIMIT:
        raise PlanError(Problem(name, "is too large for a plan.", "Is it a data file?"))
    try:
        content = YAML(typ="rt").load(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise PlanError(Problem(name, "is not UTF-8 text.", "Save it as UTF-8.")) from None
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        key = re.search(r'duplicate key "([^"]*)"', str(error.problem))
        what = f"'{key[1]}' stands here" if key else "a key stands"
        raise PlanError(
            Problem(
                f"{name}:{line}" if line else name,
                f"is not valid YAML: {what} a second time.",
                "Put what is below it under the first.",
            )
        ) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        raise PlanError(
            Problem(
                where,
                f"is not valid YAML: {error.problem or error.context}.",
                "Check spacing and quotes.",
            )
        ) from None
    except (YAMLError, ValueError, RecursionError):
        # A date that the calendar doesn't have stops the reader without a word on where it stands.
        if wrong := _days_that_are_none(path):
            raise PlanError(wrong) from None
        raise PlanError(Problem(name, "is not valid YAML.", "Check spacing and quotes.")) from None
    if content is None:
        raise PlanError(Problem(name, "is empty."))
    if of and isinstance(content, list):
        whole = CommentedMap({of: content})
        whole.lc.add_kv_line_col(of, [0, 0, 0, 0])
        return whole
    if not isinstance(content, dict):
        raise PlanError(Problem(f"{name}:1", "must be a list of `key: value` lines."))
    return content


def _days_that_are_none(path: Path) -> list[Problem]:
    """Return each 2016-02-31 of a file, with its line."""
    found = []
    for line, text in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        for day in DAY.findall(text.partition(" #")[0]):
            try:
                date(*(int(part) for part in day.split("-")))
            except ValueError:
                found.append(
                    Problem(f"{path.name}:{line}", f"{day} is not a day of the calendar.", DAY_FORM)
                )
    return found


def _marks(node: Any) -> Any:
    return node.lc.data


def line_of(content: Any, path: Sequence[str | int]) -> int:
    """Return the line (from 1) of the deepest part of the path that exists."""
    line = 1
    node = content
    for step in path:
        try:
            if isinstance(node, dict):
                if step not in node:
                    break
                line = _marks(node)[step][0] + 1
            elif isinstance(node, list):
                line = _marks(node)[step][0] + 1
            else:
                break
            node = node[step]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line


def line_with(content: Any, path: Sequence[str | int], value: str) -> int:
    """Return the line (from 1) of the first text below the path that is the value, else its own."""
    node = _at(content, path)
    return next(
        (line_of(content, [*path, *at]) for at, text in texts_of(node) if text == value),
        line_of(content, path),
    )


def texts_of(node: Any) -> Iterator[tuple[list[str | int], str]]:
    """Yield every text below a part of a file, and its path from there."""
    if isinstance(node, str):
        yield [], str(node)
    elif isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from (([key, *path], text) for path, text in texts_of(value))


def plain(value: Any) -> Any:
    """Return content without line numbers, for pydantic."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _known_keys(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Return the keys of the model at the path, for `did you mean`."""
    node: Any = model
    for step in path:
        if isinstance(step, int):
            continue
        fields = getattr(node, "model_fields", {})
        found = next((f for key, f in fields.items() if step in (key, f.alias)), None)
        if found is None:
            return []
        node = _model_inside(found.annotation)
    return [f.alias or key for key, f in getattr(node, "model_fields", {}).items()]


def _model_inside(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_inside(inner)
        if found is not None:
            return found
    return None


def named(content: Any, path: Sequence[str | int]) -> str:
    """Return the path in words: list items by their id where they have one."""
    words: list[str] = []
    node = content
    for step in path:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            node = None
        if isinstance(step, int):
            label = node.get("id") if isinstance(node, dict) else None
            words.append(f"'{label}'" if label else f"item {step + 1}")
        else:
            words.append(str(step))
    return " > ".join(words)


def _message(error: Any, model: type[BaseModel], path: Sequence[str | int], value: Any) -> str:
    kind, message = error["type"], str(error["msg"])
    given = f"'{value}'" if isinstance(value, str | int | float | date) else "this"
    said = WANTED.get(kind.partition("_")[0])
    if said and kind.endswith(("_parsing", "_type", "_inexact", "_from_float")):
        return "is empty." if value is None else f"{given} {said}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return ENTRIES
    if kind in ("tuple_type", "list_type", "set_type"):
        return LIST
    if kind == "literal_error":
        allowed = message.removeprefix("Input should be ")
        return f"{given} is none of the words known here: {allowed}."
    if kind == "string_pattern_mismatch":
        pattern = message.rpartition("pattern ")[2]
        return f"{given} may hold small letters, digits and _ only (pattern {pattern})."
    for bound, words in BOUNDS.items():
        if kind == bound:
            return f"{given} must be {words.format(message.rpartition(' ')[2])}."
    last = str(path[-1]) if path else ""
    if kind == "missing":
        return f"'{last}' is missing."
    if kind == "extra_forbidden":
        known = _known_keys(model, path[:-1])
        near = difflib.get_close_matches(last, known, n=1)
        hint = (
            f" Did you mean '{near[0]}'?"
            if near
            else f" Known: {', '.join(known)}."
            if known
            else ""
        )
        return f"'{last}' is not a known key.{hint}"
    if kind == "value_error":
        message = message.removeprefix("Value error, ")
    said = message[:1].lower() + message[1:].rstrip(".")
    return said if said.endswith("?") else f"{said}."


def checked(
    content: Any, model: type[Model], *, name: str, root: Sequence[str | int] = ()
) -> Model:
    """Return the part of the content as a model; raise PlanError with a problem for each fault."""
    node = content
    for step in root:
        node = node[step]
    try:
        return model.model_validate(plain(node))
    except ValidationError as invalid:
        problems = []
        errors = invalid.errors(include_url=False, include_context=False, include_input=False)
        places = [error["loc"] for error in errors]
        for error in errors:
            # pydantic counts only items without fault: a list of one faulty item isn't too short.
            inside = [
                p for p in places if p != error["loc"] and p[: len(error["loc"])] == error["loc"]
            ]
            if error["type"] == "too_short" and inside:
                continue
            inner = [step for step in error["loc"] if step != "[key]"]
            path = [*root, *_existing(node, inner)]
            # The message names the key itself where it is missing or not known.
            is_named = error["type"] in ("missing", "extra_forbidden") and path[-1:] == inner[-1:]
            words = named(content, path[:-1] if is_named else path)
            text = _message(error, model, inner, _at(content, path))
            problems.append(
                Problem(f"{name}:{line_of(content, path)}", f"{words}: {text}" if words else text)
            )
        raise PlanError(problems) from None


def _at(content: Any, path: Sequence[str | int]) -> Any:
    """Return what stands at the path, None when nothing does."""
    for step in path:
        try:
            content = content[step]
        except (KeyError, IndexError, TypeError):
            return None
    return content


def _existing(node: Any, loc: Sequence[str | int]) -> list[str | int]:
    """Return the path without pydantic's own steps (names of union members and functions)."""
    path: list[str | int] = []
    for position, step in enumerate(loc):
        is_last = position == len(loc) - 1
        if isinstance(node, dict) and step in node:
            path.append(step)
            node = node[step]
        elif isinstance(node, list) and isinstance(step, int):
            path.append(step)
            node = node[step] if step < len(node) else None
        elif is_last and isinstance(node, dict):
            path.append(step)
    return path
