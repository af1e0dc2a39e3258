"""The page of the harness: one widget, chosen by the address, and what Python makes of it as text."""

import streamlit as st
from browser import data

from explorer.app import widgets
from explorer.app.shared import point_buffers, selections, urls

st.set_page_config(layout="wide", page_title="harness")
ask = st.query_params
api = urls.api()
thumb = api + "/thumb/{row}.jpg"


def legend(name: str, n: int) -> dict:
    return {**data.column(name, n).legend, "url": f"{api}/column/{name}-{n}.bin"}


def show_map() -> None:
    n = int(ask.get("n", "2000"))
    name = st.session_state.get("colour", ask.get("column", "tissue"))
    if ask.get("group") and "map/memory" not in st.session_state:
        widgets.set_map_state("map", shapes=[selections.Shape("replace", classes=(int(ask["group"]),), column="tissue")])
    state = widgets.map_state("map")
    named = {shape.column for shape in state.shapes if shape.column}
    mark = None if state.picked is None else widgets.Mark(state.picked, data.neighbours(state.picked, n))
    seen = widgets.map_view(
        "map",
        widgets.MapData(
            points=f"{api}/points/{n}.bin",
            thumb=thumb,
            rows=api + "/rows/{row}.json",
            column=legend(name, n),
            columns={other: legend(other, n) for other in named},
            title="UMAP, 15 neighbours",
            medoids=data.medoids(n) if "medoids" in ask else (),
            mark=mark,
            query=widgets.Query(2.0, 1.0, hits=data.neighbours(0, n)) if "query" in ask else None,
        ),
    )
    codes = {shape.column: point_buffers.codes_of(data.column(shape.column, n)) for shape in seen.shapes if shape.column}
    chosen = selections.select(seen.shapes, point_buffers.drawn_points(data.point_buffer(n)), codes)
    st.text(f"PICKED {seen.picked} SELECTED {int(chosen.sum())} SHAPES {len(seen.shapes)} OPENED {seen.opened}")
    st.text(f"ROWSUM {int(chosen.nonzero()[0].sum())}")


@st.fragment
def map_page() -> None:
    show_map()


def grid_page() -> None:
    cards = [
        widgets.Card(row, f"{1 - row / 100:.2f}", data.HOSTILE if row == 1 else "stroma", f"P{row % 7}", f"slide {row % 5}")
        for row in range(int(ask.get("k", "48")))
    ]
    seen = widgets.result_grid("grid", cards, thumb=thumb, feedback=True, choosing=True)
    st.text(f"LIKED {dict(sorted(seen.liked.items()))} CHOSEN {sorted(seen.chosen)} OPENED {seen.opened}")


def crop_page() -> None:
    box = widgets.crop("crop", f"{api}/patch/3.jpg", alt="The query", side_px=(2000, 2000))
    st.text("BOX " + ("whole" if box is None else " ".join(f"{edge:.3f}" for edge in box)))


def upload_page() -> None:
    seen = widgets.upload("upload", url=f"{api}/uploads", paste=True, max_bytes=2_000_000, words="Drop patches, a folder or a zip here")
    st.text(f"UPLOAD {seen}")


def patch_page() -> None:
    pictures = [
        widgets.Picture(f"{api}/patch/3.jpg", "The query", None if "unknown" in ask else 0.25, (1024, 1024)),
        widgets.Picture(f"{api}/patch/9.jpg", data.HOSTILE, 0.5, (512, 512)),
    ]
    widgets.patch("patch", pictures[: int(ask.get("k", "2"))])


def plotly_page() -> None:
    """The same points in Streamlit's own chart: the peer of the benchmark."""
    import plotly.express as px

    n = int(ask.get("n", "2000"))
    xy = data.positions(n)
    figure = px.scatter(x=xy[:, 0], y=xy[:, 1], color=data.clouds(n).astype(str), custom_data=[range(n)], render_mode="webgl", height=560)
    event = st.plotly_chart(figure, on_select="rerun", selection_mode=("points", "lasso"), key="chart")
    st.text(f"SELECTED {len(event['selection']['points'])} SHAPES 0")


PAGES = {"plotly": plotly_page, "map": map_page, "grid": grid_page, "crop": crop_page, "upload": upload_page, "patch": patch_page}
shown = ask.get("show", "map")
if shown == "map":
    st.button("another widget")
    if st.button("colour by stain"):
        st.session_state["colour"] = "stain"
    if st.toggle("away"):
        shown = "grid"
PAGES[shown]()
