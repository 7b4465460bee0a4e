"""Draw a picture anew, in a process of its own with little memory and time.

Runs by its path, on the standard library and Pillow alone: a picture that breaks the
decoder breaks nothing else. It reads the picture from standard input and writes one
line of JSON, then the new picture, then its thumbnail. A picture that it refuses is
said in that line, as `refused`.

    redraw.py PIXELS BYTES SECONDS
"""

import io
import json
import resource
import sys
import warnings
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL.Image import Image

THUMBNAIL_EDGE: Final = 320
THUMBNAIL_BYTES: Final = 20_000
QUALITIES: Final = (82, 70, 55, 40, 25, 10)
GROUND: Final = (118, 120, 124)
"""What shows through a picture with holes in its thumbnail."""


def confine(size: int, seconds: int) -> None:
    """Take away what a decoder does not need; more of either ends the process."""
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def redrawn(content: bytes, most_pixels: int) -> tuple[dict[str, object], bytes, bytes]:
    """Return what is to be known of a picture, itself, and its thumbnail."""
    from PIL import Image, ImageOps

    # Ours is the limit; theirs only warns at first.
    Image.MAX_IMAGE_PIXELS = None
    opened = Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))
    if opened.width * opened.height > most_pixels:
        return {"refused": "pixels"}, b"", b""
    is_png = opened.format == "PNG"
    opened.load()
    turned = ImageOps.exif_transpose(opened)
    picture = _plain(turned, is_png=is_png)
    # What stands here would be written again: comments, profiles, times, places.
    transparency = picture.info.get("transparency") if picture.mode == "P" else None
    picture.info = {}
    kept: dict[str, object] = {"transparency": transparency} if transparency else {}
    out = io.BytesIO()
    if is_png:
        picture.save(out, "PNG", **kept)
    else:
        picture.save(out, "JPEG", quality=90)
    told: dict[str, object] = {
        "media_type": "image/png" if is_png else "image/jpeg",
        "width": picture.width,
        "height": picture.height,
    }
    return told, out.getvalue(), thumbnail_of(picture, transparency)


def _plain(picture: "Image", *, is_png: bool) -> "Image":
    """Return the picture in a mode that every browser shows."""
    kept = ("1", "L", "LA", "P", "RGB", "RGBA") if is_png else ("L", "RGB")
    if picture.mode.startswith("I"):
        # 16 bits of grey: a browser shows the upper eight.
        return picture.point(lambda value: value / 256).convert("L")
    return picture if picture.mode in kept else picture.convert("RGB")


def thumbnail_of(picture: "Image", transparency: object) -> bytes:
    """Return a small JPEG, on a ground where the picture has holes."""
    from PIL import Image

    scale = min(1.0, THUMBNAIL_EDGE / max(picture.size))
    width, height = (max(1, round(edge * scale)) for edge in picture.size)
    size = (width, height)
    holes = picture.mode in ("LA", "RGBA") or transparency is not None
    if picture.mode not in ("L", "RGB", "RGBA"):
        picture.info = {"transparency": transparency} if transparency else {}
        picture = picture.convert("RGBA" if holes else "RGB")
    small = picture.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    if holes:
        ground = Image.new("RGB", size, GROUND)
        ground.paste(small, mask=small.getchannel("A"))
        small = ground
    for quality in QUALITIES:
        out = io.BytesIO()
        small.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= THUMBNAIL_BYTES:
            break
    return out.getvalue()


def main(pixels: str, size: str, seconds: str) -> None:
    """Do it for what comes in."""
    confine(int(size), int(seconds))
    warnings.simplefilter("ignore")
    content = sys.stdin.buffer.read()
    try:
        told, picture, small = redrawn(content, int(pixels))
    except MemoryError:
        told, picture, small = {"refused": "memory"}, b"", b""
    # Whatever a decoder raises at a broken picture means that it is broken.
    except Exception as error:  # noqa: BLE001
        told = {"refused": "broken", "by": type(error).__name__}
        picture, small = b"", b""
    told |= {"picture": len(picture), "small": len(small)}
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + picture + small)


if __name__ == "__main__":
    main(*sys.argv[1:])
