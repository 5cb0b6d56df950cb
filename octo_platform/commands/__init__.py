"""The verbs of `octo` that start the platform, or ask one. This module imports nothing that takes time."""

from __future__ import annotations

from octo.cli.further import Verb, Verbs

_HERE = "octo_platform.commands"

verbs = Verbs(
    "pip install 'octo-flows[platform]'",
    {
        "platform": Verb("Run the platform, where integrations are stored and deployed.", f"{_HERE}.platform:command"),
        "login": Verb("Sign in at a platform.", f"{_HERE}.login:login"),
        "logout": Verb("Forget the key of a platform.", f"{_HERE}.login:logout"),
        "plan": Verb("Show what a deploy would change.", f"{_HERE}.deploy:plan"),
        "deploy": Verb("Deploy flows, and wait until they run.", f"{_HERE}.deploy:deploy"),
        "rollback": Verb("Go back to what ran before.", f"{_HERE}.rollback:command"),
        "logs": Verb("Show the log of a deployment.", f"{_HERE}.logs:command"),
        "deployments": Verb("List deployments; scale, pause, restart, remove one.", f"{_HERE}.deployments:command"),
        "secrets": Verb("", f"{_HERE}.secrets:command"),  # `octo secrets set NAME --workspace W`
    },
)
