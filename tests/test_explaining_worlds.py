"""Whatever files came in whatever order: what is explained is what is stored."""

from hypothesis import given
from hypothesis import settings as hypothesis_settings

from contracts.people import GOLDEN
from flows.explaining import as_of_now, explain
from flows.finding import find_person
from flows.histories import tell_history
from flows.stories import shown
from tests.place import EXAMPLES, Place, attack
from tests.states import Person, people
from tests.worlds import File, worlds

PEOPLE = 12


@hypothesis_settings(attack, max_examples=max(2, EXAMPLES // 3))
@given(worlds(least=2, most=3))
def test_every_field_and_claim_of_everybody_has_its_reason(
    place: Place, world: tuple[File, ...]
) -> None:
    """No value is without a place, no claim is without a record, and the history ends in what is
    there now."""
    place.empty()
    for file in world:
        place.run(file)
    everybody = people(place.connection)
    for person in sorted(everybody, key=lambda each: -len(each.leads))[:PEOPLE]:
        found = find_person(place.connection, person.golden["persona_id"], "acme")
        with as_of_now(place.connection):
            told = explain(place.connection, found, place.settings)
            history = tell_history(place.connection, found, place.settings)
        golden = {name: shown(person.golden[name]) for name in GOLDEN}
        stories = {each.field: each for each in told.fields}
        assert {name: each.value for name, each in stories.items() if each.value} == {
            name: value for name, value in golden.items() if value
        }
        for each in told.fields:
            assert each.rule not in ("outdated", "emptied", "edited"), each
            # What nobody states by now is only kept.
            assert each.stated_by or each.also_stated_by or each.rule == "kept", each
            assert all(passed.stated_by and passed.why for passed in each.passed_over), each
        held = {(each.kind, each.value): each.is_alone for each in told.claims if each.is_held}
        assert held == person.identities
        assert not any(each.is_by_hand for each in told.claims)
        _check_history(person, golden, history.events)


def _check_history(person: Person, golden: dict[str, str | None], events: object) -> None:
    """Replayed, it gives the golden record; every record of the person stands in it."""
    now: dict[str, str | None] = dict.fromkeys(GOLDEN)
    records = set()
    assert isinstance(events, tuple)
    for event in events:
        records |= {record.lead_id for record in event.records}
        if event.persona_id == person.golden["persona_id"]:
            for change in event.changes:
                if change.field in now:
                    assert now[change.field] == change.before, (event, now)
                    now[change.field] = change.after
    assert now == golden
    assert records == {lead["lead_id"] for lead in person.leads}
