#!/bin/bash
# Goal: what is shipped for monitoring works with Prometheus: the metrics are clean by its own checker, a real Prometheus
# reads them and the alert rules, every alert comes when it should, and every metric that an alert or the dashboard names is
# there.
. "$(dirname "$0")/lib.sh"
CONF=$TESTS/../conf
ALERTS=$CONF/prometheus-alerts.yml
DASHBOARD=$CONF/grafana-dashboard.json
METRICS=http://127.0.0.1:5001/metrics
export REGISTRY_HTTP_DEBUG_ADDR=127.0.0.1:5001 REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED=true
export REGISTRY_HTTP_TLS_CLIENTCAS_0=$CA REGISTRY_HTTP_TLS_CLIENTCRLS_0=$TLS_DIR/crl.pem REGISTRY_HTTP_TLS_CLIENTAUTH=verify-client-cert-if-given
export REGISTRY_STORAGE_QUOTAS='[{prefix: team/, limit: 1GiB}]' REGISTRY_STORAGE_MAINTENANCE_GARBAGECOLLECTION_INTERVAL=1s
export REGISTRY_NOTIFICATIONS_ENDPOINTS='[{name: nobody, url: "http://127.0.0.1:9/", timeout: 1s, threshold: 1, backoff: 1s}]'
monitoring() { python3 -B "$TESTS/e2e/monitoring.py" "$@"; }
scrape() { curl -sS "$METRICS$1"; }
tells() { scrape '' >"$WORK/told" && grep -qE "^$1( |$)" "$WORK/told"; }
server_setup && server_start || exit 1

# --- a server that has done a bit of everything

printf '{}' >"$WORK/blob"
blob_push team/app "$WORK/blob"
digest=$(digest_of "$WORK/blob")
printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":2},"layers":[]}' \
    "$OCI_MANIFEST" "$digest" >"$WORK/manifest"
manifest_push team/app v1 "$WORK/manifest" "$OCI_MANIFEST"
check "an image is pushed" status_is 201
request GET /v2/team/app/manifests/v1 -H "Accept: $OCI_MANIFEST"
check "and pulled" status_is 200
check "a backup is made" "$BUILD/berth" backup "$WORK/backup" --config "$WORK/config.yml"
check "everything is scrubbed" "$BUILD/berth" scrub --config "$WORK/config.yml"
check "and swept" eventually tells berth_last_sweep_timestamp_seconds

# --- the metrics

scrape '' >"$WORK/metrics"
scrape /repositories >"$WORK/repositories"
checked() { local said; said=$(promtool check metrics <"$1" 2>&1) || { echo "$said"; return 1; }; [[ -z $said ]] || { echo "$said"; return 1; }; }
check "promtool finds nothing wrong with the metrics, and has no advice" checked "$WORK/metrics"
check "nor about those of repositories" checked "$WORK/repositories"
printf '# HELP berth_x A counter without its suffix.\n# TYPE berth_x counter\nberth_x 1\n' >"$WORK/wrong"
check "though it has about others" fails checked "$WORK/wrong"
ends() { date -d "$(openssl x509 -noout -enddate -in "$1" | cut -d= -f2)" +%s; }
check "the end of the server's certificate is told" tells "berth_certificate_expiry_timestamp_seconds\{certificate=\"server\"\} $(ends "$TLS_DIR/server.crt")"
check "that of the authority of clients" tells "berth_certificate_expiry_timestamp_seconds\{certificate=\"client_ca\"\} $(ends "$CA")"
check "and when the next revocation list is due" tells 'berth_certificate_expiry_timestamp_seconds\{certificate="client_crl"\} [0-9]+'

# --- what is shipped

cat "$WORK/metrics" "$WORK/repositories" >"$WORK/all"
check "every metric that the alerts name is there" monitoring names "$WORK/all" "$ALERTS"
check "and every one that the dashboard names" monitoring names "$WORK/all" "$DASHBOARD"
sed '/^berth_tags /d' "$WORK/all" >"$WORK/fewer"
check "one that is not would be found" fails_saying ': berth_tags' monitoring names "$WORK/fewer" "$ALERTS" "$DASHBOARD"
check "the dashboard is one that Grafana takes" monitoring dashboard "$DASHBOARD"
monitoring rules "$DASHBOARD" >"$WORK/expressions.yml"
check "its expressions are PromQL" promtool check rules "$WORK/expressions.yml"
check "the alert rules are rules" promtool check rules "$ALERTS"
check "each alert comes when it should, and only then" promtool test rules "$TESTS/e2e/alerts.yml"
all_tried() {
    local alert
    while read -r alert; do
        grep -q "alertname=\"$alert\"" "$TESTS/e2e/alerts.yml" || { echo "$alert is not tried"; return 1; }
    done < <(sed -n 's/.*- alert: //p' "$ALERTS")
}
check "all of them are tried" all_tried

# --- a real Prometheus

sed -n 's/^#   //p' "$ALERTS" | sed -n '/^rule_files/,$p' |
    sed -e "s|/etc/prometheus/prometheus-alerts.yml|$ALERTS|" -e 's/registry.example.com/127.0.0.1/' -e 's/10m$/1s/' -e '1i global: {scrape_interval: 1s, evaluation_interval: 1s}' >"$WORK/prometheus.yml"
check "the configuration in the alerts' file is one" promtool check config "$WORK/prometheus.yml"
prometheus --config.file="$WORK/prometheus.yml" --storage.tsdb.path="$WORK/tsdb" --web.listen-address=127.0.0.1:9090 >"$WORK/prometheus.log" 2>&1 &
query() { curl -sSG http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$1" | jq -r '.data.result[0].value[1]'; }
query_is() { local got; got=$(query "$1" 2>&1); [[ $got == "$2" ]] || { echo "$1 is $got"; return 1; }; }
check "Prometheus reads the metrics" eventually query_is 'up{job="berth"}' 1
check "and those of repositories" eventually query_is 'berth_repository_tags{repository="team/app"}' 1
check "it knows what was asked" eventually query_is 'berth_http_requests_total{route="manifest",method="PUT",code="201"}' 1
rules_are() { local got; got=$(curl -sS http://127.0.0.1:9090/api/v1/rules | jq -r "[.data.groups[].rules[] | $1] | unique | join(\" \")"); [[ $got == "$2" ]] || { echo "rules are: $got"; return 1; }; }
check "all rules can be evaluated" eventually rules_are .health ok
check "and none complains of this server" rules_are 'select(.state == "firing") | .name' ''
finish
