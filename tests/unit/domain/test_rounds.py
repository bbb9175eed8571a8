"""The next way to whoever has not answered."""

import pytest

from balintmail.domain.rounds import NextWay, Reach, next_way


@pytest.mark.parametrize(("reach", "way"), [
    (Reach(), NextWay.MAIL),
    (Reach(mailed=True, days=6), NextWay.WAIT),
    (Reach(mailed=True, days=7), NextWay.REMIND),
    (Reach(mailed=True, reminded=True, days=3), NextWay.WAIT),
    (Reach(mailed=True, reminded=True, days=8, other_address=True, post=True), NextWay.OTHER_ADDRESS),
    (Reach(mailed=True, reminded=True, days=8, other_address=True, tried_other=True, post=True), NextWay.POST),
    (Reach(mailed=True, reminded=True, days=1, other_address=True, tried_other=True, post=True), NextWay.WAIT),
    (Reach(mailed=True, days=1, reached=False, other_address=True), NextWay.OTHER_ADDRESS),
    (Reach(mailed=True, days=1, reached=False, post=True), NextWay.POST),
    (Reach(reached=False, post=True, telephone=True), NextWay.POST),
    (Reach(reached=False, telephone=True), NextWay.TELEPHONE),
    (Reach(reached=False), NextWay.ASK_OTHERS),
])  # fmt: skip
def test_next_way_goes_by_mail_then_other_address_post_telephone(reach: Reach, way: NextWay) -> None:
    assert next_way(reach) is way
