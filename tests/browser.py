"""Chromium as Debian ships it, driven by playwright; the application on a real port."""

import contextlib
import shutil
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

HOW_TO_GET_IT = (
    "Chromium is not on this machine, so no browser test ran. As root: "
    "apt-get install chromium fonts-noto-core fonts-noto-cjk"
)
PATIENCE = 20_000
"""Milliseconds until what is expected on a page counts as missing."""

FLAGS = [
    "--no-sandbox",  # root cannot have one; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    """Start Chromium, or skip and say how to get it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip(HOW_TO_GET_IT)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Patient(WSGIRequestHandler):
    """Gives up a connection on which a browser asks nothing."""

    timeout = 5


@contextlib.contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve the application on loopback and give its address.

    The end waits for the answers under way: whoever closes the database next must
    not take it from under one of them.
    """
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Patient)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
