import streamlit as st

from explorer.app import ui

st.text(ui.current().name)
