"""Panels and dashboards in Grafana's format, all made alike. It knows PromQL, and nothing of what
the panels show.
"""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
# Labels that Prometheus and Kubernetes put on a target. Replicas show the same store, so `max` of
# them for what the store holds, and `sum` for what each of them did.
STORE = "max without (instance, job, pod)"
PROCESS = "sum without (instance, job, pod)"
OVER = "[$__rate_interval]"
COLUMNS = 24


def store_increase(family, matchers="", over="[$__range]"):
    return f"{STORE} (increase({family}{matchers}{over}))"


def store_per_minute(family, matchers=""):
    return f"60 * {STORE} (rate({family}{matchers}{OVER}))"


def process_rate(family, matchers=""):
    return f"{PROCESS} (rate({family}{matchers}{OVER}))"


def quantile(q, family, by, matchers="", aggregation="sum"):
    labels = ", ".join(["le", *by])
    if aggregation == "max":
        inner = f"sum by ({labels}) ({STORE} (rate({family}_bucket{matchers}{OVER})))"
    else:
        inner = f"sum by ({labels}) (rate({family}_bucket{matchers}{OVER}))"
    return f"histogram_quantile({q}, {inner})"


def age(family, matchers=""):
    return f"time() - {STORE} ({family}{matchers})"


class Panel:
    """A panel without its place."""

    def __init__(self, title, description, unit, queries, width=12, height=8, **more):
        self.title, self.description, self.unit = title, description, unit
        self.queries, self.width, self.height = queries, width, height
        self.more = more

    def json(self, number, x, y):
        kind = self.more.get("kind", "timeseries")
        is_instant = kind in ("stat", "table", "bargauge")
        defaults = {"unit": self.unit, "min": 0, "custom": {}}
        if kind == "timeseries":
            stacking = "normal" if self.more.get("stacked") else "none"
            defaults["custom"] = {
                "drawStyle": "line",
                "fillOpacity": 20 if self.more.get("stacked") else 5,
                "showPoints": "never",
                "stacking": {"mode": stacking, "group": "A"},
            }
        if "thresholds" in self.more:
            steps = [{"color": "green", "value": None}]
            for color, value in self.more["thresholds"]:
                steps.append({"color": color, "value": value})
            defaults["thresholds"] = {"mode": "absolute", "steps": steps}
        return {
            "id": number,
            "type": kind,
            "title": self.title,
            "description": self.description,
            "datasource": DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": defaults, "overrides": []},
            "options": self.options(kind),
            "targets": [
                {
                    "refId": chr(ord("A") + index),
                    "datasource": DATASOURCE,
                    "expr": expression,
                    "legendFormat": legend,
                    "instant": is_instant,
                    "range": not is_instant,
                    "format": "table" if kind == "table" else "time_series",
                }
                for index, (expression, legend) in enumerate(self.queries)
            ],
            "transformations": self.transformations(kind),
        }

    def options(self, kind):
        last = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        if kind == "timeseries":
            return {
                "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom"},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
        if kind == "state-timeline":
            return {
                "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom"},
                "showValue": "never",
                "mergeValues": True,
            }
        if kind == "stat":
            return {"reduceOptions": last, "colorMode": "value", "graphMode": "none",
                    "textMode": "value_and_name"}
        if kind == "bargauge":
            return {"reduceOptions": last, "orientation": "horizontal", "displayMode": "basic"}
        return {"showHeader": True, "footer": {"show": False}}

    def transformations(self, kind):
        if kind != "table":
            return []
        hidden = {"Time": True, "__name__": True}
        return [{"id": "organize", "options": {"excludeByName": hidden}}]


class Text:
    """A panel of words."""

    def __init__(self, title, text, width=24, height=4):
        self.title, self.text, self.width, self.height = title, text, width, height

    def json(self, number, x, y):
        return {
            "id": number,
            "type": "text",
            "title": self.title,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "options": {"mode": "markdown", "content": self.text},
        }


def variable_of_datasource():
    return {"name": "datasource", "label": "Prometheus", "type": "datasource",
            "query": "prometheus", "current": {}, "hide": 0}


def variable(name, label, family):
    query = f"label_values({family}, {name})"
    return {
        "name": name, "label": label, "type": "query", "datasource": DATASOURCE,
        "definition": query, "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1,
        "includeAll": True, "multi": True, "allValue": ".*", "hide": 0,
        "current": {"text": ["All"], "value": ["$__all"], "selected": True},
    }


def dashboard(uid, title, description, variables, rows, since):
    panels, number, y = [], 0, 0
    for name, members in rows:
        number += 1
        panels.append({"id": number, "type": "row", "title": name, "collapsed": False,
                       "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}, "panels": []})
        x, y, tallest = 0, y + 1, 0
        for member in members:
            if x + member.width > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            number += 1
            panels.append(member.json(number, x, y))
            x, tallest = x + member.width, max(tallest, member.height)
        y += tallest
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["deltrail"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "utc",
        "time": {"from": since, "to": "now"},
        "refresh": "30s",
        "links": [{"title": "deltrail", "type": "dashboards", "tags": ["deltrail"],
                   "asDropdown": False, "includeVars": True, "keepTime": True}],
        "annotations": {"list": []},
        "templating": {"list": [variable_of_datasource(), *variables]},
        "panels": panels,
    }
