"""Which code a run ends with that met several."""

import pytest

from craftsync.errors import EXIT_CODES, worst


@pytest.mark.parametrize(
    ("met", "ends_with"),
    [
        ([], 0),
        ([0], 0),
        ([0, 3], 3),
        ([3, 4], 4),
        ([4, 7], 7),
        ([7, 6], 6),
        ([6, 8], 8),
        ([8, 130], 130),
        ([0, 2], 2),
        ([2, 3], 3),
    ],
)
def test_the_first_of_the_order_counts(met, ends_with):
    assert worst(met) == ends_with
    assert worst(reversed(met)) == ends_with


@pytest.mark.parametrize("code", EXIT_CODES)
def test_no_code_is_lost_beside_success(code):
    assert worst([0, code]) == code
