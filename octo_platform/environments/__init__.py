"""Environments: places to deploy to, such as `staging` and `production`."""
