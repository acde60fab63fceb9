"""Static files with a hash in their name, once `collectstatic` has given them one."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ManifestOnceCollected(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Plain names until there is a manifest: the stock storage answers each page with 500 then."""

    def stored_name(self, name: str) -> str:
        if not self.hashed_files:
            return name
        hashed: str = super().stored_name(name)
        return hashed
