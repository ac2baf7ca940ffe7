"""Policies: what they may say, what they mean, and what is said when they are wrong."""

import pytest
import yaml

from contracts.errors import ContractError, WrongCallError
from contracts.people import GOLDEN
from contracts.policy import LIST_FIELDS, SURVIVING, Guards, Policy
from contracts.registry import _texts, build_policies, load_policies, load_policy, parse_policy

BASE = "name: base\nguards: {crm_ids: true}\nsurvive: {city: oldest}\n"


def test_every_policy_in_the_repository_loads_and_says_what_it_is_for() -> None:
    """Each is valid, named as its file is, and has a sentence of its own."""
    policies = load_policies()
    assert {"default", "strict_phone", "per_niche"} <= set(policies)
    sentences = {policy.description for policy in policies.values()}
    assert len(sentences) == len(policies)
    assert all(sentence.endswith(".") for sentence in sentences)


def test_the_default_policy_shows_every_setting_as_it_is_by_default() -> None:
    """Its file is the documentation: it can neither lack a setting nor tell another default."""
    said = yaml.safe_load(_texts(Policy)["default"])
    assert set(said) == set(Policy.model_fields)
    assert set(said["guards"]) == set(Guards.model_fields)
    bare = Policy(name="default", description=said["description"])
    default = load_policy("default")
    assert default.model_copy(update={"survive": bare.survive}) == bare
    assert all(default.rule_of(field) == bare.rule_of(field) for field in SURVIVING)


@pytest.mark.parametrize(
    ("match", "kinds"),
    [
        ("[crm_id, phone, email]", ("crm_id", "phone", "email")),
        ("[[email], [phone]]", ("email", "phone")),
        ("[[device_id, user_id, phone, niche]]", ("device_id+user_id+phone+niche",)),
        ("[crm_id, [phone, product]]", ("crm_id", "phone+product")),
    ],
)
def test_the_kinds_of_claims_are_the_keys_in_order(match: str, kinds: tuple[str, ...]) -> None:
    """A key by itself has its name, a composite the names of its parts."""
    assert parse_policy(f"name: x\nmatch: {match}").kinds == kinds


def test_per_niche_comes_by_device_and_by_user_too() -> None:
    """Feeds know the one, the other, or both."""
    assert load_policy("per_niche").kinds == ("device_id+user_id+phone+niche",)
    assert load_policy("per_niche_by_device").kinds == ("device_id+phone+niche",)
    assert load_policy("per_niche_by_user").kinds == ("user_id+phone+niche",)


def test_what_is_exclusive_is_not_guarded() -> None:
    """Under strict_phone names keep nobody apart who shares a phone; an email's still do."""
    policy = load_policy("strict_phone")
    assert policy.guards.names
    assert [policy.is_guarded(kind) for kind in policy.kinds] == [True, False, True]
    assert all(map(load_policy("default").is_guarded, load_policy("default").kinds))


def test_a_field_without_a_rule_has_the_default_one() -> None:
    """Lists aside: theirs is union, unless the policy says newest."""
    policy = parse_policy("name: x\nsurvive: {default: trusted, city: longest}")
    assert policy.rule_of("city") == "longest"
    assert policy.rule_of("first_name") == "trusted"
    assert policy.rule_of("tags") == "union"
    assert parse_policy("name: x").rule_of("first_name") == "newest"
    assert parse_policy("name: x\nsurvive: {tags: newest}").rule_of("tags") == "newest"


def test_every_golden_field_may_have_a_rule_once() -> None:
    """Whatever the golden record grows."""
    assert set(SURVIVING) == {*GOLDEN, "profile_name", *LIST_FIELDS}
    assert len(SURVIVING) == len(set(SURVIVING))


