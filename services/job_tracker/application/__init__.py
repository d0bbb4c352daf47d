"""The use cases of JobTracker, one a file, and the ports that they stand on."""
