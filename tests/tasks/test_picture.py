"""README's picture is what the command shows today."""

from __future__ import annotations

from tests.picture import PICTURE, drawn, shown, words


def test_the_picture_is_current() -> None:
    """The lines of a run of now, but for ids and times. After a change that is meant: `invoke picture`."""
    expected = words(PICTURE.read_text(encoding="utf-8"))
    assert words(drawn(shown())) == expected
    assert any("Any signed-in user can read other users' rows" in line for line in expected)


def test_it_asks_nothing_of_the_network() -> None:
    """No font and no image from elsewhere."""
    assert "url(" not in PICTURE.read_text().replace("url(#", "")
