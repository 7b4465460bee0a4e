"""Check a journal: `python verify.py EXPORT` needs this one file and nothing else.

Nothing but the standard library is imported, so that an authority can check what it
was given on a machine of its own. The rules are in docs/journal.md.

    python verify.py EXPORT [--key FILE] [--checkpoint FILE]... [--other EXPORT]...

Exit status: 0 whole, 1 with a warning, 2 tampered with, 3 not readable.
"""

import argparse
import base64
import binascii
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

OK, WARNING, TAMPERED, UNREADABLE = 0, 1, 2, 3
FORMAT: Final = b"tracing-journal/1"
BEGINNING: Final = bytes(32)
"""What stands where the first entry of a chain names the one before it."""

CLOCKS: Final = timedelta(seconds=2)
"""The clocks of several machines may differ by this much."""

UNDER_WAY: Final = timedelta(seconds=30)
"""What was entered so shortly before an export may have come into the one alone."""

NONE: Final = b"-"
WITHHELD: Final = b"w"
"""What an entry carried may not leave the service; it stands in the database."""
FINDINGS: Final = 100

_sha256 = hashlib.sha256


class Unreadable(Exception):
    """This is not a journal, or not all of it; the text says what is wrong."""


# ---------------------------------------------------------------------- the hashes


def commitment(salt: bytes, payload: bytes) -> bytes:
    """Return what an entry says of its payload: nothing without the salt."""
    return _sha256(b"\0" + salt + payload).digest()


def entry_hash(before: bytes, record: bytes) -> bytes:
    """Return the hash of an entry: it holds all entries before it."""
    return _sha256(b"\2" + before + record).digest()


class Tree:
    """A Merkle tree after RFC 6962 that grows by one leaf, keeping full subtrees."""

    def __init__(self, size: int = 0, frontier: Iterable[bytes] = ()) -> None:
        """Start empty, or go on from the roots of the full subtrees."""
        self.size = size
        self.frontier = list(frontier)

    def add(self, leaf: bytes) -> None:
        """Add a leaf: the hash of the next entry."""
        self._put(_sha256(b"\0" + leaf).digest(), 0)

    def join(self, other: "Tree") -> None:
        """Add the leaves of another, which begins where a full subtree could end.

        Its largest subtree is at most as large as those this one is a multiple of.
        """
        left = other.size
        for node in other.frontier:
            level = left.bit_length() - 1
            left -= 1 << level
            if self.size & (1 << level) - 1:
                raise ValueError("a tree begins where no subtree can")
            self._put(node, level)

    def _put(self, node: bytes, level: int) -> None:
        size, stack = self.size >> level, self.frontier
        while size & 1:
            node = _sha256(b"\1" + stack.pop() + node).digest()
            size >>= 1
        stack.append(node)
        self.size += 1 << level

    def root(self) -> bytes:
        """Return the hash of the whole."""
        if not self.frontier:
            return _sha256(b"").digest()
        node = self.frontier[-1]
        for left in self.frontier[-2::-1]:
            node = _sha256(b"\1" + left + node).digest()
        return node


# ------------------------------------------------------- signatures: Ed25519, RFC 8032

