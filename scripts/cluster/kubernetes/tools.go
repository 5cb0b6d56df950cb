//go:build tools

// Package tools keeps `go mod tidy` from dropping the programs that scripts/cluster.sh builds.
package tools

import (
	_ "go.etcd.io/etcd/server/v3" // in the version that Kubernetes itself is tested with
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-proxy"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
