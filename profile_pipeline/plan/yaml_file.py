"""YAML files with line numbers, and pydantic's complaints about them in an analyst's words."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from profile_pipeline.errors import PlanError, Problem

SIZE_LIMIT = 5_000_000

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path) -> Any:
    """Return the file's content with line numbers.

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
        raise PlanError(Problem(name, "is not valid YAML.", "Check spacing and quotes.")) from None
    if content is None:
        raise PlanError(Problem(name, "is empty."))
    if not isinstance(content, dict):
        raise PlanError(Problem(f"{name}:1", "must be a list of `key: value` lines."))
    return content


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


def _named(content: Any, path: Sequence[str | int]) -> str:
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


def _message(error: Any, model: type[BaseModel], path: Sequence[str | int]) -> str:
    kind, message = error["type"], str(error["msg"])
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
    return message[:1].lower() + message[1:].rstrip(".") + "."


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
            words = _named(content, path[:-1] if is_named else path)
            text = _message(error, model, inner)
            problems.append(
                Problem(f"{name}:{line_of(content, path)}", f"{words}: {text}" if words else text)
            )
        raise PlanError(problems) from None


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
