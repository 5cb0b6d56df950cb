{{/* What the platform is told, but for secrets: a file for OCTO_PLATFORM_CONFIG. */}}
{{- define "octo.config" -}}
{{- $name := include "octo.fullname" . -}}
host: 0.0.0.0
port: 8321
publicUrl: {{ .Values.publicUrl | quote }}
{{- with .Values.hosts }}
hosts: {{ toJson . }}
{{- end }}
dataHost: 0.0.0.0
dataPort: 8322
dataUrl: http://{{ include "octo.dataHost" . }}:8322
targets: [kubernetes]
runtimeImage: {{ include "octo.image" (list .Values.runtime.image .Chart.AppVersion) | quote }}
{{- with .Values.baseDomain }}
baseDomain: {{ . | quote }}
{{- end }}
kubernetes:
  namespaces:
    {{- range $namespace := .Values.environments.namespaces }}
    {{- range get $.Values.environments.workspaces $namespace | default (list "") }}
    - {{ empty . | ternary $namespace (printf "%s:%s" . $namespace) | quote }}
    {{- end }}
    {{- end }}
  images: {{ toJson .Values.environments.images }}
  domains: {{ toJson .Values.environments.domains }}
  services: {{ toJson .Values.environments.services }}
  dnsNamespace: {{ .Values.networkPolicy.dns.namespace }}
  {{- with .Values.networkPolicy.dns.cidrs }}
  dnsAddresses: {{ toJson . }}
  {{- end }}
  operators: {{ toJson .Values.networkPolicy.operators }}
progressDeadline: {{ .Values.progressDeadline }}
auditDays: {{ .Values.auditDays }}
{{- with .Values.trustedProxies }}
trustedProxies: {{ toJson . }}
{{- end }}
limits: {{ toJson .Values.limits }}
passwords: {{ .Values.passwords }}
{{- if .Values.oidc.enabled }}
oidc:
  issuer: {{ .Values.oidc.issuer | quote }}
  clientId: {{ .Values.oidc.clientId | quote }}
  scopes: {{ .Values.oidc.scopes | quote }}
  rolesClaim: {{ .Values.oidc.rolesClaim | quote }}
  roles: {{ toJson .Values.oidc.roles }}
  title: {{ .Values.oidc.title | quote }}
{{- end }}
{{- end -}}

{{/* Secrets. The URL of the bundled database is put together in the pod: it has a password. */}}
{{- define "octo.env" -}}
- name: OCTO_PLATFORM_FOLDER
  value: /var/lib/octo
- name: OCTO_PLATFORM_CONFIG
  value: /etc/octo/platform.yaml
- name: OCTO_PLATFORM_KEYS
  valueFrom:
    secretKeyRef:
      name: {{ include "octo.sealing" . }}
      key: {{ .Values.sealing.existingSecret.key }}
{{- if eq .Values.database.kind "bundled" }}
- name: POSTGRESQL_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "octo.password" . }}
      key: {{ .Values.postgresql.existingSecret.key }}
- name: OCTO_PLATFORM_DATABASE
  value: postgresql://octo:$(POSTGRESQL_PASSWORD)@{{ include "octo.postgresql" . }}:5432/octo
{{- else if eq .Values.database.kind "external" }}
- name: OCTO_PLATFORM_DATABASE
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.external.existingSecret.name }}
      key: {{ .Values.database.external.existingSecret.key }}
{{- end }}
{{- if and .Values.oidc.enabled .Values.oidc.existingSecret.name }}
- name: OCTO_PLATFORM_OIDC_CLIENT_SECRET
  valueFrom:
    secretKeyRef:
      name: {{ .Values.oidc.existingSecret.name }}
      key: {{ .Values.oidc.existingSecret.key }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The platform answers only to its own name, so whoever asks for its health has to say it. Call with (list $ path seconds failures). */}}
{{- define "octo.probe" -}}
httpGet:
  path: /api/v1/{{ index . 1 }}
  port: http
  httpHeaders:
    - name: Host
      value: {{ include "octo.host" (index . 0) | quote }}
periodSeconds: {{ index . 2 }}
timeoutSeconds: 5
failureThreshold: {{ index . 3 }}
{{- end -}}

{{/* Not empty if the platform that runs now has a variable of a Secret. Call with (list $ variable secret). */}}
{{- define "octo.uses" -}}
{{- $root := index . 0 -}}
{{- $variable := index . 1 -}}
{{- $secret := index . 2 -}}
{{- $running := lookup "apps/v1" "Deployment" $root.Release.Namespace (include "octo.fullname" $root) -}}
{{- if $running -}}
{{- range (first $running.spec.template.spec.containers).env -}}
{{- if and (eq .name $variable) .valueFrom -}}
{{- if eq .valueFrom.secretKeyRef.name $secret }}yes{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
