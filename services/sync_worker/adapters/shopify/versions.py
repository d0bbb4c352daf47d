"""Which version of the API a shop really serves, and what of ours it calls deprecated.

Shopify serves the oldest version that it still supports in place of one that has expired ("falls forward", API versioning page);
what is served stands in a header of each answer. A later version may read the same mutation otherwise, so once one is served
that our documents were never held against, nothing is written any more; reading goes on, since what it cannot read it refuses.
"""

from collections.abc import Mapping

import structlog

from sync_worker.adapters.shopify.documents import CHECKED_VERSIONS
from sync_worker.domain.failures import VendorRefusal

log = structlog.get_logger()


class VersionWatch:
    """What one shop's answers say of versions; shared by all jobs of a process, so that it is told once."""

    def __init__(self, shop: str, asked: str) -> None:
        self.asked = asked
        self.served: str | None = None
        self.heard = False
        """Whether any answer has come, so that all is known that Shopify says."""
        self._shop = shop
        self._told: set[tuple[str, str]] = set()

    def see(self, headers: Mapping[str, str]) -> None:
        """Take in what an answer's headers say; an answer that says nothing leaves things as they were."""
        self.heard = True
        served = headers.get("x-shopify-api-version")
        if served is not None:
            served = self.served = _readable(served)
            if served != self.asked:
                self._tell("shopify_serves_another_version", asked=self.asked, served=served)
        reason = headers.get("x-shopify-api-deprecated-reason")
        if reason is not None:
            self._tell("shopify_calls_it_deprecated", version=self.asked, reason=_readable(reason))

    @property
    def replaced(self) -> bool:
        """Whether another version is served than was asked for."""
        return self.served is not None and self.served != self.asked

    def against_writing(self) -> VendorRefusal | None:
        """Say why nothing may be written: an unchecked version is served that nobody asked for."""
        if not self.replaced or self.served in CHECKED_VERSIONS:
            return None
        return VendorRefusal("shopify", "API_VERSION_REPLACED", self.warning())

    def warning(self) -> str:
        """Say what is the matter where another version is served."""
        return (
            f"{self._shop}: Shopify serves version {self.served} of its API in place of {self.asked}, which has expired; "
            f"set api_version in the stores file to one of {', '.join(CHECKED_VERSIONS)}, or update nhanhsync if "
            "Shopify supports none of them any more"
        )

    def _tell(self, event: str, **facts: str) -> None:
        fact = (event, repr(sorted(facts.items())))
        if fact not in self._told:
            self._told.add(fact)
            log.warning(event, shop=self._shop, **facts)


def _readable(text: str) -> str:
    """Replace what was no UTF-8 in a header, and came as halves of surrogate pairs: no log and no message could hold it."""
    return text.encode(errors="replace").decode()
