"""The collections that are there."""

import streamlit as st

from explorer.app import state

st.title("Library")
for opened in state.collections():
    st.text(f"{opened.name}: {opened.n} patches")
