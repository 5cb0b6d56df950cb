{{/* Names, labels and images. */}}

{{- define "octo.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Names that another installation of this chart in the same namespace does not have. */}}
{{- define "octo.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Of an object. Call with (list $ component). */}}
{{- define "octo.labels" -}}
{{- $root := index . 0 -}}
{{ include "octo.selector" $root }}
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/part-of: octo
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Of a pod. A newer chart alone changes none of them, so it restarts nothing. */}}
{{- define "octo.podLabels" -}}
{{ include "octo.selector" (index . 0) }}
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/part-of: octo
{{- end -}}

{{/* Annotations of an object, as a part of its metadata. Call with (list $ more...), more being dicts. */}}
{{- define "octo.annotations" -}}
{{- $root := index . 0 -}}
{{- $all := dict -}}
{{- range rest . }}{{ $all = merge $all . }}{{ end -}}
{{- with merge $all $root.Values.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end -}}

{{/* What outlives `helm uninstall`, if that is wanted. */}}
{{- define "octo.kept" -}}
{{- if .Values.keep }}{{ toYaml (dict "helm.sh/resource-policy" "keep") }}{{ else }}{}{{ end -}}
{{- end -}}

{{/* A reference to an image. Call with (list image fallback-tag). A digest wins over a tag. */}}
{{- define "octo.image" -}}
{{- $image := index . 0 -}}
{{- $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default (index . 1) $image.tag }}{{ end -}}
{{- end -}}

{{- define "octo.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "octo.account" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "octo.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The name in publicUrl, without scheme and port. */}}
{{- define "octo.host" -}}
{{- regexReplaceAll ":[0-9]+$" (get (urlParse .Values.publicUrl) "host") "" -}}
{{- end -}}

{{- define "octo.postgresql" -}}
{{- include "octo.fullname" . }}-postgresql
{{- end -}}

{{- define "octo.sealing" -}}
{{- default (printf "%s-sealing" (include "octo.fullname" .)) .Values.sealing.existingSecret.name -}}
{{- end -}}

{{- define "octo.password" -}}
{{- default (include "octo.postgresql" .) .Values.postgresql.existingSecret.name -}}
{{- end -}}

{{/* Where deployments reach what they keep: a Service, by the name that policies of deployments understand. */}}
{{- define "octo.dataHost" -}}
{{- include "octo.fullname" . }}-data.{{ .Release.Namespace }}.svc
{{- end -}}
