"""How somebody is let in: set-up, passwords, an identity provider, API keys and devices."""
