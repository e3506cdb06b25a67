"""The migration page is what the recipes and aliases say now."""

from docs import migration


def test_the_page_is_current() -> None:
    assert migration.PAGE.read_text() == migration.text(), "run python -m docs.migration"
