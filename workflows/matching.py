"""How far two marks are from each other, why, and what to ask of an index to find out.

The ladder: the same number; the same if what looks alike is one; one error away (a
character more, less or another, two neighbours exchanged); what fits a pattern. The
distance is the optimal string alignment, where what cannot be read fits anything and
what looks alike costs nothing but is named.

`asked()` says what to look up: folded keys, or how they begin and end. That brings every
mark of its rung and some others; `judge()` has the last word on each. A hit is possible
until a person confirms it.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, product
from math import prod
from typing import Final, NamedTuple, TypeVar

from workflows.lookalikes import ALPHABET, alike, folded, normalised, shape
from workflows.markings import Mark, Position, Sign, canonical, is_plain, read
from workflows.scripts import script_of_character
from workflows.vocabulary import N_, Rung, Standing, Why

LONGEST_EXPANDED: Final = 24
"""Beyond this, half a number is rarer than its neighbours are few."""
MOST_KEYS: Final = 1200
"""For one look-up; more are slower than reading a range."""
FEWEST_AT_THE_START: Final = 2
FEWEST_AT_THE_END: Final = 2
ENOUGH_AT_THE_END: Final = 3
_ORDER: Final = {rung: place for place, rung in enumerate(Rung)}

T = TypeVar("T", bound=Hashable)


# ------------------------------------------------------------- what an index is asked


@dataclass(frozen=True)
class Ask:
    """One question to an index of folded keys; all marks of its rung are in the answer.

    Either the key is one of `keys`, or it begins with `starts` and ends with `ends`. A
    question with neither can only be put beside another filter.
    """

    rung: Rung
    keys: frozenset[str] = frozenset()
    starts: str = ""
    ends: str = ""

    @property
    def is_open(self) -> bool:
        """Say whether no index helps."""
        return not self.keys and not self.starts and not self.ends

    @property
    def by_the_end(self) -> bool:
        """Say whether the end is the better place to look.

        The last figures of numbers are spread evenly; whole years of a maker begin alike.
        """
        return len(self.ends) >= min(len(self.starts), ENOUGH_AT_THE_END)


def asked(mark: Mark) -> Iterator[Ask]:
    """Yield the questions that find a mark, rung by rung, each when it is wanted."""
    if not mark.compared:
        return
    if mark.end is not None:
        yield from _fitting(mark)
        yield _uncertain(mark.start, mark.end, len(mark.start) + len(mark.end))
        return
    key = mark.keys.folded
    same = frozenset({key})
    if mark.is_certain:
        yield Ask(Rung.EXACT, same)
        yield Ask(Rung.FOLDED, same)
        yield from _one_error(key)
    else:
        yield Ask(Rung.PATTERN, same)
    yield _uncertain(key, key, len(key))


def neighbours(key: str) -> frozenset[str]:
    """Return all folded keys at most one error away: complete, over ALPHABET."""
    found = {key}
    for here in range(len(key) + 1):
        before, after = key[:here], key[here:]
        found.update(before + char + after for char in ALPHABET)
        if after:
            found.add(before + after[1:])
            found.update(before + char + after[1:] for char in ALPHABET)
        if len(after) > 1:
            found.add(before + after[1] + after[0] + after[2:])
    return frozenset(found - {""})


def _one_error(key: str) -> Iterator[Ask]:
    if len(key) <= LONGEST_EXPANDED:
        yield Ask(Rung.ONE_ERROR, neighbours(key))
        return
    # No error touches both halves: two characters between them belong to neither.
    middle = len(key) // 2
    yield Ask(Rung.ONE_ERROR, starts=key[: middle - 1])
    yield Ask(Rung.ONE_ERROR, ends=key[middle + 1 :])


def _fitting(mark: Mark) -> Iterator[Ask]:
    ways = [_ways(position) for position in mark.compared]
    if all(ways) and prod(map(len, ways)) <= MOST_KEYS:
        keys = frozenset("".join(key) for key in product(*ways))
        yield Ask(Rung.PATTERN, keys)
        return
    starts, ends = mark.start, mark.end or ""
    if len(starts) < FEWEST_AT_THE_START and len(ends) < FEWEST_AT_THE_END:
        yield Ask(Rung.PATTERN)
        return
    yield Ask(
        Rung.PATTERN,
        starts=starts if len(starts) >= FEWEST_AT_THE_START else "",
        ends=ends if len(ends) >= FEWEST_AT_THE_END else "",
    )


def _ways(position: Position) -> str:
    """Return the folded characters a position can be; none for a run."""
    match position.sign:
        case Sign.RUN:
            return ""
        case Sign.UNKNOWN:
            return ALPHABET
        case _:
            return "".join(dict.fromkeys(folded(position.can_be)))


def _uncertain(start: str, end: str, known: int) -> Ask:
    """Ask for stored marks that are not certain and may be the same.

    They are found by what is certain of them, at the start and at the end: together
    no more than is known of the mark itself.
    """
    keys = frozenset(
        f"{start[:left]}*{end[len(end) - right :]}"
        for left in range(len(start) + 1)
        for right in range(len(end) + 1)
        if left + right <= known
    )
    return Ask(Rung.PATTERN, keys)


# ---------------------------------------------------------------------- what is a hit


@dataclass(frozen=True)
class Hit:
    """A mark that may be the one asked for; possible, until a person confirms it."""

    rung: Rung
    distance: int
    """Errors between the two; what looks alike or cannot be read is none."""
    asked: Mark
    text: str
    """Of the mark that was found."""
    is_literal: bool = False
    """Whether nothing but signs of the mark asked for is between the two."""
    standing: Standing = Standing.POSSIBLE

    @cached_property
    def found(self) -> Mark:
        """Return the mark that was found."""
        return read(self.text)

    @cached_property
    def differences(self) -> tuple["Difference", ...]:
        """Return why it is no more than this, from left to right."""
        if self.rung is Rung.EXACT:
            return ()
        return differences(self.asked, self.found)

    @property
    def between(self) -> Iterable[Why]:
        """Return what is between the two, without where."""
        if self.is_literal:
            return filter(None, (_OF_SIGN.get(p.sign) for p in self.asked.compared))
        return (difference.why for difference in self.differences)


def judge(asked: Mark, text: str) -> Hit | None:
    """Return the hit that the text of a stored mark is, or nothing."""
    if not asked.compared:
        return None
    if not is_plain(text):
        found = read(text)
        if not found.is_certain:
            return Hit(Rung.PATTERN, 0, asked, text) if _fit(asked, found) else None
        plain = found.normalised
    else:
        plain = normalised(text)
    if not plain:
        return None
    if asked.is_certain:
        return _of_certain(asked, plain, text)
    if _glob(asked, plain, str):
        return Hit(Rung.PATTERN, 0, asked, text, is_literal=True)
    fits = _glob(asked, shape(plain), shape)
    return Hit(Rung.PATTERN, 0, asked, text) if fits else None


def _of_certain(asked: Mark, plain: str, text: str) -> Hit | None:
    if asked.normalised == plain:
        return Hit(Rung.EXACT, 0, asked, text, is_literal=True)
    one, other = shape(asked.normalised), shape(plain)
    if one == other:
        return Hit(Rung.FOLDED, 0, asked, text)
    return Hit(Rung.ONE_ERROR, 1, asked, text) if one_apart(one, other) else None


def climb(
    mark: Mark, rows: Callable[[Ask], Iterable[tuple[T, str]]]
) -> list[tuple[T, Hit]]:
    """Return what the ladder finds, each thing once by its surest mark.

    `rows` puts a question to a store: whose mark, and its text. What an index cannot be
    asked is not asked: a caller that narrows by other means judges by itself.
    """
    hits: dict[T, Hit] = {}
    known: frozenset[str] = frozenset()
    for ask in asked(mark):
        if ask.is_open or (ask.keys and ask.keys <= known):
            continue
        known |= ask.keys
        for what, text in rows(ask):
            hit = judge(mark, text)
            if hit and (what not in hits or _ORDER[hit.rung] < _ORDER[hits[what].rung]):
                hits[what] = hit
    return sorted(hits.items(), key=lambda found: _ORDER[found[1].rung])


def one_apart(one: str, other: str) -> bool:
    """Say whether two texts are one error from each other, and not the same."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest, left = one[start:], other[start:]
    return (
        rest[1:] == left[1:]
        or rest[1:] == left
        or rest == left[1:]
        or (rest[:2] == left[1::-1] and rest[2:] == left[2:])
    )


