"""Write what is published of the formats: beside the code, and into the documentation."""

import shutil
from pathlib import Path

from tracing.exchange import json_schema, niem, xml_schema

DOCS = Path(__file__).resolve().parents[2] / "docs" / "exchange"
MADE = {
    "exchange-1.schema.json": json_schema.text,
    "trace-1.xsd": xml_schema.text,
}
"""The files that are made of the schemas of the form; the others are NIEM's."""


def main() -> None:
    """Write them all."""
    for name, text in MADE.items():
        (niem.PUBLISHED / name).write_text(text(), "utf-8")
    shutil.copytree(niem.PUBLISHED, DOCS, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
