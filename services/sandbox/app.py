"""The sandbox as one web application: both vendors, and the control interface."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from sandbox.answers import json_answer, not_found
from sandbox.control import Control
from sandbox.nhanh.endpoint import NhanhEndpoint
from sandbox.nhanh.envelope import NhanhError, refusal
from sandbox.shopify.bulk.files import download, upload
from sandbox.shopify.endpoint import ShopifyEndpoint
from sandbox.world import World

Answering = Callable[[Request], Awaitable[Response]]


def make_app(world: World) -> Starlette:
    """Make the application of a world."""
    nhanh = {
        (store.business.app_id, store.business.business_id): NhanhEndpoint(
            store.business,
            store_id,
            plan=world.plan,
            calls=store.calls,
            clock=world.clock,
            scale=world.limits_scale,
            habits=world.nhanh,
            seed=world.seed,
            prepared=world.prepared,
        )
        for store_id, store in world.stores.items()
    }
    shopify = {
        store_id: ShopifyEndpoint(
            store.shop,
            plan=world.plan,
            history=store.history,
            calls=store.calls,
            clock=world.clock,
            scale=world.limits_scale,
            prepared=world.prepared,
        )
        for store_id, store in world.stores.items()
    }

    async def call_nhanh(request: Request) -> Response:
        app_id, business_id = (request.query_params.get(name, "") for name in ("appId", "businessId"))
        if not any(str(known) == app_id for known, _ in nhanh):
            return refusal(NhanhError("ERR_INVALID_APP_ID", "Invalid appId"))
        endpoint = nhanh.get((int(app_id), int(business_id) if business_id.isdecimal() else -1))
        if endpoint is None:
            return refusal(NhanhError("ERR_INVALID_BUSINESS_ID", "Invalid businessId"))
        return await endpoint.answer(request, request.path_params["path"])

    async def call_shopify(request: Request) -> Response:
        endpoint = shopify.get(request.path_params["shop"])
        if endpoint is None:
            return json_answer({"errors": "Not Found"}, status=404)
        return await endpoint.answer(request)

    async def grant_token(request: Request) -> Response:
        endpoint = shopify.get(request.path_params["shop"])
        return json_answer({"errors": "Not Found"}, status=404) if endpoint is None else await endpoint.grant(request)

    async def bulk_file(request: Request) -> Response:
        store = world.stores.get(request.path_params["shop"])
        if store is None:
            return not_found()
        if request.method == "POST":
            return await upload(request, store.shop)
        return await download(request, store.shop, world.plan, store.calls, world.clock)

    return Starlette(
        routes=[
            Route("/nhanh/v3.0/{path:path}", _lasting(world, call_nhanh), methods=["POST"]),
            Route("/shopify/{shop}/admin/api/{version}/graphql.json", _lasting(world, call_shopify), methods=["POST"]),
            Route("/shopify/{shop}/admin/oauth/access_token", _lasting(world, grant_token), methods=["POST"]),
            Route("/shopify/{shop}/bulk/{number:int}.jsonl", _lasting(world, bulk_file), methods=["GET"]),
            Route("/shopify/{shop}/bulk/uploads", _lasting(world, bulk_file), methods=["POST"]),
            Mount("/_sandbox", routes=Control(world).routes()),
            Route("/{path:path}", _nowhere, methods=["GET", "POST"]),
        ]
    )


def _lasting(world: World, answer: Answering) -> Answering:
    """Let an answer take as long as the world's latency in all: half of it passes on the way there."""

    async def answer_in_time(request: Request) -> Response:
        seconds = world.latency_ms / 1_000
        if not seconds:
            return await answer(request)
        due = world.clock.monotonic() + seconds
        await world.clock.sleep(seconds / 2)
        response = await answer(request)
        await world.clock.sleep(max(0.0, due - world.clock.monotonic()))
        return response

    return answer_in_time


async def _nowhere(_request: Request) -> Response:
    return not_found()
