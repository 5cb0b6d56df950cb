"""Deployments: what shall run where, the plan before each change, and the reconciler that makes it so."""
