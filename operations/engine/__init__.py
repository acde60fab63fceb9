"""Runs operations: claim → ask → parse → apply and complete in one transaction → or fail."""
