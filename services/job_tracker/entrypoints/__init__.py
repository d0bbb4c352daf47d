"""The gRPC edge: convert, call a use case, convert. Proto messages stop here."""
