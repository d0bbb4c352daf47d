"""How channels are opened."""

ChannelOptions = tuple[tuple[str, int | str], ...]

KEEPALIVE: ChannelOptions = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # Whatever its name, this is how long one attempt to connect may take: TLS over an ocean needs several round trips.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)

# Without this the transport widens its window and buffers thousands of messages ahead of a slow reader, who then
# reads the past; with it the server sees the slowness and sends the newest instead.
WATCHING: ChannelOptions = (*KEEPALIVE, ("grpc.http2.bdp_probe", 0))
