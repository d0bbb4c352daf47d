"""Who may make which call: one row for each of SyncWorker's calls.

Permission comes before existence: a store that is not the caller's is refused alike whether it is in the stores file or not.
"""

from chassis.auth import Role
from chassis.door import Permission, anything, store_in

START = Permission(Role.OPERATOR, store_in("options.store_id"), who="options.created_by")

PERMISSIONS = {
    "PullNhanhProducts": START,
    "PullShopifyProducts": START,
    "PullNhanhCustomers": START,
    "PullShopifyCustomers": START,
    "SyncProducts": START,
    "SyncCustomers": START,
    "AutoMatchProducts": START,
    "AutoMatchCustomers": START,
    "RetryFailed": START,
    "ListStores": Permission(Role.VIEWER, anything),  # lists only the caller's
    "CheckStore": Permission(Role.OPERATOR, store_in("store_id")),  # it spends the vendors' quota
    "ListMappings": Permission(Role.VIEWER, store_in("store_id")),
    "ListUnmatched": Permission(Role.VIEWER, store_in("store_id")),
    "ResetPullCheckpoint": Permission(Role.OPERATOR, store_in("store_id")),
}
