"""A report as one HTML page that needs nothing else: text in, text out. Every value from outside is escaped."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from .charts import bar, confusion_table, curve, number, scale, table, text
from .words import CITATIONS, EXPLAINED, MEASURES, PAGE_STYLE, STYLE, TITLES

Document = Mapping[str, Any]
CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def report_html(document: Document, pictures: Mapping[int, bytes]) -> str:
    """The page of a document as ``pipeline.evaluate`` writes it; ``pictures`` are small JPEGs of the rows that went wrong."""
    title = report_title(document)
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{CSP}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{text(title)}</title><style>{PAGE_STYLE}{STYLE}</style></head><body><main>\n"
        f"<h1>{text(title)}</h1>\n{_whole(document, pictures)}\n</main></body></html>\n"
    )


def report_title(document: Document) -> str:
    """What was measured, and where."""
    return f"{TITLES[document['protocol']]}: {document['columns']['label']} in {document['collection']}"


def report_details(document: Document) -> str:
    """Every number, and how and on what it was measured, without a page around it; it wants ``STYLE``."""
    return "<div class='report'>" + "\n".join([_scores(document), *_details(document), _how(document)]) + "</div>"


def _whole(document: Document, pictures: Mapping[int, bytes]) -> str:
    about = f"{text(document['encoder'])} · {text(document['rows'])} rows{_groups(document)}{_learnt_from(document)}"
    parts = [f"<p class='quiet'>{about}</p>", _headline(document), _mistakes(document, pictures), *_details(document), _how(document)]
    last = "<p class='quiet'>For research and teaching. These numbers judge similar pictures, not diagnoses.</p>"
    return "<div class='report'>" + "\n".join([*parts, last]) + "</div>"


def _groups(document: Document) -> str:
    return f" · {text(document['groups'])} different in {text(document['columns']['group'])}" if document["groups"] else ""


def _learnt_from(document: Document) -> str:
    return f" · learnt from {text(document['train'])}" if document["train"] else ""


def _headline(document: Document) -> str:
    value = document["value"]
    return (
        f"<section><p class='score'>{number(value['value'])} <small>{_interval(value)}</small></p>"
        f"<p><b>{text(document['score'])}</b>, 95 % interval. {EXPLAINED[document['protocol']]}</p>"
        f"<p>{text(' '.join(document['sentences']))}</p>"
        f"{scale(value, beside(document))}{_scores(document)}</section>"
    )


def _scores(document: Document) -> str:
    """The score and what it is held against, as a table."""
    own = {"title": document["encoder"], **document["value"]}
    rows = [[each["title"], *_scored(each)] for each in (own, *beside(document))]
    missing = document["anchors_not_there"]
    note = f"<p class='quiet'>Not measured beside it: {text(', '.join(missing))}.</p>" if missing else ""
    return table(["", "score", "95 % interval"], rows) + note


def beside(document: Document) -> list[Mapping[str, Any]]:
    """What stands on the line of the score: the anchors, and the same with nothing kept apart (``faint``)."""
    careless = {"title": "Nothing kept apart", "value": document["naive"], "low": None, "high": None, "faint": True}
    return [*document["anchors"], *([careless] if document["naive"] is not None else [])]


def _mistakes(document: Document, pictures: Mapping[int, bytes]) -> str:
    found = document["mistakes"]
    if not found:
        return ""
    figures = "".join(
        f"<figure><img alt='' src='data:image/jpeg;base64,{b64encode(pictures[each['row']]).decode()}'>"
        f"<figcaption>{text(each['truth'])}<span class='quiet'>named {text(each['named'] or 'nothing')}</span></figcaption></figure>"
        for each in found
    )
    said = "<p class='quiet'>Every confusion in turn, the surest mistake first; the name above is the true one.</p>"
    return _section("Examples that went wrong", f"{said}<div class='mistakes'>{figures}</div>")


def _details(document: Document) -> Iterable[str]:
    results = document["results"]
    if "retrieval" in results:
        yield from _retrieval(results["retrieval"])
        yield _index(results["index"])
    if "knn" in results:
        yield from _knn(results)
    if "linear" in results:
        yield from _linear(results["linear"])
    if "leak" in results:
        yield from _leak(results)


def _retrieval(found: Mapping[str, Any]) -> Iterable[str]:
    grouped = bool(found["n_groups"])
    rows = [
        [
            f"{MEASURES[name]}@{at['k']}",
            *_scored(estimate),
            *([number(at["naive"][name]), _signed(at["leak"][name]["value"]), _interval(at["leak"][name])] if grouped else []),
            number(at["chance"][name]),
        ]
        for at in found["at"]
        for name, estimate in at["scores"].items()
    ]
    ways = ["kept apart", "95 % interval", "not kept apart", "difference", "95 % interval"] if grouped else ["value", "95 % interval"]
    head = ["score", *ways, "chance"]
    yield _section("All scores", table(head, rows))
    last = found["at"][-1]
    yield _section(f"By class, MV@{last['k']}", _bars({name: each["majority_vote"] for name, each in last["per_class"].items()}))
    yield _section(f"Confusion, vote of {last['k']} neighbours", confusion_table(found["classes"], last["confusion"]))
    groups = found["n_groups"] or "no such column"
    counts = {"Queries": found["n_queries"], "Rows searched": found["n"], "Groups (patients or slides) kept apart": groups}
    counts |= {f"Queries with fewer than {last['k']} rows to find (what they lack counts as wrong)": found["n_failures"]}
    counts |= {"Exact copies inside one group, counted once": found["n_copies"]}
    yield _section("Counts and failures", _facts(counts | _dropped(found["dropped"])))


def _index(facts: Mapping[str, Any] | None) -> str:
    if facts is None:
        return _section(
            "The index", "<p>The collection has no index, so neither its recall nor its speed is known; run explorer index.</p>"
        )
    shown = {
        "Kind": facts["kind"],
        "Recall@10 against exact search": number(facts["recall_at_10"]),
        f"One search, median of {facts['n_timed']}": f"{facts['latency_ms']['p50']} ms",
        "One search, 99th percentile": f"{facts['latency_ms']['p99']} ms",
    }
    return _section("The index (the scores above come from exact search)", _facts(shown))


def _knn(results: Mapping[str, Any]) -> Iterable[str]:
    found, shots = results["knn"], results["few_shot"]
    naive = results.get("naive", {}).get("knn")
    scores = {f"k = {k}": (each, naive and naive["knn"][k]) for k, each in found["knn"].items()}
    scores["nearest class mean (SimpleShot)"] = (found["prototype"], naive and naive["prototype"])
    rows = [
        [
            name,
            *_scored(own["balanced_accuracy"]),
            *([number(other["balanced_accuracy"]["value"])] if other else []),
            number(found["chance"]),
        ]
        for name, (own, other) in scores.items()
    ]
    ways = ["patients apart", "95 % interval", "not apart"] if naive else ["score", "95 % interval"]
    yield _section("All scores", table(["balanced accuracy", *ways, "chance"], rows))
    head = found["knn"]["5"]
    yield _section("By class, k = 5", _bars(head["recall"]))
    yield _section("Confusion, k = 5", confusion_table(found["classes"], head["confusion"]))
    points = [(each["shots"], each["balanced_accuracy"]) for each in shots["curve"]]
    rows = [[n, *_scored(each)] for n, each in points]
    few = curve(points, chance=shots["chance"]) + table(["rows per class", "balanced accuracy", "95 % of draws"], rows)
    yield _section("Few-shot, nearest class mean", f"{few}<p class='quiet'>{text(shots['left_out'])}</p>")
    yield _section("Counts", _facts(_parts(found) | {"Groups in the test rows": found["n_groups"] or "no such column"}))


def _linear(found: Mapping[str, Any]) -> Iterable[str]:
    runs = [[run + 1, number(score), found["epochs"][run], found["best_epochs"][run]] for run, score in enumerate(found["scores"])]
    drawn = f"{found['n_groups']} patients or slides" if found["n_groups"] else "rows"
    spread = (
        f"<p>Mean {number(found['mean'])}; standard deviation over {len(runs)} runs {number(found['sd'])}; "
        f"95 % interval over {drawn} {_interval(found['interval'])}.</p>"
    )
    yield _section("Runs", spread + table(["run", "balanced accuracy", "epochs", "best epoch"], runs))
    yield _section("By class", _bars(found["recall"]))
    yield _section("Confusion, all runs together", confusion_table(found["classes"], found["confusion"]))
    yield _section("Counts", _facts(_parts(found)))


def _leak(results: Mapping[str, Any]) -> Iterable[str]:
    found = results["leak"]
    rows = [
        ["Robustness index", *_scored(found["robustness"]), number(found["robustness_by_chance"])],
        ["Naming the site by its neighbours", *_scored(found["site_accuracy"]), number(found["site_accuracy_by_chance"])],
    ]
    if clusters := results.get("clusters"):
        names = {"ari_label": "ARI of groups with the label", "ari_site": "ARI of groups with the site", "difference": "Difference"}
        rows += [[title, *_scored(clusters[key]), ""] for key, title in names.items()]
    said = "" if clusters else "<p>There are no groups to compare; run explorer cluster.</p>"
    yield _section("All scores", table(["score", "value", "95 % interval", "chance"], rows) + said)
    kinds = {
        "Same class, same site": "SS",
        "Same class, other site": "SO",
        "Other class, same site": "OS",
        "Other class, other site": "OO",
    }
    yield _section("Neighbours by kind", _facts({title: found["counts"][key] for title, key in kinds.items()}))
    counts = {"Rows": found["n"], "Queries": found["n_queries"], "Sites": found["n_sites"]}
    yield _section(
        "Counts", _facts(counts | {"Groups kept apart": found["n_groups"] or "only the query itself"} | _dropped(found["dropped"]))
    )


def _how(document: Document) -> str:
    protocols = {
        f"{name}: {key}": value
        for name, found in document["results"].items()
        if isinstance(found, Mapping) and "protocol" in found
        for key, value in found["protocol"].items()
    }
    asked = {"Label column": document["columns"]["label"], "Kept apart by": document["columns"]["group"] or "nothing"}
    asked |= {"Site column": document["columns"]["site"]} if document["columns"]["site"] else {}
    if parted := document["results"].get("split"):
        left_out = {f"Kept from teaching, {reason}": n for reason, n in parted["left_out"].items()}
        asked |= {"Split": parted["way"]} | left_out
    hashes = {key: value for key, value in document["hashes"].items() if value}
    keys = {key: value for key, value in document["recipe"].items() if key in ("embedding", "train", "neighbours", "clusters") and value}
    cited = "".join(f"<li>{text(line)}</li>" for line in CITATIONS[document["protocol"]])
    return (
        _section("How it was measured", _facts({**asked, "Seed": document["seed"], **protocols}))
        + _section("What was measured", _facts({**hashes, **{f"{key} key": value for key, value in keys.items()}}))
        + _section("Versions", _facts(document["versions"]))
        + _section("Sources", f"<ul>{cited}</ul>")
    )


# -- pieces


def _section(title: str, inside: str) -> str:
    return f"<section><h2>{text(title)}</h2>{inside}</section>"


def _facts(facts: Mapping[str, Any]) -> str:
    return "<dl>" + "".join(f"<dt>{text(key)}</dt><dd>{text(_plain(value))}</dd>" for key, value in facts.items()) + "</dl>"


def _plain(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _bars(by_class: Mapping[str, Mapping[str, Any]]) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{text(name)}</th><td>{bar(each)}</td><td>{number(each['value'])}</td><td>{_interval(each)}</td></tr>"
        for name, each in by_class.items()
    )
    head = "<tr><th scope='col'>class</th><td></td><th scope='col'>share right</th><th scope='col'>95 % interval</th></tr>"
    return f"<div class='wide'><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>"


def _parts(found: Mapping[str, Any]) -> dict[str, Any]:
    rows = {f"Rows, {part}": n for part, n in found["n"].items()}
    return rows | {f"Without label or group, {part}": n for part, n in found["dropped"].items() if n}


def _dropped(dropped: Mapping[str, int]) -> dict[str, Any]:
    return {f"Left out, no {name}": n for name, n in dropped.items() if n}


def _interval(estimate: Mapping[str, Any]) -> str:
    return "" if estimate["low"] is None else f"{number(estimate['low'])} to {number(estimate['high'])}"


def _scored(estimate: Mapping[str, Any]) -> tuple[str, str]:
    return number(estimate["value"]), _interval(estimate)


def _signed(value: float | None) -> str:
    return number(None) if value is None else f"{value:+.3f}"
