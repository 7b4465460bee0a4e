"""On which database a test runs that asks for the application: usually on each."""

import pytest

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what a page looks like or says of itself: it does not hang on the database."""
