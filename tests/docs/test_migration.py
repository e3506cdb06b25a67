"""The migration pages are what the recipes, plans and aliases say now."""

import pytest

from docs import migration, migration_lightly, migration_monai, migration_transfer


@pytest.mark.parametrize("page", [migration, migration_lightly, migration_monai, migration_transfer], ids=lambda page: page.PAGE.stem)
def test_the_page_is_current(page) -> None:
    assert page.PAGE.read_text() == page.text(), f"run python -m {page.__name__}"
