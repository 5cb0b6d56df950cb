{{/* Peers and ports of NetworkPolicies. */}}

{{- define "octo.component" -}}
podSelector:
  matchLabels:
    {{- include "octo.selector" (index . 0) | nindent 4 }}
    app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "octo.environments" -}}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: In
      values:
        {{- toYaml .Values.environments.namespaces | nindent 8 }}
{{- end -}}

{{/* Addresses that are named, or any but those at which clouds tell pods what nodes may. */}}
{{- define "octo.addresses" -}}
{{- if . }}
{{- range . }}
- ipBlock: {cidr: {{ . | quote }}}
{{- end }}
{{- else }}
- ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16]}
- ipBlock: {cidr: "::/0", except: ["fe80::/10", "fd00:ec2::/32"]}
{{- end }}
{{- end -}}

{{- define "octo.dns" -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ .Values.networkPolicy.dns.namespace }}
    {{- range .Values.networkPolicy.dns.cidrs }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end -}}

{{/* Whom a policy is for, and that it closes both ways. Call with (list $ component). */}}
{{- define "octo.closed" -}}
{{- include "octo.component" . }}
policyTypes: [Ingress, Egress]
{{- end -}}
