"""Search by words: pages of the documentation, the catalogue, functions, error codes, samples.

The pages and samples are those of the installed package, or of the source tree that it runs from.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import octo
from octo.cli.authoring import codes
from octo.cli.authoring.folder import READ
from octo.cli.authoring.refusal import Refused
from octo.cli.templates import TEMPLATES, Template

Answer = dict[str, object]

_FENCE = re.compile(r"^ *```")
_WORD = re.compile(r"[a-z0-9]+")
_LEFT_OUT = ("README", "performance", "same-answer", "reference")
"""Pages that are lists of pages, figures, or what the catalogue says too; the last three are in no wheel."""
_EXCERPT = 400
"""Characters of a result, at most."""
_WHOLE = 6_000
"""Characters of a page that is shown whole."""
_WEIGHTS = {"page": 1.0, "sample": 0.9, "code": 0.6}
"""How much a kind counts; all others, which flows name, count more."""
_NAMED = 1.4
_LESS = 0.5
"""How much a page counts that is about what an assistant does not use."""
_ASIDE = ("cli", "vscode", "differences")
_IN_TITLE = 4
"""How many words of the text one in the title counts as."""
_COMMON = "a an and are be by can do does for from how i in into is it of on or that the this to use what with"
_FEW = frozenset(_COMMON.split())


Read = tuple[str, dict[str, str]]
"""A tool, and its arguments."""


class Entry(NamedTuple):
    """What can be found. kind: "page", "connector", "block", "function", "code", "sample" and so on.

    read: how to see all of it.
    """

    kind: str
    title: str
    text: str
    read: Read
    factor: float = 1.0

    @property
    def weight(self) -> float:
        return _WEIGHTS.get(self.kind, _NAMED) * self.factor


# --- where the texts are -----------------------------------------------------------------------------------------


def shelf(name: str) -> Path:
    """The folder `docs` or `samples`: in the package, as a wheel has it, or beside it in the source tree."""
    package = Path(octo.__file__).parent
    inside = package / "cli" / "authoring" / "shelf" / name
    return inside if inside.is_dir() else package.parent / name


def pages() -> dict[str, str]:
    """The pages of the documentation by name, without `.md`."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(shelf("docs").glob("*.md"))}


def page(name: str) -> str | None:
    """The text of `NAME`, `NAME.md`, or of one heading of it, `NAME#HEADING`; None if it names no page.

    Raises `Refused` if there is no such heading.
    """
    stem, _, heading = name.partition("#")
    is_page = stem.endswith(".md") or bool(heading)
    stem = stem.removeprefix("docs/").removesuffix(".md")
    text = pages().get(stem)
    if text is None or (not is_page and _is_component(stem)):
        return None
    if not heading:
        return text if len(text) <= _WHOLE else _beginning(text, stem)
    found = [section for title, section in sections(text) if _slug(title) == _slug(heading)]
    if not found:
        headings = ", ".join(title for title, _ in sections(text))
        raise Refused(codes.MISSING, f"the page {stem!r} has no heading {heading!r}", f"there are: {headings}")
    return found[0]


def _beginning(text: str, name: str) -> str:
    """The first part of a long page, and how to read the others."""
    (_, first), *others = sections(text)
    listed = "\n".join(f"- {name}#{title}" for title, _ in others)
    return f"{first}\n\nThe page goes on; read one part at a time:\n{listed}"


def _is_component(name: str) -> bool:
    from octo.cli.entries import entries

    return any(each.name == name for each in entries())


def sections(text: str) -> Iterator[tuple[str, str]]:
    """The parts of a page: each heading, and what is below it until the next one."""
    title, is_code = "", False
    lines: list[str] = []
    for line in text.splitlines():
        is_code ^= bool(_FENCE.match(line))
        if line.startswith("#") and not is_code:
            if lines:
                yield title, "\n".join(lines)
            title, lines = line.lstrip("# "), []
        lines.append(line)
    yield title, "\n".join(lines)


def _slug(title: str) -> str:
    return "-".join(_WORD.findall(title.lower()))


# --- samples -----------------------------------------------------------------------------------------------------


def samples() -> dict[str, dict[str, str]]:
    """Samples by name, each with its files: those of the documentation, and the templates of `octo new`."""
    found = {f"new-{name}": _made(each) for name, each in TEMPLATES.items()}
    folder = shelf("samples")
    for path in sorted([*folder.glob("*.yaml"), *(folder / "first-week").glob("*.yaml")]):
        if not path.stem.endswith("_test"):
            beside = [path, path.with_name(f"{path.stem}_test.yaml"), *sorted(path.with_suffix("").rglob("*"))]
            files = [each for each in beside if each.is_file() and each.suffix in READ]
            found[path.stem] = {str(each.relative_to(path.parent)): each.read_text("utf-8") for each in files}
    return found


