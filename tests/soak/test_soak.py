"""The soak, short; `make soak` runs it long."""

from tests.soak.kills import Soak
from tests.soak.mutants import judge


def test_nothing_is_lost_when_it_is_killed(tmp_path):
    tally = Soak(tmp_path, seed=7).run(kills=3)
    assert tally.kills >= 3
    assert tally.acknowledged
    assert tally.losses == []


def test_a_mutant_is_a_page_or_a_reason(tmp_path):
    verdict = judge(tmp_path, count=60, seed=7)
    assert verdict.pages + verdict.reasons == 60
    assert verdict.pages > 0
    assert verdict.reasons > 0
    assert verdict.strange == []
