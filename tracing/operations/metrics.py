"""Figures for those who watch the service, in the words of Prometheus.

Labels are the method, the template of the route and the status: nothing of a person, a
request or an authority. With several processes each writes its counts to a folder that
the environment names (PROMETHEUS_MULTIPROC_DIR), and whichever is asked adds them up.
"""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from flask import Flask, Response, current_app
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from tracing import logs
from tracing.operations import figures, state

KEY: Final = "tracing.metrics"
TOGETHER: Final = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counts of one application."""

    def __init__(self, instance: Path) -> None:
        """Begin to count; the registry is this application's own."""
        self.instance = instance
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tracing_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "tracing_request_seconds",
            "Time until the answer.",
            ("route",),
            buckets=BUCKETS,
            registry=self.registry,
        )

    def observe(self, response: Response) -> Response:
        """Count an answer."""
        route = logs.route()
        self.requests.labels(logs.method(), route, str(response.status_code)).inc()
        self.seconds.labels(route).observe(logs.elapsed())
        return response

    def text(self, *, now: datetime) -> bytes:
        """Return all figures as text."""
        registry = self.registry
        if os.environ.get(TOGETHER):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        waiting = CollectorRegistry()
        waiting.register(Waiting(self.instance, now))
        return bytes(generate_latest(registry)) + bytes(generate_latest(waiting))


class Waiting(Collector):
    """What the worker said last, and what the operator did."""

    def __init__(self, instance: Path, now: datetime) -> None:
        """Keep where to look."""
        self.instance = instance
        self.now = now

    def collect(self) -> Iterator[Metric]:
        """Yield the figures there are."""
        for name, help_text, value in self._figures():
            if value is not None:
                yield GaugeMetricFamily(f"tracing_{name}", help_text, value)

    def _figures(self) -> Iterator[tuple[str, str, float | None]]:
        worker = figures.told(self.instance)
        if worker is not None:
            yield "worker_silent_seconds", "Since its last word.", self._age(worker.at)
            yield "outbox_queued", "Messages that wait.", worker.queued
            yield "outbox_dead", "Messages given up.", worker.dead
            oldest = self._age(worker.oldest_mail) or 0.0
            yield "outbox_oldest_seconds", "Age of the oldest that waits.", oldest
            yield "mail_paused", "Whether mail is held back.", float(worker.paused)
            yield "reminders_due", "Reminders owed, not written.", worker.reminders
            oldest = self._age(worker.oldest_reminder) or 0.0
            yield "reminders_oldest_seconds", "Since when one is owed.", oldest
            unsigned = self._age(worker.unsigned) or 0.0
            yield (
                "journal_unsigned_seconds",
                "Age of the oldest entry that no checkpoint covers.",
                unsigned,
            )
            yield "look_ups_due", "Look-ups that wait to be asked.", worker.look_ups
            oldest = self._age(worker.oldest_look_up) or 0.0
            yield "look_ups_oldest_seconds", "Since when one waits.", oldest
            broken = len(worker.broken)
            yield "registers_broken", "Registers that do not answer.", broken
            nobody = len(worker.of_nobody)
            yield "registers_of_nobody", "Registers whose hits none is told.", nobody
        for name in (state.BACKUP, state.DRILL):
            at = state.moment_of(state.read(self.instance, name))
            yield f"{name}_age_seconds", f"Since the last {name}.", self._age(at)

    def _age(self, since: datetime | None) -> float | None:
        return None if since is None else max((self.now - since).total_seconds(), 0.0)


def init_app(app: Flask) -> None:
    """Count every answer of the application."""
    metrics = app.extensions[KEY] = Metrics(Path(app.instance_path))
    app.after_request(metrics.observe)


def page(*, now: datetime) -> Response:
    """Return the figures as an answer."""
    metrics: Metrics = current_app.extensions[KEY]
    return Response(metrics.text(now=now), content_type=CONTENT_TYPE_LATEST)
