"""Formatting of numbers, with the same cases as the widget's js/tests/numbers.test.ts."""

from __future__ import annotations

import pytest

from fixlip_widgets.support.formatting import isolated, pair_name, plain, right_to_left, signed, with_error


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (33.12, "33.1"),
        (1.236, "1.24"),
        (-0.4, "−0.40"),
        (0.0123, "0.012"),
        (-0.00042, "−0.00042"),
        (0.0000034, "0.0000034"),
        (0, "0.00"),
        (-1e-9, "0.00"),
    ],
)
def test_numbers_have_digits_by_their_size(value: float, written: str):
    assert plain(value) == written
    assert signed(value) == ("+" if value > 1e-6 else "") + written


def test_a_standard_error_is_written_only_if_known():
    assert with_error(1.5, 0.25) == "+1.50 ± 0.25"
    assert with_error(-0.0021, 0.0003) == "−0.0021 ± 0.00030"
    assert with_error(1.5, float("nan")) == with_error(1.5, None) == "+1.50"


@pytest.mark.parametrize(
    ("texts", "right"),
    [
        (["a", "dog"], False),
        (["…", "2 ", "كلب", "dog"], True),
        (["כלב"], True),
        (["dog", "כלב"], False),
        (["2", "…"], False),
        ([], False),
    ],
)
def test_the_first_letter_with_a_direction_decides_the_reading_direction(texts: list[str], right: bool):
    assert right_to_left(texts) is right


def test_right_to_left_names_are_isolated():
    assert isolated("dog") == "dog"
    assert isolated("كلب") == "\u2068كلب\u2069"
    assert pair_name(["patch (1, 1)", "כלב"], 1, 0, 1) == "\u2068כלב\u2069 × patch (1, 1)"
