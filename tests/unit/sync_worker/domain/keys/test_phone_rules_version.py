"""Rows are stored anew when the rules of phones have changed, which their version tells."""

import hashlib
from random import Random

from sync_worker.domain.keys import PHONE_RULES_VERSION, customer_phone_keys

from tests.fakes.mirrored import a_shopify_customer

KNOWN = {1: "67e1b1d88b57befa"}
"""What the rules of each version make of the customers below. Where another comes out, the version has to be raised."""

PREFIXES = ("0", "0", "0", "+84", "84", "0084", "(+84) ", "+1 ", "1900", "")
AREAS = ("32", "56", "70", "81", "90", "98", "24", "28", "236", "511", "120", "168", "199", "415", "")
BETWEEN = ("", "", "", " ", ".", "-", " / ", ", ", "; ", "\n", "x")
WORDS = ("SĐT", "zalo", "đt:", "MST", "CMND", "giao", "nhà", "Tel.", "số", "mã đơn", "ext", "")


def a_text(random: Random, numbers: int) -> str:
    """Numbers as people write them, among words."""
    parts = []
    for _ in range(numbers):
        digits = "".join(random.choices("0123456789", k=random.randint(6, 11)))
        cut = random.randint(0, len(digits))
        parts += [
            random.choice(WORDS),
            " ",
            random.choice(PREFIXES),
            digits[:cut],
            random.choice(BETWEEN),
            digits[cut:],
        ]
        parts.append(random.choice(BETWEEN))
    return "".join(parts)


def test_the_version_stands_for_the_rules() -> None:
    """Of five thousand customers none has other keys than when the version was raised last."""
    random = Random(84)
    digest = hashlib.sha256()
    found = 0
    for number in range(5_000):
        customer = a_shopify_customer(
            number,
            phone=a_text(random, 1),
            address_phone=a_text(random, random.randint(0, 2)),
            note=a_text(random, random.randint(0, 3)),
        )
        keys = customer_phone_keys(customer)
        found += len(keys)
        digest.update(repr([(each.key, each.rule.value, each.confidence) for each in keys]).encode())
    assert found > 1_000
    assert digest.hexdigest()[:16] == KNOWN[PHONE_RULES_VERSION]
