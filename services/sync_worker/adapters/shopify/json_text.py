"""JSON as Shopify writes it, half surrogate pairs and all: an emoji that was cut in two is no reason to lose its row."""

import json

import orjson


def parsed(content: bytes) -> object:
    """Read JSON. Half a surrogate pair in a text, which no database takes, becomes U+FFFD; a text of UTF-8 it must be.

    Raises:
        ValueError: It is no JSON, or cut off.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return orjson.loads(_with_whole_characters(content))


def _with_whole_characters(content: bytes) -> bytes:
    """Write it anew: json reads half a pair, and UTF-16, whose surrogates they are, finds and replaces them all."""
    try:
        text = json.dumps(json.loads(content.decode()), ensure_ascii=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
