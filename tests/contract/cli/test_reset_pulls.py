"""`nhanhsync stores reset-pulls`: unfinished pulls begin anew, by one word of an operator."""

from sandbox.faults import FaultKind, Rule

from tests.contract.cli.conftest import Shop

PULL = ("run", "pull-nhanh-customers", "--store", "hanoi", "--watch")
RESET = ("stores", "reset-pulls", "hanoi")


async def test_an_unfinished_pull_is_forgotten(shop: Shop) -> None:
    """It is counted, and the next pull reads from the first page on."""
    shop.plan(Rule("nhanh", "customer/list", FaultKind.INVALID_TOKEN, skip=1, times=-1))
    assert (await shop.terminal.types(*PULL)).code == 3
    shop.plan()
    ran = await shop.terminal.types(*RESET, "--pull", "nhanh-customers")
    assert (ran.code, ran.out.strip()) == (0, "1 unfinished pull will begin anew.")
    again = await shop.terminal.types(*RESET, "--json")
    assert again.document == {}
    assert (await shop.terminal.types(*RESET)).out.strip() == "No unfinished pulls will begin anew."
    done = await shop.terminal.types(*PULL, "--json")
    assert done.code == 0
    assert '"resumed": false' in done.out


async def test_a_pull_that_nobody_knows_is_refused(shop: Shop) -> None:
    """With all that there are."""
    ran = await shop.terminal.types(*RESET, "--pull", "orders")
    assert ran.code == 2
    assert (
        "'orders' is not one of nhanh-products, shopify-products, nhanh-customers, shopify-customers" in ran.complaint
    )


async def test_a_pull_that_runs_is_in_the_way(shop: Shop) -> None:
    """Its place is its own until it ends."""
    shop.plan(Rule("nhanh", "customer/list", FaultKind.HOLD))
    started = await shop.terminal.types(*PULL[:-1])
    assert started.code == 0
    await shop.until_held()
    ran = await shop.terminal.types(*RESET)
    assert ran.code == 1
    assert "pulls right now; cancel it, or wait for its end" in ran.complaint
    shop.plan()
