"""A store for tests."""

from sync_worker.domain.stores import LocationMapping, NhanhAccount, ShopifyAccount, Store


def a_store(store_id: str = "hanoi") -> Store:
    """A store whose vendors are nowhere."""
    return Store(
        store_id=store_id,
        name=f"Shop {store_id}",
        nhanh=NhanhAccount("http://127.0.0.1:9/nhanh", 101, 1001, "token", "secret", 145, 30.0),
        shopify=ShopifyAccount(f"http://127.0.0.1:9/shopify/{store_id}", store_id, "2026-07", "token"),
        locations=(LocationMapping(7, 70),),
    )