def _fit(asked: Mark, found: Mark) -> bool:
    """Say whether a mark fits a stored one that is not certain."""
    if asked.is_certain:
        return _glob(found, shape(asked.normalised), shape)
    return Alignment(asked, found).distance == 0


def _glob(pattern: Mark, text: str, seen_as: Callable[[str], str]) -> bool:
    """Say whether a text fits; a run takes as few as it can, so this is never slow."""
    here = at = 0
    run, taken = -1, 0
    ways = [None if p.sign is Sign.RUN else seen_as(p.can_be) for p in pattern.compared]
    while at < len(text):
        if here < len(ways) and ways[here] is None:
            run, taken = here, at
            here += 1
        elif here < len(ways) and (not ways[here] or text[at] in (ways[here] or "")):
            here += 1
            at += 1
        elif run >= 0:
            taken += 1
            here, at = run + 1, taken
        else:
            return False
    return all(way is None for way in ways[here:])


# ------------------------------------------------------------------ how far, and why


@dataclass(frozen=True, slots=True)
class Difference:
    """What is between two marks at one place.

    `at` is the position in the text asked for, counted from one; `asked` and `found` are
    the characters there.
    """

    why: Why
    at: int
    asked: str
    found: str

    @property
    def words(self) -> tuple[str, Mapping[str, object]]:
        """Return a sentence as a message id, and what its holes are filled with."""
        holes = {"at": self.at, "asked": self.asked, "found": self.found}
        return SENTENCES[self.why], holes