@pytest.mark.parametrize("name", sorted(load_policies()))
def test_a_policy_survives_its_json(name: str) -> None:
    """What a team's row holds is the policy, whole."""
    policy = load_policy(name)
    assert parse_policy(policy.model_dump_json()) == policy


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("name: x\n  y: [", "x.yaml", "not readable as YAML"),
        ("[1, 2]", "(whole file)", "dictionary"),
        ("description: none", "name", "Field required"),
        ("name: x\nmerg: auto", "merg", "Extra inputs are not permitted"),
        ("name: x\nmerge: never", "merge", "'review' or 'auto'"),
        ("name: x\nshared_after: 0", "shared_after", "greater than or equal to 1"),
        ("name: x\nshared_after: true", "shared_after", "valid integer"),
        ("name: x\nguards: {likeness: 1.2}", "guards.likeness", "less than or equal to 1"),
        ("name: x\nguards: {names: 1}", "guards.names", "valid boolean"),
        ("name: x\nmax_delete_rate: 10", "max_delete_rate", "less than or equal to 1"),
        ("name: x\nmatch: []", "match", "at least 1"),
        ("name: x\nmatch: phone", "match", "valid tuple"),
        ("name: x\nmatch: [phones]", "match", "Did you mean 'phone'?"),
        ("name: x\nmatch: [niche]", "match", "a composite has two parts and more"),
        ("name: x\nmatch: [[]]", "match", "a composite has two parts and more"),
        ("name: x\nmatch: [phone, [phone]]", "match", "'phone' says something twice"),
        ("name: x\nmatch: [[phone, phone]]", "match", "'phone+phone' says something twice"),
        ("name: x\nmatch: [[phone, niche], [niche, phone]]", "match", "twice"),
        ("name: x\nexclusive: [crm_id]", "exclusive", "'phone' or 'email'"),
        ("name: x\nexclusive: [phone, phone]", "exclusive", "twice"),
        ("name: x\nmatch: [[phone, niche]]\nexclusive: [phone]", "exclusive", "no match key"),
        ("name: x\nsurvive: {first_nam: oldest}", "survive", "Did you mean 'first_name'?"),
        ("name: x\nsurvive: {niche: oldest}", "survive", "'niche' is no golden field"),
        ("name: x\nsurvive: {city: latest}", "survive.city", "'newest', 'oldest'"),
        ("name: x\nsurvive: {tags: longest}", "survive", "newest or union, not longest"),
        ("name: x\nsurvive: {city: union}", "survive", "union is for lists only (tags)"),
        ("name: x\nsurvive: {default: union}", "survive", "union is for lists only (tags)"),
    ],
)
def test_a_mistake_is_told_with_file_key_and_what_was_expected(
    text: str, key: str, expected: str
) -> None:
    """Whoever writes a policy reads where the mistake is and what belongs there."""
    with pytest.raises(ContractError) as caught:
        parse_policy(text, "contracts/policies/x.yaml")
    message = str(caught.value)
    assert message.startswith("contracts/policies/x.yaml")
    assert key in message
    assert expected in message


def test_a_policy_extends_another() -> None:
    """Guards and rules merge one by one; anything else replaces."""
    own = "extend: base\nname: own\nmatch: [email]\nguards: {names: false}\nsurvive: {zip: fill}"
    policy = build_policies({"base": BASE, "own": own})["own"]
    assert policy.kinds == ("email",)
    assert (policy.guards.crm_ids, policy.guards.names) == (True, False)
    assert (policy.rule_of("city"), policy.rule_of("zip")) == ("oldest", "fill")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"own": "extend: base\nname: own"}, "own.yaml: extend: there is no contract 'base'"),
        ({"own": "extend: own\nname: own"}, "round in a circle: own -> own"),
        ({"own": "name: other"}, "own.yaml: name is 'other', the file says otherwise"),
        ({"a": "extend: base\nname: a", "base": "[1]"}, "'base' is not a contract itself"),
        ({"base": BASE, "own": "extend: base\nname: own\nsurvive: newest"}, "valid dictionary"),
    ],
)
def test_a_policy_that_extends_nothing_sound(texts: dict[str, str], expected: str) -> None:
    """The message names the file."""
    with pytest.raises(ContractError, match=expected):
        build_policies(texts)


def test_an_unknown_policy_names_the_nearest() -> None:
    """A slip of the pen is told what was probably meant, and what there is."""
    with pytest.raises(WrongCallError, match=r"Did you mean 'per_niche'\? Policies: default, .*"):
        load_policy("perniche")
