"""What a file may be: its content says it, its name never does."""

import contextlib
import io
import time

import pytest
from PIL import Image

from tests.factories import files
from tracing.faults import FileRefused
from tracing.files.checking import Limits, check, title_of

LIMITS = Limits(size=26_214_400, pixels=40_000_000)
FLOOD = 30_000_000


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


class TestAPhotograph:
    def test_is_turned_as_it_was_taken_and_says_nothing_else(self):
        sent = files.jpeg(orientation=6)
        kept = check(sent, LIMITS)
        assert (kept.media_type, kept.width, kept.height) == ("image/jpeg", 480, 640)
        for content in (kept.content, kept.thumbnail):
            image = opened(content)
            assert not image.getexif()
            assert set(image.info) <= {
                "jfif",
                "jfif_version",
                "jfif_unit",
                "jfif_density",
            }
            assert b"ecret" not in content
            assert b"Exif" not in content
        assert kept.size == len(sent)

    def test_keeps_the_fingerprint_of_what_was_sent(self):
        from hashlib import sha256

        sent = files.jpeg()
        assert check(sent, LIMITS).sha256 == sha256(sent).hexdigest()

    def test_has_a_small_picture_of_at_most_20_kilobytes(self):
        noise = Image.effect_noise((3000, 2000), 90).convert("RGB")
        out = io.BytesIO()
        noise.save(out, "JPEG", quality=95)
        small = check(out.getvalue(), LIMITS).thumbnail
        assert max(opened(small).size) == 320
        assert len(small) <= 20_000

    def test_loses_what_follows_it(self):
        kept = check(files.jpeg() + files.zipped(), LIMITS)
        assert b"PK\x03\x04" not in kept.content

    def test_loses_the_words_inside_it(self):
        sent = files.png_with_words()
        assert b"secret comment" in sent
        assert b"secret comment" not in check(sent, LIMITS).content

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
    def test_of_any_kind_of_png_stays_a_png(self, mode):
        kept = check(files.png(mode=mode), LIMITS)
        assert kept.media_type == "image/png"
        assert opened(kept.content).size == (300, 200)

    def test_in_printing_colours_is_made_fit_for_a_screen(self):
        out = io.BytesIO()
        Image.new("CMYK", (30, 20)).save(out, "JPEG")
        assert opened(check(out.getvalue(), LIMITS).content).mode == "RGB"

    def test_of_forty_megapixels_is_taken_with_little_memory(self):
        out = io.BytesIO()
        exif = Image.Exif()
        exif[files.ORIENTATION] = 6
        Image.new("RGB", (8000, 5000)).save(out, "JPEG", exif=exif)
        assert check(out.getvalue(), LIMITS).width == 5000


def bomb(edge: int) -> bytes:
    return files.png((edge, edge), "1")


