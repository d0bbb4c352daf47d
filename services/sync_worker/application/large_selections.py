"""Puts aside the mapping ids of a start that selects very many, since a job's params hold 64 KiB and 10,000 ids are 380 KB.

The list is kept in the catalog under the hash of its content, before the job is created; the job names it with a label, and
in its params where the ids stood. The same start therefore makes the same job, another list other params (by which JobTracker
tells whether a standing job does what is asked for), and a retry of the job finds the same list.
"""

import hashlib
from collections.abc import Mapping

from sync_worker.application.ports.job import JsonValue
from sync_worker.application.ports.selections import Selections
from sync_worker.domain.failures import OperationFailure

LABEL = "selection_id"
MOST_INLINE = 1_000
"""Up to so many ids stay in the params, where people can read them: 39 KB."""

Params = Mapping[str, JsonValue]


async def put_aside(params: Params, selections: Selections) -> tuple[Params, dict[str, str]]:
    """Move a large list of ids out of params; the params without it, and the labels that name it."""
    ids = _ids(params)
    if len(ids) <= MOST_INLINE:
        return params, {}
    selection_id = hashlib.blake2b("\n".join(ids).encode(), digest_size=16).hexdigest()
    await selections.keep(selection_id, ids)
    return _with_ids(params, [f"{LABEL}:{selection_id}"]), {LABEL: selection_id}


async def put_back(params: Params, labels: Mapping[str, str], selections: Selections) -> Params:
    """Make params whole again.

    Raises:
        OperationFailure: The list is not in this catalog.
    """
    selection_id = labels.get(LABEL)
    if selection_id is None:
        return params
    ids = await selections.load(selection_id)
    if ids is None:
        raise OperationFailure(
            "SELECTION_UNKNOWN",
            f"the list of mappings {selection_id} is not in this worker's catalog; start the operation again",
            retryable=False,
        )
    return _with_ids(params, list(ids))


def _ids(params: Params) -> list[str]:
    selection = params.get("selection")
    ids = selection.get("ids") if isinstance(selection, Mapping) else None
    found = ids.get("mapping_ids") if isinstance(ids, Mapping) else None
    return [str(one) for one in found] if isinstance(found, list) else []


def _with_ids(params: Params, ids: list[JsonValue]) -> Params:
    return {**params, "selection": {"ids": {"mapping_ids": ids}}}
