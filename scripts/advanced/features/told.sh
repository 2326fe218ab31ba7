# What happens is told: signed webhooks, alerts.

secret=whsec_cG9seW1vcnBoLWFkdmFuY2VkLWZlYXR1cmVz

feature webhooks own 'events are delivered to signed webhooks, at least once, and a flood as a few with a count'
show_webhooks() {
  use_chain
  background receiver node "$(helper webhook-receiver)" "$secret" 1
  receiver=$log receiver_pid=$pid
  eventually 'the receiver listens' file_has "$receiver" '^http'
  use_config <<END
upstreams: [{ url: "$chain" }]
limits: { default: { requests: 1, period: 1h } }
events:
  window: 1s
  sinks:
    - name: billing
      type: webhook
      url: $(head -n 1 "$receiver")
      secrets: [$secret]
      events: [rate_limit.exceeded]
      allow_private: true
      retries: [200ms, 1s]
END
  from 203.0.113.20
  did 'A signed webhook for rate_limit.exceeded. One caller is refused 60 times. The receiver verifies with the library of Standard Webhooks, and answers the first delivery with 500.'
  all=$(calls 61 eth_blockNumber)
  is 'calls' "$all" '1 × 200, 60 × 429'
  eventually 'all refusals are told' told_of 60
  failed_id=$(awk '$2 == 500 { print $3 }' "$receiver")
  taken=$(awk '$2 == 204 { print $3 }' "$receiver" | sort -u | wc -l | tr -d ' ')
  came "$(grep -c '^verified' "$receiver") deliveries verified, $(grep -c '^forged' "$receiver" || :) forged; the one answered with 500 came again under its id; $taken events with counts of 60 together"
  holds 'events' "$taken" -le 4
  is 'the delivery that was refused' "$(awk -v id="$failed_id" '$2 == 204 && $3 == id' "$receiver" | wc -l | tr -d ' ')" 1
  is 'forged deliveries' "$(grep -c '^forged' "$receiver" || :)" 0
  sample=$(awk '$2 == 204' "$receiver" | head -n 1 | cut -d ' ' -f 4-)
  is 'a body that nobody signed' "$(curl -s -o "$work/ignored" -w '%{http_code}' -H 'webhook-id: 1' -H "webhook-timestamp: $(date +%s)" -H 'webhook-signature: v1,AAAA' -d "$sample" "$(head -n 1 "$receiver")")" 401
  kill "$receiver_pid"
  ended "$receiver_pid"
  proves 'The signature holds, and the receiver does refuse a body without one. A delivery that fails comes again with the same id. Sixty refusals are one event at once and one a window, and their counts miss none.'
}
# The counts of all events that were taken add up to this.
told_of() { [ "$(awk '$2 == 204' "$receiver" | sed -n 's/.*"count":\([0-9]*\).*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }')" = "$1" ]; }

feature alerts own 'an alert fires while its condition holds, and is resolved when it no longer does'
show_alerts() {
  use_chain
  background receiver node "$(helper webhook-receiver)" "$secret"
  receiver=$log receiver_pid=$pid
  eventually 'the receiver listens' file_has "$receiver" '^http'
  use_config <<END
upstreams: [{ url: "$chain" }]
limits: { default: { requests: 1, period: 1h } }
alerts: [{ name: many-refused, when: refused_ratio > 20% for 1s, severity: critical, sinks: [on-call] }]
events:
  sinks:
    - { name: on-call, type: webhook, url: "$(head -n 1 "$receiver")", secrets: [$secret], events: [alert.*], allow_private: true }
END
  did 'The alert refused_ratio > 20% for 1s. A caller goes on calling beyond its limit until the alert comes, and then stops.'
  start_load refused --address=203.0.113.21 --pause=20
  eventually 'alert.firing' file_has "$receiver" '"type":"alert.firing"'
  end_load
  eventually 'alert.resolved' file_has "$receiver" '"type":"alert.resolved"'
  told=$(grep -o '"type":"alert\.[a-z]*"' "$receiver" | tr -d '"' | tr '\n' ' ')
  came "$refused calls were refused; the receiver was told: $told"
  is 'what was told' "$told" 'type:alert.firing type:alert.resolved '
  has 'the alert' "$(grep alert.firing "$receiver")" '"severity":"critical"'
  kill "$receiver_pid"
  ended "$receiver_pid"
  proves 'Somebody is told when many calls are refused, once and not each second, and told again when it is over.'
}
