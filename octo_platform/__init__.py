"""The platform: stores, versions, deploys and watches integrations, on one machine or on Kubernetes.

It sees flows only as data: files, and what `octo check` says of them. They run as processes or pods of their own.
"""
