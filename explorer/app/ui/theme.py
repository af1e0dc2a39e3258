"""The look of the pages: a constant style sheet on top of Streamlit's theme."""

import streamlit as st

ACCENT = {"light": "#0b6e75", "dark": "#4fb3ba"}
"""The one accent colour, by theme; ``theme.toml`` names the same ones, and ``web/`` takes them from there."""

_STYLE = """
<style>
:root { --accent: light-dark(LIGHT, DARK); }
[data-testid="stHeader"] { background: transparent; height: 0; min-height: 0; }
[data-testid="stHeader"] [data-testid="stToolbar"] { display: none; }
[data-testid="stMainBlockContainer"] { max-width: 1720px; padding: 1.25rem 2.5rem 4rem; }
[data-testid="stMain"] { font-variant-numeric: tabular-nums; scrollbar-gutter: stable; }
[data-testid="stMain"] h1 { padding: 0.25rem 0 0; letter-spacing: -0.015em; }
[data-testid="stApp"] h2 { font-size: 1.15rem; letter-spacing: -0.01em; padding: 0.5rem 0 0.25rem; }
[data-testid="stMain"] [data-testid="stCaptionContainer"] { line-height: 1.45; color: inherit; opacity: 1; }
[data-testid="stMain"] [data-testid="stCaptionContainer"] p { color: color-mix(in srgb, currentColor 76%, transparent); opacity: 1; }
[data-testid="stMain"] [data-testid="stCaptionContainer"] a { opacity: 1; }
[data-testid="stBaseButton-primary"]:not(:disabled) p { color: light-dark(#ffffff, #0c1415); }

.st-key-top { min-height: 3.6rem; }
.st-key-top { border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); padding-bottom: 0.6rem; margin-bottom: 0.75rem; }
.st-key-top > div:first-child p { font-size: 1.02rem; letter-spacing: -0.01em; margin-right: 1rem; white-space: nowrap; }
.st-key-top [data-testid="stPageLink"] a { padding: 0.3rem 0.7rem; border-radius: 0.375rem; min-height: 2.1rem; }
.st-key-top [data-testid="stPageLink"] a p { font-weight: 500; }
.st-key-top [class*="st-key-here-"] a { box-shadow: inset 0 -2px 0 var(--accent); border-radius: 0; background: none; }
.st-key-top [class*="st-key-here-"] a p { font-weight: 650; }

[class*="st-key-card-"] { gap: 0.5rem; }
[class*="st-key-card-"] img { border-radius: 4px; }
[data-testid="stPageLink"]:not(.st-key-top *) a { padding: 0.15rem 0.55rem 0.15rem 0; }
[data-testid="stPageLink"]:not(.st-key-top *) p { color: var(--accent); font-weight: 500; }
[class*="st-key-way-"] { height: 100%; }

[class*="st-key-figure-"] p { font-size: 1.6rem; font-weight: 600; line-height: 1.2; letter-spacing: -0.02em; }
[class*="st-key-score-"] p { font-size: 3.2rem; font-weight: 600; line-height: 1.1; letter-spacing: -0.03em; }
.st-key-score-naive p { font-weight: 400; color: color-mix(in srgb, currentColor 55%, transparent); }
.st-key-site-bias { gap: 0 1rem; }
.st-key-site-bias p { font-size: 0.87rem; line-height: 1.4; }
[class*="st-key-facts-"] [data-testid="stMarkdownContainer"] p { font-size: 0.87rem; line-height: 1.5; }
[data-testid="stText"] { font-family: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }
</style>
"""


def apply() -> None:
    """Add the style sheet to the page."""
    st.html(_STYLE.replace("LIGHT", ACCENT["light"]).replace("DARK", ACCENT["dark"]))


def is_dark() -> bool:
    """True if the user sees the dark theme."""
    return st.context.theme.type == "dark"


def accent(opacity: float = 1.0) -> str:
    """The accent colour of the present theme, for charts."""
    colour = ACCENT["dark" if is_dark() else "light"]
    red, green, blue = bytes.fromhex(colour[1:])
    return colour if opacity == 1.0 else f"rgba({red}, {green}, {blue}, {opacity})"
