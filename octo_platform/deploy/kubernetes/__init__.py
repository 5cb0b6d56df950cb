"""Deployments on Kubernetes: what they are made of (`manifests`), and a target that makes and watches it (`target`)."""
