"""Two verifiers, written apart, say the same; and what each hash and signature is."""

import base64
import hashlib
import json
import random
import shutil
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.journal import forger, second
from tracing.journal import verify
from tracing.journal.canonical import canonical, plain
from tracing.journal.checkpoints import is_signed
from tracing.journal.verify import Key, Tree, check_export, ed25519

OFTEN = 10_000
SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ANOTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
KEY = Key("desk.example/journal", SECRET.public_key().public_bytes_raw())
ORIGIN = "desk.example/journal/KE-1"
RFC_8032 = [
    # secret, public, message, signature: section 7.1, tests 1 to 3
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


# ------------------------------------------------------------- journals out of nothing


def sign(text, secret=SECRET, key=KEY):
    data = base64.b64encode(key.id + secret.sign(text.encode())).decode()
    return f"{text}\n— {key.name} {data}\n"


def clock(step):
    return f"2026-11-23T08:{step // 60 % 60:02}:{step % 60:02}.00Z"


class Book:
    """A random journal in memory, whole or spoilt, as an export."""

    def __init__(self, chance):
        self.chance = chance
        self.rows, self.hashes, self.notes = [], [], []
        self.head = bytes(32)
        self.time = chance.randrange(1000)
        for _ in range(chance.randrange(9)):
            self.add()

    def add(self):
        chance, seq = self.chance, len(self.rows) + 1
        self.time += chance.choice((0, 1, 5, 5, 5))
        if chance.random() < 0.04:
            self.time -= chance.choice((1, 2, 3, 60))
        salt, payload = chance.randbytes(32), canonical({"n": chance.random()})
        said = {
            "action": chance.choice(("read", "note", "respond")),
            "at": clock(max(self.time, 0)),
            "by": "KE-1",
            "chain": "KE-1",
            "payload": hashlib.sha256(b"\0" + salt + payload.encode()).hexdigest(),
            "seq": seq,
        }
        if self.rows and chance.random() < 0.15:
            victims = sorted({chance.randint(1, len(self.rows)) for _ in range(2)})
            said |= {"action": "erased", "erases": victims}
            for victim in victims:
                if chance.random() < 0.95:
                    self.rows[victim - 1][2:5] = ["-", str(seq), "-"]
                else:
                    self.rows[victim - 1][3] = str(seq)
        record = canonical(said)
        self.head = hashlib.sha256(b"\2" + self.head + record.encode()).digest()
        self.hashes.append(self.head)
        self.rows.append([str(seq), self.head.hex(), salt.hex(), "-", payload, record])
        if chance.random() < 0.2:
            root = forger.root_text(self.hashes)
            self.notes.append(sign(f"{ORIGIN}\n{seq}\n{root}\n"))

    def spoil(self):
        """Do one thing, or nothing, of what an attacker does."""
        chance, rows = self.chance, self.rows
        what = chance.randrange(12)
        if what == 0 and rows:
            rows.pop(chance.randrange(len(rows)))
        elif what == 1 and len(rows) > 1:
            one, other = chance.sample(range(len(rows)), 2)
            rows[one], rows[other] = rows[other], rows[one]
        elif what == 2 and rows:
            row = chance.choice(rows)
            row[5] = row[5].replace("KE-1", "KE-2", chance.choice((1, 2)))
        elif what == 3 and rows:
            row = chance.choice(rows)
            row[4] = canonical({"n": 0})
        elif what == 4 and rows:
            row = chance.choice(rows)
            row[chance.choice((2, 4))] = "-"
        elif what == 5 and self.notes:
            self.notes.append(self.notes[0].replace("KE-1", "KE-2"))
        elif what == 6:
            self.notes.append(
                sign(
                    f"{ORIGIN}\n{len(rows)}\n{forger.root_text(self.hashes)}\n", ANOTHER
                )
            )
        elif what == 7:
            self.notes.append(sign(f"{ORIGIN}\n{len(rows)}\n{'A' * 43}=\n"))
        elif what == 8 and rows:
            del rows[chance.randrange(len(rows)) :]
        elif what == 9 and rows:
            row = chance.choice(rows)
            row[1] = chance.randbytes(32).hex()

    def export(self):
        """Return the file; rarely one that was touched after it was sealed."""
        head = {
            "chain": "KE-1",
            "exported": clock(3000),
            "key": str(KEY),
            "origin": ORIGIN,
            "people": {},
        }
        out = ["tracing-journal/1\t" + canonical(head)]
        out += ["e\t" + "\t".join(row) for row in self.rows]
        out += ["c\t" + json.dumps(note) for note in self.notes]
        body = "".join(f"{line}\n" for line in out).encode()
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        seal = f"{ORIGIN}/export\n{len(self.rows)}\n{digest}\n"
        content = body + b"s\t" + json.dumps(sign(seal)).encode() + b"\n"
        if self.chance.random() < 0.03:
            return content[: self.chance.randrange(len(content))]
        if self.chance.random() < 0.03:
            return content.replace(b'"people":{}', b'"people":{"1":"X"}')
        return content


def level(path, content):
    """Return what the first verifier says."""
    # Writing over a file makes some file systems flush it; a new one is quick.
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    try:
        return check_export(path, verifies=is_signed).level
    except verify.Unreadable:
        return 3


@pytest.mark.slow
def test_two_verifiers_agree_on_ten_thousand_random_journals(tmp_path):
    met = dict.fromkeys(range(4), 0)
    for seed in range(OFTEN):
        book = Book(random.Random(seed))
        book.spoil()
        content = book.export()
        said = level(tmp_path / "x", content)
        assert said == second.level(content), seed
        met[said] += 1
    # All four answers were met, and none of them seldom.
    assert min(met.values()) > OFTEN / 100, met


def test_two_verifiers_agree_on_some_random_journals(tmp_path):
    for seed in range(OFTEN, OFTEN + 500):
        book = Book(random.Random(seed))
        book.spoil()
        content = book.export()
        assert level(tmp_path / "x", content) == second.level(content), seed


WHOLE = Book(random.Random(7)).export()


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_no_byte_of_an_export_can_be_changed(tmp_path_factory, place, by):
    path = tmp_path_factory.getbasetemp() / "flipped"
    assert level(path, WHOLE) == 0
    changed = bytearray(WHOLE)
    changed[place] ^= by
    assert level(path, bytes(changed)) in (2, 3)


# ------------------------------------------------------------------- hashes, signatures


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_signatures_of_the_rfc_are_right(public, message, signature):
    parts = [bytes.fromhex(part) for part in (public, message, signature)]
    assert ed25519(*parts)
    assert not ed25519(parts[0], parts[1] + b"\0", parts[2])


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.data())
def test_our_signature_check_and_the_library_agree(secret, message, data):
    key = Ed25519PrivateKey.from_private_bytes(secret)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert ed25519(public, message, signature)
    place = data.draw(st.integers(0, 63))
    wrong = bytearray(signature)
    wrong[place] ^= data.draw(st.integers(1, 255))
    assert ed25519(public, message, bytes(wrong)) == is_signed(
        public, message, bytes(wrong)
    )


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_the_growing_tree_has_the_root_that_the_rfc_defines(leaves):
    tree = Tree()
    for leaf in leaves:
        tree = Tree(tree.size, list(tree.frontier))
        tree.add(leaf)
    assert tree.root() == forger.root_of(leaves)


