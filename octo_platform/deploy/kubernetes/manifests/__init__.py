"""What a deployment is made of on Kubernetes: a function of `Desired` and `Cluster`, and of nothing else."""
