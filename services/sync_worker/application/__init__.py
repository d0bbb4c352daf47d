"""The operations and the ports that they stand on."""
