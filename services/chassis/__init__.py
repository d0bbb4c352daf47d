"""What a gRPC service stands on. It knows no job and no shop, and each of its modules is used by both services."""
