"""The one outbound door: the only HTTP client, the offline switch, the ledger. Knows no models and no tools."""