def test_a_known_checkpoint_text_is_read_as_c2sp_writes_it():
    note = sign(f"{ORIGIN}\n3\n{base64.b64encode(bytes(32)).decode()}\n")
    found = verify.read_checkpoint(note)
    assert (found.origin, found.size, found.root) == (ORIGIN, 3, bytes(32))
    assert verify.fault_of_note(note, {KEY.id: KEY}) == ""
    # Signatures of witnesses are passed by.
    more = note + "— witness.example AAAAAAECAwQ=\n"
    assert verify.fault_of_note(more, {KEY.id: KEY}) == ""
    assert verify.read_keys(f"{KEY}\n") == {KEY.id: KEY}


TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


@given(VALUES)
def test_the_canonical_form_keeps_the_value_and_is_one(value):
    text = canonical(value)
    assert json.loads(text) == plain(value) == value
    assert canonical(json.loads(text)) == text
    assert not set("\t\n\r") & set(text)


@pytest.mark.parametrize("value", [2**53, -(2**53), object(), b"x"])
def test_what_other_readers_would_read_otherwise_is_refused(value):
    with pytest.raises(ValueError, match="journal"):
        canonical({"value": value})


def test_keys_stand_in_the_order_of_utf_16():
    assert canonical({"\ufb33": 1, "\U0001f600": 2, "a": 3}) == (
        '{"a":3,"\U0001f600":2,"\ufb33":1}'
    )


# --------------------------------------------------------------------- one file alone


def test_the_file_runs_alone_with_the_standard_library(tmp_path):
    shutil.copy(verify.__file__, tmp_path / "verify.py")
    (tmp_path / "whole.txt").write_bytes(WHOLE)
    (tmp_path / "spoilt.txt").write_bytes(WHOLE.replace(b"respond", b"refuse!"))
    (tmp_path / "other.txt").write_text("no journal")
    assert [
        subprocess.run(
            [sys.executable, "-I", "-S", "verify.py", name],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        ).returncode
        for name in ("whole.txt", "spoilt.txt", "other.txt", "absent.txt")
    ] == [0, 2, 3, 3]
