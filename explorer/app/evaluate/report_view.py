"""A report on its page: the score in large type on a line with its anchors, then classes, curves, and what went wrong."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ... import storage
from ...collection import Collection
from ...pipeline import read_report
from ...reports.html import beside, report_details
from ...reports.words import EXPLAINED, MEASURES, STYLE
from ...search import plain as value_of
from ...storage import Artifact
from .. import ui, widgets
from ..shared import urls
from ..ui import score_charts, url_state

_CURVES = ("hit", "majority_vote", "precision", "average_precision")
_KINDS = {
    "SS": "same class, same {site}",
    "SO": "same class, other {site}",
    "OS": "other class, same {site}",
    "OO": "other class, other {site}",
}


def show(opened: Collection, made: Artifact) -> None:
    """The report, and the same as a file to take away."""
    document = read_report(made)
    _headline(document, made)
    results = document["results"]
    if "retrieval" in results:
        _retrieval(results["retrieval"], made.key)
    elif "knn" in results:
        _knn(results, made.key)
    elif "linear" in results:
        _linear(results["linear"], made.key)
    else:
        _leak(document, made.key)
    _mistakes(opened, document, made.key)
    with st.expander("All numbers, and how they were measured", key=f"evaluate/all/{made.key}"):
        st.html(f"<style>{STYLE}</style>{report_details(document)}")
    page = storage.file(made, "report.html").read_bytes()
    name = f"{document['collection']}-{document['protocol']}-{document['columns']['label']}.html"
    st.download_button("Download this report", page, file_name=name, mime="text/html", key="evaluate/download", on_click="ignore")


def _headline(document: dict[str, Any], made: Artifact) -> None:
    value, naive = document["value"], document["naive"]
    with st.container(horizontal=True, gap="large", key="score"):
        with st.container(width="content", gap=None):
            with st.container(key="score-honest"):
                st.markdown(ui.plain(_number(value["value"])))
            st.markdown(ui.plain(f"{_interval(value)} (95 % interval)"))
            st.caption(ui.plain(f"{document['score']} of {document['columns']['label']}"), help=EXPLAINED[document["protocol"]])
        if naive is not None:
            with st.container(width="content", gap=None):
                with st.container(key="score-naive"):
                    st.markdown(ui.plain(_number(naive)))
                st.caption(ui.plain(f"if one {document['columns']['group'] or 'patient'} could be on both sides"))
    about = [ui.encoder_title(document["encoder"]), ui.count(document["rows"], "patch")]
    if document["groups"]:
        about.append(ui.count(document["groups"], ui.column_name(document["columns"]["group"])))
    if document["train"]:
        about.append(f"learnt from {document['train']}")
    st.caption(ui.plain(" · ".join(about)))
    for sentence in document["sentences"]:
        if sentence.startswith("Leak possible"):
            st.warning(ui.plain(sentence))
        else:
            st.markdown(ui.plain(sentence))
    score_charts.score_line(value, beside(document), key=f"evaluate/line/{made.key}")
    if missing := document["anchors_not_there"]:
        st.caption(f"Not measured beside it: {ui.plain(', '.join(ui.encoder_title(name) for name in missing))}.")


def _retrieval(found: dict[str, Any], key: str) -> None:
    last = found["at"][-1]
    left, right = st.columns(2, gap="large")
    with left:
        _bars({name: each["majority_vote"] for name, each in last["per_class"].items()}, key, named=f"by a vote of {last['k']} neighbours")
        st.header("By the number of neighbours", anchor=False)
        series = {MEASURES[name]: [(at["k"], at["scores"][name]) for at in found["at"]] for name in _CURVES}
        naive = [(at["k"], at["naive"]["majority_vote"]) for at in found["at"]]
        quiet = {"MV, nothing kept apart": naive} if found["n_groups"] else {}
        score_charts.curves(series, key=f"evaluate/k/{key}", title="neighbours", chance=last["chance"]["majority_vote"], quiet=quiet)
        apart = f", {ui.count(found['n_groups'])} different kept apart" if found["n_groups"] else ""
        st.caption(f"{ui.count(found['n_queries'])} queries over {ui.count(found['n'], 'patch')}{apart}.")
        if found["n_failures"]:
            st.caption(
                f"{ui.count(found['n_failures'])} of them have fewer than {last['k']} patches to find; what they lack counts as wrong."
            )
    with right:
        _confusion(found["classes"], last["confusion"], key)


def _knn(results: dict[str, Any], key: str) -> None:
    found, shots = results["knn"], results["few_shot"]
    head = found["knn"]["5"]
    left, right = st.columns(2, gap="large")
    with left:
        _bars(head["recall"], key, named="by 5 neighbours")
        st.header("By the number of neighbours", anchor=False)
        naive = results.get("naive", {}).get("knn")
        careless = [(int(k), each["balanced_accuracy"]["value"]) for k, each in naive["knn"].items()] if naive else []
        quiet = {"nothing kept apart": careless} if naive else {}
        points = [(int(k), each["balanced_accuracy"]) for k, each in found["knn"].items()]
        score_charts.curves({"kNN": points}, key=f"evaluate/k/{key}", title="neighbours", chance=found["chance"], quiet=quiet)
        mean = found["prototype"]["balanced_accuracy"]
        st.caption(f"The nearest class mean (SimpleShot) reaches {_number(mean['value'])} ({_interval(mean)}).")
    with right:
        _confusion(found["classes"], head["confusion"], key)
        st.header("From a few examples", anchor=False)
        points = [(each["shots"], each["balanced_accuracy"]) for each in shots["curve"]]
        title = "examples of each class"
        score_charts.curves({"nearest class mean": points}, key=f"evaluate/shots/{key}", title=title, chance=shots["chance"])
        drawn = f"Mean of {shots['protocol']['n_draws']} draws of the examples; whiskers hold 95 % of them. {shots['left_out']}"
        st.caption(ui.plain(drawn))


def _linear(found: dict[str, Any], key: str) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        _bars(found["recall"], key, named="mean of the runs")
        runs = ", ".join(_number(score) for score in found["scores"])
        spread = "" if found["sd"] is None else f", standard deviation {_number(found['sd'])}"
        st.caption(f"Runs: {runs}. Mean {_number(found['mean'])}{spread}. Protocol {ui.plain(found['protocol']['name'])} of eva.")
    with right:
        _confusion(found["classes"], found["confusion"], key)


def _leak(document: dict[str, Any], key: str) -> None:
    found, clusters = document["results"]["leak"], document["results"].get("clusters")
    site = document["columns"]["site"]
    left, right = st.columns(2, gap="large")
    with left:
        st.header("What neighbours and groups follow", anchor=False)
        shown = {"Robustness index": found["robustness"], f"Naming the {site} by neighbours": found["site_accuracy"]}
        if clusters:
            shown |= {
                "Groups agree with the label (ARI)": clusters["ari_label"],
                f"Groups agree with the {site} (ARI)": clusters["ari_site"],
            }
        score_charts.class_bars(shown, key=f"evaluate/leak/{key}", chance=0.5)
        st.caption(
            f"The line is 0.5, where a robustness index is even. Random neighbours would name the {ui.plain(site)} with "
            f"{_number(found['site_accuracy_by_chance'])}."
        )
        if not clusters:
            st.caption("Groups are not there to compare; make them on the page Groups.")
    with right:
        st.header("Neighbours by kind", anchor=False)
        whole = max(1, sum(found["counts"].values()))
        kinds = {words.format(site=site): found["counts"][kind] / whole for kind, words in _KINDS.items()}
        shares = {name: {"value": share, "low": None, "high": None} for name, share in kinds.items()}
        score_charts.class_bars(shares, key=f"evaluate/kinds/{key}")
        st.caption(f"Of {ui.count(whole)} neighbours. The second kind is what one hopes for, the third is a leak.")


def _bars(right: dict[str, Any], key: str, *, named: str) -> None:
    st.header("By class", anchor=False)
    score_charts.class_bars(right, key=f"evaluate/classes/{key}")
    st.caption(f"Share of each class named rightly, {named}, with 95 % intervals.")


def _confusion(classes: list[str], counts: list[list[int]], key: str) -> None:
    st.header("Confusion", anchor=False)
    score_charts.confusion(classes, counts, key=f"evaluate/confusion/{key}")
    st.caption("Patches by what they are (line) and what they were named (column).")


def _mistakes(opened: Collection, document: dict[str, Any], key: str) -> None:
    found = document["mistakes"]
    if not found:
        return
    st.header("Examples that went wrong", anchor=False)
    st.caption("Every confusion in turn, the surest mistake first. Open one to see it large and to search with it.")
    patients = opened.items["patient"]
    cards = [
        widgets.Card(each["row"], "", each["truth"], f"named {each['named'] or 'nothing'}", str(value_of(patients.iloc[each["row"]]) or ""))
        for each in found
        if each["row"] < opened.n
    ]
    seen = widgets.result_grid(f"evaluate/wrong/{key}", cards, thumb=urls.thumb(opened))
    if seen.opened is not None:
        _large(opened, next(each for each in found if each["row"] == seen.opened))


@st.dialog("A patch that went wrong", width="large")
def _large(opened: Collection, wrong: dict[str, Any]) -> None:
    row = wrong["row"]
    widgets.patch("evaluate/large", [ui.picture(opened, row)], height_px=420)
    st.markdown(
        f"It is **{ui.plain(wrong['truth'])}** and was named **{ui.plain(wrong['named'] or 'nothing')}** (by {ui.share(wrong['share'])})."
    )
    with st.container(horizontal=True):
        if st.button("Search with this patch", type="primary", key="wrong/search"):
            url_state.go("search", collection=opened.name, patch=row)
        if st.button("Show on the map", key="wrong/map"):
            url_state.go("map", collection=opened.name, patch=row)
    ui.facts(opened, row, key="wrong")


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f}"


def _interval(estimate: dict[str, Any]) -> str:
    return "" if estimate["low"] is None else f"{_number(estimate['low'])} to {_number(estimate['high'])}"
