"""What we read in the answers of a JSON service; what is not here is passed over."""

import re
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from tracing.lookups.port import LONGEST, MOST_CANDIDATES, NotAnswered
from workflows.vocabulary import LookupOutcome

CLEAN: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]*")
MOST_FIELDS: Final = 60


class Reply(Schema):
    """Strict about what it reads."""

    class Meta:
        """Newer versions of a service may say more."""

        unknown = EXCLUDE


def _text(longest: int = LONGEST, **given: Any) -> fields.String:
    checks = [validate.Length(max=longest), validate.Regexp(CLEAN.pattern + r"\Z")]
    return fields.String(validate=checks, **given)


def _name(**given: Any) -> fields.String:
    checks = [validate.Regexp(r"[A-Za-z0-9._:-]{1,100}\Z")]
    return fields.String(validate=checks, required=True, **given)


class Record(Reply):
    """A record, in short or in full."""

    id = _name()
    kind = _text(40, load_default="")
    owner = _text(100, load_default="")
    summary = _text(load_default="")
    fields_ = fields.Dict(
        keys=_text(60),
        values=_text(),
        data_key="fields",
        load_default=dict,
        validate=validate.Length(max=MOST_FIELDS),
    )


class Found(Reply):
    """The answer to a search."""

    query_id = fields.String(required=True)
    complete = fields.Boolean(required=True, truthy={True}, falsy={False})
    total = fields.Integer(required=True, strict=True, validate=validate.Range(min=0))
    candidates = fields.List(
        fields.Nested(Record),
        required=True,
        validate=validate.Length(max=MOST_CANDIDATES),
    )


class InFull(Reply):
    """The answer to a question for one record."""

    query_id = fields.String(required=True)
    record = fields.Nested(Record, required=True)


class Trace(Reply):
    """How a trace stands."""

    query_id = fields.String(required=True)
    trace_id = _name()
    status = fields.String(
        required=True, validate=validate.OneOf(("pending", "answered", "closed"))
    )
    records = fields.List(
        fields.Nested(Record),
        load_default=list,
        validate=validate.Length(max=MOST_CANDIDATES),
    )


class Hit(Reply):
    """Somebody's search has met a record of ours."""

    id = _name()
    record_id = _name()
    searched_by = _text(100, load_default="")
    at = _text(40, load_default="")
    owner = _text(40, load_default="")


class Hits(Reply):
    """Notices of hits."""

    hits = fields.List(
        fields.Nested(Hit),
        required=True,
        validate=validate.Length(max=MOST_CANDIDATES),
    )


def loaded(schema: Schema, said: Any, raw: bytes) -> dict[str, Any]:
    """Return what an answer says, or say that it is not understood, and where."""
    try:
        found: dict[str, Any] = schema.load(said)
    except ValidationError as error:
        names = ", ".join(sorted(map(str, error.messages_dict)))
        why = f"The answer is not as agreed: {names}."
        raise NotAnswered(LookupOutcome.NOT_UNDERSTOOD, why, raw=raw) from error
    return found
