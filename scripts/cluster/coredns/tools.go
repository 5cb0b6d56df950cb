//go:build tools

// Package tools keeps `go mod tidy` from dropping the program that scripts/cluster.sh builds.
package tools

import _ "github.com/coredns/coredns"