def _made(template: Template) -> dict[str, str]:
    """What `octo new` writes."""
    flow = template.flow.replace("@FILE@", "").replace("@NAME@", "example")
    return {"flow.yaml": flow, "flow_test.yaml": template.tests}


def example(name: str) -> Answer:
    """The files of a sample, or the names of all of them with what they show."""
    known = samples()
    if not name:
        return {"samples": [{"name": each, "about": _about(files)} for each, files in known.items()]}
    if name not in known:
        from octo.expr import nearest

        guess = nearest(name, known)
        raise Refused(codes.MISSING, f"there is no sample {name!r}", f"did you mean {guess!r}?" if guess else "")
    return {"name": name, "files": known[name]}


def _about(files: dict[str, str]) -> str:
    """The first comment of the first file that says something."""
    first = next(iter(files.values()))
    lines = (line.lstrip("# ") for line in first.splitlines() if line.startswith("#"))
    return next((line for line in lines if line and not line.startswith("yaml-language-server")), "")


# --- search ------------------------------------------------------------------------------------------------------


def search(query: str, limit: int) -> Answer:
    """The entries that fit best, each with where its text is and the tool that reads all of it."""
    wanted = list(dict.fromkeys(words(query))) or _WORD.findall(query.lower())
    found = ranked(wanted, list(_entries()))[:limit]
    return {"results": [_result(each, wanted) for each in found]}


def _result(entry: Entry, wanted: Sequence[str]) -> Answer:
    tool, arguments = entry.read
    read = {"tool": tool, "arguments": arguments}
    return {"kind": entry.kind, "title": entry.title, "text": _excerpt(entry.text, wanted), "read": read}


def ranked(wanted: Sequence[str], entries: Sequence[Entry]) -> list[Entry]:
    """Those with any of the words, the best first: rare words count more, more of them in a long text hardly so."""
    counts = [_counts(each) for each in entries]
    mean = sum(map(sum, (each.values() for each in counts))) / max(1, len(counts))
    weights = {}
    for word in wanted:
        having = sum(word in each for each in counts)
        weights[word] = math.log(1 + (len(counts) - having + 0.5) / (having + 0.5))
    scored = []
    for position, count in enumerate(counts):
        size = 0.6 + 0.4 * sum(count.values()) / mean
        score = sum(weights[word] * count[word] * 2.2 / (count[word] + 1.2 * size) for word in wanted if word in count)
        if score:
            whole = sum(word in count for word in wanted) / len(wanted)
            scored.append((-score * math.sqrt(whole) * entries[position].weight, position))
    return [entries[position] for _, position in sorted(scored)]


def _counts(entry: Entry) -> Counter[str]:
    counts = Counter(words(entry.text))
    for word in words(entry.title):
        counts[word] += _IN_TITLE
    return counts


def words(text: str) -> Iterator[str]:
    """The words of a text as they are compared: small, without endings, without those that every text has."""
    return (_stem(each) for each in _WORD.findall(text.lower()) if each not in _FEW)


@cache
def _stem(word: str) -> str:
    for ending in ("ing", "es", "ed", "s", "e"):
        if len(word) > len(ending) + 3 and word.endswith(ending):
            return word[: -len(ending)]
    return word


def _entries() -> Iterator[Entry]:
    yield from _of_pages()
    yield from _of_catalogue()
    yield from _of_codes()
    for name, files in samples().items():
        yield Entry("sample", name, "\n".join(files.values()), ("example", {"name": name}))


def _of_pages() -> Iterator[Entry]:
    for name, text in pages().items():
        if name not in _LEFT_OUT:
            for title, section in sections(text):
                read = "doc", {"name": f"{name}#{title}"}
                yield Entry("page", f"{name}: {title}", section, read, _LESS if name in _ASIDE else 1.0)


def _of_catalogue() -> Iterator[Entry]:
    from octo.cli.entries import entries

    for each in entries():
        fields: Iterable[dict[str, object]] = each.data.get("fields", ())
        settings = "\n".join(f"{field['name']}: {field['doc']}" for field in fields)
        about = each.data.get("doc", each.about) + "".join(f"\n{one.doc}" for one in each.functions)
        yield Entry(each.kind, each.name, f"{about}\n{settings}", ("doc", {"name": each.name}))


def _of_codes() -> Iterator[Entry]:
    from octo.cli.codes import explanations

    for code, each in explanations().items():
        yield Entry("code", f"{code}: {each.title}", each.text, ("explain", {"code": code}))


def _excerpt(text: str, wanted: Sequence[str]) -> str:
    """The paragraph with most of the words, cut."""
    parts = [each.strip() for each in re.split(r"\n\s*\n", text) if each.strip()]
    best = max(parts, key=lambda each: len({*words(each)} & {*wanted}), default="")
    return best if len(best) <= _EXCERPT else f"{best[:_EXCERPT]} ..."
