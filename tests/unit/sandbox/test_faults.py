"""The fault plan: which calls are hit."""

import asyncio

import pytest
from sandbox.control import FaultPlanError, read_rules
from sandbox.faults import FaultKind, FaultPlan, Rule


def hits(plan: FaultPlan, calls: int, operation: str = "customer/list", store: str = "hanoi") -> list[bool]:
    """Which of so many calls are hit."""
    return [plan.take("nhanh", store, operation) is not None for _ in range(calls)]


def test_some_calls_pass_then_some_are_hit() -> None:
    """`skip`, then `times`, then none."""
    plan = FaultPlan([Rule("nhanh", "customer/list", FaultKind.HTML, skip=2, times=2)])
    assert hits(plan, 6) == [False, False, True, True, False, False]


def test_minus_one_hits_for_ever() -> None:
    """And nought never."""
    assert all(hits(FaultPlan([Rule("nhanh", "*", FaultKind.HTML, times=-1)]), 50))
    assert not any(hits(FaultPlan([Rule("nhanh", "*", FaultKind.HTML, times=0)]), 50))


def test_a_rule_is_about_a_vendor_a_store_and_an_operation() -> None:
    """A call of another is neither hit nor counted."""
    plan = FaultPlan([Rule("nhanh", "customer/list", FaultKind.HTML, store="hanoi")])
    assert hits(plan, 2, operation="product/list") == [False, False]
    assert hits(plan, 2, store="danang") == [False, False]
    assert plan.take("shopify", "hanoi", "customer/list") is None
    assert hits(plan, 2) == [True, False]


def test_the_first_rule_that_hits_is_taken() -> None:
    """The next one's turn comes when it is used up."""
    plan = FaultPlan([Rule("nhanh", "*", FaultKind.HTML), Rule("nhanh", "*", FaultKind.LOCK)])
    taken = [plan.take("nhanh", "hanoi", "x") for _ in range(3)]
    assert [rule and rule.kind for rule in taken] == [FaultKind.HTML, FaultKind.LOCK, None]


def test_bad_items_are_asked_for_apart() -> None:
    """They hit no whole call, and are keyed by item."""
    rule = Rule("shopify", "metafieldsSet", FaultKind.BAD_ITEM, item="gid://shopify/Customer/1", skip=1)
    plan = FaultPlan([rule])
    assert plan.take("shopify", "hanoi", "metafieldsSet") is None
    assert [plan.bad_items("shopify", "hanoi", "metafieldsSet") for _ in range(3)] == [{}, {rule.item: rule}, {}]


async def test_another_plan_lets_held_calls_go() -> None:
    """All of them, and only when it comes; who is held later waits for the plan after it."""
    plan = FaultPlan()
    waiting = [asyncio.create_task(plan.until_replaced()) for _ in range(2)]
    done, _ = await asyncio.wait(waiting, timeout=0)
    assert not done
    plan.replace([])
    await asyncio.gather(*waiting)
    later = asyncio.create_task(plan.until_replaced())
    done, _ = await asyncio.wait([later], timeout=0)
    assert not done
    plan.replace([])
    await later


def test_a_plan_is_read() -> None:
    """What is not said is as in the README."""
    rules = read_rules({"rules": [{"vendor": "nhanh", "operation": "*", "kind": "lock", "seconds": 2}]})
    assert rules == [Rule("nhanh", "*", FaultKind.LOCK, "*", 0, 1, "", "", "", 2)]
    assert read_rules({"rules": []}) == []


@pytest.mark.parametrize("document", [None, [], {}, {"rules": {}}, "rules"])
def test_a_plan_is_an_object_with_a_list(document: object) -> None:
    """Anything else is refused in a sentence."""
    with pytest.raises(FaultPlanError, match='a list "rules"'):
        read_rules(document)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"vendor": "etsy"}, "vendor must be nhanh or shopify"),
        ({"kind": "earthquake"}, "earthquake"),
        ({"kind": None}, "None"),
        ({"colour": 1}, "unknown keys"),
        ({"skip": -1}, "skip must be a number, 0 at least"),
        ({"skip": "1"}, "skip must be a number"),
        ({"times": -2}, "times must be a number, -1 at least"),
        ({"times": 1.5}, "times must be a number"),
        ({"times": True}, "times must be a number"),
        ({"seconds": -0.5}, "seconds must be a number"),
        ({"item": 5}, "item must be text"),
        ({"operation": None}, "operation must be text"),
    ],
)
def test_a_bad_rule_is_refused(change: dict[str, object], sentence: str) -> None:
    """The refusal names the rule, by number, and what is wrong."""
    good = {"vendor": "nhanh", "operation": "*", "kind": "html"}
    with pytest.raises(FaultPlanError, match=f"rule 1: .*{sentence}"):
        read_rules({"rules": [good, {**good, **change}]})


def test_every_bad_rule_is_named_at_once() -> None:
    """One that lacks its operation, and one that is no object."""
    with pytest.raises(FaultPlanError, match=r"rule 0: .*operation.*; rule 1: is not an object"):
        read_rules({"rules": [{"vendor": "nhanh", "kind": "html"}, 5]})
