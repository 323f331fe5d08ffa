"""The life of a child: what may follow what, how soon it may start again, and who leaves when memory is short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.engines.embedded.lifecycle import (
    TRANSITIONS,
    Happening,
    IllegalHappening,
    Life,
    Loaded,
    Phase,
    RestartPolicy,
    make_room,
)

POLICY = RestartPolicy(first_s=1, longest_s=8, most_breaks=5, window_s=100, rest_s=60)


def broken(*, times: int, every_s: float) -> Life:
    """A child that was started and broke so often."""
    life = Life()
    now = 0.0
    for _ in range(times):
        now = max(now + every_s, life.not_before)
        life = life.after(Happening.WANTED, now=now, policy=POLICY)
        life = life.after(Happening.BROKE, now=now, policy=POLICY)
    return life


def test_a_whole_life_goes_through_all_phases() -> None:
    """Wanted, started, stopped, ended, and wanted again."""
    life = Life()
    phases = []
    for happening in (Happening.WANTED, Happening.STARTED, Happening.STOP, Happening.ENDED, Happening.WANTED):
        life = life.after(happening, now=0, policy=POLICY)
        phases.append(life.phase)
    assert phases == [Phase.STARTING, Phase.READY, Phase.STOPPING, Phase.STOPPED, Phase.STARTING]


def test_every_phase_stands_in_the_table_and_can_be_left() -> None:
    """No phase is a dead end."""
    assert set(TRANSITIONS) == set(Phase)
    assert all(TRANSITIONS.values())


def test_what_cannot_happen_in_a_phase_is_an_error() -> None:
    """A stopped child cannot break."""
    with pytest.raises(IllegalHappening, match="'broke' cannot happen to a child that is 'stopped'"):
        Life().after(Happening.BROKE, now=0, policy=POLICY)


def test_the_first_break_costs_no_time() -> None:
    """The next request is answered as soon as the model is loaded."""
    assert broken(times=1, every_s=0).startable_in(0.0) == 0


def test_each_further_break_doubles_the_wait() -> None:
    """Up to the longest wait, then the rest."""
    assert [POLICY.delay_s(breaks) for breaks in range(1, 7)] == [0, 1, 2, 4, 60, 60]


def test_a_child_that_breaks_too_often_rests() -> None:
    """After the fifth break within the window it may not start for a minute."""
    life = broken(times=5, every_s=0)
    assert life.not_before - life.broke_at[-1] == 60


def test_a_child_must_not_start_before_its_time() -> None:
    """The supervisor has to wait; starting early is a fault."""
    life = broken(times=3, every_s=0)
    with pytest.raises(IllegalHappening):
        life.after(Happening.WANTED, now=life.not_before - 0.01, policy=POLICY)
    assert life.after(Happening.WANTED, now=life.not_before, policy=POLICY).phase is Phase.STARTING


def test_breaks_that_are_long_ago_are_forgotten() -> None:
    """A model that breaks once a day always starts again at once."""
    life = broken(times=10, every_s=101)
    assert life.startable_in(life.broke_at[-1]) == 0


@given(st.lists(st.tuples(st.sampled_from(Happening), st.floats(0, 50)), max_size=60))
def test_no_order_of_happenings_breaks_the_rules(happenings: list[tuple[Happening, float]]) -> None:
    """Whatever happens when: it is refused or follows the table; waits are bounded; memory of breaks is too."""
    life, now = Life(), 0.0
    for happening, passed_s in happenings:
        now += passed_s
        try:
            after = life.after(happening, now=now, policy=POLICY)
        except IllegalHappening:
            early = happening is Happening.WANTED and life.startable_in(now) > 0
            assert early or happening not in TRANSITIONS[life.phase]
            continue
        assert after.phase is TRANSITIONS[life.phase][happening]
        assert after.startable_in(now) <= POLICY.rest_s
        assert len(after.broke_at) <= POLICY.most_breaks
        assert after.not_before >= life.not_before
        life = after


def loaded(name: str, *, memory: int = 10, leases: int = 0, used_at: float = 0) -> Loaded:
    """A model in memory."""
    return Loaded(name, memory, leases, used_at)


def test_nobody_leaves_while_there_is_room() -> None:
    """An unused model stays for its next request."""
    assert make_room([loaded("a")], needed_bytes=10, budget_bytes=20) == ()


def test_the_least_recently_used_leaves_first() -> None:
    """And only as many as are needed."""
    models = [loaded("new", used_at=3), loaded("old", used_at=1), loaded("middle", used_at=2)]
    assert make_room(models, needed_bytes=15, budget_bytes=30) == ("old", "middle")


def test_a_model_that_is_used_never_leaves() -> None:
    """Even where it is the only way."""
    assert make_room([loaded("busy", leases=1)], needed_bytes=15, budget_bytes=20) is None


@given(
    st.lists(st.builds(Loaded, st.uuids().map(str), st.integers(0, 9), st.integers(0, 2), st.floats(0, 9))),
    st.integers(0, 30),
    st.integers(0, 60),
)
def test_room_is_made_exactly_when_it_can_be(models: list[Loaded], needed: int, budget: int) -> None:
    """The victims suffice, none of them is used, and no answer means that it is impossible."""
    victims = make_room(models, needed_bytes=needed, budget_bytes=budget)
    kept_for_good = sum(model.memory_bytes for model in models if model.leases)
    if victims is None:
        assert kept_for_good + needed > budget
        return
    stays = [model for model in models if model.name not in victims]
    assert sum(model.memory_bytes for model in stays) + needed <= budget
    assert all(not model.leases for model in models if model.name in victims)