SENTENCES: Final[Mapping[Why, str]] = {
    Why.LOOK_ALIKE: N_("Position %(at)s: %(asked)s read as %(found)s, they look alike"),
    Why.OTHER_SCRIPT: N_(
        "Position %(at)s: %(asked)s is %(found)s on the record, in another script"
    ),
    Why.SUBSTITUTED: N_("Position %(at)s: %(asked)s is %(found)s on the record"),
    Why.MISSING: N_("Position %(at)s: %(asked)s is missing on the record"),
    Why.ADDED: N_("Position %(at)s: the record has %(found)s before it"),
    Why.SWAPPED: N_("Position %(at)s: %(asked)s is %(found)s on the record"),
    Why.EITHER: N_("Position %(at)s: %(asked)s can be %(found)s"),
    Why.UNKNOWN: N_("Position %(at)s: not readable, %(found)s fits"),
    Why.RUN: N_("Position %(at)s: any characters, “%(found)s” fits"),
}

_OF_SIGN: Final[Mapping[Sign, Why]] = {
    Sign.EITHER: Why.EITHER,
    Sign.UNKNOWN: Why.UNKNOWN,
    Sign.RUN: Why.RUN,
}
_ERROR, _ALIKE, _GUESS = 10_000, 100, 1
"""So that one error weighs more than all that looks alike, and that more than `?`."""
_TAKEN_IN: Final = frozenset({Why.MISSING, Why.ADDED})
_ERRORS: Final = frozenset({Why.SUBSTITUTED, Why.SWAPPED, *_TAKEN_IN})


class Pair(NamedTuple):
    """What of one mark stands beside what of the other."""

    asked: tuple[Position, ...]
    found: tuple[Position, ...]
    at: int


