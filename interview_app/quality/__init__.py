"""How good the answers of a provider are, measured on a golden set with the product's own requests
and guards. Stores nothing."""
