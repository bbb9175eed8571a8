"""When a mailing pauses by itself, and when it must not (standards 2.5, S20)."""

from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.judgement import FEWEST_FOR_A_SHARE, IN_A_ROW, Record, words_of
from balintmail.domain.outcome import Outcome, Stage, Verdict

YES = Outcome(Verdict.ACCEPTED, Stage.DOT, 250, "2.0.0", "2.0.0 ok")
NO_USER = Outcome(Verdict.REFUSED, Stage.RCPT, 550, "5.1.1", "5.1.1 <x@example.org> no such user")
NO_BOX = Outcome(Verdict.REFUSED, Stage.RCPT, 550, "5.2.1", "5.2.1 closed")
SHUT = Outcome(Verdict.REFUSED, Stage.RCPT, 550, "", "<x@example.org> not today")
RULE = Outcome(Verdict.REFUSED, Stage.DOT, 554, "5.7.1", "5.7.1 refused")
OTHER_RULE = Outcome(Verdict.REFUSED, Stage.RCPT, 550, "5.7.133", "5.7.133 refused")
OURS = Outcome(Verdict.REFUSED, Stage.DOT, 550, "5.7.26", "5.7.26 unauthenticated")
LATER = Outcome(Verdict.DEFERRED, Stage.RCPT, 451, "4.7.1", "4.7.1 greylisted")
LOST = Outcome(Verdict.UNKNOWN, Stage.DOT)


def heard(record: Record, *outcomes: Outcome) -> list[str]:
    return [record.hear(one) for one in outcomes]


def test_same_error_five_times_running_pauses_and_names_nobody() -> None:
    said = heard(Record(), YES, *[SHUT] * IN_A_ROW)
    assert said[:-1] == [""] * 5
    assert said[-1] == "the same answer 5 times running: 550 … not today"


def test_five_addresses_that_are_no_more_do_not_pause_but_too_many_of_them_do() -> None:
    assert not any(heard(Record(), *[NO_USER] * (FEWEST_FOR_A_SHARE - 1)))
    assert "refusals" in heard(Record(), *[NO_USER] * FEWEST_FOR_A_SHARE)[-1]


def test_an_acceptance_or_another_error_between_begins_anew() -> None:
    assert not any(heard(Record(), *[SHUT, SHUT, SHUT, SHUT, YES] * 4, *[SHUT, NO_BOX] * 6))


def test_temporary_noes_never_pause_greylists_all() -> None:
    assert not any(heard(Record(), *[LATER] * 500))


def test_five_in_doubt_running_pause() -> None:
    assert heard(Record(), *[LOST] * IN_A_ROW)[-1]


def test_different_rules_five_times_running_pause() -> None:
    assert heard(Record(), YES, RULE, OTHER_RULE, RULE, OTHER_RULE, RULE)[-1].startswith("our letters are refused")


def test_our_fault_pauses_even_between_acceptances_S20() -> None:
    record = Record()
    said = heard(record, *[OURS, YES] * IN_A_ROW)
    assert any(said)
    few = Record()
    assert not any(heard(few, OURS, YES))
    assert "5.7.26" in few.at_the_end()


def test_all_refused_for_a_rule_pauses_at_the_end_and_one_of_many_does_not() -> None:
    everybody, one, alone = Record(), Record(), Record()
    heard(everybody, RULE, OTHER_RULE)
    heard(one, RULE, YES)
    heard(alone, RULE)
    assert everybody.at_the_end()
    assert not one.at_the_end()
    assert not alone.at_the_end()


def test_share_of_refusals_pauses_above_it_and_not_before_fifty_answers() -> None:
    mixed = [NO_USER, NO_BOX, YES, YES]
    assert not any(heard(Record(60), *mixed * 30))
    record = Record(40)
    said = heard(record, *mixed * 30)
    assert next(place for place, reason in enumerate(said, 1) if reason) >= FEWEST_FOR_A_SHARE


@given(st.lists(st.sampled_from([YES, LATER, Outcome(Verdict.NOT_SENT, Stage.MAIL, 421)]), max_size=200))
def test_without_a_refusal_nothing_pauses(outcomes: list[Outcome]) -> None:
    record = Record()
    assert not any(heard(record, *outcomes))
    assert not record.at_the_end()


def test_words_of_an_answer_without_a_reply_name_the_stage() -> None:
    assert words_of(LOST) == "no answer (dot)"
