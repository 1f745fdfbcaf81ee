#!/usr/bin/env python3
"""Writes the three dashboards as JSON: what they show, and in which order.

    deploy/grafana/dashboards.py [FOLDER]

FOLDER is `dashboards` beside this file unless it is given.
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True
from panels import (OVER, PROCESS, STORE, Panel, Text, age, dashboard, process_rate, quantile,
                    store_increase, store_per_minute, variable)

IN_BUCKET = '{bucket=~"$bucket"}'
LIVE = '{mode="live"}'
IN_QUEUE = '{queue=~"$queue"}'
BUCKETS = variable("bucket", "Bucket", "deltrail_objects_removed_total")
QUEUES = variable("queue", "Queue", "deltrail_messages_received_total")

LATENCY = "deltrail_request_to_delete_latency_seconds"
FINDINGS = f'{STORE} (deltrail_finding_active{IN_BUCKET})'

OPEN_FINDINGS = Panel(
    "Open findings", "What detectors have found and is still open. deltrail findings tells who, "
    "how many, which keys, and what to do.", "none",
    [(f"{FINDINGS} > 0", "{{detector}} {{bucket}} {{severity}}")], kind="table")
FINDINGS_OVER_TIME = Panel(
    "Findings over time", "Since when and until when findings were open.", "none",
    [(f"{FINDINGS} > 0", "{{bucket}}: {{detector}} ({{severity}})")], kind="state-timeline")


def in_range(title, description, family, matchers=IN_BUCKET, colour="orange"):
    """A number for the chosen time and buckets."""
    return Panel(title, description, "short",
                 [(f"sum({store_increase(family, matchers)})", title.lower())],
                 width=4, height=4, kind="stat", thresholds=[(colour, 1)])


def open_facts():
    return Panel(
        "Facts that want an answer",
        "Settled, and standing until something changes: bulk deletes of which no source named a "
        "key, removals that S3 did not confirm though it tells of the bucket, and declared "
        "deletes that nothing fulfilled.", "short",
        # A bucket without such facts has no series.
        [(f"sum({STORE} ({family}{IN_BUCKET})) or vector(0)", legend) for family, legend in (
            ("deltrail_unresolved_bulk_deletes", "bulk deletes, no key"),
            ("deltrail_unconfirmed_removals", "unconfirmed removals"),
            ("deltrail_unfulfilled_intents", "unfulfilled intents"))])


def latency(q):
    return Panel(
        f"Latency, {round(q * 100)} of 100",
        "How long deletes took: service and access_log as S3 measured the request, confirmed from "
        "the request to S3's notification, intent from the wish to the removal. Buckets that are "
        "not important share bucket other.", "s",
        [(quantile(q, LATENCY, ["basis"], IN_BUCKET, "max"), "{{basis}}")])


OVERVIEW = dashboard(
    "deltrail-overview", "deltrail: overview", "What is deleted, whether it should be, and "
    "whether that is all of it.", [BUCKETS], [
        ("Should it have been", [
            in_range("Removals", "Objects removed in the chosen time, each once.",
                     "deltrail_objects_removed_total", colour="blue"),
            in_range("Denied requests", "Delete requests that were refused in the chosen time.",
                     "deltrail_delete_requests_total", '{outcome="denied", bucket=~"$bucket"}'),
            in_range("Stale deletes", "Removals of an upload that had just replaced another one.",
                     "deltrail_stale_deletes_total", colour="red"),
            in_range("Repeated deletes", "Second requests for what was already removed.",
                     "deltrail_duplicate_delete_requests_total"),
            Panel("Findings", "Findings of the chosen time by severity, dry runs left out.",
                  "short",
                  [("sum by (severity) "
                    f"({store_increase('deltrail_findings_total', LIVE)})",
                    "{{severity}}")],
                  width=4, height=4, kind="stat"),
            Panel("Known up to", "How long ago everything is known of, by the source that is "
                  "furthest behind.", "s",
                  [(f"max({age('deltrail_watermark_timestamp_seconds')})", "ago")],
                  width=4, height=4, kind="stat", thresholds=[("orange", 7200), ("red", 21600)]),
            OPEN_FINDINGS, FINDINGS_OVER_TIME,
            Panel("Alerts", "Alerts of deltrail's rules that fired.", "none",
                  [('max by (alertname, bucket, severity) '
                    '(ALERTS{alertname=~"Deltrail.+", alertstate="firing"})',
                    "{{alertname}} {{bucket}} {{severity}}")],
                  width=24, height=6, kind="state-timeline"),
        ]),
        ("What is deleted", [
            Panel("Removals by bucket", "Objects removed a minute, the ten buckets with the most. "
                  "Counted when learnt: CloudTrail's come minutes late, in bursts.", "cpm",
                  [(f"topk(10, {store_per_minute('deltrail_objects_removed_total', IN_BUCKET)})",
                    "{{bucket}}")]),
            Panel("Buckets with the most removals", "Objects removed in the chosen time.", "short",
                  [("topk(20, "
                    f"{store_increase('deltrail_objects_removed_total', IN_BUCKET)})",
                    "{{bucket}}")], kind="bargauge"),
            Panel("Removals by kind and cause", "marker: a delete marker was put on top; version: "
                  "a version is gone for good; object: the bucket keeps no versions; lifecycle: "
                  "a rule did it.", "cpm",
                  [("sum by (kind, cause) "
                    f"({store_per_minute('deltrail_removals_by_kind_total', IN_BUCKET)})",
                    "{{kind}}, {{cause}}")], stacked=True),
            Panel("Requests by API and outcome", "Delete requests a minute.", "cpm",
                  [("sum by (api, outcome) "
                    f"({store_per_minute('deltrail_delete_requests_total', IN_BUCKET)})",
                    "{{api}}, {{outcome}}")], stacked=True),
        ]),
        ("How long it takes, and what is open", [latency(0.99), open_facts()]),
    ], "now-24h")

INVESTIGATE = dashboard(
    "deltrail-investigate", "deltrail: investigate", "One bucket from all sides.", [BUCKETS], [
        ("What was found", [
            Text("Ask for keys and people",
                 "Metrics hold no keys, principals or addresses. On the daemon's host:\n\n"
                 "`deltrail deletions --bucket ${bucket:raw} --since 2h` and "
                 "`deltrail who-deleted s3://${bucket:raw}/KEY`"),
            OPEN_FINDINGS, FINDINGS_OVER_TIME,
        ]),
        ("What was removed", [
            Panel("Removals", "Objects removed a minute: all, and those that S3 itself "
                  "confirmed. Counted when learnt.", "cpm",
                  [(store_per_minute("deltrail_objects_removed_total", IN_BUCKET),
                    "{{bucket}}, all"),
                   (store_per_minute("deltrail_removals_confirmed_total", IN_BUCKET),
                    "{{bucket}}, confirmed")]),
            Panel("Removals of 5 minutes, complete", "Removals by when they happened, of the "
                  "newest 5 minutes that all sources are complete for.", "short",
                  [(f"{STORE} (deltrail_settled_removals{IN_BUCKET})", "{{bucket}}")]),
            Panel("Kind and cause", "marker can be taken back; version and object cannot.", "cpm",
                  [(store_per_minute("deltrail_removals_by_kind_total", IN_BUCKET),
                    "{{bucket}}: {{kind}}, {{cause}}")], stacked=True),
            Panel("Requests", "Delete requests a minute. A bulk call of 1 000 keys is one.", "cpm",
                  [(store_per_minute("deltrail_delete_requests_total", IN_BUCKET),
                    "{{bucket}}: {{api}}, {{outcome}}")], stacked=True),
            Panel("15 minutes, and what is usual", "What DeltrailMassDeletion compares: removals "
                  "of 15 minutes, and twice the most of any in the last 28 days.", "short",
                  [(f"bucket:deltrail_objects_removed:increase15m{IN_BUCKET}", "{{bucket}}"),
                   ("2 * max_over_time("
                    f"bucket:deltrail_objects_removed:increase15m_max1h{IN_BUCKET}[28d])",
                    "{{bucket}}, twice the most")]),
            Panel("Learnt from the past", "Removals that deltrail scan has read; they are in no "
                  "other panel.", "short",
                  [(f"sum({STORE} (deltrail_backfilled_removals_total{IN_BUCKET})) or vector(0)",
                    "backfilled")]),
        ]),
        ("What is odd about it", [
            Panel("Stale and repeated deletes", "Uploads that were deleted just after they had "
                  "replaced another object, and second deletes of the same key. Told when "
                  "settled, in the chosen time.", "short",
                  [(store_increase("deltrail_stale_deletes_total", IN_BUCKET),
                    "{{bucket}}, stale"),
                   (store_increase("deltrail_duplicate_delete_requests_total", IN_BUCKET),
                    "{{bucket}}, repeated")], kind="bargauge"),
            open_facts(),
        ]),
        ("How long it took", [
            latency(0.5), latency(0.99),
            Panel("Share of slow deletes", "Deletes of the last hour that took longer than 1 s "
                  "(service, access_log) or 60 s (confirmed, intent). The objective is 1 %.",
                  "percentunit",
                  [(f"bucket_basis:deltrail_latency_slow:increase1h{IN_BUCKET} / "
                    f"bucket_basis:deltrail_latency_observations:increase1h{IN_BUCKET}",
                    "{{bucket}}: {{basis}}")]),
            Panel("Measured deletes", "Deletes a minute whose latency is known, by what it is "
                  "measured on.", "cpm",
                  [(f"sum by (basis) ({store_per_minute(LATENCY + '_count', IN_BUCKET)})",
                    "{{basis}}")]),
        ]),
    ], "now-6h")

PIPELINE = dashboard(
    "deltrail-pipeline", "deltrail: pipeline", "Whether the daemon is there, keeps up, and is "
    "told everything.", [QUEUES], [
        ("Is it complete", [
            Panel("Known up to", "How long ago each source is complete. CloudTrail is normally 20 "
                  "to 40 minutes back, access logs hours; a silent source stands still.", "s",
                  [(age("deltrail_watermark_timestamp_seconds"), "{{source}}")]),
            Panel("Last delivery", "How long ago anything of the source arrived.", "s",
                  [(age("deltrail_last_delivery_timestamp_seconds"), "{{source}}")]),
            Panel("From event to commit", "95 of 100 events were known here so soon.", "s",
                  [(quantile(0.95, "deltrail_event_delay_seconds", ["source"]), "{{source}}")]),
            Panel("From event to delivery", "95 of 100 events were written to a log object or "
                  "sent as a notification so soon: what AWS takes of the above.", "s",
                  [(quantile(0.95, "deltrail_delivery_delay_seconds", ["source"]),
                    "{{source}}")]),
            Panel("Corrections", "Counted facts that later evidence changed, in the chosen time, "
                  "and latencies that could not be true.", "short",
                  [(f"sum({store_increase('deltrail_corrections_total')}) or vector(0)",
                    "corrections"),
                   (f"{PROCESS} (increase(deltrail_latency_discarded_total[$__range]))",
                    "latency: {{reason}}")], kind="bargauge"),
            Panel("Complete window", "How long ago the newest 5 minutes ended that all sources "
                  "are complete for.", "s",
                  [(age("deltrail_settled_window_end_timestamp_seconds"), "ago")]),
        ]),
        ("Queues", [
            Panel("Messages in the queues", "As SQS estimates them.", "short",
                  [(f"{STORE} (deltrail_queue_messages{IN_QUEUE})", "{{queue}}, {{state}}")]),
            Panel("Age of the oldest message", "Of those that a replica holds or expects again.",
                  "s", [(f"{STORE} (deltrail_oldest_message_age_seconds{IN_QUEUE})", "{{queue}}")],
                  thresholds=[("orange", 900), ("red", 21600)]),
            Panel("Received and acknowledged", "Messages a second. What is received and not "
                  "acknowledged comes again.", "cps",
                  [(process_rate("deltrail_messages_received_total", IN_QUEUE),
                    "{{queue}}, received"),
                   (process_rate("deltrail_messages_acknowledged_total", IN_QUEUE),
                    "{{queue}}, acknowledged")]),
            Panel("Failures", "Messages that were left to come again, and calls that failed, by "
                  "reason, in the chosen time.", "short",
                  [(f"sum by (reason) (increase(deltrail_messages_failed_total{IN_QUEUE}"
                    "[$__range])) or vector(0)", "{{reason}}")], kind="bargauge"),
            Panel("Dead letters", "Messages in the dead-letter queues.", "short",
                  [(f"{STORE} (deltrail_dead_letter_messages{IN_QUEUE})", "{{queue}}")],
                  width=12, height=5, kind="stat", thresholds=[("red", 1)]),
            Panel("Redrive policy", "1 if the queue has one. Without it, what cannot be read is "
                  "moved to the reject table.", "none",
                  [(f"{STORE} (deltrail_queue_redrive_policy{IN_QUEUE})", "{{queue}}")],
                  width=12, height=5, kind="stat"),
        ]),
        ("Log objects and records", [
            Panel("Log objects", "Log objects a second, by source and what became of them.", "cps",
                  [(process_rate("deltrail_log_objects_total"), "{{source}}, {{result}}")],
                  stacked=True),
            Panel("Records", "Records and events a second, by source and what became of them.",
                  "cps", [(process_rate("deltrail_records_total"), "{{source}}, {{result}}")],
                  stacked=True),
            Panel("Rejected", "What was not taken in, in the chosen time, by reason. Digests and "
                  "what is left out on purpose are among it.", "short",
                  [(f"{PROCESS} (increase(deltrail_rejected_total[$__range])) > 0",
                    "{{source}}, {{reason}}")], kind="bargauge"),
            Panel("Bytes", "Log objects as they are fetched, and inflated.", "Bps",
                  [(process_rate("deltrail_compressed_bytes_total"), "{{source}}, compressed"),
                   (process_rate("deltrail_inflated_bytes_total"), "{{source}}, inflated")]),
        ]),
        ("The daemon", [
            Panel("Replicas", "Daemons that are scraped, by version.", "none",
                  [("count by (version, revision) (deltrail_build_info)",
                    "{{version}} {{revision}}")], width=6, height=5, kind="stat"),
            Panel("Buckets without a label", "Buckets that are counted as bucket other, because "
                  "--max-buckets is reached.", "short",
                  [(f"{PROCESS} (deltrail_label_overflow_total)", "buckets")],
                  width=6, height=5, kind="stat", thresholds=[("orange", 1)]),
            Panel("Free on the disk", "Of the store. Receiving stops below 64 MiB.", "bytes",
                  [("min without (instance, job, pod) (deltrail_store_free_bytes)", "free")],
                  width=12, height=5, kind="stat"),
            Panel("Size of the store", "On disk.", "bytes",
                  [(f"{STORE} (deltrail_store_bytes)", "store")]),
            Panel("In flight", "Messages and log objects that are worked on, and busy threads.",
                  "short",
                  [(f"{PROCESS} (deltrail_in_flight_messages)", "messages"),
                   (f"{PROCESS} (deltrail_in_flight_objects)", "log objects"),
                   (f"{PROCESS} (deltrail_workers_busy)", "busy decode threads")]),
            Panel("Memory", "Resident memory of each replica, and what of its memory budget is "
                  "reserved.", "bytes",
                  [('process_resident_memory_bytes{job="deltrail"}', "{{instance}}, resident"),
                   ("deltrail_in_flight_bytes", "{{instance}}, reserved")]),
            Panel("Processor", "Cores that each replica uses.", "short",
                  [('rate(process_cpu_seconds_total{job="deltrail"}' + OVER + ")",
                    "{{instance}}")]),
            Panel("Steps of the work", "Of 100 log objects or batches, 95 took less time to fetch, "
                  "decode and commit.", "s",
                  [(quantile(0.95, "deltrail_fetch_seconds", []), "fetch"),
                   (quantile(0.95, "deltrail_decode_seconds", []), "decode"),
                   (quantile(0.95, "deltrail_commit_seconds", []), "commit")], width=24),
        ]),
    ], "now-6h")


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else
                          pathlib.Path(__file__).parent / "dashboards")
    for it in (OVERVIEW, INVESTIGATE, PIPELINE):
        name = it["uid"].removeprefix("deltrail-")
        text = json.dumps(it, indent=2, ensure_ascii=False) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


main()