PICTURE = "cannot be read to its end"
KINDS = r"picture \(JPEG or PNG\) or a PDF"
ACTIVE = "contains a program, a form or another file"
REFUSED = {
    "nothing": (b"", "empty"),
    "a drawing that can act": (b"<svg onload='alert(1)'/>", KINDS),
    "a page": (b"<html><script>alert(1)</script>", KINDS),
    "an archive": (files.zipped(), KINDS),
    "a program": (b"MZ\x90\0" * 50, KINDS),
    "a GIF": (b"GIF89a" + b"\0" * 50, KINDS),
    "a TIFF": (b"II*\0" + b"\0" * 50, KINDS),
    "a WebP": (b"RIFF\x24\0\0\0WEBPVP8 ", KINDS),
    "an archive that unpacks to much": (files.zipped(b"\0" * FLOOD), KINDS),
    "the head of a JPEG alone": (b"\xff\xd8\xff\xe0", PICTURE),
    "half a JPEG": (files.jpeg()[:4000], PICTURE),
    "half a PNG": (files.png((300, 200))[:60], PICTURE),
    "a PNG with a JPEG's name for it": (b"\x89PNG\r\n\x1a\n" + files.jpeg(), PICTURE),
    "a PNG of nothing": (b"\x89PNG\r\n\x1a\n", PICTURE),
    "100 megapixels in 12 kB": (bomb(10_000), "at most 40 megapixels"),
    "400 megapixels in 48 kB": (bomb(20_000), "at most 40 megapixels"),
    "a file that is too large": (b"\xff\xd8\xff" + b"\0" * 26_214_400, "at most 25 MB"),
    "the head of a PDF alone": (b"%PDF-1.7\n", "save it again as PDF"),
    "half a PDF": (files.pdf()[:200], "save it again as PDF"),
    "an archive called PDF": (b"%PDF-1.7\n" + files.zipped(), "save it again as PDF"),
    "a PDF with a page behind it": (files.pdf() + b"<html>", "save it again as PDF"),
    "a PDF behind a page": (b"<html>" + files.pdf(), KINDS),
    "a PDF with a script": (
        files.pdf(catalog=b"/OpenAction << /S /JavaScript /JS (app.alert(1)) >>"),
        ACTIVE,
    ),
    "a PDF with a script in disguise": (
        files.pdf(catalog=b"/OpenAction << /S /J#61vaScript >>"),
        ACTIVE,
    ),
    "a PDF with a packed script": (
        files.pdf(more=files.packed(b"<< /S /JavaScript /JS (1) >>")),
        ACTIVE,
    ),
    "a PDF that starts a program": (files.pdf(catalog=b"/AA << /S /Launch >>"), ACTIVE),
    "a PDF with a file inside": (files.pdf(catalog=b"/EmbeddedFiles 4 0 R"), ACTIVE),
    "a PDF that unpacks without end": (
        files.pdf(more=files.packed(b" " * FLOOD)),
        "save it again as PDF",
    ),
    "a locked PDF": (files.pdf(trailer=b"/Encrypt 4 0 R"), "locked with a password"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused_with_what_to_do(content, words):
    with pytest.raises(FileRefused, match=words):
        check(content, LIMITS)


@pytest.mark.parametrize(
    "unit", [b"/ObjStm", b"/ObjStm stream\n", b"/ObjStm stream\nendstream ", b"/E#4"]
)
def test_a_pdf_made_to_keep_us_busy_does_not(unit):
    content = files.pdf(catalog=unit * (3_000_000 // len(unit)))
    before = time.thread_time()
    with contextlib.suppress(FileRefused):
        check(content, LIMITS)
    assert time.thread_time() - before < 3


@pytest.mark.parametrize("gap", [0, 4000])
def test_a_packed_list_is_found_among_others(gap):
    script = files.packed(b"<< /S /JavaScript /JS (1) >>")
    script = script.replace(b"/ObjStm", b"/ObjStm" + b" " * gap)
    before = b"/ObjStm " * 3 + b" " * 500 + files.packed(b"<< /Type /Font >>")
    for sent in (files.pdf(more=before + script), files.pdf(more=script + before)):
        with pytest.raises(FileRefused, match=ACTIVE):
            check(sent, LIMITS)


def test_a_pdf_is_kept_as_it_came():
    sent = files.pdf(more=files.packed(b"<< /Type /Font >>"))
    kept = check(sent, LIMITS)
    assert (kept.content, kept.media_type) == (sent, "application/pdf")
    assert kept.thumbnail == b""


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("photo.jpg", "photo"),
        ("../../etc/passwd", "passwd"),
        (r"..\..\windows\win.ini.JPEG", "win.ini"),
        ("a.php\0.jpg", "a.php"),
        ("a\r\nSet-Cookie: x=1.jpg", "aSet-Cookie: x=1"),
        ("ф" * 300 + ".png", "ф" * 200),
        ("фото.jpg", "фото"),
        ("a\u202egpj.exe.pdf", "agpj.exe"),
        ("cafe\u0301.jpg", "café"),
        (".jpg", ""),
        ("", ""),
    ],
)
def test_the_name_of_a_file_is_shown_without_its_tricks(name, title):
    assert title_of(name) == title
