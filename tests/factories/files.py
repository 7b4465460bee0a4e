"""Files as people send them, good and bad, made of nothing but figures."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image, ImageDraw
from PIL.TiffImagePlugin import IFDRational

ORIENTATION = 0x0112
MAKER = 0x010F
PLACE = 0x8825
NORTH = {1: "N", 2: tuple(map(IFDRational, (1, 17, 32)))}
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def picture(text: str = "AB 0417", size: tuple[int, int] = (640, 480)) -> Image.Image:
    """A grey plate with a stamp on it."""
    made = Image.new("RGB", size, (118, 120, 124))
    draw = ImageDraw.Draw(made)
    draw.rectangle((8, size[1] - 20, size[0] - 8, size[1] - 16), fill=(235, 235, 240))
    draw.text((size[0] // 4, size[1] // 2), text, fill=(30, 30, 34), font_size=60)
    return made


def jpeg(text: str = "AB 0417", **given: Any) -> bytes:
    """A photograph as a telephone makes it: turned, and telling its place."""
    exif = Image.Exif()
    exif[ORIENTATION] = given.pop("orientation", 6)
    exif[MAKER] = "Secret Camera"
    exif.get_ifd(PLACE).update(NORTH)
    out = io.BytesIO()
    made = picture(text, given.pop("size", (640, 480)))
    made.save(out, "JPEG", exif=exif, comment=b"secret comment", **given)
    return out.getvalue()


def png(size: tuple[int, int] = (300, 200), mode: str = "RGB", **given: Any) -> bytes:
    """A drawing."""
    out = io.BytesIO()
    Image.new(mode, size).save(out, "PNG", **given)
    return out.getvalue()


def png_with_words() -> bytes:
    """A drawing with a text inside the file."""
    plain = png()
    body = b"tEXt" + b"Comment\0secret comment"
    chunk = (
        struct.pack("!L", len(body) - 4) + body + struct.pack("!L", zlib.crc32(body))
    )
    return plain[:33] + chunk + plain[33:]


def pdf(*, catalog: bytes = b"", trailer: bytes = b"", more: bytes = b"") -> bytes:
    """One empty page; what is given stands in its catalogue, trailer, or as object 4."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R " + catalog + b" >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
        *([more] if more else []),
    ]
    out = b"%PDF-1.7\n"
    starts = []
    for number, body in enumerate(objects, 1):
        starts.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % start for start in starts)
    out += b"trailer\n<< /Size %d /Root 1 0 R " % (len(objects) + 1) + trailer
    return out + b" >>\nstartxref\n%d\n%%%%EOF\n" % table


def packed(content: bytes) -> bytes:
    """A packed list of objects for a PDF."""
    squeezed = zlib.compress(content)
    head = (
        b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\n"
    )
    return head % len(squeezed) + squeezed + b"\nendstream"


def zipped(content: bytes = b"nothing") -> bytes:
    """An archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", content)
    return out.getvalue()
