"""System checks of the provider's configuration."""
