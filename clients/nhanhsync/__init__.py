"""nhanhsync: the contract's stubs, the client library and the command."""
