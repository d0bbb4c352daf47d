"""HTTP as vendors are called: what callers rely on, and the connections that keep it."""
