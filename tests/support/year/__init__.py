"""The actors and chapters of tests/e2e/test_a_year.py."""

import pytest

# What a chapter found is told, as in a test.
pytest.register_assert_rewrite(
    *(f"{__name__}.{each}" for each in ("parish", "winter", "spring", "summer", "autumn", "ending"))
)