@dataclass(frozen=True)
class Alignment:
    """Two marks put side by side at the least cost."""

    asked: Mark
    found: Mark

    @cached_property
    def distance(self) -> int:
        """Return the number of errors between them."""
        return self._costs[-1][-1] // _ERROR

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Return what is not the same, from left to right."""
        pairs = list(self.pairs)[::-1]
        return tuple(_joined(map(_difference, pairs)))

    @cached_property
    def _match(self) -> list[list[int]]:
        return [[_cost(a, b) for b in self.found.compared] for a in self.asked.compared]

    @cached_property
    def _alone(self) -> tuple[list[int], list[int]]:
        """Return what it costs that a position has none beside it."""
        return _alone(self.asked.compared), _alone(self.found.compared)

    @cached_property
    def _costs(self) -> list[list[int]]:
        match = self._match
        less, more = self._alone
        costs = [[0, *accumulate(more)]]
        for i, leaving in enumerate(less, 1):
            before, row = costs[-1], [costs[-1][0] + leaving]
            # After a run of the one, what the other has more belongs to it.
            in_run = self.asked.compared[i - 1].sign is Sign.RUN
            for j, adding in enumerate(more, 1):
                other_run = self.found.compared[j - 1].sign is Sign.RUN
                cost = min(
                    before[j - 1] + match[i - 1][j - 1],
                    before[j] + (_GUESS if other_run else leaving),
                    row[j - 1] + (_GUESS if in_run else adding),
                )
                if cost > _ERROR and i > 1 and j > 1:
                    crossed = match[i - 2][j - 1] + match[i - 1][j - 2]
                    if crossed < _ERROR:
                        cost = min(cost, costs[i - 2][j - 2] + _ERROR + crossed)
                row.append(cost)
            costs.append(row)
        return costs

    @property
    def pairs(self) -> Iterator[Pair]:
        """Yield what stands side by side, from right to left."""
        one, other = self.asked.compared, self.found.compared
        i, j = len(one), len(other)
        while i or j:
            left, right = self._before(i, j)
            yield Pair(one[left:i], other[right:j], _at(one, left))
            i, j = left, right

    def _before(self, i: int, j: int) -> tuple[int, int]:
        """Return where the least cost comes from."""
        costs, match, (less, more) = self._costs, self._match, self._alone
        here = costs[i][j]
        if i and j and costs[i - 1][j - 1] + match[i - 1][j - 1] == here:
            return i - 1, j - 1
        in_run = j > 0 and self.found.compared[j - 1].sign is Sign.RUN
        if i and costs[i - 1][j] + (_GUESS if in_run else less[i - 1]) == here:
            return i - 1, j
        in_run = i > 0 and self.asked.compared[i - 1].sign is Sign.RUN
        if j and costs[i][j - 1] + (_GUESS if in_run else more[j - 1]) == here:
            return i, j - 1
        return i - 2, j - 2


def _alone(positions: tuple[Position, ...]) -> list[int]:
    return [_GUESS if p.sign is Sign.RUN else _ERROR for p in positions]


def differences(asked: Mark, found: Mark) -> tuple[Difference, ...]:
    """Return what is between two marks; at once where it is plain what stands beside."""
    pairs = _side_by_side(asked.compared, found.compared)
    if pairs is None:
        return Alignment(asked, found).differences
    return tuple(filter(None, map(_difference, pairs)))


class Beside(NamedTuple):
    """One place of two marks: what stands there on each side, and what is between."""

    asked: str
    found: str
    why: Why | None


def side_by_side(asked: Mark, found: Mark) -> tuple[Beside, ...]:
    """Return two marks place by place, from left to right, however far apart."""
    pairs = _side_by_side(asked.compared, found.compared)
    if pairs is None:
        pairs = list(Alignment(asked, found).pairs)[::-1]
    return tuple(
        Beside(
            "".join(map(canonical, pair.asked)),
            "".join(map(canonical, pair.found)),
            _why(pair),
        )
        for pair in pairs
    )


def _side_by_side(
    one: tuple[Position, ...], other: tuple[Position, ...]
) -> list[Pair] | None:
    """Return the pairs of marks without error that are as long, or have one run."""
    runs = [here for here, position in enumerate(one) if position.sign is Sign.RUN]
    if len(runs) > 1 or any(position.sign is Sign.RUN for position in other):
        return None
    if not runs and len(one) != len(other):
        return None
    left = runs[0] if runs else len(one)
    right = len(one) - left - 1 if runs else 0
    if left + right > len(other):
        return None
    middle = len(other) - right
    pairs = [Pair((a,), (b,), a.at) for a, b in zip(one[:left], other, strict=False)]
    if runs:
        pairs.append(Pair((one[left],), other[left:middle], one[left].at))
        rest = zip(one[left + 1 :], other[middle:], strict=True)
        pairs.extend(Pair((a,), (b,), a.at) for a, b in rest)
    return None if any(_is_error(pair) for pair in pairs) else pairs


def _is_error(pair: Pair) -> bool:
    return _why(pair) in _ERRORS


def _at(positions: tuple[Position, ...], here: int) -> int:
    if here < len(positions):
        return positions[here].at
    return positions[-1].at + len(positions[-1].written) if positions else 1


def _cost(one: Position, other: Position) -> int:
    """Return what it costs that two positions are one."""
    if Sign.RUN in (one.sign, other.sign):
        # A run takes in one position at a time, beside it.
        return 2 * _GUESS
    if Sign.UNKNOWN in (one.sign, other.sign):
        return _GUESS
    if not set(one.can_be).isdisjoint(other.can_be):
        return 0 if one.sign is other.sign is Sign.KNOWN else _GUESS
    if any(alike(a, b) for a in one.can_be for b in other.can_be):
        return _ALIKE
    return _ERROR


def _difference(pair: Pair) -> Difference | None:
    why = _why(pair)
    if why is None:
        return None
    asked, found = ("".join(map(canonical, side)) for side in (pair.asked, pair.found))
    return Difference(why, pair.at, asked, found)


def _why(pair: Pair) -> Why | None:
    one, other, _at = pair
    signs = {position.sign for position in (*one, *other)}
    if Sign.RUN in signs:
        return Why.RUN
    if len(one) != len(other):
        return Why.MISSING if one else Why.ADDED
    if len(one) > 1:
        return Why.SWAPPED
    if Sign.UNKNOWN in signs:
        return Why.UNKNOWN
    cost = _cost(one[0], other[0])
    if cost >= _ERROR:
        return Why.SUBSTITUTED
    if cost >= _ALIKE:
        return _kind_of_likeness(one[0].can_be, other[0].can_be)
    return Why.EITHER if cost else None


def _kind_of_likeness(one: str, other: str) -> Why:
    """Tell a character of another script from another character."""
    a, b = next((a, b) for a, b in product(one, other) if alike(a, b))
    if a.isdecimal() and b.isdecimal():
        return Why.OTHER_SCRIPT
    scripts = {script_of_character(a), script_of_character(b)}
    other_script = len(scripts) > 1 and "" not in scripts
    return Why.OTHER_SCRIPT if other_script else Why.LOOK_ALIKE


def _joined(steps: Iterable[Difference | None]) -> Iterator[Difference]:
    """Yield the differences, all that one run stands for as one.

    What stands beside a run by itself was taken in by the run before it.
    """
    run: Difference | None = None
    for step in steps:
        taken_in = run is not None and step is not None and step.why in _TAKEN_IN
        if run and step and (step.why is Why.RUN or taken_in):
            asked, found = run.asked + step.asked, run.found + step.found
            run = Difference(Why.RUN, run.at, asked, found)
            continue
        if run:
            yield run
        run = step if step is not None and step.why is Why.RUN else None
        if step and run is None:
            yield step
    if run:
        yield run
