"""Generated from the contract; never edited."""
