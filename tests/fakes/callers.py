"""Callers with tokens of their own, and a tokens file that knows them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

HANOI, DANANG = "hanoi", "danang"


@dataclass(frozen=True)
class FakeCaller:
    """Somebody with a token, their roles and their stores; None for all stores."""

    name: str
    roles: Sequence[str]
    stores: Sequence[str] | None = None
    mark: str = ""

    @property
    def token(self) -> str:
        """The token: unguessable enough for a test."""
        return f"token-of-{self.name}{self.mark}"

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What they send with a call."""
        return (("authorization", f"Bearer {self.token}"),)

    @property
    def row(self) -> str:
        """Their lines in a tokens file."""
        fields: dict[str, Any] = {
            "name": self.name,
            "sha256": hashlib.sha256(self.token.encode()).hexdigest(),
            "roles": list(self.roles),
        }
        if self.stores is not None:
            fields["stores"] = list(self.stores)
        return "\n".join(["[[tokens]]", *(f"{key} = {json.dumps(value)}" for key, value in fields.items()), ""])


ADMIN = FakeCaller("admin", ("operator", "worker"))


def write_tokens(path: Path, *callers: FakeCaller) -> Path:
    """Write a tokens file as a whole, as docs/security.md says: beside it first, then in its place."""
    beside = path.with_suffix(".new")
    beside.write_text("\n".join(caller.row for caller in callers) or "tokens = []\n")
    beside.replace(path)
    return path


def reason_of(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """Read a refusal: its code, its reason without the prefix, and its metadata."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status is not None else ():
        detail.Unpack(info)
    return error.code(), info.reason.removeprefix("ERROR_REASON_"), dict(info.metadata)


async def outcome_of(call: Any) -> tuple[str, str, dict[str, str]]:
    """Make a call, and of a stream read the first message: its code's name, sentence and metadata."""
    try:
        if hasattr(call, "read"):
            await call.read()
            call.cancel()
        else:
            await call
    except grpc.aio.AioRpcError as error:
        code, _, metadata = reason_of(error)
        return code.name, error.details() or "", metadata
    return "OK", "", {}
