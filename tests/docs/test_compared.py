"""The table beside others: what it says of us is there, and every cell has its page."""

from __future__ import annotations

from docs import compared


def test_the_page_is_what_the_table_says():
    assert compared.PAGE.read_text() == compared.text()
    assert compared.README.read_text() == compared.readme()


def test_every_mark_of_ours_leads_to_a_page_and_no_cell_is_of_an_unknown_peer():
    for row in compared.TABLE["rows"]:
        assert set(row) - {"of", "short", "ours"} <= set(compared.TABLE["peers"])
        assert "ours" not in row or (compared.PAGE.parent / row["ours"]).is_file(), row["of"]
        assert len(row) > 1
