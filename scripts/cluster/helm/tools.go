//go:build tools

// Package tools keeps `go mod tidy` from dropping the program that scripts/cluster.sh builds.
package tools

import _ "helm.sh/helm/v4/cmd/helm"
