"""Passages: a text cut into pieces of a bounded length that may overlap, at places where a reader would pause.

All of it takes time in proportion to the text, whatever the text is: it may come from outside.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

By = Literal["characters", "words", "sentences", "paragraphs", "headings"]

# Invariant: none of these looks at a character more than a few times. So a run of marks is looked at from its first.
_MARK = re.compile(r"\S")
_WORD = re.compile(r"\s++")
_SENTENCE = re.compile(
    r"""(?<![.!?…])[.!?…]++["'”’»)\]]*+\s++ | [。！？]++["'”’」』]*+\s*+ | \n[^\S\n]*+\n\s*+""",  # noqa: RUF001
    re.VERBOSE,
)
_PARAGRAPH = re.compile(r"\n[^\S\n]*+\n\s*+")
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]++([^\n]*+)$|^ {0,3}(```|~~~)", re.MULTILINE)
_FINER = {"headings": (_PARAGRAPH, _SENTENCE, _WORD), "paragraphs": (_PARAGRAPH, _SENTENCE, _WORD)} | {
    "sentences": (_SENTENCE, _WORD),
    "words": (_WORD,),
}
"""What ends a part of a text; a part that is too long is cut by the next one."""

_JOINER = "\u200d"
_REGIONAL = range(0x1F1E6, 0x1F200)
_SKIN = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)
_HANGUL = (range(0x1100, 0x1160), range(0x1160, 0x11A8), range(0x11A8, 0x1200))
"""Letters of Korean that are written as one: first, middle, last."""
_SYLLABLES = range(0xAC00, 0xD7A4)


class Passage(NamedTuple):
    """Where a passage begins and ends in its text, and the headings above it, outermost first."""

    start: int
    end: int
    headings: tuple[str, ...] = ()


def passages(text: str, by: By, size: int, overlap: int) -> Iterator[Passage]:
    """Yield the passages of a text in order. None is longer than `size`, is blank, or ends with blanks.

    Together they cover all that is not blank. A passage begins with at most the last `overlap` characters of the one
    before, as far as whole parts fit. overlap: at most half of `size`, so that each passage brings enough that is new.
    """
    sections = _sections(text) if by == "headings" else [Passage(0, len(text))]
    for section in sections:
        start, last = _begin(text, section.start, section.end), section.start
        if by == "characters":
            spans = _windows(text, start, section.end, size, overlap)
        else:
            spans = _packed(text, _parts(text, start, section.end, size, _FINER[by]), size, overlap)
        for begin, end in spans:
            bare = _bare(text, begin, end)
            if bare > last:  # or it would say only what the one before has said
                yield Passage(begin, bare, section.headings)
                last = bare


def _sections(text: str) -> Iterator[Passage]:
    """Yield the parts between the headings of a Markdown text; a heading belongs to what follows it."""
    start, path, is_code = 0, [""] * 6, False
    for found in _HEADING.finditer(text):
        marks, title, fence = found.groups()
        if fence:
            is_code = not is_code
        elif not is_code:
            yield Passage(start, found.start(), tuple(filter(None, path)))
            start, level = found.start(), len(marks)
            path[level - 1 :] = [title.strip().rstrip("#").strip(), *[""] * (6 - level)]
    yield Passage(start, len(text), tuple(filter(None, path)))


def _parts(text: str, start: int, end: int, size: int, ends: tuple[re.Pattern[str], ...]) -> Iterator[tuple[int, int]]:
    """Yield parts of at most `size`: as large as can be, so by the first of `ends`, or else by the next ones."""
    if not ends:
        yield from _windows(text, start, end, size, 0)
        return
    at = start
    for found in ends[0].finditer(text, start, end):
        yield from _fitting(text, at, found.end(), size, ends[1:])
        at = found.end()
    yield from _fitting(text, at, end, size, ends[1:])


def _fitting(
    text: str, start: int, end: int, size: int, ends: tuple[re.Pattern[str], ...]
) -> Iterable[tuple[int, int]]:
    if start == end:
        return ()
    return [(start, end)] if _bare(text, start, end) - start <= size else _parts(text, start, end, size, ends)


def _packed(text: str, parts: Iterable[tuple[int, int]], size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Yield runs of parts that are as long as may be; each begins with the last parts of the one before.

    Blanks at the end of a run do not count.
    """
    run: deque[tuple[int, int]] = deque()
    for start, end in parts:
        bare = _bare(text, start, end)
        if run and bare - run[0][0] > size:
            yield run[0][0], run[-1][1]
            while run and (run[-1][1] - run[0][0] > overlap or bare - run[0][0] > size):
                run.popleft()
        run.append((start, bare))
    if run:
        yield run[0][0], run[-1][1]


def _begin(text: str, start: int, end: int) -> int:
    """Return where the first character is that is no blank; `end` if there is none."""
    found = _MARK.search(text, start, end)
    return end if found is None else found.start()


def _bare(text: str, start: int, end: int) -> int:
    """Return the end of a part without the blanks there."""
    return start + len(text[start:end].rstrip())


def _windows(text: str, start: int, end: int, size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Yield pieces of exactly `size` that overlap by exactly `overlap`, but for characters that must stay whole."""
    while end - start > size:
        stop = _whole(text, start + 1, start + size)
        yield start, stop
        start = _begin(text, _whole(text, start + 1, stop - overlap), end)
    if start < end:
        yield start, end


def _whole(text: str, first: int, last: int) -> int:
    """Return the last place from `first` to `last` where no character is cut; `last` if there is none.

    What a reader sees as one character may be many code points, without end: then the length counts more.
    """
    last = max(first, last)
    return next((at for at in range(last, first - 1, -1) if not _is_inside(text, at)), last)


def _is_inside(text: str, at: int) -> bool:
    """Whether what a reader sees as one character goes on at this place: of Unicode's rules, those that texts need."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if after < "\u0300":
        return before == "\r" and after == "\n"
    code = ord(after)
    if code in _REGIONAL and ord(before) in _REGIONAL:  # flags are pairs of letters
        return _regional_before(text, at) % 2 == 1
    is_mark = unicodedata.category(after) in ("Mn", "Me", "Mc") or code in _SKIN or code in _TAGS
    return before != "\r" and (is_mark or _JOINER in (before, after) or _is_syllable(ord(before), code))


def _is_syllable(before: int, after: int) -> bool:
    """Whether two letters of Korean are written as one."""
    first, middle, last = _HANGUL
    if before in first:
        return after in first or after in middle or after in _SYLLABLES
    if after in middle:
        return before in middle or (before in _SYLLABLES and (before - _SYLLABLES.start) % 28 == 0)
    return after in last and (before in middle or before in last or before in _SYLLABLES)


def _regional_before(text: str, at: int) -> int:
    """Count the letters of flags right before a place. Only so many are looked at that the time stays bounded."""
    count = 0
    while count < 64 and at - count > 0 and ord(text[at - count - 1]) in _REGIONAL:
        count += 1
    return count
