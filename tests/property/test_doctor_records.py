"""Whatever stands in somebody's DNS, reading it ends in a record or in a refusal."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from balintmail.ops.doctor import dmarc_walk
from balintmail.ops.doctor.spf_record import SpfSyntax, parse

WORDS = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.text(alphabet="+-~?=:/%{}.0123456789adehilmoprstvxy", max_size=25),
        st.sampled_from(["a", "mx/24//64", "include:x.example", "ip4:192.0.2.0/24", "exists:%{ir}.%{v}.x", "all"]),
    ),
    max_size=12,
)


@given(WORDS)
def test_spf_record_is_read_or_refused(words: list[str]) -> None:
    with contextlib.suppress(SpfSyntax):
        parse("v=spf1 " + " ".join(words))


@given(st.one_of(st.text(), st.text().map(lambda text: f"v=DMARC1;{text}")))
def test_dmarc_record_is_read_or_passed_over(text: str) -> None:
    tags = dmarc_walk.read(text)
    assert tags is None or "v" in tags