_P: Final = 2**255 - 19
_L: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_I: Final = pow(2, (_P - 1) // 4, _P)

Point = tuple[int, int, int, int]
_BASE_Y: Final = 4 * pow(5, -1, _P) % _P


def _x_of(y: int, sign: int) -> int | None:
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _I % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    return _P - x if x & 1 != sign else x


def _point(text: bytes) -> Point | None:
    number = int.from_bytes(text, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    x = _x_of(y, sign) if y < _P else None
    return None if x is None else (x, y, 1, x * y % _P)


def _sum(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(number: int, p: Point) -> Point:
    found: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = _sum(found, p)
        p = _sum(p, p)
        number >>= 1
    return found


def ed25519(key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether the owner of the key signed the message."""
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r = _point(key), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    base = _point(_BASE_Y.to_bytes(32, "little"))
    if a is None or r is None or base is None or s >= _L:
        return False
    hashed = hashlib.sha512(signature[:32] + key + message).digest()
    left = _times(s, base)
    right = _sum(r, _times(int.from_bytes(hashed, "little") % _L, a))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (
        left[1] * right[2] - right[1] * left[2]
    ) % _P == 0


Verifies = Callable[[bytes, bytes, bytes], bool]


# --------------------------------------------------- notes and checkpoints, after C2SP


@dataclass(frozen=True)
class Key:
    """A public key with its name, as one line of text."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """Return the four bytes by which a signature names its key."""
        return _sha256(self.name.encode() + b"\n\1" + self.public).digest()[:4]

    def __str__(self) -> str:
        """Return the line."""
        public = base64.b64encode(b"\1" + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{public}"


def read_keys(text: str) -> dict[bytes, Key]:
    """Return the keys of a file, one a line, by their numbers."""
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, rest = line.partition("+")
        try:
            public = base64.b64decode(rest.partition("+")[2], validate=True)
        except binascii.Error:
            public = b""
        key = Key(name, public[1:])
        if len(public) != 33 or str(key) != line:
            raise Unreadable(f"this is not a key: {line[:80]}")
        found[key.id] = key
    return found


@dataclass(frozen=True)
class Checkpoint:
    """The head of a chain at one size, as its signed text says."""

    origin: str
    size: int
    root: bytes
    note: str


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the text of a note, and its signatures with the names of their keys."""
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not note.endswith("\n"):
        raise Unreadable("this is not a signed note: no line is empty")
    found = []
    for line in lines.splitlines():
        dash, _, rest = line.partition(" ")
        name, _, signature = rest.rpartition(" ")
        try:
            data = base64.b64decode(signature, validate=True)
        except binascii.Error as error:
            raise Unreadable("a signature of the note is not base64") from error
        if dash != "\u2014" or not name or len(data) < 5:
            raise Unreadable("a signature of the note is not one")
        found.append((name, data))
    return text + "\n", found


def read_checkpoint(note: str) -> Checkpoint:
    """Return what a checkpoint says; whoever signed it."""
    lines = split_note(note)[0].splitlines()
    try:
        origin, size, root = lines[0], lines[1], base64.b64decode(lines[2])
    except (IndexError, binascii.Error) as error:
        raise Unreadable("this is not a checkpoint") from error
    if not (size.isascii() and size.isdigit()) or len(root) != 32:
        raise Unreadable("this is not a checkpoint")
    return Checkpoint(origin, int(size), root, note)


def fault_of_note(
    note: str, keys: Mapping[bytes, Key], verifies: Verifies = ed25519
) -> str:
    """Return what is wrong with the signatures of a note; unknown keys are passed by."""
    text, signatures = split_note(note)
    known = 0
    for name, data in signatures:
        key = keys.get(data[:4])
        if key is None or key.name != name:
            continue
        known += 1
        if not verifies(key.public, text.encode(), data[4:]):
            return "its signature is wrong"
    return "" if known else "no key that is known has signed it"


# ------------------------------------------------------------------------- findings


WORDS: Final = {TAMPERED: "TAMPERED", UNREADABLE: "not readable"}


def worst(levels: Iterable[int]) -> int:
    """Return the exit status of several: that something was changed goes first."""
    found = set(levels)
    return TAMPERED if TAMPERED in found else max(found, default=OK)


@dataclass(frozen=True, order=True)
class Finding:
    """What is not as it should be, and from which entry on."""

    seq: int
    level: int
    text: str


@dataclass
class Report:
    """What a check of one chain came to."""

    chain: str
    size: int = 0
    head: bytes = BEGINNING
    root: bytes = b""
    last_at: str = ""
    findings: list[Finding] = field(default_factory=list)
    left_out: int = 0
    withheld: int = 0

    def add(self, seq: int, level: int, text: str) -> None:
        """Keep a finding; of very many the first."""
        if len(self.findings) < FINDINGS:
            self.findings.append(Finding(seq, level, text))
        else:
            self.left_out += 1

    @property
    def level(self) -> int:
        """Return the exit status."""
        return worst(f.level for f in self.findings)

    @property
    def first(self) -> Finding | None:
        """Return the first bad entry, the worst kind before mere warnings."""
        worst = (f for f in self.findings if f.level == self.level)
        return min(worst, key=lambda f: (f.seq == 0, f), default=None)

    def lines(self) -> Iterator[str]:
        """Yield the report for people."""
        for found in sorted(self.findings):
            word = WORDS.get(found.level, "warning")
            place = f"entry {found.seq}" if found.seq else "the whole"
            yield f"{word}: {self.chain}, {place}: {found.text}"
        if self.left_out:
            yield f"... and {self.left_out} more"
        first = self.first
        if first is not None and first.seq:
            yield f"{self.chain}: the first bad entry is {first.seq}."
        elif first is not None:
            yield f"{self.chain}: no single entry is bad, the whole is."
        else:
            yield f"{self.chain}: {self.size} entries, whole; root {self.root.hex()}"
        if self.withheld:
            yield f"{self.chain}: {self.withheld} payloads were withheld, not checked"


# ------------------------------------------------------------------- the entries

Row = tuple[int, str, bytes, bytes | None, bytes | None, int | None]
"""Number, record, hash, salt, payload, and the entry that erased it (-1: withheld)."""

_HELD: Final = -1

Seen = Callable[[Mapping[str, Any]], None]


@dataclass
class Walked:
    """What a stretch of a chain came to: entries that follow one another."""

    report: Report
    head: bytes = BEGINNING
    at: str = ""
    tree: Tree = field(default_factory=Tree)
    """Of these entries alone."""
    trees: dict[int, Tree] = field(default_factory=dict)
    """The same as it was when the chain had so many entries."""
    missing: dict[int, int | None] = field(default_factory=dict)
    present: set[int] = field(default_factory=set)
    erased: dict[int, int] = field(default_factory=dict)

    def join(self, after: "Walked") -> None:
        """Add the stretch that follows; it must have been walked as the next."""
        for size, tree in after.trees.items():
            whole = Tree(self.tree.size, self.tree.frontier)
            whole.join(tree)
            self.trees[size] = whole
        for found in after.report.findings:
            self.report.add(found.seq, found.level, found.text)
        self.report.left_out += after.report.left_out
        self.tree.join(after.tree)
        self.missing |= after.missing
        self.present |= after.present
        # Read in order: what was erased twice is known by the later one.
        self.erased |= after.erased
        self.head, self.at = after.head, after.at


def walk(
    chain: str,
    rows: Iterable[Row],
    sizes: Iterable[int] = (),
    seen: Seen | None = None,
    *,
    closed: bool = False,
    after: tuple[int, bytes, str] = (0, BEGINNING, ""),
) -> Walked:
    """Look at entries one by one, and keep the tree as it is at some sizes.

    `after` is the entry before the first: its number, its hash and its time. With
    `closed` what they carried is there and was not opened: it goes unchecked.
    """
    start, head, last_at = after
    expected, wanted = start + 1, {size - start for size in sizes}
    walked = Walked(report := Report(chain))
    tree, missing, present = walked.tree, walked.missing, walked.present
    # Half the time of json.loads, which looks for an encoding and for spaces.
    decoder: Any = json.JSONDecoder()
    scan, sha256, add = decoder.scan_once, _sha256, tree.add
    for seq, record, hashed, salt, payload, erased_by in rows:
        if seq != expected:
            report.add(
                min(seq, expected),
                TAMPERED,
                f"entry {expected} is expected here and entry {seq} found",
            )
        try:
            said, end = scan(record, 0)
            at, committed, action = said["at"], said["payload"], said["action"]
            right = (
                said["seq"] == seq
                and said["chain"] == chain
                and at.__class__ is str
                and end == len(record)
            )
        except (ValueError, KeyError, TypeError, StopIteration, RecursionError):
            report.add(seq, TAMPERED, "the entry cannot be read")
            expected, head = seq + 1, hashed
            add(hashed)
            continue
        if not right:
            report.add(seq, TAMPERED, "the entry belongs to another place")
            at = str(at)
        if sha256(b"\2" + head + record.encode()).digest() != hashed:
            report.add(seq, TAMPERED, "the entry, or the one before it, was changed")
        if payload is None or salt is None:
            missing[seq] = erased_by
        elif closed:
            pass
        elif sha256(b"\0" + salt + payload).hexdigest() != committed:
            report.add(seq, TAMPERED, "what the entry carried was changed")
        if erased_by is not None and not (payload is salt is None):
            present.add(seq)
        if at < last_at and _set_back(last_at, at):
            report.add(seq, WARNING, f"the clock was set back from {last_at} to {at}")
        if action == "erased":
            walked.erased.update(dict.fromkeys(_numbers(said.get("erases")), seq))
        if seen is not None:
            seen(said)
        last_at, expected, head = at, seq + 1, hashed
        add(hashed)
        if tree.size in wanted:
            walked.trees[start + tree.size] = Tree(tree.size, tree.frontier)
    walked.head, walked.at = head, last_at
    return walked


def judge(
    walked: Walked,
    checkpoints: Sequence[Checkpoint] = (),
    *,
    exported: bool = False,
    shut: Mapping[int, str] | None = None,
) -> Report:
    """Say how a chain is that was walked, and whether it begins as each checkpoint says.

    What is `exported` may say that something was withheld. `shut` says of which entry
    the content does not open, and why.
    """
    report = walked.report
    for seq in sorted(walked.missing):
        if shut and seq in shut:
            report.add(seq, UNREADABLE, f"what it carried does not open: {shut[seq]}")
        elif exported and walked.missing[seq] == _HELD:
            report.withheld += 1
        elif walked.erased.get(seq, 0) <= seq:
            report.add(seq, TAMPERED, "what it carried is missing, not erased")
    for seq in sorted(walked.present):
        report.add(seq, WARNING, "what it carried was erased and is here again")
    report.size, report.head = walked.tree.size, walked.head
    report.last_at, report.root = walked.at, walked.tree.root()
    roots = {size: tree.root() for size, tree in walked.trees.items()}
    _compare(report, checkpoints, {0: Tree().root()} | roots)
    return report


def _numbers(found: object) -> list[int]:
    given = found if isinstance(found, list) else []
    return [number for number in given if isinstance(number, int)]


def _set_back(before: str, after: str) -> bool:
    try:
        gap = datetime.fromisoformat(before) - datetime.fromisoformat(after)
    except ValueError:
        return True
    return gap > CLOCKS


def _compare(
    report: Report, checkpoints: Sequence[Checkpoint], roots: Mapping[int, bytes]
) -> None:
    same = 0
    for checkpoint in sorted(checkpoints, key=lambda c: c.size):
        if checkpoint.size > report.size:
            report.add(
                report.size + 1,
                TAMPERED,
                f"a checkpoint was made of {checkpoint.size} entries,"
                f" and {report.size} are here",
            )
        elif roots.get(checkpoint.size) != checkpoint.root:
            inside = range(same + 1, checkpoint.size + 1)
            bad = (f.seq for f in report.findings if f.level == TAMPERED)
            report.add(
                min((seq for seq in bad if seq in inside), default=same + 1),
                TAMPERED,
                f"entries {same + 1} to {checkpoint.size} are not"
                " those of their checkpoint",
            )
        else:
            same = checkpoint.size


def check_notes(
    report: Report,
    origin: str,
    checkpoints: Iterable[Checkpoint],
    keys: Mapping[bytes, Key],
    verifies: Verifies = ed25519,
) -> None:
    """Check whose and of what the checkpoints are."""
    for checkpoint in checkpoints:
        if checkpoint.origin != origin:
            text = f"a checkpoint is of {checkpoint.origin}, not of {origin}"
            report.add(checkpoint.size, TAMPERED, text)
        elif fault := fault_of_note(checkpoint.note, keys, verifies):
            text = f"the checkpoint of {checkpoint.size} entries: {fault}"
            report.add(checkpoint.size, TAMPERED, text)


# ---------------------------------------------------- what two authorities were shown


@dataclass
class Shared:
    """The entries of one chain that another must hold too, by their commitments."""

    other: str
    found: dict[str, tuple[str, str, str, str]] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)

    def see(self, said: Mapping[str, Any]) -> None:
        """Keep an entry that is shared with the other chain."""
        shared = said.get("shared")
        if isinstance(shared, list) and self.other in shared:
            key = str(said["payload"])
            self.found[key] = (
                said["action"],
                said.get("object", ""),
                said.get("after", ""),
                said["at"],
            )
            self.seqs[key] = said["seq"]


def compare_shared(report: Report, mine: Shared, theirs: Shared, last: str) -> None:
    """Report what the two sides of the same requests were not shown alike until then."""
    for key, entry in mine.found.items():
        if entry[3] < last and theirs.found.get(key) != entry:
            text = f"{mine.other} does not hold the same entry"
            report.add(mine.seqs[key], TAMPERED, text)
    for key, entry in theirs.found.items():
        if entry[3] < last and key not in mine.found:
            text = f"{mine.other} holds an entry of {entry[3]} that is not here"
            report.add(0, TAMPERED, text)


# --------------------------------------------------------------------------- a file


class Export:
    """An export as it is read, line by line."""

    def __init__(self, path: Path) -> None:
        """Read the head and the tail; the entries stay in the file."""
        self.path = path
        try:
            with path.open("rb") as file:
                self.head = self._head(file.readline())
            self.chain = str(self.head["chain"])
            self.origin = str(self.head["origin"])
            self.keys = read_keys(str(self.head["key"]))
            self.made_at = datetime.fromisoformat(str(self.head["exported"]))
        except (OSError, KeyError, ValueError) as error:
            raise Unreadable(f"{path}: {error}") from error
        if self.made_at.tzinfo is None:
            raise Unreadable(f"{path}: the time of the export has no zone")
        self.checkpoints: list[Checkpoint] = []
        self.seal = ""
        self.digest = _sha256()

    def _head(self, line: bytes) -> dict[str, Any]:
        start, _, rest = line.partition(b"\t")
        try:
            found = json.loads(rest)
        except ValueError as error:
            raise Unreadable(f"{self.path}: this is not a journal") from error
        if start != FORMAT or not isinstance(found, dict):
            raise Unreadable(f"{self.path}: this is not a journal")
        return found

    def rows(self) -> Iterator[Row]:
        """Yield the entries; after them the checkpoints and the seal are known."""
        with self.path.open("rb") as file:
            yield from self._rows(file)

    def _rows(self, file: BinaryIO) -> Iterator[Row]:
        digest, unhex = self.digest.update, bytes.fromhex
        digest(file.readline())
        for line in file:
            parts = line.split(b"\t")
            if parts[-1][-1:] != b"\n":
                raise Unreadable(f"{self.path}: the last line is cut off")
            parts[-1] = parts[-1][:-1]
            if len(parts) == 7:
                digest(line)
                _, seq, hashed, salt, erased, payload, record = parts
                try:
                    yield (
                        int(seq),
                        record.decode(),
                        unhex(hashed.decode()),
                        None if salt == NONE else unhex(salt.decode()),
                        None if payload == NONE else payload,
                        _erased(erased),
                    )
                except ValueError as error:
                    raise Unreadable(f"{self.path}: {line[:40]!r}") from error
            elif len(parts) == 2 and parts[0] in (b"c", b"s"):
                self._note(line, parts)
            else:
                raise Unreadable(f"{self.path}: {line[:40]!r} is no line of a journal")

    def _note(self, line: bytes, parts: list[bytes]) -> None:
        try:
            note = str(json.loads(parts[1]))
        except ValueError as error:
            raise Unreadable(f"{self.path}: a note cannot be read") from error
        if self.seal:
            raise Unreadable(f"{self.path}: there is more after the end")
        if parts[0] == b"s":
            self.seal = note
            return
        self.digest.update(line)
        self.checkpoints.append(read_checkpoint(note))


def _erased(field: bytes) -> int | None:
    if field == WITHHELD:
        return _HELD
    if field == NONE:
        return None
    if not field.isdigit():
        raise ValueError("this is no number")
    return int(field)


def seal_text(origin: str, entries: int, digest: bytes) -> str:
    """Return the text that is signed at the end of an export."""
    return f"{origin}/export\n{entries}\n{base64.b64encode(digest).decode()}\n"


def noted(path: Path) -> list[Checkpoint]:
    """Return the checkpoints an export carries, before its entries are read."""
    found = []
    with path.open("rb") as file:
        for line in file:
            if line.startswith(b"c\t"):
                try:
                    found.append(read_checkpoint(str(json.loads(line[2:]))))
                except ValueError as error:
                    raise Unreadable(f"{path}: a note cannot be read") from error
    return found


def check_export(
    path: Path,
    keys: Mapping[bytes, Key] | None = None,
    kept: Sequence[Checkpoint] = (),
    others: Sequence[Path] = (),
    *,
    verifies: Verifies = ed25519,
    under_way: timedelta = UNDER_WAY,
) -> Report:
    """Check an export: alone, with checkpoints kept from before, with other sides'."""
    export = Export(path)
    trusted = keys or export.keys
    theirs = [_shared(other, export.chain) for other in others]
    mine = [Shared(other.chain) for other, _ in theirs]

    def seen(said: Mapping[str, Any]) -> None:
        for shared in mine:
            shared.see(said)

    inside = noted(path)
    notes = [*inside, *kept]
    look = seen if mine else None
    walked = walk(export.chain, export.rows(), (note.size for note in notes), look)
    report = judge(walked, notes, exported=True)
    if not export.seal:
        raise Unreadable(f"{path}: the end is missing")
    check_notes(report, export.origin, notes, trusted, verifies)
    expected = seal_text(export.origin, report.size, export.digest.digest())
    if split_note(export.seal)[0] != expected:
        report.add(0, TAMPERED, "the file was changed after it was sealed")
    elif fault := fault_of_note(export.seal, trusted, verifies):
        report.add(0, TAMPERED, f"the seal of the file: {fault}")
    for shared, (other, their) in zip(mine, theirs, strict=True):
        both = min(export.made_at, other.made_at) - under_way
        compare_shared(report, shared, their, both.isoformat())
    return report


def _shared(path: Path, chain: str) -> tuple[Export, Shared]:
    export, shared = Export(path), Shared(chain)
    walk(export.chain, export.rows(), (), shared.see)
    return export, shared


def read_text(path: Path) -> str:
    """Return a file of text, or say why not."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path}: {error}") from error


def run(
    file: Path,
    key: Path | None,
    checkpoints: Sequence[Path],
    others: Sequence[Path],
    say: Callable[[str], object],
) -> int:
    """Check an export and say how it is; return the exit status."""
    try:
        report = check_export(
            file,
            read_keys(read_text(key)) if key else None,
            [read_checkpoint(read_text(path)) for path in checkpoints],
            others,
        )
    except Unreadable as error:
        say(f"not readable: {error}")
        return UNREADABLE
    for line in report.lines():
        say(line)
    return report.level


def main() -> int:
    """Check the export that the command line names."""
    parser = argparse.ArgumentParser(description="Check an exported journal.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--key", type=Path, help="the public key you have kept")
    parser.add_argument(
        "--checkpoint", type=Path, action="append", default=[], help="one you have kept"
    )
    parser.add_argument(
        "--other", type=Path, action="append", default=[], help="another authority's"
    )
    given = parser.parse_args()
    return run(
        given.export,
        given.key,
        given.checkpoint,
        given.other,
        lambda line: sys.stdout.write(line + "\n"),
    )


if __name__ == "__main__":
    sys.exit(main())
