"""Pictures: drawn anew without anything but the picture, in a process of their own."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tracing.faults import FileRefused, Unavailable
from tracing.schemas.fields import Told
from workflows.vocabulary import N_

DRAWER: Final = Path(__file__).with_name("redraw.py")
MEMORY: Final = 512 << 20
SECONDS_OF_WORK: Final = 10
SECONDS_IN_ALL: Final = 30
MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is kept, and a small one for the page."""

    media_type: str
    content: bytes
    thumbnail: bytes
    width: int
    height: int


def redraw(content: bytes, most_pixels: int) -> Picture:
    """Return the picture without metadata, or refuse it in words."""
    sizes = map(str, (most_pixels, MEMORY, SECONDS_OF_WORK))
    try:
        done = subprocess.run(  # noqa: S603 - our own file; what came is only read
            [sys.executable, "-I", str(DRAWER), *sizes],
            input=content,
            capture_output=True,
            timeout=SECONDS_IN_ALL,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _broken() from error
    except OSError as error:
        raise Unavailable("no process for a picture could be started") from error
    line, _, drawn = done.stdout.partition(b"\n")
    if done.returncode or not line:
        raise _broken()
    told = json.loads(line)
    match told.get("refused"):
        case "pixels" | "memory":
            words = N_("Choose a picture of at most %(number)s megapixels")
            raise FileRefused(Told(words, number=most_pixels // MILLION))
        case str():
            raise _broken()
    return Picture(
        told["media_type"],
        drawn[: told["picture"]],
        drawn[told["picture"] :],
        told["width"],
        told["height"],
    )


def _broken() -> FileRefused:
    return FileRefused(
        N_("This picture cannot be read to its end: save it again as JPEG or PNG")
    )
