{{/* What a schema cannot say. Each message tells what to write. */}}
{{- define "octo.checks" -}}
{{- $values := .Values -}}
{{- if not $values.publicUrl }}
{{- fail "publicUrl: say where browsers reach the platform, e.g. --set publicUrl=https://octo.example.com" }}
{{- end }}
{{- if not $values.image.repository }}
{{- fail "image.repository: name the image made of deploy/images/platform.Dockerfile, e.g. registry.example.com/octo-platform" }}
{{- end }}
{{- if not $values.runtime.image.repository }}
{{- fail "runtime.image.repository: name the image made of deploy/images/runtime.Dockerfile, e.g. registry.example.com/octo-runtime" }}
{{- end }}
{{- if not $values.environments.namespaces }}
{{- fail "environments.namespaces: name at least one namespace for deployments, e.g. --set 'environments.namespaces={octo-production}'" }}
{{- end }}
{{- if has .Release.Namespace $values.environments.namespaces }}
{{- fail (printf "environments.namespaces: %s is the platform's own; deployments need others" .Release.Namespace) }}
{{- end }}
{{- range $namespace, $_ := $values.environments.workspaces }}
{{- if not (has $namespace $values.environments.namespaces) }}
{{- fail (printf "environments.workspaces: %s is none of environments.namespaces" $namespace) }}
{{- end }}
{{- end }}
{{- if and (eq $values.database.kind "sqlite") (gt (int $values.replicas) 1) }}
{{- fail "replicas: several need PostgreSQL; set database.kind to bundled or external" }}
{{- end }}
{{- if and (eq $values.database.kind "external") (not $values.database.external.existingSecret.name) }}
{{- fail "database.external.existingSecret.name: name a Secret with the URL of your PostgreSQL" }}
{{- end }}
{{- if not $values.serviceAccount.create }}
{{- if not $values.serviceAccount.name }}
{{- fail "serviceAccount.name: name the account, or set serviceAccount.create" }}
{{- end }}
{{- end }}
{{- if $values.oidc.enabled }}
{{- range $name := list "issuer" "clientId" }}
{{- if not (get $values.oidc $name) }}
{{- fail (printf "oidc.%s: the identity provider needs it" $name) }}
{{- end }}
{{- end }}
{{- else if not $values.passwords }}
{{- fail "passwords: without passwords nobody can log in unless oidc.enabled is set" }}
{{- end }}
{{- if and $values.gateway.enabled (not $values.gateway.name) }}
{{- fail "gateway.name: name the Gateway" }}
{{- end }}
{{- $open := or $values.ingress.enabled $values.gateway.enabled (ne $values.service.type "ClusterIP") }}
{{- if and $values.networkPolicy.enabled $open (not $values.networkPolicy.ingressFrom) }}
{{- fail "networkPolicy.ingressFrom: say who may reach the platform, e.g. [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}}]" }}
{{- end }}
{{- end -}}
