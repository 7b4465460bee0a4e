"""The description of the interface: made of the operations, shown without the network."""

import json
import warnings
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint as Pages
from flask import Flask, current_app, render_template, send_from_directory
from flask_smorest import Api, Blueprint
from werkzeug.wrappers import Response

from tracing.schemas.fields import Dated

TITLE: Final = "Firearms trace requests"
VERSION: Final = "v1"
GROUPS: Final = "tracing.api.groups"
UI: Final = ("swagger-ui.css", "swagger-ui-bundle.js")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none';"
    " frame-ancestors 'none'"
)
"""The page of the description runs a program of others: it shows no data of cases."""

pages = Pages("documents", __name__, url_prefix="/interface")


class _Api(Api):  # type: ignore[misc]
    """What describes; errors and addresses are the application's own affair."""

    def _register_error_handlers(self, *_given: Any, **_named: Any) -> None:
        """Leave them alone."""


def _name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__


def _words(_converter: Any, field: Any, ret: dict[str, Any]) -> dict[str, Any]:
    """Say what a field is for; leave out bounds that move with the day."""
    for name in [n for n in ret if n.startswith("x-m")]:
        ret.pop(name)
    if isinstance(field, Dated):
        ret.pop("maximum", None)
    said = {"title": "label", "description": "hint"}
    metadata = field.metadata
    return {k: str(metadata[v]) for k, v in said.items() if metadata.get(v)}


def build(app: Flask, groups: Sequence[Blueprint]) -> dict[str, Any]:
    """Return the description of every operation."""
    api = _Api()
    config = {
        "API_TITLE": TITLE,
        "API_VERSION": VERSION,
        "OPENAPI_VERSION": "3.1.0",
    }
    app.config.update(config)
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        api.init_app(app, spec_kwargs={"marshmallow_plugin": plugin})
        converter: Any = plugin.converter
        converter.add_attribute_function(_words)
        for group in groups:
            group.register_views_in_doc(
                api, app, api.spec, name=group.name, parameters=None
            )
    scheme = {"type": "http", "scheme": "bearer", "description": "A token."}
    api.spec.components.security_scheme("token", scheme)
    found: dict[str, Any] = api.spec.to_dict()
    _leave_out(found)
    found["info"]["description"] = "Walkthrough: docs/api.md."
    found["servers"] = [{"url": "/"}]
    found["tags"] = [{"name": g.tag, "description": g.description} for g in groups]
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def _leave_out(found: dict[str, Any]) -> None:
    """Leave out what the library says of itself: problems are described by us."""
    found["components"].pop("responses", None)
    found["components"].pop("headers", None)
    for name in ("ErrorSchema", "PaginationMetadataSchema"):
        found["components"]["schemas"].pop(name, None)
    for methods in found["paths"].values():
        for said in methods.values():
            if isinstance(said, dict):
                said["responses"].pop("default", None)


def described(app: Flask) -> dict[str, Any]:
    """Return the description, made once."""
    if "tracing.api.description" not in app.extensions:
        groups: Sequence[Blueprint] = app.extensions[GROUPS]
        app.extensions["tracing.api.description"] = build(app, groups)
    found: dict[str, Any] = app.extensions["tracing.api.description"]
    return found


@pages.get("")
def show() -> Response:
    """Show the description."""
    answer = Response(render_template("interface/show.html"), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


@pages.get("/openapi.json")
def description() -> Response:
    """Hand out the description as it is."""
    text = json.dumps(described(current_app._get_current_object()))  # type: ignore[attr-defined]
    return Response(text, mimetype="application/json")


@pages.get("/ui/<filename>")
def ui(filename: str) -> Response:
    """Hand out the program that draws it."""
    folder = str(files("swagger_ui") / "static")
    if filename not in UI:
        return Response(status=404)
    return send_from_directory(folder, filename)


def init_app(app: Flask, groups: Sequence[Blueprint]) -> None:
    """Show the description to whoever is signed in."""
    app.extensions[GROUPS] = groups
    app.register_blueprint(pages)
