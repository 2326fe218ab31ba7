{{- define "polymorph.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for the names that are made of it. */}}
{{- define "polymorph.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "polymorph.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "polymorph.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What never changes in a release: a StatefulSet's selector and volume claims may not. */}}
{{- define "polymorph.selector" -}}
app.kubernetes.io/name: {{ include "polymorph.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "polymorph.labels" -}}
{{ include "polymorph.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Not empty: there may be more than one pod. */}}
{{- define "polymorph.several" -}}
{{- if .Values.autoscaling.enabled -}}
{{- if gt (int .Values.autoscaling.maxReplicas) 1 }}yes{{ end -}}
{{- else if gt (int .Values.replicaCount) 1 -}}yes
{{- end -}}
{{- end -}}

{{/* The config file: the values' and what the chart decides. As JSON, which YAML contains: toYaml writes 1000000 as 1e+06. */}}
{{- define "polymorph.config" -}}
{{- $server := dict "listen" (printf "%s:8540" .Values.bindAddress) "state_dir" "/var/lib/polymorph" "drain_timeout" (printf "%ds" (int .Values.shutdown.drainSeconds)) -}}
{{- if .Values.tlsSecret -}}
{{- $_ := set $server "tls" (dict "cert" "/etc/polymorph-tls/tls.crt" "key" "/etc/polymorph-tls/tls.key") -}}
{{- end -}}
{{- $admin := dict "listen" (printf "%s:9540" .Values.bindAddress) "token" "${POLYMORPH_ADMIN_TOKEN}" -}}
{{- $defaults := dict "server" (dict "workers" 2) "logging" (dict "format" "json") -}}
{{- mergeOverwrite $defaults (deepCopy .Values.config) (dict "server" $server "admin" $admin) | toPrettyJson -}}
{{- end -}}

{{/*
What holds only from a restart: a pod with another of these is made anew, and a pod with the same reloads. `polymorph plan` has the same list.
The environment is read at the start alone.
*/}}
{{- define "polymorph.restart" -}}
{{- $config := include "polymorph.config" . | fromJson -}}
{{- $parts := pick $config "store" "redis" -}}
{{- $_ := set $parts "server" (pick $config.server "listen" "workers" "state_dir") -}}
{{- $_ := set $parts "tls" (hasKey $config.server "tls") -}}
{{- $_ := set $parts "limits" (pick (default dict $config.limits) "table_entries" "quota_slots") -}}
{{- $_ := set $parts "blocklist" (pick (default dict $config.blocklist) "max_bans") -}}
{{- $_ := set $parts "env" .Values.env -}}
{{- $_ := set $parts "token" .Values.adminToken.value -}}
{{- $parts | toJson | sha256sum -}}
{{- end -}}

{{/* What the schema of the values cannot say. */}}
{{- define "polymorph.check" -}}
{{- $config := .Values.config -}}
{{- if not (or $config.upstreams $config.networks) -}}
{{- fail "config: name `upstreams` or `networks`, for example --set config.upstreams[0].url=http://node.example:8545" -}}
{{- end -}}
{{- range $field := list "listen" "state_dir" "drain_timeout" "tls" -}}
{{- if hasKey (default dict $config.server) $field -}}
{{- fail (printf "config.server.%s is set by the chart: see bindAddress, persistence, shutdown.drainSeconds and tlsSecret" $field) -}}
{{- end -}}
{{- end -}}
{{- range $field := list "listen" "token" -}}
{{- if hasKey (default dict $config.admin) $field -}}
{{- fail (printf "config.admin.%s is set by the chart: see bindAddress and adminToken" $field) -}}
{{- end -}}
{{- end -}}
{{- if not (or .Values.adminToken.value .Values.adminToken.existingSecret) -}}
{{- fail "adminToken: the network can reach the admin listener here, so it needs a token: give adminToken.existingSecret or adminToken.value" -}}
{{- end -}}
{{- if and (include "polymorph.several" .) (eq (toString (default "sqlite" $config.store)) "sqlite") -}}
{{- fail "config.store: with SQLite each pod would have users, keys and usage of its own: give the URL of a PostgreSQL database or none, or one pod alone" -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.egress) -}}
{{- fail "networkPolicy.egress: it says nothing, so that no upstream could be reached: allow upstreams, Redis and PostgreSQL" -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and .enabled (not (or .targetCpu .targetRequestsPerSecond)) -}}
{{- fail "autoscaling: give targetCpu or targetRequestsPerSecond" -}}
{{- end -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail "autoscaling: minReplicas is above maxReplicas" -}}
{{- end -}}
{{- end -}}
{{- end -}}
